// Assembles the frames of one direction of a WebSocket into messages (RFC 6455 section 5.4), and separates control
// frames.
import { isUtf8 } from "node:buffer";
import { HeldBytes, type MemoryBudget } from "../body/held-bytes.ts";
import { protocolFault } from "../wire/fault.ts";
import {
	CLOSE,
	CONTINUATION,
	type FrameHandler,
	type FrameHead,
	FrameReader,
	INVALID_DATA,
	isCloseCode,
	TOO_BIG,
	WebSocketFault,
} from "./frame.ts";

/** A text or binary message before it is decoded. */
export interface RawMessage {
	/** 1 text, 2 binary. */
	opcode: number;
	/** Whether the payload is compressed (RFC 7692). */
	compressed: boolean;
	/** Empty if messages are not kept. */
	payload: HeldBytes;
	/**
	 * The payload sizes of the first NOTED_FRAGMENTS frames; one for an unfragmented message. Empty if messages are not
	 * kept.
	 */
	fragments: number[];
}

export interface MessageEvents {
	message(message: RawMessage): void;
	/** A close, ping or pong frame. */
	control(opcode: number, payload: Buffer): void;
}

/** Most frames of a message whose sizes are kept. */
const NOTED_FRAGMENTS = 65_536;
/**
 * Messages are kept whole, compressed or not, so a longer message is an error. SQLite copies a message up to three
 * times while it stores it. Bytes.
 */
export const MESSAGE_LIMIT = 64 * 1024 * 1024;

/** The rules for one side of a WebSocket. */
export interface Rules {
	/** Whether its frames must be masked: a client's must, a server's must not (RFC 6455 section 5.1). */
	masked: boolean;
	/** Whether compression was negotiated: then the first frame of a message may be marked as compressed. */
	compresses: boolean;
}

function checkFrame({ opcode, rsv1, mask }: FrameHead, { masked, compresses }: Rules): void {
	if ((mask !== null) !== masked)
		throw protocolFault(
			"WebSocket frame",
			masked ? "a masked payload" : "a payload that is not masked",
			"the opposite",
		);
	if (rsv1 && (!compresses || opcode === CONTINUATION || opcode >= CLOSE))
		throw protocolFault(
			"WebSocket frame",
			"no reserved bits but for the compression that was agreed on",
			`opcode ${opcode}`,
		);
}

function checkClose(payload: Buffer): void {
	if (payload.length === 0) return;
	if (payload.length < 2 || !isCloseCode(payload.readUInt16BE(0)))
		throw protocolFault("WebSocket close", "a code that may be sent", payload.subarray(0, 2).latin1Slice());
	if (!isUtf8(payload.subarray(2)))
		throw new WebSocketFault(INVALID_DATA, "WebSocket close: expected a reason in UTF-8");
}

/** A message whose last frame has not arrived yet. */
interface Unfinished extends RawMessage {
	size: number;
}

/** The budget of readers that keep no messages. */
const NO_BUDGET: MemoryBudget = { countWaiting() {}, isFull: false };

export class MessageReader implements FrameHandler {
	readonly #events: MessageEvents;
	readonly #rules: Rules | null;
	readonly #frames = new FrameReader(this);
	readonly #budget: MemoryBudget | null;
	#message: Unfinished | null = null;
	#isWithinFrame = false;
	#control: Buffer[] = [];

	/**
	 * @param rules a frame that violates these is an error; null: everything that can be parsed is accepted
	 * @param budget limits the memory of messages; null: only the payloads of control frames are kept
	 */
	constructor(events: MessageEvents, rules: Rules | null, budget: MemoryBudget | null) {
		this.#events = events;
		this.#budget = budget;
		this.#rules = rules;
	}

	/** Whether it is between two messages, so that another one can be injected. */
	get idle(): boolean {
		return this.#message === null && this.#frames.idle;
	}

	/** @throws FlowtapeError FT_PROTOCOL; do not feed more bytes after it */
	feed(chunk: Buffer): void {
		this.#frames.feed(chunk);
	}

	/** Drops an incomplete message. Call when no more bytes will arrive. */
	discard(): void {
		this.#message?.payload.clear();
		this.#message = null;
	}

	piece(head: FrameHead, payload: Buffer, last: boolean): void {
		if (this.#rules !== null) checkFrame(head, this.#rules);
		if (head.opcode >= CLOSE) this.#controlPiece(head, payload, last);
		else this.#messagePiece(head, payload, last);
	}

	#controlPiece({ opcode }: FrameHead, payload: Buffer, last: boolean): void {
		this.#control.push(payload);
		if (!last) return;
		const whole = Buffer.concat(this.#control);
		this.#control = [];
		if (this.#rules !== null && opcode === CLOSE) checkClose(whole);
		this.#events.control(opcode, whole);
	}

	#messagePiece(head: FrameHead, payload: Buffer, last: boolean): void {
		const message = this.#isWithinFrame && this.#message !== null ? this.#message : this.#beginFrame(head);
		this.#isWithinFrame = !last;
		message.size += payload.length;
		if (message.size > MESSAGE_LIMIT)
			throw new WebSocketFault(TOO_BIG, `WebSocket message: expected at most ${MESSAGE_LIMIT} bytes, found more`);
		if (this.#budget !== null && payload.length > 0) message.payload.add(payload);
		if (!last || !head.fin) return;
		this.#message = null;
		this.#events.message(message);
	}

	#beginFrame({ opcode, rsv1, length }: FrameHead): Unfinished {
		if ((opcode === CONTINUATION) === (this.#message === null))
			throw protocolFault(
				"WebSocket message",
				this.#message === null ? "its first frame" : "a continuation",
				`opcode ${opcode}`,
			);
		this.#message ??= {
			opcode,
			compressed: rsv1,
			payload: new HeldBytes(this.#budget ?? NO_BUDGET),
			size: 0,
			fragments: [],
		};
		if (this.#budget !== null && this.#message.fragments.length < NOTED_FRAGMENTS) this.#message.fragments.push(length);
		return this.#message;
	}
}

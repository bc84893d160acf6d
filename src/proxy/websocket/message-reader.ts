// Frames → messages of one direction of a WebSocket (RFC 6455 section 5.4): fragments put together, control frames apart.
import { isUtf8 } from "node:buffer";
import { Pieces } from "../body/pieces.ts";
import { protocolFault } from "../wire/fault.ts";
import { CLOSE, CONTINUATION, type FrameHandler, type FrameHead, FrameReader, INVALID_DATA, isCloseCode, TOO_BIG, WebSocketFault } from "./frame.ts";

/** A text or binary message as it was sent. */
export interface RawMessage {
	/** 1 text, 2 binary. */
	opcode: number;
	/** Whether the payload is compressed (RFC 7692). */
	compressed: boolean;
	payload: Buffer;
	/** The sizes of its frames, as far as they are noted; one that came whole has one. */
	fragments: number[];
}

export interface MessageEvents {
	message(message: RawMessage): void;
	/** A close, ping or pong. */
	control(opcode: number, payload: Buffer): void;
}

/** Frames of one message whose sizes are noted. */
const NOTED_FRAGMENTS = 65_536;
/** A message is kept as a whole; a longer one is a fault. Bytes. */
const MESSAGE_LIMIT = 256 * 1024 * 1024;

/** What one side of a WebSocket has to keep to. */
export interface Rules {
	/** Whether its frames are masked: a client's are, a server's are not (RFC 6455 section 5.1). */
	masked: boolean;
	/** Whether compression was agreed on: then the first frame of a message may say that it is compressed. */
	compresses: boolean;
}

function checkFrame({ opcode, rsv1, mask }: FrameHead, { masked, compresses }: Rules): void {
	if ((mask !== null) !== masked) throw protocolFault("WebSocket frame", masked ? "a masked payload" : "a payload that is not masked", "the opposite");
	if (rsv1 && (!compresses || opcode === CONTINUATION || opcode >= CLOSE))
		throw protocolFault("WebSocket frame", "no reserved bits but for the compression that was agreed on", `opcode ${opcode}`);
}

function checkClose(payload: Buffer): void {
	if (payload.length === 0) return;
	if (payload.length < 2 || !isCloseCode(payload.readUInt16BE(0)))
		throw protocolFault("WebSocket close", "a code that may be sent", payload.subarray(0, 2).latin1Slice());
	if (!isUtf8(payload.subarray(2))) throw new WebSocketFault(INVALID_DATA, "WebSocket close: expected a reason in UTF-8");
}

/** A message whose last frame has not come yet. */
interface Unfinished extends Omit<RawMessage, "payload"> {
	/** Many small ones take the memory of their bytes. */
	pieces: Pieces;
	size: number;
}

export class MessageReader implements FrameHandler {
	readonly #events: MessageEvents;
	readonly #rules: Rules | null;
	readonly #frames = new FrameReader(this);
	readonly #keeps: boolean;
	#message: Unfinished | null = null;
	#isWithinFrame = false;
	#control: Buffer[] = [];

	/**
	 * @param rules what is read has to keep to them; null: it is read as far as it can be
	 * @param keeps whether the payloads of messages are wanted; else they are empty, and of control frames alone they are told
	 */
	constructor(events: MessageEvents, rules: Rules | null = null, keeps = true) {
		this.#events = events;
		this.#keeps = keeps;
		this.#rules = rules;
	}

	/** Between two messages: the place for one more. */
	get idle(): boolean {
		return this.#message === null && this.#frames.idle;
	}

	/** Throws `FT_PROTOCOL`; nothing can be fed after that. */
	feed(chunk: Buffer): void {
		this.#frames.feed(chunk);
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
		if (message.size > MESSAGE_LIMIT) throw new WebSocketFault(TOO_BIG, `WebSocket message: expected at most ${MESSAGE_LIMIT} bytes, found more`);
		if (this.#keeps && payload.length > 0) message.pieces.add(payload);
		if (!last || !head.fin) return;
		const { opcode, compressed, pieces, fragments } = message;
		this.#message = null;
		this.#events.message({ opcode, compressed, fragments, payload: pieces.joined() });
	}

	#beginFrame({ opcode, rsv1, length }: FrameHead): Unfinished {
		if ((opcode === CONTINUATION) === (this.#message === null))
			throw protocolFault("WebSocket message", this.#message === null ? "its first frame" : "a continuation", `opcode ${opcode}`);
		this.#message ??= { opcode, compressed: rsv1, pieces: new Pieces(), size: 0, fragments: [] };
		if (this.#keeps && this.#message.fragments.length < NOTED_FRAGMENTS) this.#message.fragments.push(length);
		return this.#message;
	}
}

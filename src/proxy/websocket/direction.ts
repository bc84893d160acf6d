// One direction of a WebSocket: relays or holds its bytes, reports its messages in order, and injects other messages.
import { isUtf8 } from "node:buffer";
import { now } from "../../clock.ts";
import type { WebSocketMessage } from "../../flow/flow.ts";
import { schedule } from "../../flow/scheduler.ts";
import { collectTransientBuffers } from "../../flow/young-buffers.ts";
import { after, type MaybeAsync } from "../../maybe-async.ts";
import { HeldBytes, type MemoryBudget } from "../body/held-bytes.ts";
import type { SocketPipe } from "../tcp/relay.ts";
import { protocolFault } from "../wire/fault.ts";
import { admit, release } from "./admission.ts";
import { type Compression, Deflater, Inflater } from "./deflate.ts";
import {
	CLOSE,
	CONTINUATION,
	type FrameStart,
	frameSlices,
	INVALID_DATA,
	TEXT,
	WebSocketFault,
	writeFrame,
} from "./frame.ts";
import { MESSAGE_LIMIT, type MessageEvents, MessageReader, type RawMessage } from "./message-reader.ts";

export interface DirectionEvents {
	/** Reports a message. Hooks may change or drop it until the promise resolves. */
	message(message: WebSocketMessage): MaybeAsync;
	/** Reports a close frame. */
	closing(fromClient: boolean, payload: Buffer): void;
	/**
	 * The bytes violate the protocol. Nothing more of this direction is reported, and nothing more is forwarded if
	 * messages are held.
	 */
	unreadable(error: unknown, fromClient: boolean): void;
}

/** Most messages, and most of their bytes, that hooks process before the sender has to wait. */
const MAX_MESSAGES_AHEAD = 16;
const MAX_BYTES_AHEAD = 64 * 1024;
/** Messages that are larger, or may inflate to more, pass one by one. Bytes. */
const LARGE = 256 * 1024;
/** The most that one deflated byte can inflate to. Bytes. */
const LARGEST_RATIO = 1032;
/** Payload size of the frames of a fragmented message whose length has changed. Bytes. */
const FRAGMENT = 4000;

export interface DirectionParts {
	holds: boolean;
	budget: MemoryBudget;
	compression: Compression | null;
}

export class Direction implements MessageEvents {
	readonly #events: DirectionEvents;
	readonly #pipe: SocketPipe;
	/** Whether messages pass only after they were reported. */
	readonly #holds: boolean;
	/** Limits the memory of incomplete messages, and of messages that the receiver does not accept yet. */
	readonly #budget: MemoryBudget;
	readonly #reader: MessageReader;
	readonly #inflater: Inflater | null;
	readonly #deflater: Deflater | null;
	#isReadable = true;
	/** Resolves when all queued work is done; null: there is none. */
	#queue: Promise<void> | null = null;
	#pending = 0;
	#pendingBytes = 0;
	#isHolding = false;
	/** Messages to inject between two others. */
	#injected: { opcode: number; content: Buffer }[] = [];

	constructor(events: DirectionEvents, pipe: SocketPipe, { holds, budget, compression }: DirectionParts) {
		this.#events = events;
		this.#pipe = pipe;
		this.#holds = holds;
		this.#budget = budget;
		this.#reader = new MessageReader(
			this,
			holds ? { masked: pipe.fromClient, compresses: compression !== null } : null,
			budget,
		);
		this.#inflater = compression && new Inflater(compression);
		this.#deflater = holds ? compression && new Deflater(compression) : null;
	}

	feed(bytes: Buffer): void {
		if (!this.#holds) this.#pipe.write(bytes);
		if (!this.#isReadable) return;
		try {
			this.#reader.feed(bytes);
		} catch (error) {
			this.#isReadable = false;
			// Earlier messages are handled first.
			this.#enqueue(() => this.#fail(error));
		}
		this.#inject();
	}

	/** Injects a message as soon as the receiver is between two messages. */
	inject(opcode: number, content: Buffer): void {
		this.#injected.push({ opcode, content });
		this.#inject();
	}

	/** Ends the conversation with the receiver by a close frame of our own, after all queued work. */
	close(payload: Buffer): void {
		this.#isReadable = false;
		this.#enqueue(() => {
			this.#send({ opcode: CLOSE }, payload);
			this.#pipe.end();
		});
	}

	/** The sender has ended: ends the receiver after all queued work. */
	end(): void {
		this.#enqueue(() => this.#pipe.end());
	}

	/** Call once no more bytes will arrive. Resolves when all queued work is done. */
	async settled(): Promise<void> {
		this.#isReadable = false;
		this.#reader.discard();
		while (this.#queue !== null) await this.#queue;
	}

	// — called by the reader —

	message(raw: RawMessage): void {
		const at = now();
		const weight = weightOf(raw);
		const work = () => (weight > LARGE ? this.#passLarge(raw, at, weight) : this.#pass(raw, at));
		this.#enqueue(work, raw.payload.size);
	}

	control(opcode: number, payload: Buffer): void {
		this.#enqueue(() => {
			if (opcode === CLOSE) this.#events.closing(this.#pipe.fromClient, payload);
			if (this.#holds) this.#send({ opcode }, payload);
		});
	}

	// —

	#pass(raw: RawMessage, at: number): MaybeAsync {
		const message = this.#read(raw, at);
		const wait = this.#events.message(message);
		if (!this.#holds) return wait;
		return after(wait, () => {
			if (message.dropped) return;
			for (const { start, payload } of this.#framesOf(message, raw)) this.#send(start, payload);
		});
	}

	/** As `#pass`, but waits for the message's turn. The message is in memory only while hooks process it. */
	async #passLarge(raw: RawMessage, at: number, weight: number): Promise<void> {
		let admitted = this.#holds ? weight : 0;
		if (this.#holds) await admit(admitted);
		const sent = new HeldBytes(this.#budget);
		try {
			const look = () => {
				const message = this.#read(raw, at);
				return { message, wait: this.#events.message(message) };
			};
			const { message, wait } = await schedule(() => weight, look);
			collectTransientBuffers(2 * message.content.length);
			if (!this.#holds) return wait;
			release(admitted - message.content.length);
			admitted = message.content.length;
			await wait;
			if (!message.dropped) this.#hold(message, raw, sent);
		} finally {
			if (this.#holds) release(admitted);
		}
		await this.#sendSlowly(sent);
	}

	/** @throws FlowtapeError if the message is malformed */
	#read(raw: RawMessage, timestamp: number): WebSocketMessage {
		const payload = raw.payload.take();
		if (raw.compressed && this.#inflater === null)
			throw protocolFault("WebSocket message", "no compression, as agreed", "a compressed one");
		const content = raw.compressed && this.#inflater !== null ? this.#inflater.inflate(payload) : payload;
		if (this.#holds && raw.opcode === TEXT && !isUtf8(content))
			throw new WebSocketFault(INVALID_DATA, "WebSocket message: expected text in UTF-8");
		return {
			opcode: raw.opcode,
			fromClient: this.#pipe.fromClient,
			content,
			timestamp,
			dropped: false,
			injected: false,
		};
	}

	#hold(message: WebSocketMessage, raw: RawMessage, held: HeldBytes): void {
		for (const { start, payload } of this.#framesOf(message, raw))
			for (const slice of frameSlices(start, payload, this.#pipe.fromClient)) held.add(slice);
	}

	/** Sends the bytes in slices, and waits for the receiver after each. */
	async #sendSlowly(held: HeldBytes): Promise<void> {
		for (const slice of held.slices()) {
			this.#pipe.write(slice);
			await this.#pipe.drained();
		}
	}

	/**
	 * The frames in which to send a message. They have the original sizes if the length is unchanged. Otherwise an
	 * unfragmented message stays in one frame, and a fragmented one gets frames of FRAGMENT bytes.
	 */
	*#framesOf(
		{ opcode, content }: WebSocketMessage,
		{ compressed, fragments }: RawMessage,
	): Generator<{ start: FrameStart; payload: Buffer }> {
		const rsv1 = compressed && this.#deflater?.isAble === true;
		const payload = rsv1 ? (this.#deflater as Deflater).deflate(content) : content;
		const total = fragments.reduce((sum, size) => sum + size, 0);
		const sizes =
			total === payload.length ? fragments : fragments.length === 1 ? [payload.length] : evenly(payload.length);
		let at = 0;
		for (const [i, size] of sizes.entries()) {
			const isFirst = i === 0;
			yield {
				start: { opcode: isFirst ? opcode : CONTINUATION, rsv1: isFirst && rsv1, fin: i === sizes.length - 1 },
				payload: payload.subarray(at, at + size),
			};
			at += size;
		}
	}

	#send(start: FrameStart, payload: Buffer): void {
		this.#pipe.write(writeFrame(start, payload, this.#pipe.fromClient));
	}

	#inject(): void {
		if (this.#injected.length === 0 || !(this.#holds || this.#reader.idle)) return;
		const injected = this.#injected;
		this.#injected = [];
		for (const { opcode, content } of injected) {
			const message = {
				opcode,
				fromClient: this.#pipe.fromClient,
				content,
				timestamp: now(),
				dropped: false,
				injected: true,
			};
			// Sent uncompressed, so that the compression windows of both sides do not change.
			const send = (): void => {
				if (!message.dropped) this.#send({ opcode }, message.content);
			};
			if (!this.#holds) send();
			this.#enqueue(() => {
				const wait = this.#events.message(message);
				return this.#holds ? after(wait, send) : wait;
			});
		}
	}

	/** Runs work in order, or at once if none is queued. `bytes`: the size of the message that it holds. */
	#enqueue(work: () => MaybeAsync, bytes = 0): void {
		if (this.#queue === null) {
			const wait = this.#attempt(work);
			if (wait !== undefined) this.#follow(wait, bytes);
		} else
			this.#follow(
				this.#queue.then(() => this.#attempt(work)),
				bytes,
			);
	}

	#attempt(work: () => MaybeAsync): MaybeAsync {
		try {
			return work()?.catch((error: unknown) => this.#fail(error));
		} catch (error) {
			this.#fail(error);
		}
	}

	#follow(wait: Promise<void>, bytes: number): void {
		this.#count(1, bytes);
		const queue = wait.then(() => {
			this.#count(-1, -bytes);
			if (this.#queue === queue) this.#queue = null;
		});
		this.#queue = queue;
	}

	#count(messages: number, bytes: number): void {
		this.#pending += messages;
		this.#pendingBytes += bytes;
		const holds = this.#pending >= MAX_MESSAGES_AHEAD || this.#pendingBytes >= MAX_BYTES_AHEAD;
		if (holds === this.#isHolding) return;
		this.#isHolding = holds;
		if (holds) this.#pipe.pause();
		else this.#pipe.resume();
	}

	#fail(error: unknown): void {
		this.#isReadable = false;
		this.#events.unreadable(error, this.#pipe.fromClient);
	}
}

function evenly(length: number): number[] {
	return Array.from({ length: Math.max(1, Math.ceil(length / FRAGMENT)) }, (_, i) =>
		Math.min(FRAGMENT, length - i * FRAGMENT),
	);
}

/** How much memory a message may take. Bytes. */
function weightOf({ compressed, payload }: RawMessage): number {
	return compressed ? Math.min(MESSAGE_LIMIT, payload.size * LARGEST_RATIO) : payload.size;
}

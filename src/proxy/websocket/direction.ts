// One direction of a WebSocket: bytes pass or are held, messages are read, decoded and told in their order, others are put in between.
import { isUtf8 } from "node:buffer";
import { now } from "../../clock.ts";
import type { WebSocketMessage } from "../../flow/flow.ts";
import { collectTransientBuffers } from "../../flow/young-buffers.ts";
import type { Way } from "../tcp/relay.ts";
import { protocolFault } from "../wire/fault.ts";
import { type Compression, Deflater, Inflater } from "./deflate.ts";
import { CLOSE, CONTINUATION, INVALID_DATA, TEXT, WebSocketFault, writeFrame } from "./frame.ts";
import { type MessageEvents, MessageReader, type RawMessage } from "./message-reader.ts";

export interface DirectionEvents {
	/** A message, which hooks may change or drop until the promise resolves. */
	message(message: WebSocketMessage): void | Promise<void>;
	/** A close frame. */
	closing(fromClient: boolean, payload: Buffer): void;
	/** The bytes break the rules; nothing more is told of this direction, and where messages are held nothing more of it passes. */
	unreadable(error: unknown, fromClient: boolean): void;
}

/** Messages under way in hooks before the sender has to wait. */
const AHEAD = 16;
/** Inflating what becomes so large takes its time. Bytes. */
const LARGE = 256 * 1024;
/** Frames of a message whose own no longer fit. Bytes. */
const FRAGMENT = 4000;

export class Direction implements MessageEvents {
	readonly #events: DirectionEvents;
	readonly #way: Way;
	/** Messages pass only when they have been told. */
	readonly #holds: boolean;
	readonly #reader: MessageReader;
	readonly #inflater: Inflater | null;
	readonly #deflater: Deflater | null;
	#isReadable = true;
	/** What is under way, in order; null: nothing. */
	#queue: Promise<void> | null = null;
	#pending = 0;
	/** What waits for a place between two messages. */
	#injected: { opcode: number; content: Buffer }[] = [];

	constructor(events: DirectionEvents, way: Way, holds: boolean, compression: Compression | null) {
		this.#events = events;
		this.#way = way;
		this.#holds = holds;
		this.#reader = new MessageReader(this, holds ? { masked: way.fromClient, compresses: compression !== null } : null);
		this.#inflater = compression && new Inflater(compression);
		this.#deflater = holds ? compression && new Deflater(compression) : null;
	}

	feed(bytes: Buffer): void {
		if (!this.#holds) this.#way.write(bytes);
		if (!this.#isReadable) return;
		try {
			this.#reader.feed(bytes);
		} catch (error) {
			this.#isReadable = false;
			// What came before it passes first.
			this.#enqueue(() => this.#fail(error));
		}
		this.#inject();
	}

	/** A message of our own, put in as soon as there is a place for it. */
	inject(opcode: number, content: Buffer): void {
		this.#injected.push({ opcode, content });
		this.#inject();
	}

	/** Ends the conversation towards the receiver, behind what is under way: with a close frame of our own. */
	close(payload: Buffer): void {
		this.#isReadable = false;
		this.#enqueue(() => {
			this.#send({ opcode: CLOSE }, payload);
			this.#way.end();
		});
	}

	/** The sender is done: the other side may know when all has been passed on. */
	end(): void {
		this.#enqueue(() => this.#way.end());
	}

	/** Resolves when nothing is under way any more. */
	async settled(): Promise<void> {
		while (this.#queue !== null) await this.#queue;
	}

	// — what the reader tells —

	message(raw: RawMessage): void {
		const at = now();
		this.#enqueue(() => this.#pass(raw, at));
	}

	control(opcode: number, payload: Buffer): void {
		this.#enqueue(() => {
			if (opcode === CLOSE) this.#events.closing(this.#way.fromClient, payload);
			if (this.#holds) this.#send({ opcode }, payload);
		});
	}

	// —

	#pass(raw: RawMessage, at: number): void | Promise<void> {
		if (raw.compressed && this.#inflater === null) throw protocolFault("WebSocket message", "no compression, as agreed", "a compressed one");
		const content = raw.compressed && this.#inflater !== null ? this.#inflater.inflate(raw.payload) : raw.payload;
		if (this.#holds && raw.opcode === TEXT && !isUtf8(content)) throw new WebSocketFault(INVALID_DATA, "WebSocket message: expected text in UTF-8");
		const told = this.#tell(raw, content, at);
		if (content.length < LARGE || !raw.compressed) return told;
		// what nobody needs any more is collected, and others have their turn before the next one is inflated
		collectTransientBuffers(2 * content.length);
		return Promise.resolve(told).then(() => new Promise((resolve) => setImmediate(resolve)));
	}

	#tell(raw: RawMessage, content: Buffer, at: number): void | Promise<void> {
		const message = { opcode: raw.opcode, fromClient: this.#way.fromClient, content, timestamp: at, dropped: false, injected: false };
		const wait = this.#events.message(message);
		if (!this.#holds) return wait;
		const pass = () => {
			if (!message.dropped) this.#sendMessage(message, raw);
		};
		return wait === undefined ? pass() : wait.then(pass);
	}

	#sendMessage({ opcode, content }: WebSocketMessage, { compressed, fragments }: RawMessage): void {
		const rsv1 = compressed && this.#deflater?.isAble === true;
		this.#sendFrames(opcode, rsv1, rsv1 ? (this.#deflater as Deflater).deflate(content) : content, fragments);
	}

	/** As many frames as the message came in, where that is possible. */
	#sendFrames(opcode: number, rsv1: boolean, payload: Buffer, fragments: readonly number[]): void {
		const total = fragments.reduce((sum, size) => sum + size, 0);
		const sizes = total === payload.length ? fragments : fragments.length === 1 ? [payload.length] : evenly(payload.length);
		let at = 0;
		for (const [i, size] of sizes.entries()) {
			const isFirst = i === 0;
			this.#send({ opcode: isFirst ? opcode : CONTINUATION, rsv1: isFirst && rsv1, fin: i === sizes.length - 1 }, payload.subarray(at, at + size));
			at += size;
		}
	}

	#send(head: { opcode: number; rsv1?: boolean; fin?: boolean }, payload: Buffer): void {
		this.#way.write(writeFrame(head, payload, this.#way.fromClient));
	}

	#inject(): void {
		if (this.#injected.length === 0 || !(this.#holds || this.#reader.idle)) return;
		const injected = this.#injected;
		this.#injected = [];
		for (const { opcode, content } of injected) {
			const message = { opcode, fromClient: this.#way.fromClient, content, timestamp: now(), dropped: false, injected: true };
			// Not compressed, which leaves the contexts of both sides as they are.
			const send = () => {
				if (!message.dropped) this.#send({ opcode }, message.content);
			};
			if (!this.#holds) send();
			this.#enqueue(() => {
				const wait = this.#events.message(message);
				if (!this.#holds) return wait;
				return wait === undefined ? send() : wait.then(send);
			});
		}
	}

	/** One thing after the other, at once where nothing is under way. */
	#enqueue(work: () => void | Promise<void>): void {
		if (this.#queue === null) {
			const wait = this.#attempt(work);
			if (wait !== undefined) this.#follow(wait);
		} else this.#follow(this.#queue.then(() => this.#attempt(work)));
	}

	#attempt(work: () => void | Promise<void>): void | Promise<void> {
		try {
			return work()?.catch((error: unknown) => this.#fail(error));
		} catch (error) {
			this.#fail(error);
		}
	}

	#follow(wait: Promise<void>): void {
		if (++this.#pending === AHEAD) this.#way.hold();
		const queue = wait.then(() => {
			if (this.#pending-- === AHEAD) this.#way.release();
			if (this.#queue === queue) this.#queue = null;
		});
		this.#queue = queue;
	}

	#fail(error: unknown): void {
		this.#isReadable = false;
		this.#events.unreadable(error, this.#way.fromClient);
	}
}

function evenly(length: number): number[] {
	return Array.from({ length: Math.max(1, Math.ceil(length / FRAGMENT)) }, (_, i) => Math.min(FRAGMENT, length - i * FRAGMENT));
}

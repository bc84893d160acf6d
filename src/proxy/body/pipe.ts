// Forwards the body of one message to its receiver, and keeps the body for the tape.
import { type Body, type BodySource, bodyBytes, bodySlices } from "../../flow/body.ts";
import { asBuffer, type ByteString, NO_BYTES } from "../../flow/bytes.ts";
import type { Headers } from "../../flow/headers.ts";
import { collectTransientBuffers } from "../../flow/young-buffers.ts";
import { type Framing, hasBody } from "../wire/framing.ts";
import { Pieces } from "../wire/pieces.ts";

/**
 * The length of a body to send: the framing as received, or `size` bytes of a complete body.
 * An HTTP/2 body without a length counts as chunked: its DATA frames are chunks, and END_STREAM ends it.
 */
export type BodyLength = { readonly framing: Framing } | { readonly size: number };

/** Whether nothing follows the head: neither bytes nor trailers. `trailers` matter only for a complete body. */
export function isEmptyBody(body: BodyLength, trailers: Headers | null): boolean {
	return "size" in body ? body.size === 0 && !trailers?.size : !hasBody(body.framing);
}

/** A streamed body is kept in memory up to this size; a larger one goes to the spool. Bytes. */
const MEMORY_BYTES = 1024 * 1024;
/** A body up to this size is written at once, even to a slow receiver. Bytes. */
const SINGLE_WRITE_BYTES = 64 * 1024;
/** Most bytes that are written to one receiver in one turn of the event loop. */
const TURN_BYTES = 1024 * 1024;
/** The spool is written in parts of at least this size. Bytes. */
const SPOOLED_BYTES = 64 * 1024;

/**
 * Writes the body of one message to its receiver, in the receiver's version of HTTP. The head has been written already.
 */
export interface BodyWriter {
	/** Whether the writer discards the body, because the message consists of a head only. */
	readonly discardsBody?: boolean;
	/**
	 * Whether the receiver accepts more now. If not, the writer's owner calls `BodyPipe.resume` when it does. Absent: it
	 * always does.
	 */
	acceptsMore?(): boolean;
	write(chunk: Buffer): void;
	/** The body is complete. */
	end(trailers: readonly ByteString[] | null): void;
}

/** Transforms each chunk of a body. Called with an empty chunk after the last one. */
export type Transform = (chunk: Buffer) => Uint8Array | Iterable<Uint8Array>;

/** Stores a body outside memory as it arrives. */
export interface Spool {
	write(chunk: Buffer): void;
	/** Ends writing. Returns the whole body; null if it was lost. */
	end(): BodySource | null;
}

/** How to stream a body. */
export interface StreamOptions {
	/** Whether to keep it for the tape. */
	keep: boolean;
	/** Opens a spool for a body that is too large for memory; null: there is none. */
	openSpool: () => Spool | null;
	transform: Transform | null;
	/** The body is forwarded only when it is complete, but must not stay in memory until then. */
	isHeldBack?: boolean;
	/** Whether memory is short: then the spool is used earlier. */
	isShort?: () => boolean;
}

/**
 * Receives a body in chunks. Until `open` is called, it only keeps them; from then on, it writes them to a writer, the
 * earlier ones first. Unless the body is streamed, `open` can be called again to send it to another writer.
 */
export class BodyPipe {
	/** The part in memory; with a spool, the part not written to the spool yet. */
	readonly #pieces = new Pieces();
	/** Bytes received so far. */
	size = 0;
	#writer: BodyWriter | null = null;
	#ended = false;
	#trailers: readonly ByteString[] | null = null;
	/** How the body is streamed; null: the body is held until it is complete. */
	#streaming: StreamOptions | null = null;
	#spool: Spool | null = null;
	/** The result of the spool; undefined if there is no spool, or it is still being written. */
	#spooled: Body | undefined;
	/** A body outside memory that replaces the one received. */
	#source: BodySource | null = null;
	/**
	 * The bytes still to be written: pieces that were there at `open`, and chunks that have arrived since. null:
	 * everything is written.
	 */
	#backlog: { pieces: Iterator<Buffer>; late: Buffer[] } | null = null;
	#isYielding = false;
	/** Called when everything that has arrived so far is written to a slow receiver. */
	onCaughtUp: (() => void) | null = null;
	/** Called in place of `onCaughtUp` if the rest of the body cannot be read. */
	onBroken: ((error: unknown) => void) | null = null;

	/** Whether bytes wait for the receiver to accept them. */
	get isBehind(): boolean {
		return this.#backlog !== null;
	}

	/** Whether the body is complete and written. */
	get isSent(): boolean {
		return this.#ended && this.#backlog === null;
	}

	/** Whether the body is complete. */
	get ended(): boolean {
		return this.#ended;
	}

	/** Whether it can be sent again from the start. */
	get isReplayable(): boolean {
		return this.#streaming === null || this.size === 0;
	}

	/** Streams the body from now on: chunks are dropped from memory, or moved to the spool, once they are written. */
	startStreaming(options: StreamOptions): void {
		this.#streaming = options;
		if (options.isHeldBack) this.#freeMemory(options);
	}

	push(chunk: Buffer): void {
		if (this.#streaming?.transform == null) this.#accept(chunk);
		else for (const part of partsOf(this.#streaming.transform(chunk))) this.#accept(part);
	}

	/** The body is complete. */
	end(trailers: readonly ByteString[] | null): void {
		if (this.#streaming?.transform != null)
			for (const part of partsOf(this.#streaming.transform(NO_BYTES))) this.#accept(part);
		this.#ended = true;
		this.#trailers = trailers;
		if (this.#backlog === null) this.#writer?.end(trailers);
	}

	#accept(chunk: Buffer): void {
		this.size += chunk.length;
		if (this.#streaming !== null) collectTransientBuffers(chunk.length);
		if (this.#backlog !== null) this.#backlog.late.push(chunk);
		else this.#writer?.write(chunk);
		this.#keep(chunk);
	}

	#keep(chunk: Buffer): void {
		this.#pieces.add(chunk);
		if (this.#spool !== null) {
			if (this.#pieces.size >= SPOOLED_BYTES) this.#writeSpool(this.#spool);
		} else if (this.#streaming !== null && (this.#writer !== null || this.#streaming.isHeldBack))
			this.#freeMemory(this.#streaming);
	}

	#writeSpool(spool: Spool): void {
		for (const piece of this.#pieces.list) spool.write(piece);
		this.#pieces.clear();
	}

	/** Drops the part in memory, or moves it to the spool. */
	#freeMemory({ keep, openSpool, isShort }: StreamOptions): void {
		if (!keep) this.#pieces.clear();
		else if (this.#pieces.size > MEMORY_BYTES || (this.#pieces.size > SPOOLED_BYTES && isShort?.())) {
			this.#spool = openSpool();
			if (this.#spool !== null) this.#writeSpool(this.#spool);
		}
	}

	/** Replaces the body received so far with a complete one. */
	replace(body: NonNullable<Body>, trailers: readonly ByteString[] | null): void {
		this.#pieces.clear();
		this.#spool?.end();
		this.#spool = null;
		this.#spooled = undefined;
		this.size = Buffer.isBuffer(body) ? body.length : body.size;
		this.#source = Buffer.isBuffer(body) || body.size <= SINGLE_WRITE_BYTES ? null : body;
		if (this.size > 0 && this.#source === null) this.#pieces.add(bodyBytes(body) as Buffer);
		this.#ended = true;
		this.#trailers = trailers;
	}

	/** As `replace`, with a body that never ends. */
	replaceUnfinished(body: NonNullable<Body>): void {
		this.replace(body, null);
		this.#ended = false;
	}

	/** Writes everything received so far, and from now on every chunk as it arrives. */
	open(writer: BodyWriter): void {
		this.#writer = writer;
		this.#backlog = null;
		const isInMemory = this.#source === null && this.#spool === null && this.#spooled === undefined;
		if (writer.discardsBody === true) {
			if (this.#ended) writer.end(this.#trailers);
		} else if (isInMemory && this.#pieces.size <= SINGLE_WRITE_BYTES) {
			for (const chunk of this.#pieces.list) writer.write(chunk);
			if (this.#ended) writer.end(this.#trailers);
		} else {
			// A copy, because chunks that arrive later are added to the list.
			this.#backlog = { pieces: isInMemory ? slicesOf([...this.#pieces.list]) : bodySlices(this.body()), late: [] };
			this.resume();
		}
		if (this.#streaming !== null) this.#freeMemory(this.#streaming);
	}

	/** Call when the receiver accepts more. */
	resume(): void {
		if (this.#isYielding) return;
		let written = 0;
		for (
			let backlog = this.#backlog;
			backlog !== null && this.#writer !== null && acceptsMore(this.#writer);
			backlog = this.#backlog
		) {
			const next = this.#read(backlog.pieces);
			if (next === null) return;
			if (next.done === true) this.#advance(backlog.late);
			else {
				this.#writer.write(next.value);
				written += next.value.length;
			}
			if (written >= TURN_BYTES) {
				this.#yield();
				return;
			}
		}
	}

	/** The next piece; null: it cannot be read, and `onBroken` was called. */
	#read(pieces: Iterator<Buffer>): IteratorResult<Buffer> | null {
		try {
			return pieces.next();
		} catch (error) {
			this.close();
			if (this.onBroken === null) throw error;
			this.onBroken(error);
			return null;
		}
	}

	/** The earlier pieces are written: continues with the chunks that have arrived since, or ends. */
	#advance(late: Buffer[]): void {
		if (late.length > 0) {
			this.#backlog = { pieces: slicesOf(late), late: [] };
			return;
		}
		this.#backlog = null;
		if (this.#ended) this.#writer?.end(this.#trailers);
		this.onCaughtUp?.();
	}

	#yield(): void {
		this.#isYielding = true;
		setImmediate(() => {
			this.#isYielding = false;
			this.resume();
		});
	}

	/** Stops writing; chunks that arrive are still kept. */
	close(): void {
		this.#writer = null;
		this.#backlog = null;
	}

	/** Whether the body should have been kept, but could not be stored. */
	get isLost(): boolean {
		return this.#streaming?.keep === true && this.body() === null;
	}

	/** The body received so far; null if it was not kept. Until more bytes arrive, it returns the same object. */
	body(): Body {
		if (this.#spool !== null) {
			this.#writeSpool(this.#spool);
			this.#spooled = this.#spool.end();
			this.#spool = null;
		}
		if (this.#spooled !== undefined) return this.#spooled;
		if (this.#source !== null) return this.#source;
		if (this.#streaming !== null && !this.#streaming.keep) return null;
		return this.#pieces.joined();
	}
}

function acceptsMore(writer: BodyWriter): boolean {
	return writer.acceptsMore === undefined || writer.acceptsMore();
}

function* slicesOf(pieces: readonly Buffer[]): Generator<Buffer> {
	for (const piece of pieces) yield* bodySlices(piece);
}

function partsOf(result: Uint8Array | Iterable<Uint8Array>): Buffer[] {
	const parts = result instanceof Uint8Array ? [result] : [...result];
	// an empty chunk would end a chunked body (RFC 9112 section 7.1)
	return parts.filter(({ length }) => length > 0).map((part) => asBuffer(part));
}

// The body of one message on its way through: kept for the tape, and passed on as soon as its way is open.
import { type Body, type BodySource, bodyBytes, bodySlices } from "../../flow/body.ts";
import type { ByteString } from "../../flow/bytes.ts";
import type { Headers } from "../../flow/headers.ts";
import { collectTransientBuffers } from "../../flow/young-buffers.ts";
import { type Framing, hasBody } from "../wire/framing.ts";
import { Pieces } from "./pieces.ts";

/**
 * What is known of a body that is to be sent: as received, or `size` bytes that are all there.
 * In HTTP/2, where the end of a stream ends the body, one without a length counts as chunked: its frames are chunks, too.
 */
export type BodyLength = { readonly framing: Framing } | { readonly size: number };

/** Whether nothing comes behind the head of its message: no byte, and no trailers, which a body that is all there has by now. */
export function isEmptyBody(body: BodyLength, trailers: Headers | null): boolean {
	return "size" in body ? body.size === 0 && !trailers?.size : !hasBody(body.framing);
}

const EMPTY: Buffer = Buffer.alloc(0);
/** What is kept in memory of a body that passes; more goes where the tape keeps it. Bytes. */
const MEMORY_BYTES = 1024 * 1024;
/** What a receiver gets at once, whatever it takes. Bytes. */
const AT_ONCE_BYTES = 64 * 1024;
/** What one receiver gets before others have their turn. Bytes. */
const TURN_BYTES = 1024 * 1024;
/** What is written there at once. Bytes. */
const SPOOLED_BYTES = 64 * 1024;

/** Takes the body of one message to its receiver, in the version of HTTP that is spoken there. The head is on its way already. */
export interface BodyWriter {
	/** Whether it drops what it is given: the message has a head alone. */
	readonly isMute?: boolean;
	/** Whether it takes more now; where it does not, whoever made it is told when it does. It always does unless this is there. */
	takes?(): boolean;
	write(chunk: Buffer): void;
	/** The body is complete. */
	end(trailers: readonly ByteString[] | null): void;
}

/** What each chunk becomes on its way; at the end it gets an empty one. */
export type Transform = (chunk: Buffer) => Uint8Array | Iterable<Uint8Array>;

/** A place for a body as it comes. */
export interface Spool {
	write(chunk: Buffer): void;
	/** All of it; null where it was lost. */
	end(): BodySource | null;
}

/** How a body passes that is not held until it is whole. */
export interface Passing {
	/** Whether it is kept for the tape. */
	keep: boolean;
	/** A place for what is too large for memory; null where there is none. */
	openSpool: () => Spool | null;
	transform: Transform | null;
	/** It goes on only later, but shall not be in memory until then. */
	held?: boolean;
	/** Whether memory is short: then less of it is kept there. */
	isShort?: () => boolean;
}

/**
 * Takes a body as it comes. Until `open` it only keeps it; from then on it passes everything to a writer, what came before first.
 * As long as all of it is kept in memory it can be opened anew, to send the whole once more to somebody else.
 */
export class BodyPipe {
	/** What is in memory of it; beside a spool, what is not written to that yet. */
	readonly #pieces = new Pieces();
	/** Bytes so far. */
	size = 0;
	#writer: BodyWriter | null = null;
	#ended = false;
	#trailers: readonly ByteString[] | null = null;
	/** null: held until it is whole. */
	#passing: Passing | null = null;
	#spool: Spool | null = null;
	/** What became of the spool; undefined as long as there is none, or it is written to. */
	#spooled: Body | undefined;
	/** A body that lies elsewhere, in place of what came. */
	#source: BodySource | null = null;
	/** What was there when the way was opened and is not written yet, and what has come since; null: all is written. */
	#backlog: { pieces: Iterator<Buffer>; late: Buffer[] } | null = null;
	#isYielding = false;
	/** Called when a receiver that was slower has got all that is there. */
	onCaughtUp: (() => void) | null = null;
	/** Called instead where the rest of a body cannot be read. */
	onBroken: ((error: unknown) => void) | null = null;

	/** Whether the receiver takes no more for now, though there is more. */
	get isBehind(): boolean {
		return this.#backlog !== null;
	}

	/** Whether the body is complete, and all of it written. */
	get isSent(): boolean {
		return this.#ended && this.#backlog === null;
	}

	/** Whether the body is complete. */
	get ended(): boolean {
		return this.#ended;
	}

	/** Whether nothing of it has gone for good. */
	get isReplayable(): boolean {
		return this.#passing === null || this.size === 0;
	}

	/** From here on the body passes: chunks are given up, or kept elsewhere, once they are written. */
	pass(passing: Passing): void {
		this.#passing = passing;
		if (passing.held) this.#relieve(passing);
	}

	push(chunk: Buffer): void {
		if (this.#passing?.transform == null) this.#take(chunk);
		else for (const part of partsOf(this.#passing.transform(chunk))) this.#take(part);
	}

	/** The body is complete. */
	end(trailers: readonly ByteString[] | null): void {
		if (this.#passing?.transform != null) for (const part of partsOf(this.#passing.transform(EMPTY))) this.#take(part);
		this.#ended = true;
		this.#trailers = trailers;
		if (this.#backlog === null) this.#writer?.end(trailers);
	}

	#take(chunk: Buffer): void {
		this.size += chunk.length;
		if (this.#passing !== null) collectTransientBuffers(chunk.length);
		if (this.#backlog !== null) this.#backlog.late.push(chunk);
		else this.#writer?.write(chunk);
		this.#keep(chunk);
	}

	#keep(chunk: Buffer): void {
		this.#pieces.add(chunk);
		if (this.#spool !== null) {
			if (this.#pieces.size >= SPOOLED_BYTES) this.#writeSpool(this.#spool);
		} else if (this.#passing !== null && (this.#writer !== null || this.#passing.held)) this.#relieve(this.#passing);
	}

	#writeSpool(spool: Spool): void {
		for (const piece of this.#pieces.list) spool.write(piece);
		this.#pieces.clear();
	}

	/** Gives up what is in memory, where it need not be. */
	#relieve({ keep, openSpool, isShort }: Passing): void {
		if (!keep) this.#pieces.clear();
		else if (this.#pieces.size > MEMORY_BYTES || (this.#pieces.size > SPOOLED_BYTES && isShort?.())) {
			this.#spool = openSpool();
			if (this.#spool !== null) this.#writeSpool(this.#spool);
		}
	}

	/** A complete body in place of what came, if anything did. */
	replace(body: NonNullable<Body>, trailers: readonly ByteString[] | null): void {
		this.#pieces.clear();
		this.#spool?.end();
		this.#spool = null;
		this.#spooled = undefined;
		this.size = Buffer.isBuffer(body) ? body.length : body.size;
		this.#source = Buffer.isBuffer(body) || body.size <= AT_ONCE_BYTES ? null : body;
		if (this.size > 0 && this.#source === null) this.#pieces.add(bodyBytes(body) as Buffer);
		this.#ended = true;
		this.#trailers = trailers;
	}

	/** As `replace`, with a body of which no end will come. */
	replaceUnfinished(body: NonNullable<Body>): void {
		this.replace(body, null);
		this.#ended = false;
	}

	/** Passes on all that is there, and from now on what comes. */
	open(writer: BodyWriter): void {
		this.#writer = writer;
		this.#backlog = null;
		const isInMemory = this.#source === null && this.#spool === null && this.#spooled === undefined;
		if (writer.isMute === true) {
			if (this.#ended) writer.end(this.#trailers);
		} else if (isInMemory && this.#pieces.size <= AT_ONCE_BYTES) {
			for (const chunk of this.#pieces.list) writer.write(chunk);
			if (this.#ended) writer.end(this.#trailers);
		} else {
			// a copy: what comes from now on is kept in that list, too
			this.#backlog = { pieces: isInMemory ? slicesOf([...this.#pieces.list]) : bodySlices(this.body()), late: [] };
			this.resume();
		}
		if (this.#passing !== null) this.#relieve(this.#passing);
	}

	/** The receiver takes more. */
	resume(): void {
		if (this.#isYielding) return;
		let written = 0;
		for (let backlog = this.#backlog; backlog !== null && this.#writer !== null && takes(this.#writer); backlog = this.#backlog) {
			const next = this.#read(backlog.pieces);
			if (next === null) return;
			if (next.done === true) this.#goOn(backlog.late);
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

	/** null: it cannot be read, which was told. */
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

	/** What was there is written: next is what came since, or the end. */
	#goOn(late: Buffer[]): void {
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

	/** Nothing more is passed on; what comes is still kept. */
	close(): void {
		this.#writer = null;
		this.#backlog = null;
	}

	/** Whether it should have been kept, but there was no room for it. */
	get isLost(): boolean {
		return this.#passing?.keep === true && this.body() === null;
	}

	/** All that came so far; null where it was not kept. The same object for the same bytes. */
	body(): Body {
		if (this.#spool !== null) {
			this.#writeSpool(this.#spool);
			this.#spooled = this.#spool.end();
			this.#spool = null;
		}
		if (this.#spooled !== undefined) return this.#spooled;
		if (this.#source !== null) return this.#source;
		if (this.#passing !== null && !this.#passing.keep) return null;
		return this.#pieces.joined();
	}
}

function takes(writer: BodyWriter): boolean {
	return writer.takes === undefined || writer.takes();
}

function* slicesOf(pieces: readonly Buffer[]): Generator<Buffer> {
	for (const piece of pieces) yield* bodySlices(piece);
}

function partsOf(result: Uint8Array | Iterable<Uint8Array>): Buffer[] {
	const parts = result instanceof Uint8Array ? [result] : [...result];
	// an empty chunk would end a chunked body (RFC 9112 section 7.1)
	return parts.filter(({ length }) => length > 0).map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength));
}

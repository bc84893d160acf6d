// The body of one message on its way through: kept for the tape, and written on as soon as its way is open.
import type { ByteString } from "../flow/bytes.ts";
import { CHUNK_END, chunkHead, lastChunk } from "./wire/chunked.ts";
import type { WriteBatch } from "./write-batch.ts";

const EMPTY: Buffer = Buffer.alloc(0);

/** How the body is written; "none": only the head, whatever the body. */
export type Coding = "none" | "plain" | "chunked";

/**
 * Takes a body as it comes. Until `open` it only keeps it; from then on it passes everything to a batch, what came before first.
 * It can be opened anew, to send the whole once more to somebody else.
 */
export class Relay {
	#chunks: Buffer[] = [];
	/** Bytes so far. */
	size = 0;
	#batch: WriteBatch | null = null;
	#coding: Coding = "plain";
	#ended = false;
	#trailers: readonly ByteString[] | null = null;

	push(chunk: Buffer): void {
		this.#chunks.push(chunk);
		this.size += chunk.length;
		if (this.#batch !== null) this.#write(this.#batch, chunk);
	}

	/** The body is complete. */
	end(trailers: readonly ByteString[] | null): void {
		this.#ended = true;
		this.#trailers = trailers;
		if (this.#batch !== null) this.#writeEnd(this.#batch);
	}

	/** A complete body in place of what came, if anything did. */
	replace(body: Buffer, trailers: readonly ByteString[] | null): void {
		this.#chunks = body.length === 0 ? [] : [body];
		this.size = body.length;
		this.#ended = true;
		this.#trailers = trailers;
	}

	/** Writes the head and all that is there, and from now on what comes. */
	open(batch: WriteBatch, head: ByteString, coding: Coding): void {
		this.#batch = batch;
		this.#coding = coding;
		batch.add(head);
		for (const chunk of this.#chunks) this.#write(batch, chunk);
		if (this.#ended) this.#writeEnd(batch);
	}

	/** Nothing more is written; what comes is still kept. */
	close(): void {
		this.#batch = null;
	}

	/** All that came so far. */
	bytes(): Buffer {
		if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks, this.size)];
		return this.#chunks[0] ?? EMPTY;
	}

	#write(batch: WriteBatch, chunk: Buffer): void {
		if (this.#coding === "plain") batch.add(chunk);
		else if (this.#coding === "chunked") {
			batch.add(chunkHead(chunk.length));
			batch.add(chunk);
			batch.add(CHUNK_END);
		}
	}

	#writeEnd(batch: WriteBatch): void {
		if (this.#coding === "chunked") batch.add(lastChunk(this.#trailers));
	}
}

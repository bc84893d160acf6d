// Writes the messages of one HTTP/1.1 connection: a head, then its body in the coding that the head announces.
import type { ByteString } from "../../flow/bytes.ts";
import type { BodyWriter } from "../body/pipe.ts";
import { CHUNK_END, chunkHead, lastChunk } from "../wire/chunked.ts";
import type { WriteBatch } from "./write-batch.ts";

/** How a body is written; "none": only the head is sent. */
export type Coding = "none" | "plain" | "chunked";

export class Http1Writer implements BodyWriter {
	readonly #batch: WriteBatch;
	#coding: Coding = "plain";

	constructor(batch: WriteBatch) {
		this.#batch = batch;
	}

	/** Begins a message. */
	begin(head: ByteString, coding: Coding): void {
		this.#coding = coding;
		this.#batch.add(head);
	}

	get discardsBody(): boolean {
		return this.#coding === "none";
	}

	acceptsMore(): boolean {
		return this.#batch.acceptsMore();
	}

	write(chunk: Buffer): void {
		if (this.#coding === "plain") this.#batch.add(chunk);
		else if (this.#coding === "chunked") {
			this.#batch.add(chunkHead(chunk.length));
			this.#batch.add(chunk);
			this.#batch.add(CHUNK_END);
		}
	}

	end(trailers: readonly ByteString[] | null): void {
		if (this.#coding === "chunked") this.#batch.add(lastChunk(trailers));
	}
}

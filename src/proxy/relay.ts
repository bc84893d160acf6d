// The body of one message on its way through: kept for the tape, and passed on as soon as its way is open.
import type { ByteString } from "../flow/bytes.ts";
import { type Framing, hasBody } from "./wire/framing.ts";

/**
 * What is known of a body that is to be sent: as received, or `size` bytes that are all there.
 * In HTTP/2, where the end of a stream ends the body, one without a length counts as chunked: its frames are chunks, too.
 */
export type BodyFacts = { readonly framing: Framing } | { readonly size: number };

/** Whether no byte of it will come. */
export function isEmptyBody(body: BodyFacts): boolean {
	return "size" in body ? body.size === 0 : !hasBody(body.framing);
}

const EMPTY: Buffer = Buffer.alloc(0);

/** Takes the body of one message to its receiver, in the version of HTTP that is spoken there. The head is on its way already. */
export interface BodyWriter {
	write(chunk: Buffer): void;
	/** The body is complete. */
	end(trailers: readonly ByteString[] | null): void;
}

/**
 * Takes a body as it comes. Until `open` it only keeps it; from then on it passes everything to a writer, what came before first.
 * It can be opened anew, to send the whole once more to somebody else.
 */
export class Relay {
	#chunks: Buffer[] = [];
	/** Bytes so far. */
	size = 0;
	#writer: BodyWriter | null = null;
	#ended = false;
	#trailers: readonly ByteString[] | null = null;

	/** Whether the body is complete. */
	get ended(): boolean {
		return this.#ended;
	}

	push(chunk: Buffer): void {
		this.#chunks.push(chunk);
		this.size += chunk.length;
		this.#writer?.write(chunk);
	}

	/** The body is complete. */
	end(trailers: readonly ByteString[] | null): void {
		this.#ended = true;
		this.#trailers = trailers;
		this.#writer?.end(trailers);
	}

	/** A complete body in place of what came, if anything did. */
	replace(body: Buffer, trailers: readonly ByteString[] | null): void {
		this.#chunks = body.length === 0 ? [] : [body];
		this.size = body.length;
		this.#ended = true;
		this.#trailers = trailers;
	}

	/** Passes on all that is there, and from now on what comes. */
	open(writer: BodyWriter): void {
		this.#writer = writer;
		for (const chunk of this.#chunks) writer.write(chunk);
		if (this.#ended) writer.end(this.#trailers);
	}

	/** Nothing more is passed on; what comes is still kept. */
	close(): void {
		this.#writer = null;
	}

	/** All that came so far. */
	bytes(): Buffer {
		if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks, this.size)];
		return this.#chunks[0] ?? EMPTY;
	}
}

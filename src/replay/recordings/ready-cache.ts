// Recordings kept ready in memory, bounded by bytes; the oldest make room. A hundred thousand of them are laid out so that neither
// their size nor the garbage collector is felt.
import { bodyBytes, bodySize } from "../../flow/body.ts";
import { Headers } from "../../flow/headers.ts";
import { Response } from "../../flow/message.ts";
import type { Recording } from "../answer/recording.ts";
import { hash64 } from "../match/hash.ts";

/** What all of it may take, in bytes. */
const LIMIT = 256 * 1024 * 1024;
/** Larger bodies stay on disk: reading them costs little beside sending them. Bytes. */
const BODY_LIMIT = 64 * 1024;
/** What a recording takes besides its body, about. Bytes. */
const HEAD_BYTES = 768;
/** Bodies are copied into pieces of memory of this size: each of its own costs the collector as much as many. */
const SLAB_BYTES = 1024 * 1024;
/** Bodies that are kept once, and how long they may be. */
const KNOWN_BODIES = 10_000;
const HASHED_BYTES = 4096;
/** Header fields that are kept once, and how long they may be. */
const KNOWN_FIELDS = 10_000;
const KNOWN_LENGTH = 100;

export class ReadyCache {
	readonly #recordings = new Map<string, Recording>();
	/** Keys in the order in which they came, from `#oldest` on. */
	#keys: string[] = [];
	#oldest = 0;
	#bytes = 0;
	#slab = Buffer.alloc(0);
	/** Those that may come again, by their hash. */
	readonly #bodies = new Map<string, Buffer>();
	readonly #fields = new Map<string, string>();

	get(key: string): Recording | undefined {
		return this.#recordings.get(key);
	}

	/** The body of the recording is brought into memory, unless it is large. */
	set(key: string, recording: Recording): void {
		recording.response = this.#compact(recording.response);
		this.#recordings.set(key, recording);
		this.#keys.push(key);
		this.#bytes += sizeOf(recording);
		while (this.#bytes > LIMIT) this.#forgetOldest();
	}

	#forgetOldest(): void {
		const key = this.#keys[this.#oldest++] as string;
		const recording = this.#recordings.get(key);
		this.#recordings.delete(key);
		if (recording !== undefined) this.#bytes -= sizeOf(recording);
		if (this.#oldest < this.#keys.length / 2) return;
		this.#keys = this.#keys.slice(this.#oldest);
		this.#oldest = 0;
	}

	#compact(response: Response): Response {
		const { statusCode, reason, httpVersion, headers, trailers, timestampStart, timestampEnd, extra } = response;
		const body = (bodySize(response.body) ?? 0) <= BODY_LIMIT ? this.#copy(bodyBytes(response.body)) : response.body;
		const fields = headers.fields.map((field) => this.#known(field));
		return new Response({ statusCode, reason, httpVersion, headers: new Headers(fields), trailers, timestampStart, timestampEnd, extra, body });
	}

	#copy(bytes: Buffer | null): Buffer | null {
		if (bytes === null || bytes.length === 0) return bytes;
		const hash = bytes.length > HASHED_BYTES ? null : hash64(bytes.latin1Slice());
		const known = hash === null ? undefined : this.#bodies.get(hash);
		if (known?.equals(bytes)) return known;
		const copy = this.#place(bytes);
		if (hash !== null && this.#bodies.size < KNOWN_BODIES) this.#bodies.set(hash, copy);
		return copy;
	}

	#place(bytes: Buffer): Buffer {
		if (this.#slab.length < bytes.length) this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
		const copy = this.#slab.subarray(0, bytes.length);
		this.#slab = this.#slab.subarray(bytes.length);
		copy.set(bytes);
		return copy;
	}

	#known(field: string): string {
		if (field.length > KNOWN_LENGTH) return field;
		const known = this.#fields.get(field);
		if (known !== undefined) return known;
		if (this.#fields.size < KNOWN_FIELDS) this.#fields.set(field, field);
		return field;
	}
}

function sizeOf({ response }: Recording): number {
	const size = bodySize(response.body) ?? 0;
	return HEAD_BYTES + (size <= BODY_LIMIT ? size : 0);
}

// A cache of recordings that are used repeatedly, limited by bytes; the oldest are evicted. Bodies are copied into
// slabs and strings are shared, so that even a hundred thousand recordings cost little memory and garbage collection.
import { bodyBytes, bodySize } from "../../flow/body.ts";
import { Headers } from "../../flow/headers.ts";
import { Response } from "../../flow/message.ts";
import type { Recording } from "../answer/recording.ts";
import { hash64 } from "../match/hash.ts";

/** Limit of the whole cache, in bytes. */
const LIMIT = 256 * 1024 * 1024;
/** Larger bodies stay on disk: reading them costs little compared with sending them. Bytes. */
const BODY_LIMIT = 64 * 1024;
/** Approximate size of a recording without its body, in bytes. */
const HEAD_BYTES = 768;
/** Bodies are copied into slabs of this size, because many small buffers are expensive to collect. Bytes. */
const SLAB_BYTES = 1024 * 1024;
/** Number and length of the bodies that are shared if equal. */
const SHARED_BODIES = 10_000;
const SHARED_BODY_BYTES = 4096;
/** Number and length of the header names and values that are shared if equal. */
const SHARED_FIELDS = 10_000;
const SHARED_FIELD_LENGTH = 100;

export class RecordingCache {
	readonly #recordings = new Map<string, Recording>();
	/** Keys in insertion order, from index `#oldest`. */
	#keys: string[] = [];
	#oldest = 0;
	#bytes = 0;
	#slab = Buffer.alloc(0);
	/** Shared bodies by their hash. */
	readonly #bodies = new Map<string, Buffer>();
	readonly #fields = new Map<string, string>();

	get(key: string): Recording | undefined {
		return this.#recordings.get(key);
	}

	/** Adds a recording, and reads its body into memory unless it is large. */
	set(key: string, recording: Recording): void {
		recording.response = this.#compact(recording.response);
		const replaced = this.#recordings.get(key);
		this.#recordings.set(key, recording);
		if (replaced === undefined) this.#keys.push(key);
		else this.#bytes -= sizeOf(replaced);
		this.#bytes += sizeOf(recording);
		while (this.#bytes > LIMIT) this.#evictOldest();
	}

	#evictOldest(): void {
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
		const fields = headers.fields.map((field) => this.#shared(field));
		return new Response({
			statusCode,
			reason,
			httpVersion,
			headers: new Headers(fields),
			trailers,
			timestampStart,
			timestampEnd,
			extra,
			body,
		});
	}

	#copy(bytes: Buffer | null): Buffer | null {
		if (bytes === null || bytes.length === 0) return bytes;
		const hash = bytes.length > SHARED_BODY_BYTES ? null : hash64(bytes.latin1Slice());
		const known = hash === null ? undefined : this.#bodies.get(hash);
		if (known?.equals(bytes)) return known;
		const copy = this.#copyToSlab(bytes);
		if (hash !== null && this.#bodies.size < SHARED_BODIES) this.#bodies.set(hash, copy);
		return copy;
	}

	#copyToSlab(bytes: Buffer): Buffer {
		if (this.#slab.length < bytes.length) this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
		const copy = this.#slab.subarray(0, bytes.length);
		this.#slab = this.#slab.subarray(bytes.length);
		copy.set(bytes);
		return copy;
	}

	#shared(field: string): string {
		if (field.length > SHARED_FIELD_LENGTH) return field;
		const known = this.#fields.get(field);
		if (known !== undefined) return known;
		if (this.#fields.size < SHARED_FIELDS) this.#fields.set(field, field);
		return field;
	}
}

function sizeOf({ response }: Recording): number {
	const size = bodySize(response.body) ?? 0;
	return HEAD_BYTES + (size <= BODY_LIMIT ? size : 0);
}

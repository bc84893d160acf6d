// Limits how far request bodies are decoded to find a recording: a few hundred bytes from any client could inflate to
// hundreds of megabytes.
import type { Request } from "../../flow/message.ts";
import { CODED_LIMIT, pathEnd, pathOf } from "../match/parts.ts";
import type { RecordingIndex } from "./keyed-tape.ts";

/** Limit if no recorded request for the path is content-encoded. Bytes. */
const SMALL_LIMIT = 1024 * 1024;

/** Limit for a body that decodes to more than its limit: it is compared as sent. */
const NOTHING = 0;

export class DecodeLimit {
	readonly #indexes: readonly RecordingIndex[];
	/** Method and path of the recorded requests with a Content-Encoding. */
	readonly #coded = new Set<string>();
	/** The last sequence number read, for each tape. */
	readonly #last: number[];

	constructor(indexes: readonly RecordingIndex[]) {
		this.#indexes = indexes;
		this.#last = indexes.map(() => -1);
	}

	/** Call before the body of a received request is read. */
	apply(request: Request): void {
		if (!request.headers.has("content-encoding") || request.bodySize === 0) return;
		request.decodedLimit = SMALL_LIMIT;
		// most decodable bodies are small, so the tape need not be queried
		if (request.decodedOrRaw !== request.rawContent) return;
		if (this.#hasCoded(request)) {
			request.decodedLimit = CODED_LIMIT;
			if (request.decodedOrRaw !== request.rawContent) return;
		}
		// otherwise the body would be decoded up to the limit again for each recording that it is compared with
		request.decodedLimit = NOTHING;
	}

	#hasCoded(request: Request): boolean {
		for (const [i, index] of this.#indexes.entries()) {
			for (const { seq, method, path } of index.codedRequests(this.#last[i] as number)) {
				this.#coded.add(nameOf(method, path));
				this.#last[i] = seq;
			}
		}
		return this.#coded.has(nameOf(request.method, request.path));
	}
}

function nameOf(method: string, path: string): string {
	return `${method.toUpperCase()} ${pathOf(path, pathEnd(path), { pathParams: false, normal: true })}`;
}

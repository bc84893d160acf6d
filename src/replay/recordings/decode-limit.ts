// How far the body of a request is decoded to find its recording: a few hundred bytes can inflate to hundreds of megabytes, and whoever sends
// them need not be meant to.
import type { Request } from "../../flow/message.ts";
import { CODED_LIMIT, pathEnd, pathOf } from "../match/parts.ts";
import type { RecordingIndex } from "./keyed-tape.ts";

/** Bytes of a body of which no recording is coded. */
const SMALL_LIMIT = 1024 * 1024;

/** Of a body that cannot be decoded as far as it may. */
const NOTHING = 0;

export class DecodeLimit {
	readonly #indexes: readonly RecordingIndex[];
	/** Of the recorded requests with a Content-Encoding: method and path. */
	readonly #coded = new Set<string>();
	/** The last place that was looked at, for each index. */
	readonly #last: number[];

	constructor(indexes: readonly RecordingIndex[]) {
		this.#indexes = indexes;
		this.#last = indexes.map(() => -1);
	}

	/** To be called before the body of a request that somebody sent is looked at. */
	apply(request: Request): void {
		if (!request.headers.has("content-encoding") || request.bodySize === 0) return;
		request.decodedLimit = SMALL_LIMIT;
		// most that can be decoded at all is small, and the tape need not be asked
		if (request.decodedOrRaw !== request.rawContent) return;
		if (this.#hasCoded(request)) {
			request.decodedLimit = CODED_LIMIT;
			if (request.decodedOrRaw !== request.rawContent) return;
		}
		// each recording that it is compared with would have it decoded again, as far as that goes
		request.decodedLimit = NOTHING;
	}

	#hasCoded(request: Request): boolean {
		for (const [i, index] of this.#indexes.entries()) {
			for (const { place, method, path } of index.codedRequests(this.#last[i] as number)) {
				this.#coded.add(nameOf(method, path));
				this.#last[i] = place;
			}
		}
		return this.#coded.has(nameOf(request.method, request.path));
	}
}

function nameOf(method: string, path: string): string {
	return `${method.toUpperCase()} ${pathOf(path, pathEnd(path), { pathParams: false, normal: true })}`;
}

// Limits the memory of request heads: of unfinished ones, ClientHellos among them, and of those whose requests are in
// progress. Each may be large, and a client may open thousands of connections.

/** The heads of all connections together. Bytes. */
const TOTAL_BYTES = 32 * 1024 * 1024;
/** Heads up to this size are accepted in any case, so that other clients are served. Bytes. */
const SMALL_BYTES = 8 * 1024;

/** The reason for a refusal. */
export const TOO_MUCH = "the request heads of all clients take too much memory";

/** The heads of all connections of the process. Bytes. */
let total = 0;

/** The request heads of one connection, or its ClientHello. */
export class HeldHeads {
	readonly #share: number;
	#size = 0;

	/** @param share size that is accepted in any case, in bytes */
	constructor(share = SMALL_BYTES) {
		this.#share = share;
	}

	get size(): number {
		return this.#size;
	}

	/**
	 * Notes the size in bytes; 0: there are none. Returns false, and notes nothing, if they would take memory that other
	 * clients need.
	 */
	resize(size: number): boolean {
		const growth = size - this.#size;
		if (growth > 0 && size > this.#share && total + growth > TOTAL_BYTES) return false;
		total += growth;
		this.#size = size;
		return true;
	}
}

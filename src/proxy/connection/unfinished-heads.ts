// Limits the memory of unfinished request heads and ClientHellos: each may be large, and a client may open thousands of
// connections.

/** The heads of all connections together. Bytes. */
const TOTAL_BYTES = 32 * 1024 * 1024;
/** Heads up to this size are accepted in any case, so that other clients are served. Bytes. */
const SMALL_BYTES = 8 * 1024;

/** The reason for a refusal. */
export const TOO_MUCH = "the unfinished request heads of all clients take too much memory";

/** The unfinished heads of all connections of the process. Bytes. */
let total = 0;

/** The unfinished request head or ClientHello of one connection. */
export class UnfinishedHead {
	#size = 0;

	/** Notes the size in bytes; 0: there is none. Returns false if the head takes memory that other clients need. */
	resize(size: number): boolean {
		const growth = size - this.#size;
		total += growth;
		this.#size = size;
		return growth <= 0 || size <= SMALL_BYTES || total <= TOTAL_BYTES;
	}
}

// Records when each part of an event stream arrived, so that it can be replayed at the same pace.

/** Most entries in the list; later parts are not recorded. */
const COUNT_LIMIT = 100_000;
/** Parts that arrive within the same millisecond are joined up to this size. Bytes. */
const JOINED_BYTES = 4096;

export class ChunkTimes {
	/** One entry for each part: milliseconds since the head arrived, and size in bytes. */
	readonly list: [age: number, size: number][] = [];
	readonly #began: number;

	/** @param began when the head arrived, in seconds since 1970 */
	constructor(began: number) {
		this.#began = began;
	}

	/** @param size of the part, in bytes
	 * @param at when it arrived, in seconds since 1970 */
	record(size: number, at: number): void {
		const age = Math.round((at - this.#began) * 1000);
		const last = this.list.at(-1);
		// A server may send byte by byte: one entry for all bytes of a millisecond.
		if (last !== undefined && last[0] === age && last[1] + size <= JOINED_BYTES) last[1] += size;
		else if (this.list.length < COUNT_LIMIT) this.list.push([age, size]);
	}
}

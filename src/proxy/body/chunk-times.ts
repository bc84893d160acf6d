// When each part of an event stream came, so that it can be replayed at its pace.

/** Parts of which the time is kept. */
const COUNT_LIMIT = 100_000;
/** Parts that came within a millisecond are one, up to this size. Bytes. */
const JOINED_BYTES = 4096;

export class ChunkTimes {
	/** Milliseconds since the head, and bytes. */
	readonly list: [age: number, size: number][] = [];
	readonly #began: number;

	/** @param began when the head came, in seconds */
	constructor(began: number) {
		this.#began = began;
	}

	/** A part came, at a time in seconds. */
	add(size: number, at: number): void {
		const age = Math.round((at - this.#began) * 1000);
		const last = this.list.at(-1);
		// a server that sends byte by byte needs no entry for each
		if (last !== undefined && last[0] === age && last[1] + size <= JOINED_BYTES) last[1] += size;
		else if (this.list.length < COUNT_LIMIT) this.list.push([age, size]);
	}
}

// When each part of an event stream came, so that it can be replayed at its pace.

/** Parts of which the time is kept. */
const COUNT_LIMIT = 100_000;

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
		if (this.list.length < COUNT_LIMIT) this.list.push([Math.round((at - this.#began) * 1000), size]);
	}
}

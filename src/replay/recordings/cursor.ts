// How far the recordings of one key have been gone through.
import type { Shelf } from "./keyed-tape.ts";

/** Where a recording stands. */
export interface Spot {
	readonly shelf: number;
	readonly place: number;
}

/** Places that are looked up at once. */
const AHEAD = 16;

export class Cursor {
	/** Used ones are given again. */
	readonly isAgain: boolean;
	readonly #key: string;
	readonly #shelves: readonly Shelf[];
	#shelf = 0;
	#place = -1;
	/** Places found and not given yet. */
	#ahead: number[] = [];

	constructor(key: string, shelves: readonly Shelf[], isAgain = false) {
		this.#key = key;
		this.#shelves = shelves;
		this.isAgain = isAgain;
	}

	/** Whether there is more that was found already. */
	get hasMore(): boolean {
		return this.#ahead.length > 0;
	}

	/** The next recording; null when there is none (yet: a tape may grow while it is replayed, so the last one is never done with). */
	next(): Spot | null {
		for (;;) {
			const place = this.#ahead.shift() ?? this.#lookUp();
			if (place !== undefined) {
				this.#place = place;
				return { shelf: this.#shelf, place };
			}
			if (this.#shelf >= this.#shelves.length - 1) return null;
			this.#shelf++;
			this.#place = -1;
		}
	}

	#lookUp(): number | undefined {
		this.#ahead = [...(this.#shelves[this.#shelf]?.findByKey(this.#key, this.#place, AHEAD) ?? [])];
		return this.#ahead.shift();
	}
}

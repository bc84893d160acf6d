// How far the recordings of one key have been gone through.
import type { RecordingIndex } from "./keyed-tape.ts";

/** Where a recording stands. */
export interface RecordingRef {
	readonly tape: number;
	readonly place: number;
}

/** Places that are looked up at once. */
const AHEAD = 16;

export class Cursor {
	/** Used ones are given again. */
	readonly isAgain: boolean;
	readonly #key: string;
	readonly #indexes: readonly RecordingIndex[];
	#tape = 0;
	#place = -1;
	/** Places found and not given yet. */
	#ahead: number[] = [];

	constructor(key: string, indexes: readonly RecordingIndex[], isAgain = false) {
		this.#key = key;
		this.#indexes = indexes;
		this.isAgain = isAgain;
	}

	/** Whether there is more that was found already. */
	get hasMore(): boolean {
		return this.#ahead.length > 0;
	}

	/** The next recording; null when there is none (yet: a tape may grow while it is replayed, so the last one is never done with). */
	next(): RecordingRef | null {
		for (;;) {
			const place = this.#ahead.shift() ?? this.#lookUp();
			if (place !== undefined) {
				this.#place = place;
				return { tape: this.#tape, place };
			}
			if (this.#tape >= this.#indexes.length - 1) return null;
			this.#tape++;
			this.#place = -1;
		}
	}

	#lookUp(): number | undefined {
		this.#ahead = [...(this.#indexes[this.#tape]?.findByKey(this.#key, this.#place, AHEAD) ?? [])];
		return this.#ahead.shift();
	}
}

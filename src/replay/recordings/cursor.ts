// Iterates over the recordings of one key in all tapes.
import type { RecordingIndex } from "./keyed-tape.ts";

/** A reference to a recording: the index of its tape, and its sequence number there. */
export interface RecordingRef {
	readonly tape: number;
	readonly seq: number;
}

/** Number of recordings that are looked up together. */
const AHEAD = 16;

export class Cursor {
	/** Whether recordings may be used again. */
	readonly isAgain: boolean;
	readonly #key: string;
	readonly #indexes: readonly RecordingIndex[];
	#tape = 0;
	#seq = -1;
	/** Sequence numbers found and not returned yet. */
	#ahead: number[] = [];

	constructor(key: string, indexes: readonly RecordingIndex[], isAgain = false) {
		this.#key = key;
		this.#indexes = indexes;
		this.isAgain = isAgain;
	}

	/** Whether more recordings have already been found. */
	get hasMore(): boolean {
		return this.#ahead.length > 0;
	}

	/** The next recording; null: none yet. The last tape may grow during the replay, so a later call may return one. */
	next(): RecordingRef | null {
		for (;;) {
			const seq = this.#ahead.shift() ?? this.#lookUp();
			if (seq !== undefined) {
				this.#seq = seq;
				return { tape: this.#tape, seq };
			}
			if (this.#tape >= this.#indexes.length - 1) return null;
			this.#tape++;
			this.#seq = -1;
		}
	}

	#lookUp(): number | undefined {
		this.#ahead = [...(this.#indexes[this.#tape]?.findByKey(this.#key, this.#seq, AHEAD) ?? [])];
		return this.#ahead.shift();
	}
}

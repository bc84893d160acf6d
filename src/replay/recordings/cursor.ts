// Iterates over the recordings of one key in all tapes: in order, or those of a session before the others.
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
	readonly key: string;
	readonly #indexes: readonly RecordingIndex[];
	#tape = 0;
	#seq = -1;
	/** Sequence numbers found and not returned yet. */
	#ahead: number[] = [];
	/** The recordings that come first, in order; more may be added. null: all are in order. */
	#first: readonly RecordingRef[] | null = null;
	/** Number of these recordings that were returned. */
	#returned = 0;
	/** Number of these recordings that were skipped among the others. */
	#skipped = 0;

	constructor(key: string, indexes: readonly RecordingIndex[], isAgain = false) {
		this.key = key;
		this.#indexes = indexes;
		this.isAgain = isAgain;
	}

	/** Whether more recordings have already been found. */
	get hasMore(): boolean {
		return this.#ahead.length > 0 || this.#first !== null;
	}

	/** Whether some recordings come before the others. */
	get isSorted(): boolean {
		return this.#first !== null;
	}

	/**
	 * Returns these recordings first, and then the others from the start. The recording that was returned last counts as
	 * one of the others; all earlier ones count as returned.
	 */
	putFirst(first: readonly RecordingRef[]): void {
		const isEarlier = ({ tape, seq }: RecordingRef) => tape < this.#tape || (tape === this.#tape && seq < this.#seq);
		this.#returned = first.filter(isEarlier).length;
		this.#first = first;
		this.#tape = 0;
		this.#seq = -1;
		this.#ahead = [];
	}

	/** The next recording; null: none yet. The last tape may grow during the replay, so a later call may return one. */
	next(): RecordingRef | null {
		if (this.#first === null) return this.#nextInOrder();
		const first = this.#first[this.#returned];
		if (first !== undefined) {
			this.#returned++;
			return first;
		}
		for (;;) {
			const ref = this.#nextInOrder();
			const skipped = this.#first[this.#skipped];
			if (ref === null || ref.seq !== skipped?.seq || ref.tape !== skipped.tape) return ref;
			this.#skipped++;
		}
	}

	#nextInOrder(): RecordingRef | null {
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
		this.#ahead = [...(this.#indexes[this.#tape]?.findByKey(this.key, this.#seq, AHEAD) ?? [])];
		return this.#ahead.shift();
	}
}

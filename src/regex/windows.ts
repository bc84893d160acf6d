// Windows of a long subject: searched one after another, so that few of its bytes are a string at the same time.

/** The part of a subject that is searched at a time. */
export interface Window {
	readonly text: string;
	/** The index of its first character in the subject. */
	readonly start: number;
	/** A match at or after this index is left to the next window, because it may depend on later characters. */
	readonly end: number;
}

/** Bytes that are searched at a time if the pattern looks at few characters around the start of a match. */
const WINDOW = 64 * 1024;
const LARGEST_REACH = WINDOW / 4;
/** The overlap of windows that the caller chose because the pattern may look at any character. Bytes. */
const OVERLAP = 1024 * 1024;

/** The windows of a subject. Keeps the subject only until its last window. */
export class Windows {
	#subject: string | Buffer;
	readonly #size: number;
	readonly #overlap: number;

	/**
	 * @param reach see `reachOf`
	 * @param largest the size of a window if the pattern may look at any character
	 */
	constructor(subject: string | Buffer, reach: number, largest = Infinity) {
		const isBounded = reach <= LARGEST_REACH;
		this.#subject = subject;
		this.#size = isBounded ? WINDOW : largest;
		this.#overlap = isBounded ? reach : OVERLAP;
	}

	/** The window for a search from this index. Call it with increasing indexes. */
	at(from: number): Window {
		const subject = this.#subject;
		if (typeof subject === "string") return { text: subject, start: 0, end: Infinity };
		const start = Math.max(from - this.#overlap, 0);
		const stop = from + this.#size;
		if (stop < subject.length) return { text: subject.latin1Slice(start, stop), start, end: stop - this.#overlap };
		this.#subject = "";
		return { text: subject.latin1Slice(start), start, end: Infinity };
	}
}

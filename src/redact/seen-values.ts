// Remembers the values in flows that were written, in case one of them turns out to be a secret later. It keeps hashes
// only, of a bounded number of values; the oldest go first.
import type { ByteString } from "../flow/bytes.ts";

/** Number of values. */
const LIMIT = 1_000_000;
/** Number of values at the beginning; doubled when they are used up. */
const START = 4096;
/** Shorter values are not remembered, because they stand in many flows. */
const SHORTEST = 8;
/** Values without a digit are remembered from this length on: they are words rather than secrets. */
const LONG = 16;

/** For each byte: 1 for letters, `-` and `_`, 2 for digits, 0 for what stands between values. */
const CLASSES = Uint8Array.from({ length: 256 }, (_, byte) => {
	const character = String.fromCharCode(byte);
	return /[0-9]/.test(character) ? 2 : /[A-Za-z_-]/.test(character) ? 1 : 0;
});

const [PERCENT, BACKSLASH, LETTER_U] = [0x25, 0x5c, 0x75];

/**
 * An entry: the hash of a value, the number of its flow, and the next older entry with the same slot, or -1. Other values
 * may have the same hash: then a flow is read for nothing.
 */
const ENTRY = 3;
/** Entries are counted up to this; then all are forgotten. */
const LAST = 2 ** 31 - 1;

export class SeenValues {
	/** Makes the hashes differ from process to process. */
	readonly #seed = (Math.random() * 2 ** 32) | 0;
	/** The entries in the order in which they were added; a ring when it is full. */
	#entries = new Int32Array(START * ENTRY);
	/** The newest entry of each slot, or -1. Entries are numbered from the first that was ever added. */
	#newest = new Int32Array(START).fill(-1);
	/** Number of entries ever added. */
	#added = 0;
	#size = START;

	/** Adds the values in a text of a flow. */
	add(text: ByteString, flow: number): void {
		this.#eachValue(text, flow);
	}

	/** The flows that have the longest value of this secret, newest first. */
	flowsWith(secret: ByteString): Set<number> {
		const flows = new Set<number>();
		const value = this.#eachValue(secret, null);
		if (value === null) return flows;
		const oldest = Math.max(0, this.#added - this.#size);
		const entries = this.#entries;
		for (let n = this.#newest[this.#slot(value)] as number; n >= oldest; ) {
			const at = (n % this.#size) * ENTRY;
			if (entries[at] === value) flows.add(entries[at + 1] as number);
			n = entries[at + 2] as number;
		}
		return flows;
	}

	/** Adds each value of a text; without a flow, only returns the hash of the longest one. */
	#eachValue(text: ByteString, flow: number | null): number | null {
		const seed = this.#seed;
		const { length } = text;
		let longest = 0;
		let found: number | null = null;
		let hash = seed;
		let size = 0;
		let hasDigit = false;
		for (let at = 0; at <= length; at++) {
			const code = at === length ? 0 : text.charCodeAt(at);
			const kind = CLASSES[code] as number;
			if (kind !== 0) {
				hash = Math.imul(hash ^ code, 0x9e3779b1) ^ (hash >>> 15);
				size++;
				if (kind === 2) hasDigit = true;
				continue;
			}
			if (size >= SHORTEST && (hasDigit || size >= LONG)) {
				if (flow !== null) this.#put(hash, flow);
				else if (size > longest) {
					longest = size;
					found = hash;
				}
			}
			if (size > 0) {
				hash = seed;
				size = 0;
				hasDigit = false;
			}
			// the characters of an escape belong to no value
			if (code === PERCENT) at += 2;
			else if (code === BACKSLASH) at += text.charCodeAt(at + 1) === LETTER_U ? 5 : 1;
		}
		return found;
	}

	#put(hash: number, flow: number): void {
		if (this.#added === this.#size && this.#size < LIMIT) this.#grow();
		else if (this.#added === LAST) this.#forgetAll();
		const n = this.#added++;
		const at = (n % this.#size) * ENTRY;
		const slot = this.#slot(hash);
		const entries = this.#entries;
		entries[at] = hash;
		entries[at + 1] = flow;
		entries[at + 2] = this.#newest[slot] as number;
		this.#newest[slot] = n;
	}

	/** Doubles the space. Called before any value is dropped. */
	#grow(): void {
		const old = this.#entries;
		this.#size = Math.min(this.#size * 2, LIMIT);
		this.#entries = new Int32Array(this.#size * ENTRY);
		this.#forgetAll();
		for (let at = 0; at < old.length; at += ENTRY) this.#put(old[at] as number, old[at + 1] as number);
	}

	#forgetAll(): void {
		this.#newest = new Int32Array(this.#size).fill(-1);
		this.#added = 0;
	}

	#slot(hash: number): number {
		return (hash >>> 0) % this.#size;
	}
}

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

export class SeenValues {
	/** Makes the hashes differ from process to process. */
	readonly #seed = (Math.random() * 2 ** 32) | 0;
	/** Hashes and flows of the values, in the order in which they were added; a ring when it is full. */
	#low = new Int32Array(START);
	#high = new Int32Array(START);
	#flows = new Float64Array(START);
	/** The number of the next older value with the same slot, or -1. Numbers count all values ever added. */
	#older = new Float64Array(START);
	/** The number of the newest value of each slot, or -1. */
	#newest = new Float64Array(START).fill(-1);
	/** Number of values ever added. */
	#added = 0;

	/** Adds the values in a text of a flow. */
	add(text: ByteString, flow: number): void {
		this.#eachValue(text, (low, high) => this.#put(low, high, flow));
	}

	/** The flows that have the longest value of this secret, newest first. */
	flowsWith(secret: ByteString): Set<number> {
		const flows = new Set<number>();
		let [longest, low, high] = [0, 0, 0];
		this.#eachValue(secret, (valueLow, valueHigh, length) => {
			if (length > longest) [longest, low, high] = [length, valueLow, valueHigh];
		});
		if (longest === 0) return flows;
		const oldest = Math.max(0, this.#added - this.#low.length);
		for (let n = this.#newest[this.#slot(low)] as number; n >= oldest; n = this.#older[this.#at(n)] as number) {
			const at = this.#at(n);
			if (this.#low[at] === low && this.#high[at] === high) flows.add(this.#flows[at] as number);
		}
		return flows;
	}

	/** Calls `take` with two hashes of each value and its length. */
	#eachValue(text: ByteString, take: (low: number, high: number, length: number) => void): void {
		const seed = this.#seed;
		const { length } = text;
		let [low, high, size, hasDigit] = [seed, ~seed, 0, false];
		for (let at = 0; at <= length; at++) {
			const code = at === length ? 0 : text.charCodeAt(at);
			const kind = CLASSES[code] as number;
			if (kind !== 0) {
				low = Math.imul(low ^ code, 0x01000193);
				high = Math.imul(high + code, 0x2c1b3c6d) ^ (high >>> 15);
				size++;
				if (kind === 2) hasDigit = true;
				continue;
			}
			if (size >= SHORTEST && (hasDigit || size >= LONG)) take(low, high, size);
			if (size > 0) [low, high, size, hasDigit] = [seed, ~seed, 0, false];
			// the characters of an escape belong to no value
			if (code === PERCENT) at += 2;
			else if (code === BACKSLASH) at += text.charCodeAt(at + 1) === LETTER_U ? 5 : 1;
		}
	}

	#put(low: number, high: number, flow: number): void {
		if (this.#added === this.#low.length && this.#added < LIMIT) this.#grow();
		const n = this.#added++;
		const at = this.#at(n);
		const slot = this.#slot(low);
		this.#low[at] = low;
		this.#high[at] = high;
		this.#flows[at] = flow;
		this.#older[at] = this.#newest[slot] as number;
		this.#newest[slot] = n;
	}

	/** Doubles the space. Called before any value is dropped. */
	#grow(): void {
		const size = Math.min(this.#low.length * 2, LIMIT);
		const [low, high, flows] = [this.#low, this.#high, this.#flows];
		this.#low = new Int32Array(size);
		this.#high = new Int32Array(size);
		this.#flows = new Float64Array(size);
		this.#older = new Float64Array(size);
		this.#newest = new Float64Array(size).fill(-1);
		const { length } = low;
		this.#added = 0;
		for (let n = 0; n < length; n++) this.#put(low[n] as number, high[n] as number, flows[n] as number);
	}

	#at(n: number): number {
		return n % this.#low.length;
	}

	#slot(low: number): number {
		return (low >>> 0) % this.#newest.length;
	}
}

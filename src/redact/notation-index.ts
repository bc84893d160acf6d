// Finds many texts in another one, by hashes: a filter and a table of their first bytes, and a table of the whole
// texts. Takes a few dozen bytes for each text, however long it is, and can grow at any time.
import type { ByteString } from "../flow/bytes.ts";
import { IntegerMap } from "./integer-map.ts";

/** The first bytes that count, of long and of short texts. */
const LONG = 8;
const SHORT = 4;

/** Longer than any text. */
const LISTS = 0x40000000;

/** The filter has this number of bits at first, and grows until it has many bits for each text. */
const FIRST_BITS = 16;
const LAST_BITS = 24;
const BITS_EACH = 16;

/**
 * Called for a part of the text that probably is the text that was added with this id. Returns whether it is; the
 * search goes on behind it then.
 */
export type OnCandidate = (from: number, length: number, id: number) => boolean;

export class NotationIndex {
	/**
	 * For each hash of first bytes, the length of the texts that begin so; 0: only the first four bytes of long texts;
	 * from `LISTS` on: the index of a list of lengths.
	 */
	readonly #lengths = new IntegerMap();
	readonly #lists: number[][] = [];
	/** The last text, by the hash of the whole text. */
	readonly #last = new IntegerMap();
	/** For each text, its id and the text before it with the same hash; -1: none. */
	#texts = new Int32Array(256);
	#count = 0;
	#bits = FIRST_BITS;
	#filter = new Int32Array(1 << (FIRST_BITS - 5));
	#hasShort = false;
	/** Length of the longest text. */
	longest = 0;

	/** Adds a text of at least `SHORT` bytes. Of equal texts, the first one is found. */
	add(text: ByteString, id: number): void {
		const isShort = text.length < LONG;
		const short = shortHash(fourBytes(text, 0));
		if (isShort) this.#addLength(short, text.length);
		else {
			// the beginning of a long text passes the first test too
			if (this.#lengths.get(short) < 0) this.#lengths.set(short, 0);
			this.#addLength(longHash(fourBytes(text, 0), fourBytes(text, 4)), text.length);
		}
		const whole = textHash(text, 0, text.length, 0);
		if (2 * this.#count === this.#texts.length) {
			const larger = new Int32Array(2 * this.#texts.length);
			larger.set(this.#texts);
			this.#texts = larger;
		}
		this.#texts[2 * this.#count] = id;
		this.#texts[2 * this.#count + 1] = this.#last.get(whole);
		this.#last.set(whole, this.#count++);
		this.longest = Math.max(this.longest, text.length);
		this.#hasShort ||= isShort;
		if (this.#lengths.size > (1 << this.#bits) / BITS_EACH && this.#bits < LAST_BITS) this.#grow();
		else {
			this.#mark(short);
			if (!isShort) this.#mark(longHash(fourBytes(text, 0), fourBytes(text, 4)));
		}
	}

	#addLength(start: number, length: number): void {
		const old = this.#lengths.get(start);
		if (old <= 0) this.#lengths.set(start, length);
		else if (old < LISTS) {
			if (old !== length) this.#lengths.set(start, LISTS + this.#lists.push([old, length].sort((a, b) => a - b)) - 1);
		} else {
			const lengths = this.#lists[old - LISTS] as number[];
			const at = lengths.findIndex((one) => one >= length);
			if (at < 0) lengths.push(length);
			else if (lengths[at] !== length) lengths.splice(at, 0, length);
		}
	}

	/** The lengths for a value of the map. */
	#lengthsOf(value: number): readonly number[] {
		return value <= 0 ? [] : value < LISTS ? [value] : (this.#lists[value - LISTS] as number[]);
	}

	#grow(): void {
		this.#bits += 2;
		this.#filter = new Int32Array(1 << (this.#bits - 5));
		for (const start of this.#lengths.keys()) this.#mark(start);
	}

	#mark(start: number): void {
		const bit = start >>> (32 - this.#bits);
		(this.#filter[bit >>> 5] as number) |= 1 << (bit & 31);
	}

	/** Searches a text. At each position, the longest candidate is tried first. */
	find(text: ByteString, onCandidate: OnCandidate): void {
		const filter = this.#filter;
		const shift = 32 - this.#bits;
		const hasShort = this.#hasShort;
		let first = fourBytes(text, 0);
		let second = fourBytes(text, 4);
		for (let at = 0; at + SHORT <= text.length; at++) {
			let found = 0;
			const start = shortHash(first) >>> shift;
			if ((((filter[start >>> 5] as number) >>> (start & 31)) & 1) === 1) {
				const bit = longHash(first, second) >>> shift;
				if (hasShort || (((filter[bit >>> 5] as number) >>> (bit & 31)) & 1) === 1)
					found = this.#at(text, at, first, second, onCandidate);
			}
			if (found > 0) {
				at += found - 1;
				first = fourBytes(text, at + 1);
				second = fourBytes(text, at + 5);
			} else {
				first = (first << 8) | (second >>> 24);
				second = (second << 8) | text.charCodeAt(at + LONG);
			}
		}
	}

	/** The length of the text that was found at a position; 0: none. */
	#at(text: ByteString, at: number, first: number, second: number, onCandidate: OnCandidate): number {
		const long = this.#lengths.get(longHash(first, second));
		const short = this.#hasShort ? this.#lengths.get(shortHash(first)) : -1;
		if (long <= 0 && short <= 0) return 0;
		if (long < LISTS && short <= 0) {
			if (at + long > text.length) return 0;
			const last = this.#last.get(textHash(text, at, at + long, 0));
			return last >= 0 && this.#isFound(at, long, last, onCandidate) ? long : 0;
		}
		const candidates: number[] = [];
		let hash = 0;
		let hashed = 0;
		for (const length of [...this.#lengthsOf(short), ...this.#lengthsOf(long)]) {
			if (at + length > text.length) break;
			hash = textHash(text, at + hashed, at + length, hash);
			hashed = length;
			const last = this.#last.get(hash);
			if (last >= 0) candidates.push(length, last);
		}
		for (let i = candidates.length - 2; i >= 0; i -= 2) {
			const length = candidates[i] as number;
			if (this.#isFound(at, length, candidates[i + 1] as number, onCandidate)) return length;
		}
		return 0;
	}

	/** Tries the texts with the same hash. The first one that was added counts. */
	#isFound(at: number, length: number, last: number, onCandidate: OnCandidate): boolean {
		const chain: number[] = [];
		for (let one = last; one >= 0; one = this.#texts[2 * one + 1] as number) chain.push(this.#texts[2 * one] as number);
		return chain.reverse().some((id) => onCandidate(at, length, id));
	}
}

/** Four bytes as a number; bytes beyond the end are 0. */
function fourBytes(text: ByteString, at: number): number {
	return (
		(text.charCodeAt(at) << 24) |
		(text.charCodeAt(at + 1) << 16) |
		(text.charCodeAt(at + 2) << 8) |
		text.charCodeAt(at + 3)
	);
}

function shortHash(four: number): number {
	return Math.imul(four ^ (four >>> 15), 0x9e3779b1);
}

function longHash(first: number, second: number): number {
	const mixed = Math.imul(first, 0x85ebca6b) ^ Math.imul(second ^ (second >>> 13), 0xc2b2ae35);
	return Math.imul(mixed ^ (mixed >>> 16), 0x9e3779b1);
}

/** Goes on with the hash of the text before `from`; 0: there is none. */
function textHash(text: ByteString, from: number, to: number, before: number): number {
	let hash = before;
	for (let at = from; at < to; at++) hash = (Math.imul(hash ^ text.charCodeAt(at), 0x01000193) + 0x7ed55d16) | 0;
	return hash;
}

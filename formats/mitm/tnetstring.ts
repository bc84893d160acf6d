// Reads typed netstrings, the encoding of mitmproxy's dumps: `length:payload` and a type byte. Reading is strict and
// bounded.
import { constants } from "node:buffer";
import { FlowtapeError } from "../../src/errors.ts";
import { isAscii, toText } from "../../src/flow/bytes.ts";
import { Float } from "../../src/flow/metadata.ts";
import type { OddFieldReporter } from "../odd-fields.ts";
import { parseInteger, parseNumber } from "./numbers.ts";

/** Bytes are Buffers and text is a string. */
export type Value = null | boolean | number | bigint | Float | string | Buffer | Value[] | Dictionary;
export type Dictionary = { [key: string]: Value };

/** Maximum nesting of lists and dictionaries; real flows have fewer than ten levels. */
const MAX_DEPTH = 100;
const MAX_DIGITS = 12;

export const TAG = {
	bytes: 0x2c,
	text: 0x3b,
	integer: 0x23,
	float: 0x5e,
	boolean: 0x21,
	null: 0x7e,
	list: 0x5d,
	dictionary: 0x7d,
} as const;

/** Whether a byte is the tag of a type. */
const IS_TAG = new Uint8Array(256);
for (const tag of Object.values(TAG)) IS_TAG[tag] = 1;

/** Types other than text and bytes that Python allows as dictionary keys. */
const SCALARS: ReadonlySet<number> = new Set([TAG.integer, TAG.float, TAG.boolean, TAG.null]);

/** Reads the elements of a buffer in sequence. Errors are FT_CORRUPT_FLOW with the offset in the buffer. */
export class Reader {
	readonly buffer: Buffer;
	/** Offset of the next element. */
	position: number;
	/** Range of the payload in `buffer`, and type, of the element opened last. */
	start = 0;
	stop = 0;
	tag = 0;
	/** Receives values of the wrong type that are left out; null: they are errors. */
	readonly odd: OddFieldReporter | null;

	constructor(buffer: Buffer, position = 0, odd: OddFieldReporter | null = null) {
		this.buffer = buffer;
		this.position = position;
		this.odd = odd;
	}

	/** Opens the element at `position`, which must end before `end`, and advances past it. */
	open(end: number): void {
		const { buffer } = this;
		const begin = this.position;
		let at = begin;
		let length = 0;
		for (; at < end; at++) {
			const digit = (buffer[at] as number) - 0x30;
			if (digit < 0 || digit > 9) break;
			length = length * 10 + digit;
		}
		if (at === begin || at - begin > MAX_DIGITS || at >= end || buffer[at] !== 0x3a)
			throw damage("expected a length and a colon", begin);
		this.start = at + 1;
		this.stop = this.start + length;
		if (this.stop >= end) throw damage(`an element of ${length} bytes exceeds the element around it`, begin);
		this.tag = buffer[this.stop] as number;
		if (IS_TAG[this.tag] === 0)
			throw damage(`an element of unknown type ${JSON.stringify(String.fromCharCode(this.tag))}`, this.stop);
		this.position = this.stop + 1;
	}

	/** The value of the element at `position`. */
	value(end: number, depth = 0): Value {
		this.open(end);
		return this.payload(depth);
	}

	/** The value of the element just opened. */
	payload(depth: number): Value {
		const { buffer, start, stop } = this;
		switch (this.tag) {
			case TAG.bytes:
				return buffer.subarray(start, stop);
			case TAG.text:
				return this.utf8();
			case TAG.integer:
				return this.integer();
			case TAG.float:
				return this.#float();
			case TAG.boolean:
				return this.boolean();
			case TAG.list:
				return this.#list(stop, depth);
			case TAG.dictionary:
				return this.#dictionary(stop, depth);
			default:
				if (start !== stop) throw damage("expected a null without a payload", start);
				return null;
		}
	}

	/** The element just opened as a byte string; short ones are cached. */
	latin1(): string {
		return cached(this.buffer, this.start, this.stop, strings);
	}

	/** The element just opened as text. Invalid UTF-8 is an error. */
	utf8(): string {
		const bytes = this.latin1();
		if (isAscii(bytes)) return bytes;
		try {
			return strictUtf8.decode(this.buffer.subarray(this.start, this.stop));
		} catch {
			throw damage("expected text in UTF-8", this.start);
		}
	}

	/** The integer just opened. */
	integer(): number | bigint {
		const { buffer, start, stop } = this;
		return this.#checked(parseInteger(buffer, start, stop), "an integer");
	}

	/** The integer or float just opened, never a bigint. */
	number(): number {
		if (this.tag === TAG.integer) return Number(this.integer());
		const { buffer, start, stop } = this;
		return this.#checked(parseNumber(buffer, start, stop), "a number");
	}

	boolean(): boolean {
		const { buffer, start, stop } = this;
		if (stop - start === 4 && buffer.readUInt32BE(start) === 0x74727565) return true;
		if (stop - start === 5 && buffer.latin1Slice(start, stop) === "false") return false;
		throw damage(
			`expected true or false, found ${JSON.stringify(buffer.latin1Slice(start, Math.min(stop, start + 40)))}`,
			start,
		);
	}

	/** The key of a dictionary's next pair as a byte string: text, bytes in old files, or another scalar. */
	key(end: number): string {
		this.#openKey(end);
		return cached(this.buffer, this.start, this.stop, keys);
	}

	/**
	 * Searches the pairs of a dictionary from `position` to `end` for a key and opens its value. Returns false if not
	 * found.
	 */
	find(name: string, end: number): boolean {
		while (this.position < end) {
			this.#openKey(end);
			const isFound = this.stop - this.start === name.length && standsAt(name, this.buffer, this.start);
			this.open(end);
			if (isFound) return true;
		}
		return false;
	}

	#openKey(end: number): void {
		this.open(end);
		if (this.position >= end) throw damage("a key without a value", this.start);
		if (this.tag !== TAG.text && this.tag !== TAG.bytes && !SCALARS.has(this.tag))
			throw damage("expected text as the key of a dictionary", this.start);
	}

	/** Skips the element at `position` and validates its structure and numbers. */
	skip(end: number, depth = 0): void {
		this.open(end);
		this.check(depth);
	}

	/** As `skip`, for the element just opened. */
	check(depth = 0): void {
		const { start, stop, tag } = this;
		if (tag === TAG.bytes || tag === TAG.text) return;
		if (tag !== TAG.list && tag !== TAG.dictionary) {
			this.payload(0);
			return;
		}
		if (depth >= MAX_DEPTH) throw tooDeep(start);
		this.position = start;
		while (this.position < stop) {
			if (tag === TAG.dictionary) this.#openKey(stop);
			this.skip(stop, depth + 1);
		}
		this.position = stop + 1;
	}

	/** A float. An integral one becomes a `Float`, to keep it distinct from an integer. */
	#float(): number | Float {
		const number = this.number();
		return Number.isInteger(number) ? new Float(number) : number;
	}

	#checked<T>(number: T | null, expected: string): T {
		if (number !== null) return number;
		const { start, stop } = this;
		throw damage(
			`expected ${expected}, found ${JSON.stringify(this.buffer.latin1Slice(start, Math.min(stop, start + 40)))}`,
			start,
		);
	}

	#list(stop: number, depth: number): Value[] {
		if (depth >= MAX_DEPTH) throw tooDeep(this.start);
		this.position = this.start;
		const items: Value[] = [];
		while (this.position < stop) items.push(this.value(stop, depth + 1));
		this.position = stop + 1;
		return items;
	}

	#dictionary(stop: number, depth: number): Dictionary {
		if (depth >= MAX_DEPTH) throw tooDeep(this.start);
		this.position = this.start;
		const items = Object.create(null) as Dictionary;
		while (this.position < stop) {
			const key = toText(this.key(stop));
			items[key] = this.value(stop, depth + 1);
		}
		this.position = stop + 1;
		return items;
	}
}

export function damage(what: string, offset: number): FlowtapeError {
	return new FlowtapeError("FT_CORRUPT_FLOW", what, { offset });
}

function tooDeep(offset: number): FlowtapeError {
	return damage(`nested deeper than ${MAX_DEPTH} levels`, offset);
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Cache of frequent strings: names of header fields, methods, hosts. */
const strings = new Array<string>(4096).fill("");
/** Cache of keys, as the engine's internalized strings, which it compares by address. */
const keys = new Array<string>(4096).fill("");
const CACHED_BYTES = 40;

/** The bytes as a string, cached by a hash of a few of them. */
function cached(buffer: Buffer, start: number, stop: number, cache: string[]): string {
	const length = stop - start;
	if (length === 0) return "";
	if (length > constants.MAX_STRING_LENGTH)
		throw damage(`a string of ${length} bytes is longer than can be read`, start);
	if (length > CACHED_BYTES) return buffer.latin1Slice(start, stop);
	const slot = hashOf(buffer, start, length) >>> 20;
	const known = cache[slot] as string;
	if (known.length === length && standsAt(known, buffer, start)) return known;
	const text = buffer.latin1Slice(start, stop);
	const fresh = cache === keys ? asKey(text) : text;
	cache[slot] = fresh;
	return fresh;
}

/** Hashes the length and four bytes, in which the keys of records differ. */
function hashOf(buffer: Buffer, start: number, length: number): number {
	const middle = start + (length >> 1);
	const ends = ((buffer[start] as number) << 24) ^ ((buffer[start + length - 1] as number) << 16);
	return Math.imul(
		ends ^ ((buffer[middle] as number) << 8) ^ (buffer[middle + 2] as number) ^ (length << 5),
		0x9e3779b1,
	);
}

/** The engine's internalized copy of a string, as it uses for property names. */
function asKey(text: string): string {
	return Object.keys({ [text]: true })[0] as string;
}

function standsAt(text: string, buffer: Buffer, start: number): boolean {
	for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== buffer[start + i]) return false;
	return true;
}

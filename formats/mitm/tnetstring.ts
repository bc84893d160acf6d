// Typed netstrings, the container of mitmproxy's dumps: `length:payload` and a byte that tells the type.
// Reading is strict and bounded, writing goes from the end to the front, so that every length is known when it is written.
import { FlowtapeError } from "../../src/errors.ts";
import type { ByteString } from "../../src/flow/bytes.ts";
import { Float } from "../../src/flow/metadata.ts";

/** Bytes are Buffers, text is a string: the two are kept apart. */
export type Value = null | boolean | number | bigint | Float | string | Buffer | Value[] | Dictionary;
export type Dictionary = { [key: string]: Value };

/** Levels of lists and dictionaries; real flows have fewer than ten. */
const MAX_DEPTH = 100;
const MAX_DIGITS = 12;

export const TAG = { bytes: 0x2c, text: 0x3b, integer: 0x23, float: 0x5e, boolean: 0x21, null: 0x7e, list: 0x5d, dictionary: 0x7d } as const;

/** Reads elements of a buffer one after the other. Faults are FT_CORRUPT_FLOW with the offset in the buffer. */
export class Reader {
	readonly buffer: Buffer;
	/** Where the next element begins. */
	position: number;
	/** Payload and type of the element that `open` read last. */
	start = 0;
	stop = 0;
	tag = 0;

	constructor(buffer: Buffer, position = 0) {
		this.buffer = buffer;
		this.position = position;
	}

	/** Reads the frame of the element at `position`, which must end before `end`, and goes past it. */
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
		if (at === begin || at - begin > MAX_DIGITS || at >= end || buffer[at] !== 0x3a) throw damage("a length and a colon were expected", begin);
		this.start = at + 1;
		this.stop = this.start + length;
		if (this.stop >= end) throw damage(`an element of ${length} bytes runs past the end of what holds it`, begin);
		this.tag = buffer[this.stop] as number;
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
				return decodeUtf8(buffer, start, stop);
			case TAG.integer:
				return parseInteger(buffer, start, stop);
			case TAG.float:
				return parseFloatText(buffer, start, stop);
			case TAG.boolean:
				return parseBoolean(buffer, start, stop);
			case TAG.null:
				if (start !== stop) throw damage("a null with a payload", start);
				return null;
			case TAG.list:
				return this.#list(stop, depth);
			case TAG.dictionary:
				return this.#dictionary(stop, depth);
			default:
				throw damage(`an element of unknown type ${JSON.stringify(String.fromCharCode(this.tag))}`, stop);
		}
	}

	/** The key of a dictionary's next pair; keys are text, or bytes in old files. */
	key(end: number): string {
		this.open(end);
		if (this.tag !== TAG.text && this.tag !== TAG.bytes) throw damage("the key of a dictionary must be text", this.start);
		if (this.position >= end) throw damage("a key without a value", this.start);
		return this.buffer.latin1Slice(this.start, this.stop);
	}

	/** Goes past the element at `position`, checking that its structure holds. */
	skip(end: number, depth = 0): void {
		this.open(end);
		if (this.tag !== TAG.list && this.tag !== TAG.dictionary) {
			this.#checkScalar();
			return;
		}
		if (depth >= MAX_DEPTH) throw damage(`nested deeper than ${MAX_DEPTH} levels`, this.start);
		const { start, stop, tag } = this;
		this.position = start;
		let items = 0;
		for (; this.position < stop; items++) this.skip(stop, depth + 1);
		if (tag === TAG.dictionary && items % 2 === 1) throw damage("a key without a value", start);
		this.position = stop + 1;
	}

	#checkScalar(): void {
		// bytes are what they are, and text is checked where it is read; numbers are short
		if (this.tag !== TAG.bytes && this.tag !== TAG.text) this.payload(0);
	}

	#list(stop: number, depth: number): Value[] {
		if (depth >= MAX_DEPTH) throw damage(`nested deeper than ${MAX_DEPTH} levels`, this.start);
		this.position = this.start;
		const items: Value[] = [];
		while (this.position < stop) items.push(this.value(stop, depth + 1));
		this.position = stop + 1;
		return items;
	}

	#dictionary(stop: number, depth: number): Dictionary {
		if (depth >= MAX_DEPTH) throw damage(`nested deeper than ${MAX_DEPTH} levels`, this.start);
		this.position = this.start;
		const items = Object.create(null) as Dictionary;
		while (this.position < stop) {
			const key = this.key(stop);
			items[key] = this.value(stop, depth + 1);
		}
		this.position = stop + 1;
		return items;
	}
}

function damage(what: string, offset: number): FlowtapeError {
	return new FlowtapeError("FT_CORRUPT_FLOW", what, { offset });
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeUtf8(buffer: Buffer, start: number, stop: number): string {
	const text = buffer.utf8Slice(start, stop);
	if (!text.includes("\ufffd")) return text;
	try {
		return strictUtf8.decode(buffer.subarray(start, stop));
	} catch {
		throw damage("text that is not UTF-8", start);
	}
}

function parseInteger(buffer: Buffer, start: number, stop: number): number | bigint {
	const text = buffer.latin1Slice(start, stop);
	if (text.length > 4300 || !/^\s*[+-]?\d+(_\d+)*\s*$/.test(text)) throw damage(`an integer was expected, found ${JSON.stringify(text.slice(0, 40))}`, start);
	const digits = text.trim().replaceAll("_", "");
	const number = Number(digits);
	return Number.isSafeInteger(number) ? number : BigInt(digits.replace(/^\+/, ""));
}

function parseFloatText(buffer: Buffer, start: number, stop: number): number | Float {
	const text = buffer.latin1Slice(start, stop);
	const bare = text.trim().replaceAll("_", "");
	if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(bare)) {
		const number = Number(bare);
		return Number.isInteger(number) ? new Float(number) : number;
	}
	const special = /^([+-]?)(inf|infinity|nan)$/i.exec(bare);
	if (special === null) throw damage(`a float was expected, found ${JSON.stringify(text.slice(0, 40))}`, start);
	return /^n/i.test(special[2] as string) ? Number.NaN : special[1] === "-" ? -Infinity : Infinity;
}

function parseBoolean(buffer: Buffer, start: number, stop: number): boolean {
	const text = buffer.latin1Slice(start, stop);
	if (text !== "true" && text !== "false") throw damage(`true or false was expected, found ${JSON.stringify(text.slice(0, 40))}`, start);
	return text === "true";
}

/** Writes elements from the end of a buffer towards its front: what is written last stands first. */
export class Writer {
	#buffer = Buffer.allocUnsafe(64 * 1024);
	#at = this.#buffer.length;

	/** The bytes written since the last call, a copy. */
	take(): Buffer {
		const bytes = Buffer.from(this.#buffer.subarray(this.#at));
		this.#at = this.#buffer.length;
		return bytes;
	}

	bytes(bytes: Uint8Array | ByteString): void {
		const end = this.begin(TAG.bytes, bytes.length);
		this.#at -= bytes.length;
		if (typeof bytes === "string") this.#buffer.latin1Write(bytes, this.#at);
		else this.#buffer.set(bytes, this.#at);
		this.end(end);
	}

	text(text: string): void {
		// a lone surrogate has no UTF-8
		const bytes = Buffer.from(text, "utf8");
		const end = this.begin(TAG.text, bytes.length);
		this.#at -= bytes.length;
		this.#buffer.set(bytes, this.#at);
		this.end(end);
	}

	integer(number: number | bigint): void {
		this.#ascii(TAG.integer, String(number));
	}

	float(number: number): void {
		this.#ascii(TAG.float, Number.isInteger(number) && Math.abs(number) < 1e21 ? `${number}.0` : pythonFloat(number));
	}

	boolean(value: boolean): void {
		this.#ascii(TAG.boolean, value ? "true" : "false");
	}

	null(): void {
		this.#ascii(TAG.null, "");
	}

	/** Begins a list or dictionary, or any payload of `size` bytes: its type goes last, so first. */
	begin(tag: number, size = 0): number {
		this.#ensure(size + 32);
		this.#buffer[--this.#at] = tag;
		return this.#buffer.length - this.#at;
	}

	/** Ends what `begin` began, with the number that it gave. */
	end(begun: number): void {
		const digits = String(this.#buffer.length - this.#at - begun);
		this.#ensure(32);
		this.#buffer[--this.#at] = 0x3a;
		this.#at -= digits.length;
		this.#buffer.latin1Write(digits, this.#at);
	}

	#ascii(tag: number, text: string): void {
		const end = this.begin(tag, text.length);
		this.#at -= text.length;
		this.#buffer.latin1Write(text, this.#at);
		this.end(end);
	}

	#ensure(size: number): void {
		if (this.#at >= size) return;
		const used = this.#buffer.length - this.#at;
		const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, used + size + 64 * 1024));
		this.#buffer.copy(larger, larger.length - used, this.#at);
		this.#at = larger.length - used;
		this.#buffer = larger;
	}
}

function pythonFloat(number: number): string {
	if (Number.isNaN(number)) return "nan";
	return Number.isFinite(number) ? String(number) : number > 0 ? "inf" : "-inf";
}

// Walks through the outer structure of JSON in chunks. Values are skipped or returned as bytes.
import { NO_BYTES } from "../../src/flow/bytes.ts";
import { DEPTH_LIMIT } from "../fields.ts";
import type { JsonRecord } from "../json-record.ts";
import { QUOTE } from "../string-scanner.ts";
import { ValueScanner } from "./value-scanner.ts";

const KEY_LIMIT = 4096;
/** Characters of a JSONP function name, and white space. */
const NAMES = /[\w$.\s]/;
const [PARENTHESIS, END_PARENTHESIS, SEMICOLON] = [0x28, 0x29, 0x3b];
/** Bytes that contain the first key of an entry. */
const MARK_BYTES = 256;

export const [BRACE, BRACKET] = [0x7b, 0x5b];
const [END_BRACE, END_BRACKET, COMMA, COLON] = [0x7d, 0x5d, 0x2c, 0x3a];

/** A syntax error at an offset. */
export class Damage extends Error {
	readonly offset: number;

	constructor(what: string, offset: number) {
		super(what);
		this.offset = offset;
	}
}

export class JsonWalker {
	/** Number of the current entry, from 1; 0 outside of entries. */
	record = 0;
	readonly #chunks: AsyncIterator<Buffer>;
	#bytes = NO_BYTES;
	#at = 0;
	/** Offset of the current chunk in the input. */
	#base = 0;
	/** Bytes of a value that spans chunks. The buffer is reused for the next value. */
	#kept = NO_BYTES;
	/** Whether the current object or list has a value, so that a comma must follow. */
	#needsComma = false;
	/** White space since the last line break; null after other bytes. */
	#indent: string | null = null;
	/** A line break and the beginning of an entry after it; null if entries are not on separate lines. */
	#mark: Buffer | null = null;
	/** Position of the next mark in this chunk, at or after the current one; Infinity if there is none. */
	#nextMark = -1;

	constructor(chunks: AsyncIterable<Buffer>) {
		this.#chunks = chunks[Symbol.asyncIterator]();
	}

	get offset(): number {
		return this.#base + this.#at;
	}

	/** Whether there is another byte. Fetches the next chunk if necessary. */
	async #more(): Promise<boolean> {
		while (this.#at >= this.#bytes.length) {
			const { value, done } = await this.#chunks.next();
			if (done) return false;
			this.#base += this.#bytes.length;
			this.#at = 0;
			this.#bytes = value;
			this.#nextMark = -1;
		}
		return true;
	}

	/** Peeks at the next byte other than white space; -1 at the end. */
	async next(): Promise<number> {
		this.#indent = null;
		for (;;) {
			if (this.#at >= this.#bytes.length && !(await this.#more())) return -1;
			const byte = this.#bytes[this.#at] as number;
			if (byte === 0x0a) this.#indent = "";
			else if (byte === 0x20 || byte === 0x09 || byte === 0x0d) {
				if (this.#indent !== null) this.#indent += String.fromCharCode(byte);
			} else if (!(this.offset < 3 && (byte === 0xef || byte === 0xbb || byte === 0xbf))) return byte;
			this.#at++;
		}
	}

	/** Enters an object or a list. */
	async open(bracket: number, expected: string): Promise<void> {
		if ((await this.next()) !== bracket) throw this.#damage(`expected ${expected}`);
		this.#at++;
		this.#needsComma = false;
	}

	/** Enters the function call that wraps the value in JSONP. Returns false if there is none. */
	async enterCall(): Promise<boolean> {
		const first = await this.next();
		if (first === -1 || !NAMES.test(String.fromCharCode(first))) return false;
		for (let i = 0; i < KEY_LIMIT && (await this.#more()); i++) {
			const byte = this.#bytes[this.#at] as number;
			if (byte === PARENTHESIS) {
				this.#at++;
				return true;
			}
			if (!NAMES.test(String.fromCharCode(byte))) break;
			this.#at++;
		}
		throw this.#damage("expected an object");
	}

	/** Leaves the function call. */
	async leaveCall(): Promise<void> {
		if ((await this.next()) !== END_PARENTHESIS) throw this.#damage("expected the end of the call");
		this.#at++;
		if ((await this.next()) === SEMICOLON) this.#at++;
	}

	/** Reads the next key of the object, up to its value; null at the end of the object. */
	async key(): Promise<string | null> {
		if (!(await this.#goOn(END_BRACE))) return null;
		if ((await this.next()) !== QUOTE) throw this.#damage("expected a key in quotes");
		const bytes = await this.value(KEY_LIMIT);
		// longer keys are ignored; the next chunk may overwrite the bytes
		const key = bytes === null ? "" : keyOf(bytes);
		if ((await this.next()) !== COLON) throw this.#damage("expected a colon after the key");
		this.#at++;
		return key;
	}

	/** Moves to the next item of the list; false at its end. */
	async item(): Promise<boolean> {
		return this.#goOn(END_BRACKET);
	}

	async #goOn(end: number): Promise<boolean> {
		let byte = await this.next();
		if (byte === end) {
			this.#at++;
			this.#needsComma = true;
			return false;
		}
		if (this.#needsComma) {
			if (byte !== COMMA) throw this.#damage("expected a comma");
			this.#at++;
			byte = await this.next();
		}
		if (byte === -1) throw this.#damage("expected a value");
		return true;
	}

	/** Reads the next value as bytes; null if it exceeds the limit or is nested too deep. */
	async value(limit: number): Promise<Buffer | null> {
		let whole: Buffer | null = null;
		const { size, deepest } = await this.#walk((part, before, isEnd) => {
			if (isEnd && before === 0) whole = part;
			else if (before + part.length <= limit) this.#keep(part, before);
		});
		if (size > limit || deepest > DEPTH_LIMIT) return null;
		return whole ?? this.#kept.subarray(0, size);
	}

	/**
	 * Reads the next value into a record. Returns its bytes if it is short; null: it is long, and in the record;
	 * "deep": it is short and nested too deep.
	 */
	async take(record: JsonRecord): Promise<Buffer | null | "deep"> {
		let whole: Buffer | null = null;
		record.clear();
		const { deepest } = await this.#walk((part, before, isEnd) => {
			if (isEnd && before === 0) whole = part;
			else record.push(part);
		});
		const bytes = whole ?? record.bytes;
		return bytes !== null && deepest > DEPTH_LIMIT ? "deep" : bytes;
	}

	/** Walks through the next value. @param take receives its bytes in parts, and the number of bytes before each */
	async #walk(
		take: (part: Buffer, before: number, isEnd: boolean) => void,
	): Promise<{ size: number; deepest: number }> {
		// the first entry shows how the others begin, if they are on separate lines
		const indent = this.record === 1 && this.#mark === null ? this.#indent : null;
		if ((await this.next()) === -1) throw this.#damage("expected a value");
		if (indent !== null) this.#mark = markOf(indent, this.#bytes.subarray(this.#at, this.#at + MARK_BYTES));
		const start = this.offset;
		const scanner = new ValueScanner();
		let size = 0;
		for (;;) {
			const from = this.#at;
			const mark = this.#findMark();
			const to = Math.min(mark, this.#bytes.length);
			const end = scanner.scan(this.#bytes, from, to);
			this.#at = end === -1 ? to : end;
			take(this.#bytes.subarray(from, this.#at), size, end !== -1);
			size += this.#at - from;
			if (end !== -1) break;
			if (to === mark) throw new Damage("expected the end of the entry, found the next entry", start);
			if (!(await this.#more())) throw new Damage("the file ends within the entry", start);
		}
		this.#needsComma = true;
		return { size, deepest: scanner.deepest };
	}

	/** Copies a part of a value that continues in the next chunk, because the chunk may be reused. */
	#keep(part: Buffer, at: number): void {
		if (this.#kept.length < at + part.length) {
			const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#kept.length, at + part.length));
			this.#kept.copy(larger, 0, 0, at);
			this.#kept = larger;
		}
		part.copy(this.#kept, at);
	}

	/** After damage: moves to the beginning of the next entry, if it can be found. */
	async seekEntry(): Promise<boolean> {
		if (this.#mark === null) return false;
		for (;;) {
			const mark = this.#findMark();
			if (mark < Number.POSITIVE_INFINITY) {
				this.#at = mark + 1;
				this.#needsComma = false;
				return true;
			}
			this.#at = this.#bytes.length;
			if (!(await this.#more())) return false;
		}
	}

	#findMark(): number {
		if (this.#mark === null) return Number.POSITIVE_INFINITY;
		if (this.#nextMark < this.#at) {
			const found = this.#bytes.indexOf(this.#mark, this.#at);
			this.#nextMark = found === -1 ? Number.POSITIVE_INFINITY : found;
		}
		return this.#nextMark;
	}

	#damage(what: string): Damage {
		const end = this.#at >= this.#bytes.length;
		return new Damage(
			end
				? `${what}, found the end of the file`
				: `${what}, found ${JSON.stringify(String.fromCharCode(this.#bytes[this.#at] as number))}`,
			this.offset,
		);
	}
}

function keyOf(bytes: Buffer): string {
	try {
		return String(JSON.parse(bytes.toString("utf8")));
	} catch {
		return "";
	}
}

/**
 * A line break, indentation and the beginning of an entry up to its first key. This sequence does not occur inside
 * entries.
 */
function markOf(indent: string, start: Buffer): Buffer | null {
	const head = /^\{\s*"(?:[^"\\]|\\.)*"/.exec(start.latin1Slice())?.[0];
	return head === undefined ? null : Buffer.from(`\n${indent}${head}`, "latin1");
}

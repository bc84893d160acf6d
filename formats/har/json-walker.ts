// JSON gone through by its outer structure, over any cuts of the bytes. Values are skipped, or given as bytes.
import { DEPTH_LIMIT } from "../fields.ts";
import { ValueScanner } from "./value-scanner.ts";

const KEY_LIMIT = 4096;
/** Characters of a function's name, and white space. */
const NAMES = /[\w$.\s]/;
const [PARENTHESIS, END_PARENTHESIS, SEMICOLON] = [0x28, 0x29, 0x3b];
/** Bytes in which an entry shows its first key. */
const MARK_BYTES = 256;

const EMPTY: Buffer = Buffer.alloc(0);
export const [BRACE, BRACKET, END_BRACE, END_BRACKET, COMMA, COLON, QUOTE] = Buffer.from('{[}],:"') as unknown as [
	...[brace: number, bracket: number, endBrace: number, endBracket: number, comma: number, colon: number, quote: number],
];

/** Something else stands there than was expected. */
export class Damage extends Error {
	readonly offset: number;

	constructor(what: string, offset: number) {
		super(what);
		this.offset = offset;
	}
}

export class JsonWalker {
	/** The entry that is read, from 1; 0 outside of entries. */
	record = 0;
	readonly #chunks: AsyncIterator<Buffer>;
	#bytes = EMPTY;
	#at = 0;
	/** Offset of the chunk. */
	#base = 0;
	/** Of a value in several chunks. Used again for the next one, so that it costs memory once. */
	#kept = EMPTY;
	/** Whether a value of the present object or list came already, so that a comma must follow. */
	#needsComma = false;
	/** White space since the last line break; null where something else stands between, or there was none. */
	#indent: string | null = null;
	/** A line break and how entries begin behind it; null where entries are not on lines of their own. */
	#mark: Buffer | null = null;
	/** Where the next mark in this chunk is, at or behind the present place; Infinity: there is none. */
	#nextMark = -1;

	constructor(chunks: AsyncIterable<Buffer>) {
		this.#chunks = chunks[Symbol.asyncIterator]();
	}

	get offset(): number {
		return this.#base + this.#at;
	}

	/** Whether there is a byte; brings the next chunk where this one is used up. */
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

	/** The next byte that is no white space, not taken; -1 at the end. */
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

	/** Goes into the call of a function, as JSONP has one around its value; whether there is one. */
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
		throw this.#damage("an object was expected");
	}

	/** The end of the call. */
	async leaveCall(): Promise<void> {
		if ((await this.next()) !== END_PARENTHESIS) throw this.#damage("the end of the call was expected");
		this.#at++;
		if ((await this.next()) === SEMICOLON) this.#at++;
	}

	/** The next key of the object, its value ahead; null behind its end. */
	async key(): Promise<string | null> {
		if (!(await this.#goOn(END_BRACE))) return null;
		if ((await this.next()) !== QUOTE) throw this.#damage("a key in quotes was expected");
		const key = await this.value(KEY_LIMIT);
		if ((await this.next()) !== COLON) throw this.#damage("a colon was expected behind the key");
		this.#at++;
		// what is longer is none that matters
		return key === null ? "" : keyOf(key);
	}

	/** Whether the list has one more item, which is ahead then; its end is taken. */
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
			if (byte !== COMMA) throw this.#damage("a comma was expected");
			this.#at++;
			byte = await this.next();
		}
		if (byte === -1) throw this.#damage("something was expected");
		return true;
	}

	/** The bytes of the value ahead, or null when they are more than the limit or nested too deep. */
	async value(limit: number): Promise<Buffer | null> {
		// of the first entry: how the others begin, if they stand on lines of their own as well
		const indent = this.record === 1 && this.#mark === null ? this.#indent : null;
		if ((await this.next()) === -1) throw this.#damage("a value was expected");
		if (indent !== null) this.#mark = markOf(indent, this.#bytes.subarray(this.#at, this.#at + MARK_BYTES));
		const start = this.offset;
		const scanner = new ValueScanner();
		let size = 0;
		let whole: Buffer | null = null;
		for (;;) {
			const from = this.#at;
			const mark = this.#findMark();
			const to = Math.min(mark, this.#bytes.length);
			const end = scanner.scan(this.#bytes, from, to);
			this.#at = end === -1 ? to : end;
			size += this.#at - from;
			const part = this.#bytes.subarray(from, this.#at);
			if (end !== -1 && size === part.length) whole = part;
			else if (size <= limit) this.#keep(part, size - part.length);
			if (end !== -1) break;
			if (to === mark) throw new Damage("it does not end before the next entry begins", start);
			if (!(await this.#more())) throw new Damage("the file ends in the middle of it", start);
		}
		this.#needsComma = true;
		if (size > limit || scanner.deepest > DEPTH_LIMIT) return null;
		return whole ?? this.#kept.subarray(0, size);
	}

	/** Takes over a part of a value that goes on in the next chunk, which may be written over this one. */
	#keep(part: Buffer, at: number): void {
		if (this.#kept.length < at + part.length) {
			const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#kept.length, at + part.length));
			this.#kept.copy(larger, 0, 0, at);
			this.#kept = larger;
		}
		part.copy(this.#kept, at);
	}

	/** After damage: goes to where the next entry begins, if that can be told. */
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
			end ? `${what}, the file ends here` : `${what}, this is ${JSON.stringify(String.fromCharCode(this.#bytes[this.#at] as number))}`,
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

/** A line break, the white space behind it and the entry up to its first key: nothing inside an entry looks like that. */
function markOf(indent: string, start: Buffer): Buffer | null {
	const head = /^\{\s*"(?:[^"\\]|\\.)*"/.exec(start.latin1Slice())?.[0];
	return head === undefined ? null : Buffer.from(`\n${indent}${head}`, "latin1");
}

// The entries of a HAR, each as its bytes: found one after the other, so that no more than one of them is in memory.
import { DEPTH_LIMIT } from "../fields.ts";
import { ValueScanner } from "./value-scanner.ts";

/** What is met in a HAR, in its order. Bytes are good until the next is asked for. */
export type Found =
	| { kind: "entry"; bytes: Buffer; record: number; offset: number }
	| { kind: "pages"; bytes: Buffer; record: 0; offset: number }
	/** `record` is 0 outside of entries. */
	| { kind: "damage"; what: string; record: number; offset: number };

/** The longest entry in bytes: about what a string of V8 holds. */
const ENTRY_LIMIT = 500 * 1024 * 1024;
const KEY_LIMIT = 4096;
const PAGES_LIMIT = 16 * 1024 * 1024;

/** Bytes in which an entry shows its first key. */
const MARK_BYTES = 256;

const EMPTY: Buffer = Buffer.alloc(0);
const [BRACE, BRACKET, END_BRACE, END_BRACKET, COMMA, COLON, QUOTE] = Buffer.from('{[}],:"') as unknown as [
	...[brace: number, bracket: number, endBrace: number, endBracket: number, comma: number, colon: number, quote: number],
];

/** Something else than JSON, or than a HAR. */
class Damage extends Error {
	readonly offset: number;

	constructor(what: string, offset: number) {
		super(what);
		this.offset = offset;
	}
}

/**
 * Reads `{"log": {"entries": [ … ]}}`. After damage to an entry it goes on with the next where that can be found: a HAR with
 * line breaks between its entries shows where they begin.
 */
export async function* readEntries(chunks: AsyncIterable<Buffer>): AsyncGenerator<Found> {
	const json = new JsonWalker(chunks);
	const seen = { entries: false };
	try {
		await json.open(BRACE, 'a HAR ({"log": …})');
		for (let key = await json.key(); key !== null; key = await json.key()) {
			if (key === "log") yield* readLog(json, seen);
			else await json.value(0);
		}
		if (!seen.entries) throw new Damage('a HAR has a list "log.entries", this has none', json.offset);
		if ((await json.next()) !== -1) throw new Damage("the end of the file was expected behind the HAR", json.offset);
	} catch (error) {
		if (!(error instanceof Damage)) throw error;
		yield { kind: "damage", what: error.message, record: json.record, offset: error.offset };
	}
}

async function* readLog(json: JsonWalker, seen: { entries: boolean }): AsyncGenerator<Found> {
	await json.open(BRACE, '"log" to be an object');
	for (let key = await json.key(); key !== null; key = await json.key()) {
		if (key === "entries") {
			seen.entries = true;
			yield* readList(json);
		} else if (key === "pages") {
			const { offset } = json;
			const bytes = await json.value(PAGES_LIMIT);
			if (bytes !== null) yield { kind: "pages", bytes, record: 0, offset };
		} else await json.value(0);
	}
}

async function* readList(json: JsonWalker): AsyncGenerator<Found> {
	await json.open(BRACKET, '"log.entries" to be a list');
	for (;;) {
		const start = json.offset;
		try {
			if (!(await json.item())) break;
			json.record++;
			const offset = json.offset;
			const bytes = await json.value(ENTRY_LIMIT);
			if (bytes === null) yield { kind: "damage", what: `longer than ${ENTRY_LIMIT} bytes or nested deeper than ${DEPTH_LIMIT}`, record: json.record, offset };
			else yield { kind: "entry", bytes, record: json.record, offset };
		} catch (error) {
			if (!(error instanceof Damage) || !(await json.seekEntry())) throw error;
			yield { kind: "damage", what: error.message, record: json.record, offset: Math.max(error.offset, start) };
		}
	}
	json.record = 0;
}

/** Goes through JSON by its outer structure. Values are skipped, or given as bytes. */
class JsonWalker {
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

// Decodes a long string of a JSON text in pieces. Its bytes are kept in memory up to a limit, and in a temporary file
// beyond it.
import { isUtf8 } from "node:buffer";
import { FlowtapeError } from "../src/errors.ts";
import { bodyBytes, bodyChunks } from "../src/flow/body.ts";
import { encodeText, NO_BYTES } from "../src/flow/bytes.ts";
import { type FileSpool, openFileSpool } from "../src/flow/file-spool.ts";
import { wholeCharacters } from "../src/flow/whole-pieces.ts";
import { KeptScalar } from "./fields.ts";
import { decodeBase64 } from "./json-values.ts";
import { BACKSLASH } from "./string-scanner.ts";

/** Maximum size in memory, in bytes. */
const MEMORY_BYTES = 8 * 1024 * 1024;
/** Bytes to decode at once. */
const STEP_BYTES = 64 * 1024;

type LongBody = Exclude<Parameters<typeof bodyBytes>[0], null>;

/** The value of a long string. */
export class LongString extends KeptScalar {
	/** The string as UTF-8. */
	readonly body: LongBody;
	/** Bytes of the string as UTF-8. */
	readonly size: number;

	constructor(body: LongBody) {
		super();
		this.body = body;
		this.size = Buffer.isBuffer(body) ? body.length : body.size;
	}

	get description(): string {
		return `a string of ${this.size} bytes`;
	}

	toJSON(): string {
		return this.read().toString();
	}

	/** Decodes the string as base64, without its white space; undefined if it is not base64. */
	fromBase64(): LongBody | undefined {
		const taken = new Spool();
		let digits = "";
		for (const chunk of bodyChunks(this.body)) {
			digits += chunk.latin1Slice().replace(/\s+/g, "");
			// the padding may be in the last four digits
			const whole = 4 * Math.floor(Math.max(digits.length - 1, 0) / 4);
			const bytes = decodeBase64(digits.slice(0, whole));
			if (bytes?.length !== (whole / 4) * 3) return undefined;
			taken.write(bytes);
			digits = digits.slice(whole);
		}
		const last = decodeBase64(digits);
		if (last === undefined) return undefined;
		taken.write(last);
		return taken.end();
	}

	/** All bytes in memory. */
	read(): Buffer {
		return bodyBytes(this.body) as Buffer;
	}
}

/** Decodes the pieces of a string, and cuts between characters only. */
class Decoder {
	readonly #take: (text: string) => void;
	/** Bytes to decode with the next piece. */
	#rest = NO_BYTES;
	/** The first half of a surrogate pair. */
	#high = "";

	constructor(take: (text: string) => void) {
		this.#take = take;
	}

	/** @throws FlowtapeError FT_CORRUPT_FLOW unless it is part of a JSON string in UTF-8 */
	write(piece: Buffer): void {
		for (let at = 0; at < piece.length; at += STEP_BYTES) {
			const part = piece.subarray(at, at + STEP_BYTES);
			const raw = this.#rest.length === 0 ? part : Buffer.concat([this.#rest, part]);
			const cut = wholeEscapes(raw, wholeCharacters(raw));
			const text = this.#high + decodeString(raw.subarray(0, cut));
			const isHigh = (text.charCodeAt(text.length - 1) & 0xfc00) === 0xd800;
			const end = isHigh ? text.length - 1 : text.length;
			this.#high = text.slice(end);
			this.#rest = Buffer.from(raw.subarray(cut));
			this.#take(text.slice(0, end));
		}
	}

	/** @throws FlowtapeError FT_CORRUPT_FLOW as `write` */
	end(): void {
		this.#take(this.#high + decodeString(this.#rest));
	}
}

/** Reads the pieces of a string that is text. */
export class LongTextReader {
	#text = "";
	readonly #decoder = new Decoder((text) => {
		this.#text += text;
	});

	/** UTF-16 code units of the string so far. */
	get size(): number {
		return this.#text.length;
	}

	/** @throws FlowtapeError FT_CORRUPT_FLOW unless it is part of a JSON string in UTF-8 */
	write(piece: Buffer): void {
		this.#decoder.write(piece);
	}

	/** @throws FlowtapeError FT_CORRUPT_FLOW as `write` */
	end(): string {
		this.#decoder.end();
		return this.#text;
	}
}

/** Reads the pieces of a string that is a body or a message. */
export class LongStringReader {
	readonly #spool: Spool;
	readonly #decoder = new Decoder((text) => this.#spool.write(encodeText(text)));

	/** @param limit maximum bytes in memory; more are stored in a file */
	constructor(limit = MEMORY_BYTES) {
		this.#spool = new Spool(limit);
	}

	/** Bytes of the string so far. */
	get size(): number {
		return this.#spool.size;
	}

	/** @throws FlowtapeError FT_CORRUPT_FLOW unless it is part of a JSON string in UTF-8 */
	write(piece: Buffer): void {
		this.#decoder.write(piece);
	}

	/** @throws FlowtapeError FT_CORRUPT_FLOW as `write` */
	end(): LongString {
		this.#decoder.end();
		return new LongString(this.#spool.end());
	}
}

/** Decodes the part between the quotes of a JSON string. @throws FlowtapeError FT_CORRUPT_FLOW */
export function decodeString(raw: Buffer): string {
	if (!isUtf8(raw)) throw new FlowtapeError("FT_CORRUPT_FLOW", "expected UTF-8, found other bytes");
	try {
		return JSON.parse(`"${raw.utf8Slice()}"`) as string;
	} catch (cause) {
		throw new FlowtapeError("FT_CORRUPT_FLOW", `expected JSON: ${(cause as Error).message}`, { cause });
	}
}

/** Size of the longest escape, in bytes. */
const ESCAPE_BYTES = 6;

/** The last offset up to `end` that is not within an escape. */
function wholeEscapes(raw: Buffer, end: number): number {
	const last = end === 0 ? -1 : raw.lastIndexOf(BACKSLASH, end - 1);
	if (last === -1 || last < end - ESCAPE_BYTES) return end;
	let first = last;
	while (first > 0 && raw[first - 1] === BACKSLASH) first--;
	// every second backslash in a row is escaped by the one before it
	const start = last - ((last - first) & 1);
	const size = raw[start + 1] === 0x75 ? ESCAPE_BYTES : 2;
	return start + size > end ? start : end;
}

/** Collects bytes, in memory or in a file. */
class Spool {
	readonly #limit: number;
	#parts: Buffer[] = [];
	#file: FileSpool | null = null;
	size = 0;

	constructor(limit = MEMORY_BYTES) {
		this.#limit = limit;
	}

	write(bytes: Buffer): void {
		this.size += bytes.length;
		if (this.#file === null && this.size > this.#limit) {
			this.#file = openFileSpool();
			for (const part of this.#parts) this.#file.write(part);
			this.#parts = [];
		}
		if (this.#file === null) this.#parts.push(bytes);
		else this.#file.write(bytes);
	}

	end(): LongBody {
		return this.#file?.end() ?? Buffer.concat(this.#parts);
	}
}

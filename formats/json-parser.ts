// Parses JSON in pieces, for large records. The memory is limited, and large bodies are stored in files.
import { FlowtapeError } from "../src/errors.ts";
import { encodeText } from "../src/flow/bytes.ts";
import { DEPTH_LIMIT, type Json, type JsonObject, type KeptScalar } from "./fields.ts";
import { COST_LIMIT, JsonCost, LONG_MESSAGE, MESSAGES_LIMIT, type PlaceOf, TEXT_LIMIT } from "./json-cost.ts";
import { decodeString, LongString, LongStringReader, LongTextReader } from "./long-string.ts";
import { BACKSLASH, QUOTE, StringScanner } from "./string-scanner.ts";

const [COMMA, COLON, BRACE, END_BRACE, BRACKET, END_BRACKET] = [0x2c, 0x3a, 0x7b, 0x7d, 0x5b, 0x5d] as const;
/** Minimum size of a long string, in bytes. */
const LONG_BYTES = 1024 * 1024;
const SCALAR_BYTES = 4096;

/** The token that may follow. */
type Expected = "value" | "value or ]" | "key" | "key or }" | "colon" | "comma" | "nothing";

/** Returns a number in another form if JavaScript cannot represent it; null: it can. @param path as for `PlaceOf` */
export type KeepNumber = (text: string, path: readonly string[]) => KeptScalar | null;

/** Parses one JSON value. A long string that is a body or the content of a message becomes a LongString. */
export class JsonParser {
	readonly #placeOf: PlaceOf;
	readonly #keepNumber: KeepNumber | undefined;
	readonly #cost: JsonCost;
	readonly #containers: (Json[] | JsonObject)[] = [];
	/** The key of the current value in each open object; empty in lists. */
	readonly #keys: string[] = [];
	#expected: Expected = "value";
	#value: Json | undefined;
	/** The beginning of a string that continues in the next piece. */
	#begun: Buffer[] = [];
	#begunBytes = 0;
	#isInString = false;
	readonly #string = new StringScanner();
	#scalar = "";
	#long: LongStringReader | LongTextReader | null = null;
	#place: ReturnType<PlaceOf> = null;

	constructor(placeOf: PlaceOf, keepNumber?: KeepNumber) {
		this.#placeOf = placeOf;
		this.#keepNumber = keepNumber;
		this.#cost = new JsonCost(placeOf);
	}

	/** @throws FlowtapeError FT_CORRUPT_FLOW if it is not JSON or exceeds a limit; do not call it again then */
	push(piece: Buffer): void {
		for (let at = 0; at < piece.length; ) {
			if (this.#isInString) at = this.#goOn(piece, at);
			else at = this.#take(piece, at);
		}
	}

	/** The value; undefined if there was only white space. @throws FlowtapeError FT_CORRUPT_FLOW */
	end(): Json | undefined {
		this.#endScalar();
		if (this.#isInString || this.#containers.length > 0) throw damage("found the end of the record in a value");
		return this.#value;
	}

	#take(piece: Buffer, at: number): number {
		const byte = piece[at] as number;
		switch (byte) {
			case 0x20:
			case 0x09:
			case 0x0a:
			case 0x0d:
				this.#endScalar();
				return endOfSpace(piece, at + 1);
			case QUOTE:
				this.#endScalar();
				if (!this.#expected.startsWith("value") && !this.#expected.startsWith("key")) throw this.#unexpected(byte);
				this.#isInString = true;
				break;
			case BRACE:
				this.#open({}, "key or }");
				break;
			case BRACKET:
				this.#open([], "value or ]");
				break;
			case END_BRACE:
				this.#close(byte, "key or }");
				break;
			case END_BRACKET:
				this.#close(byte, "value or ]");
				break;
			case COMMA:
				this.#endScalar();
				if (this.#expected !== "comma") throw this.#unexpected(byte);
				this.#expected = Array.isArray(this.#containers.at(-1)) ? "value" : "key";
				break;
			case COLON:
				if (this.#expected !== "colon") throw this.#unexpected(byte);
				this.#expected = "value";
				break;
			default:
				if (!this.#expected.startsWith("value") || this.#scalar.length > SCALAR_BYTES) throw this.#unexpected(byte);
				this.#scalar += String.fromCharCode(byte);
		}
		return at + 1;
	}

	#open(container: Json[] | JsonObject, expected: Expected): void {
		if (!this.#expected.startsWith("value") || this.#scalar !== "") throw damage("expected a comma, found a value");
		if (this.#containers.length >= DEPTH_LIMIT) throw damage(`values are nested deeper than ${DEPTH_LIMIT}`);
		this.#cost.container();
		this.#check();
		this.#containers.push(container);
		this.#keys.push("");
		this.#expected = expected;
	}

	#close(byte: number, empty: Expected): void {
		this.#endScalar();
		const container = this.#containers.at(-1);
		const isOfList = byte === END_BRACKET;
		const isItsEnd = container !== undefined && Array.isArray(container) === isOfList;
		if (!isItsEnd || (this.#expected !== "comma" && this.#expected !== empty)) throw this.#unexpected(byte);
		this.#containers.pop();
		this.#keys.pop();
		this.#put(container);
	}

	#endScalar(): void {
		if (this.#scalar === "") return;
		let value: Json;
		try {
			value = JSON.parse(this.#scalar) as Json;
		} catch (cause) {
			throw damage((cause as Error).message);
		}
		const kept = typeof value === "number" ? (this.#keepNumber?.(this.#scalar, this.#keys) ?? null) : null;
		this.#scalar = "";
		this.#cost.scalar(value as number | boolean | null);
		if (kept !== null) this.#cost.container();
		this.#put(kept ?? value);
	}

	/** Continues with a string. Returns its end, or the end of the piece. */
	#goOn(piece: Buffer, from: number): number {
		const end = this.#string.scan(piece, from, piece.length);
		const part = piece.subarray(from, end === -1 ? piece.length : end);
		if (end !== -1 && this.#begunBytes === 0 && this.#long === null) this.#putString(part);
		else {
			this.#keep(part);
			if (end !== -1) this.#putBegun();
		}
		if (end === -1) return piece.length;
		this.#isInString = false;
		return end + 1;
	}

	#keep(part: Buffer): void {
		if (this.#long !== null) this.#long.write(part);
		else {
			this.#begun.push(Buffer.from(part));
			this.#begunBytes += part.length;
			if (this.#begunBytes < LONG_BYTES) return;
			if (this.#expected.startsWith("key")) throw damage(`a key is longer than ${LONG_BYTES} bytes`);
			this.#place = this.#placeOf(this.#keys);
			this.#long =
				this.#place === null
					? new LongTextReader()
					: new LongStringReader(this.#place === "body" ? undefined : Number.POSITIVE_INFINITY);
			for (const each of this.#begun) this.#long.write(each);
			this.#begun = [];
		}
		if (this.#place === "body") return;
		if (this.#place === null && this.#long.size > TEXT_LIMIT) throw tooLong();
		if (this.#cost.isTooMuchWith(this.#long.size, this.#place === "message")) throw tooMuch();
	}

	#putBegun(): void {
		const long = this.#long?.end();
		const parts = this.#begun;
		this.#begun = [];
		this.#begunBytes = 0;
		this.#long = null;
		if (long === undefined) this.#putString(Buffer.concat(parts));
		else this.#putLong(long);
	}

	#putLong(long: string | LongString): void {
		if (typeof long === "string") {
			if (long.length > TEXT_LIMIT) throw tooLong();
			this.#cost.string(long, this.#keys);
		} else if (this.#place === "message") this.#cost.message(long.size);
		this.#put(long);
	}

	#putString(raw: Buffer): void {
		const text = textOf(raw);
		if (this.#expected.startsWith("key")) {
			this.#cost.key(text);
			this.#keys[this.#keys.length - 1] = text;
			this.#expected = "colon";
			return;
		}
		this.#cost.string(text, this.#keys);
		const isLong = raw.length >= LONG_MESSAGE && this.#placeOf(this.#keys) === "message";
		this.#put(isLong ? new LongString(encodeText(text)) : text);
	}

	#put(value: Json): void {
		this.#check();
		const container = this.#containers.at(-1);
		this.#expected = container === undefined ? "nothing" : "comma";
		if (container === undefined) this.#value = value;
		else if (Array.isArray(container)) container.push(value);
		else {
			const key = this.#keys.at(-1) as string;
			if (key === "__proto__")
				Object.defineProperty(container, key, { value, enumerable: true, configurable: true, writable: true });
			else container[key] = value;
		}
	}

	#check(): void {
		if (this.#cost.isTooMuch) throw tooMuch();
	}

	#unexpected(byte: number): FlowtapeError {
		return damage(`expected ${this.#expected}, found ${JSON.stringify(String.fromCharCode(byte))}`);
	}
}

function endOfSpace(piece: Buffer, from: number): number {
	let at = from;
	while (piece[at] === 0x20 || piece[at] === 0x09 || piece[at] === 0x0a || piece[at] === 0x0d) at++;
	return at;
}

/** Most strings are ASCII without escapes, and need no decoding. */
function textOf(raw: Buffer): string {
	for (const byte of raw) if (byte < 0x20 || byte >= 0x80 || byte === BACKSLASH) return decodeString(raw);
	return raw.latin1Slice();
}

function damage(what: string): FlowtapeError {
	return new FlowtapeError("FT_CORRUPT_FLOW", `expected JSON: ${what}`);
}

function tooLong(): FlowtapeError {
	return damage(`a string other than a body is longer than ${TEXT_LIMIT} characters`);
}

function tooMuch(): FlowtapeError {
	const [values, messages] = [COST_LIMIT, MESSAGES_LIMIT].map((limit) => `${limit / 1024 / 1024} MiB`);
	return new FlowtapeError(
		"FT_CORRUPT_FLOW",
		`its values need too much memory: more than ${values}, or ${messages} more with its messages`,
	);
}

// Reads the fields of an object in a line. A field of the wrong type is reported by its path, and left out if the flow
// does not need it.
import { FlowtapeError } from "../../src/errors.ts";
import { type Body, bodyBytes } from "../../src/flow/body.ts";
import { Fields, fail, isObject, type Json, type JsonObject, wrong } from "../fields.ts";
import { toBytes, toBytesOfString, toNumber } from "../json-values.ts";
import { LongString } from "../long-string.ts";
import { LEFT_OUT, type OddFieldReporter, reportOddValue, withoutIndexes } from "../odd-fields.ts";

/**
 * The fields of an object in a line. Bytes and numbers may be encoded as in `json-values.ts`. A field with a fallback
 * may be missing. If such a field has the wrong type, it is reported as odd.
 */
export class LineFields extends Fields {
	readonly #odd: OddFieldReporter | null;

	constructor(values: JsonObject, path: string, odd: OddFieldReporter | null) {
		super(values, path);
		this.#odd = odd;
	}

	override text(key: string, fallback?: string): string {
		return this.#text(key, fallback) ?? "";
	}

	override textOrNull(key: string): string | null {
		return this.#text(key, null);
	}

	/** @param fallback undefined: the string is required */
	#text(key: string, fallback: string | null | undefined): string | null {
		const value = this.value(key);
		if (typeof value === "string") return value;
		if (value === null && fallback !== undefined) return fallback;
		if (fallback === undefined || (typeof value !== "number" && typeof value !== "boolean"))
			return this.#useFallback(this.wrong(key, "a string"), key, fallback);
		this.#useFallback(this.wrong(key, "a string"), key, fallback, `read as ${JSON.stringify(String(value))}`);
		return String(value);
	}

	override number(key: string, fallback?: number): number {
		return this.#number(key, fallback) ?? fallback ?? 0;
	}

	override numberOrNull(key: string): number | null {
		return this.#number(key, null);
	}

	/** @param fallback undefined: the number is required */
	#number(key: string, fallback: number | null | undefined): number | null {
		const value = this.value(key);
		if (value === null && fallback !== undefined) return fallback;
		const number = toNumber(value);
		if (number !== undefined) return number;
		const read = fallback === undefined ? null : numberIn(value);
		const odd = this.#useFallback<number | null>(
			this.wrong(key, "a number"),
			key,
			fallback,
			read === null ? LEFT_OUT : `read as ${read}`,
		);
		return read ?? odd;
	}

	override boolean(key: string, fallback?: boolean): boolean {
		const value = this.value(key);
		if (typeof value === "boolean") return value;
		return value === null && fallback !== undefined
			? fallback
			: this.#useFallback(this.wrong(key, "true or false"), key, fallback);
	}

	bytes(key: string, fallback?: string): string {
		const value = this.value(key);
		if (value === null && fallback !== undefined) return fallback;
		const bytes = toBytesOfString(value);
		if (bytes !== undefined) return bytes;
		return this.#useFallback(this.wrong(key, "a string"), key, fallback);
	}

	buffer(key: string): Buffer {
		const value = this.value(key);
		return bodyBytes(toBody(value) ?? null) ?? fail(this.wrong(key, 'a string or {"$base64": …}'));
	}

	/** An integer that every format can store. */
	integer(key: string, fallback?: number): number {
		const value = this.number(key, fallback);
		return Number.isSafeInteger(value) ? value : this.#useFallback(this.wrong(key, "an integer"), key, fallback);
	}

	/** An optional list. Invalid items are left out. */
	items<T>(key: string, expected: string, read: (item: Json) => T | undefined): T[] {
		const items: T[] = [];
		for (const item of this.readOr<Json[]>(key, [], listOf)) {
			const made = read(item);
			if (made !== undefined) items.push(made);
			else if (this.#odd === null) throw wrong(this.path + key, expected, item);
			else reportOddValue(this.#odd, this.path + key, expected, item, LEFT_OUT);
		}
		return items;
	}

	/**
	 * Reads a number or boolean as text where a string of bytes is expected.
	 * @throws FlowtapeError FT_CORRUPT_FLOW for other types
	 */
	scalar(path: string, expected: string, value: Json): string {
		if (this.#odd === null || (typeof value !== "number" && typeof value !== "boolean"))
			throw wrong(path, expected, value);
		reportOddValue(this.#odd, path, expected, value, `read as ${JSON.stringify(String(value))}`);
		return String(value);
	}

	override optional<T>(key: string, read: (at: this) => T): T | null {
		if (!this.has(key)) return null;
		const isRequired = this.path === "" && REQUIRED.has(key);
		return isRequired ? read(this.object(key)) : this.readOr(key, null, () => read(this.object(key)));
	}

	/** Reads an optional field; the fallback if it is missing or invalid. */
	readOr<T>(key: string, fallback: T, read: (at: this, key: string) => T): T {
		if (!this.has(key)) return fallback;
		try {
			return read(this, key);
		} catch (error) {
			if (!FlowtapeError.is(error, "FT_CORRUPT_FLOW")) throw error;
			return this.#useFallback(error, key, fallback);
		}
	}

	/**
	 * Reports an invalid optional field and returns its fallback.
	 * @throws the error if the field is required
	 */
	#useFallback<T>(error: FlowtapeError, key: string, fallback: T | undefined, made = LEFT_OUT): T {
		const odd = this.#odd;
		if (odd === null || fallback === undefined) throw error;
		odd(
			`${withoutIndexes(this.path)}${key}: ${error.message.replace(/^.*?: (expected .*?), found .*$/s, "$1")}`,
			`${error.message}; ${made}`,
		);
		return fallback;
	}

	protected override toNumber(value: Json): number | undefined {
		return toNumber(value);
	}

	protected override inside(values: JsonObject, path: string): this {
		return new LineFields(values, path, this.#odd) as this;
	}
}

/** The number in a string; null if there is none. */
function numberIn(value: Json): number | null {
	return typeof value === "string" && /^\s*[+-]?\d+(?:\.\d+)?(?:e[+-]?\d{1,2})?\s*$/i.test(value)
		? Number(value)
		: null;
}

/** Objects that must not be left out, because that would change the flow. */
const REQUIRED = new Set(["response", "websocket"]);

function listOf(at: LineFields, key: string): Json[] {
	return at.array(key);
}

/** As `toBytes`, but does not read a long body into memory. */
export function toBody(value: Json): Exclude<Body, null> | undefined {
	const long = longOf(value);
	if (long === null) return toBytes(value);
	return long === value ? long.body : long.fromBase64();
}

/** The long string in a value, plain or as base64; null for other values. */
function longOf(value: Json): LongString | null {
	const text = isObject(value) ? value.$base64 : value;
	return text instanceof LongString ? text : null;
}

// Parses the JSON of a record and reads its fields by name and type; an error names the path of the field.
import { isUtf8 } from "node:buffer";
import { FlowtapeError } from "../src/errors.ts";

/** A string or number that a parser keeps in another form, because it is long or JavaScript cannot represent it. */
export abstract class KeptScalar {
	/** For messages. */
	abstract readonly description: string;

	/** The string, or the nearest number. */
	abstract toJSON(): string | number;
}

export type Json = null | boolean | number | string | KeptScalar | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

export function isObject(value: Json | undefined): value is JsonObject {
	return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof KeptScalar);
}

/** Maximum nesting depth; deeper values are considered an attack. */
export const DEPTH_LIMIT = 500;

/**
 * Parses JSON. Does not check the nesting depth.
 * @throws FlowtapeError FT_CORRUPT_FLOW unless the bytes are JSON in UTF-8
 */
export function parseJson(bytes: Buffer): Json {
	if (!isUtf8(bytes)) throw new FlowtapeError("FT_CORRUPT_FLOW", "expected UTF-8, found other bytes");
	try {
		return JSON.parse(bytes.toString("utf8")) as Json;
	} catch (cause) {
		throw new FlowtapeError("FT_CORRUPT_FLOW", `expected JSON: ${(cause as Error).message}`, { cause });
	}
}

/**
 * Reads the fields of an object. A null counts as missing. Methods throw FlowtapeError FT_CORRUPT_FLOW if a field
 * without a fallback is missing, or if a field has the wrong type.
 */
export class Fields {
	readonly values: JsonObject;
	/** Path of the object in the record, with a trailing dot. */
	readonly path: string;

	constructor(values: JsonObject, path: string) {
		this.values = values;
		this.path = path;
	}

	has(key: string): boolean {
		return this.value(key) !== null;
	}

	value(key: string): Json {
		return (Object.hasOwn(this.values, key) ? this.values[key] : null) ?? null;
	}

	text(key: string, fallback?: string): string {
		const value = this.value(key);
		if (typeof value === "string") return value;
		return value === null && fallback !== undefined ? fallback : fail(this.wrong(key, "a string"));
	}

	textOrNull(key: string): string | null {
		return this.has(key) ? this.text(key) : null;
	}

	number(key: string, fallback?: number): number {
		const value = this.value(key);
		if (value === null && fallback !== undefined) return fallback;
		return this.toNumber(value) ?? fail(this.wrong(key, "a number"));
	}

	numberOrNull(key: string): number | null {
		return this.has(key) ? this.number(key) : null;
	}

	boolean(key: string, fallback?: boolean): boolean {
		const value = this.value(key);
		if (typeof value === "boolean") return value;
		return value === null && fallback !== undefined ? fallback : fail(this.wrong(key, "true or false"));
	}

	array(key: string): Json[] {
		const value = this.value(key) ?? [];
		return Array.isArray(value) ? value : fail(this.wrong(key, "a list"));
	}

	list<T>(key: string, read: (at: this) => T): T[] {
		return this.array(key).map((item, i) => {
			const path = `${this.path}${key}[${i}]`;
			return read(isObject(item) ? this.inside(item, `${path}.`) : fail(wrong(path, "an object", item)));
		});
	}

	object(key: string): this {
		const value = this.value(key);
		return isObject(value) ? this.inside(value, `${this.path}${key}.`) : fail(this.wrong(key, "an object"));
	}

	optional<T>(key: string, read: (at: this) => T): T | null {
		return this.has(key) ? read(this.object(key)) : null;
	}

	/** A value as a number; undefined if it is not one. JSON allows numbers that JavaScript parses as infinite. */
	protected toNumber(value: Json): number | undefined {
		return typeof value === "number" && Number.isFinite(value) ? value : undefined;
	}

	/** The error for a field of another type. */
	wrong(key: string, expected: string): FlowtapeError {
		return wrong(this.path + key, expected, this.values[key]);
	}

	/** The fields of a nested object. */
	protected inside(values: JsonObject, path: string): this {
		return new (this.constructor as new (values: JsonObject, path: string) => this)(values, path);
	}
}

/** @param path of the value within its record; empty for the record itself */
export function wrong(path: string, expected: string, found: Json | undefined): FlowtapeError {
	const what =
		found === undefined
			? "nothing"
			: found === null
				? "null"
				: Array.isArray(found)
					? "a list"
					: found instanceof KeptScalar
						? found.description
						: typeof found === "object"
							? "an object"
							: shortJson(found);
	return new FlowtapeError("FT_CORRUPT_FLOW", `${path === "" ? "" : `"${path}": `}expected ${expected}, found ${what}`);
}

function shortJson(value: string | number | boolean): string {
	const text = JSON.stringify(value);
	return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

export function fail(error: FlowtapeError): never {
	throw error;
}

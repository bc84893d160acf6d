// JSON of a record: parsed, and its fields each asked for by name and type, so that what is wrong is named by its path.
import { isUtf8 } from "node:buffer";
import { FlowtapeError } from "../src/errors.ts";

export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

export function isObject(value: Json | undefined): value is JsonObject {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Values nested deeper than this are taken for what is meant to hurt. */
export const DEPTH_LIMIT = 500;

/** @throws FlowtapeError FT_CORRUPT_FLOW for what is no JSON in UTF-8; how deep it is nested is not looked at */
export function parseJson(bytes: Buffer): Json {
	if (!isUtf8(bytes)) throw new FlowtapeError("FT_CORRUPT_FLOW", "UTF-8 was expected, there are other bytes");
	try {
		return JSON.parse(bytes.toString("utf8")) as Json;
	} catch (cause) {
		throw new FlowtapeError("FT_CORRUPT_FLOW", `JSON was expected: ${(cause as Error).message}`, { cause });
	}
}

/** The fields of an object. A null counts as left out. What is asked for in vain is a FlowtapeError FT_CORRUPT_FLOW. */
export class Fields {
	readonly values: JsonObject;
	/** Where the object stands in the record, with a dot behind. */
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

	/** The number that a value stands for; undefined where it is none. JSON has numbers that JavaScript takes for infinite. */
	protected toNumber(value: Json): number | undefined {
		return typeof value === "number" && Number.isFinite(value) ? value : undefined;
	}

	/** The error for a field that is not what was expected. */
	wrong(key: string, expected: string): FlowtapeError {
		return wrong(this.path + key, expected, this.values[key]);
	}

	/** The fields of an object within this one. */
	protected inside(values: JsonObject, path: string): this {
		return new (this.constructor as new (values: JsonObject, path: string) => this)(values, path);
	}
}

/** @param path of the value within its record; empty for the record itself */
export function wrong(path: string, expected: string, found: Json | undefined): FlowtapeError {
	const what =
		found === undefined ? "missing" : found === null ? "null" : Array.isArray(found) ? "a list" : typeof found === "object" ? "an object" : shown(found);
	return new FlowtapeError("FT_CORRUPT_FLOW", path === "" ? `${what} was found, ${expected} was expected` : `"${path}" is ${what}, ${expected} was expected`);
}

function shown(value: string | number | boolean): string {
	const text = JSON.stringify(value);
	return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

export function fail(error: FlowtapeError): never {
	throw error;
}

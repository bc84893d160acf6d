// Converts the values of decoded records.
import { Float } from "../../src/flow/metadata.ts";
import type { Dictionary, Value } from "./tnetstring.ts";

/** A value as a dictionary; null if it is not one. */
export function dictionaryOf(value: Value | undefined): Dictionary | null {
	return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === null
		? (value as Dictionary)
		: null;
}

/** Text, also from bytes, which Python 2 wrote for text; null for other types. */
export function textOf(value: Value | undefined): string | null {
	if (Buffer.isBuffer(value)) return value.toString();
	return typeof value === "string" ? value : null;
}

/** A number, or the number in a Float; null for anything else. */
export function numberOf(value: Value | undefined): number | null {
	if (value instanceof Float) return value.value;
	return typeof value === "number" ? value : null;
}

/** A dictionary without a prototype, so that no key has a special meaning. */
export function dictionary(fields: { [key: string]: Value }): Dictionary {
	return Object.assign(Object.create(null) as Dictionary, fields);
}

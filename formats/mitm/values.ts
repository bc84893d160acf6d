// Values of decoded records: which kind they are, and how dictionaries are made.
import { Float } from "../../src/flow/metadata.ts";
import type { Dictionary, Value } from "./tnetstring.ts";

/** The dictionary that a value is; null where it is none. */
export function dictionaryOf(value: Value | undefined): Dictionary | null {
	return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === null ? (value as Dictionary) : null;
}

/** Text, or bytes of a Python 2 that meant text; null for anything else. */
export function textOf(value: Value | undefined): string | null {
	if (Buffer.isBuffer(value)) return value.toString();
	return typeof value === "string" ? value : null;
}

/** A number as such, whole float or not; null for anything else. */
export function numberOf(value: Value | undefined): number | null {
	if (value instanceof Float) return value.value;
	return typeof value === "number" ? value : null;
}

/** A dictionary as the reader makes them: without a prototype, so that no key means anything else. */
export function dictionary(fields: { [key: string]: Value }): Dictionary {
	return Object.assign(Object.create(null) as Dictionary, fields);
}

// Checks values that scripts set before they reach a flow, so that an invalid value is an error in the script, with its
// line, and not an error where the flow is sent or stored later.
import type * as Util from "node:util";
import { asBuffer } from "../flow/bytes.ts";
import { isOneLine } from "../flow/sendable.ts";
import { lazily } from "../lazy.ts";

const util = lazily<typeof Util>("node:util");

/** @throws TypeError with `name` and the expected value */
export function checkText(name: string, value: unknown): string {
	if (typeof value !== "string") throw valueError(name, "a string", value);
	return value;
}

/** Checks text for a head. @throws TypeError */
export function checkField(name: string, value: unknown): string {
	if (!isOneLine(checkText(name, value))) throw valueError(name, "a string without line breaks", value);
	return value as string;
}

/** @throws TypeError */
export function checkInteger(name: string, value: unknown, from: number, to: number): number {
	if (!(Number.isInteger(value) && (value as number) >= from && (value as number) <= to))
		throw valueError(name, `a whole number from ${from} to ${to}`, value);
	return value as number;
}

/** Checks the bytes of a body; null: it is missing. @throws TypeError */
export function checkBytes(name: string, value: unknown): Uint8Array | null {
	if (value !== null && !(value instanceof Uint8Array))
		throw valueError(name, "bytes (for text, set the property text)", value);
	return value;
}

/** Checks the result of a stream function: bytes, or a list of them. @throws TypeError */
export function checkChunks(name: string, value: unknown): Uint8Array | Uint8Array[] {
	if (value instanceof Uint8Array) return value;
	const isList = typeof value === "object" && value !== null && Symbol.iterator in value;
	const chunks = isList ? [...(value as Iterable<unknown>)] : [null];
	if (!chunks.every((chunk) => chunk instanceof Uint8Array)) throw valueError(name, "bytes or a list of them", value);
	return chunks as Uint8Array[];
}

/** Checks the content of a message. @throws TypeError */
export function bufferOf(value: unknown): Buffer {
	const bytes = checkBytes("content", value);
	if (bytes === null) throw valueError("content", "bytes", value);
	return asBuffer(bytes);
}

/** The error for an invalid value. */
export function valueError(name: string, expected: string, value: unknown): TypeError {
	return new TypeError(
		`${name}: expected ${expected}, found ${util().inspect(value, { depth: 0, maxStringLength: 100 })}`,
	);
}

// Values that scripts set, looked at before they reach a flow: one of the wrong kind is an error of the script, told with its line, and not
// one of whatever sends or stores the flow later.
import { inspect } from "node:util";
import { isOneLine } from "../flow/sendable.ts";

/** @throws TypeError that says what is expected of `name` */
export function checkText(name: string, value: unknown): string {
	if (typeof value !== "string") throw wrong(name, "a string", value);
	return value;
}

/** A text that a head can hold. @throws TypeError */
export function checkField(name: string, value: unknown): string {
	if (!isOneLine(checkText(name, value))) throw wrong(name, "a string without line breaks", value);
	return value as string;
}

/** @throws TypeError */
export function checkInteger(name: string, value: unknown, from: number, to: number): number {
	if (!(Number.isInteger(value) && (value as number) >= from && (value as number) <= to)) throw wrong(name, `a whole number from ${from} to ${to}`, value);
	return value as number;
}

/** Of a body; null: it is missing. @throws TypeError */
export function checkBytes(name: string, value: unknown): Uint8Array | null {
	if (value !== null && !(value instanceof Uint8Array)) throw wrong(name, "bytes (text has a property of its own: text)", value);
	return value;
}

/** Of a body that passes: bytes, or several of them. @throws TypeError */
export function checkChunks(name: string, value: unknown): Uint8Array | Uint8Array[] {
	if (value instanceof Uint8Array) return value;
	const isList = typeof value === "object" && value !== null && Symbol.iterator in value;
	const chunks = isList ? [...(value as Iterable<unknown>)] : [null];
	if (!chunks.every((chunk) => chunk instanceof Uint8Array)) throw wrong(name, "bytes, or a list of them,", value);
	return chunks as Uint8Array[];
}

/** Of a message. @throws TypeError */
export function bufferOf(value: unknown): Buffer {
	const bytes = checkBytes("content", value);
	if (bytes === null) throw wrong("content", "bytes", value);
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** An error that says what is wrong. */
export function wrong(name: string, expected: string, value: unknown): TypeError {
	return new TypeError(`${name}: ${expected} was expected, found ${inspect(value, { depth: 0, maxStringLength: 100 })}`);
}

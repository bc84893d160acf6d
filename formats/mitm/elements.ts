// Converts the element just opened in a reader to a value of the expected type. Text may be bytes, as in dumps of
// Python 2, and bytes may be ASCII text.
import { FlowtapeError } from "../../src/errors.ts";
import { type ByteString, toText } from "../../src/flow/bytes.ts";
import type { Address } from "../../src/flow/connection.ts";
import { LEFT_OUT } from "../odd-fields.ts";
import { type Reader, TAG } from "./tnetstring.ts";

/** Sets a field of `target` from the element just opened. */
export type Visitor<T> = (target: T, key: string, reader: Reader) => void;

const NONE: ReadonlySet<string> = new Set();

/**
 * Calls the visitor for every field of the dictionary just opened.
 * @param optional fields that are left out if they have the wrong type and the reader reports odd fields
 */
export function readDictionary<T>(reader: Reader, where: string, target: T, visit: Visitor<T>, optional = NONE): T {
	if (reader.tag !== TAG.dictionary) throw wrong(reader, where, "a dictionary");
	const { start, stop } = reader;
	reader.position = start;
	while (reader.position < stop) {
		const key = reader.key(stop);
		const at = reader.position;
		reader.open(stop);
		const next = reader.position;
		try {
			visit(target, key, reader);
		} catch (error) {
			if (!optional.has(key)) throw error;
			skipOdd(reader, error, at, stop);
		}
		reader.position = next;
	}
	reader.position = stop + 1;
	return target;
}

/**
 * Calls `item` for every element of the list just opened, each opened in turn.
 * @param optional index from which items are left out if they have the wrong type and the reader reports odd fields
 */
export function readList(
	reader: Reader,
	where: string,
	item: (reader: Reader, index: number) => void,
	optional = Number.POSITIVE_INFINITY,
): void {
	if (reader.tag !== TAG.list) throw wrong(reader, where, "a list");
	const { start, stop } = reader;
	reader.position = start;
	for (let index = 0; reader.position < stop; index++) {
		const at = reader.position;
		reader.open(stop);
		const next = reader.position;
		try {
			item(reader, index);
		} catch (error) {
			if (index < optional) throw error;
			skipOdd(reader, error, at, stop);
		}
		reader.position = next;
	}
	reader.position = stop + 1;
}

/** Like `readList`, but returns the converted items. */
export function readItems<T>(reader: Reader, where: string, make: (reader: Reader) => T): T[] {
	const items: T[] = [];
	readList(reader, where, () => items.push(make(reader)));
	return items;
}

export function isNull({ tag, start, stop }: Reader): boolean {
	return tag === TAG.null && start === stop;
}

/** Null, or an empty dictionary, which mitmproxy treats as null. */
export function isNothing({ tag, start, stop }: Reader): boolean {
	return (tag === TAG.null || tag === TAG.dictionary) && start === stop;
}

export function bytes(reader: Reader, where: string): ByteString {
	if (reader.tag !== TAG.bytes && reader.tag !== TAG.text) throw wrong(reader, where, "bytes");
	return reader.latin1();
}

/** A view into the buffer. */
export function blob(reader: Reader, where: string): Buffer {
	if (reader.tag !== TAG.bytes) reportText(reader, where);
	return reader.buffer.subarray(reader.start, reader.stop);
}

/**
 * Reports text that is read as bytes.
 * @throws FlowtapeError FT_CORRUPT_FLOW for other types, or if the reader does not report odd fields
 */
function reportText(reader: Reader, where: string): void {
	const error = wrong(reader, where, "bytes");
	if (reader.odd === null || reader.tag !== TAG.text) throw error;
	reader.odd(kindOf(where, "bytes"), `${error.message}; read as its bytes`);
}

export function text(reader: Reader, where: string): string {
	if (reader.tag === TAG.text) return reader.utf8();
	if (reader.tag === TAG.bytes) return toText(reader.latin1());
	throw wrong(reader, where, "text");
}

/** Like `text`, but also accepts null. */
export function optionalText(reader: Reader, where: string): string | null {
	return isNull(reader) ? null : text(reader, where);
}

export function number(reader: Reader, where: string): number {
	if (reader.tag !== TAG.float && reader.tag !== TAG.integer) throw wrong(reader, where, "a number");
	return reader.number();
}

export function optionalNumber(reader: Reader, where: string): number | null {
	return isNull(reader) ? null : number(reader, where);
}

export function integer(reader: Reader, where: string): number {
	const value = reader.tag === TAG.integer ? reader.integer() : null;
	if (typeof value !== "number") throw wrong(reader, where, "an integer");
	return value;
}

/** A boolean; null is false. */
export function isTrue(reader: Reader, where: string): boolean {
	if (reader.tag === TAG.boolean) return reader.boolean();
	if (isNull(reader)) return false;
	throw wrong(reader, where, "true or false");
}

/** `[host, port]`, for IPv6 possibly with flow label and scope; null if unknown or of another type. */
export function address(reader: Reader): Address | null {
	if (reader.tag !== TAG.list) return null;
	let host: string | null = null;
	const numbers: number[] = [];
	readList(reader, "address", (item, index) => {
		if (index > 0) numbers.push(item.tag === TAG.integer ? item.number() : 0);
		// invalid UTF-8 too: connections are decoded when faults can no longer be reported
		else if (item.tag === TAG.text || item.tag === TAG.bytes) host = toText(item.latin1());
	});
	const [port = 0, ...more] = numbers;
	return host === null ? null : [host, port, ...more];
}

/** A well-formed value of the wrong type. */
class WrongType extends FlowtapeError {
	/** Identifies the field and the expected type; equal for the same field of any record. */
	readonly kind: string;

	constructor(message: string, kind: string, offset: number) {
		super("FT_CORRUPT_FLOW", message, { offset });
		this.kind = kind;
	}
}

export function wrong(reader: Reader, where: string, expected: string): FlowtapeError {
	return new WrongType(
		`"${where}": expected ${expected}, found ${describe(reader)}`,
		kindOf(where, expected),
		reader.start,
	);
}

function kindOf(where: string, expected: string): string {
	return `"${where}": expected ${expected}`;
}

/**
 * Skips an optional value of the wrong type, and reports it.
 * @param at offset of the element to skip
 * @throws the given error if it is another error, or if the reader does not report odd fields; FT_CORRUPT_FLOW if the
 * element is damaged too
 */
export function skipOdd(reader: Reader, error: unknown, at: number, end: number): void {
	const { odd } = reader;
	if (odd === null || !(error instanceof WrongType)) throw error;
	reader.position = at;
	reader.skip(end);
	odd(error.kind, `${error.message}; ${LEFT_OUT}`);
}

/**
 * Returns the default for a missing field, and reports the field.
 * @throws FlowtapeError FT_CORRUPT_FLOW if the reader does not report odd fields
 */
export function substitute<T>({ odd }: Reader, where: string, expected: string, value: T): T {
	if (odd === null) throw missing(where);
	odd(kindOf(where, expected), `"${where}" is missing; read as ${value}`);
	return value;
}

export function missing(where: string): FlowtapeError {
	return new FlowtapeError("FT_CORRUPT_FLOW", `"${where}" is missing`);
}

function describe({ tag, buffer, start, stop }: Reader): string {
	const shown = () => buffer.latin1Slice(start, Math.min(stop, start + 40));
	switch (tag) {
		case TAG.bytes:
			return "bytes";
		case TAG.list:
			return "a list";
		case TAG.dictionary:
			return "a dictionary";
		case TAG.text:
			return `the text ${JSON.stringify(shown())}`;
		case TAG.boolean:
			return `the boolean ${shown()}`;
		case TAG.integer:
		case TAG.float:
			return `the number ${shown()}`;
		default:
			return "null";
	}
}

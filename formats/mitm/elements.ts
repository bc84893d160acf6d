// What the element that a reader has just opened must be. Dumps of Python 2 have bytes where text is meant, and ASCII text passes for bytes.
import { FlowtapeError } from "../../src/errors.ts";
import { type ByteString, toText } from "../../src/flow/bytes.ts";
import type { Address } from "../../src/flow/connection.ts";
import { damage, type Reader, TAG } from "./tnetstring.ts";

/** Fills in a field of `target` from the element just opened. */
export type Visitor<T> = (target: T, key: string, reader: Reader) => void;

/** Calls the visitor for every field of the dictionary just opened. */
export function readDictionary<T>(reader: Reader, where: string, target: T, visit: Visitor<T>): T {
	if (reader.tag !== TAG.dictionary) throw wrong(reader, where, "a dictionary");
	const { start, stop } = reader;
	reader.position = start;
	while (reader.position < stop) {
		const key = reader.key(stop);
		reader.open(stop);
		const next = reader.position;
		visit(target, key, reader);
		reader.position = next;
	}
	reader.position = stop + 1;
	return target;
}

/** Calls `item` for every element of the list just opened, each opened in turn. */
export function readList(reader: Reader, where: string, item: (reader: Reader, index: number) => void): void {
	if (reader.tag !== TAG.list) throw wrong(reader, where, "a list");
	const { start, stop } = reader;
	reader.position = start;
	for (let index = 0; reader.position < stop; index++) {
		reader.open(stop);
		const next = reader.position;
		item(reader, index);
		reader.position = next;
	}
	reader.position = stop + 1;
}

/** As `readList`, the items made and gathered. */
export function readItems<T>(reader: Reader, where: string, make: (reader: Reader) => T): T[] {
	const items: T[] = [];
	readList(reader, where, () => items.push(make(reader)));
	return items;
}

export function isNull({ tag, start, stop }: Reader): boolean {
	return tag === TAG.null && start === stop;
}

/** mitmproxy takes an empty dictionary for none. */
export function isNothing({ tag, start, stop }: Reader): boolean {
	return (tag === TAG.null || tag === TAG.dictionary) && start === stop;
}

export function bytes(reader: Reader, where: string): ByteString {
	if (reader.tag !== TAG.bytes && reader.tag !== TAG.text) throw wrong(reader, where, "bytes");
	return reader.latin1();
}

/** A view into the buffer. */
export function blob(reader: Reader, where: string): Buffer {
	if (reader.tag !== TAG.bytes) throw wrong(reader, where, "bytes");
	return reader.buffer.subarray(reader.start, reader.stop);
}

export function text(reader: Reader, where: string): string {
	if (reader.tag === TAG.text) return reader.utf8();
	if (reader.tag === TAG.bytes) return toText(reader.latin1());
	throw wrong(reader, where, "text");
}

/** As `text`; null, and what is missing in old versions. */
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

/** A truth value; null is false. */
export function isTrue(reader: Reader, where: string): boolean {
	if (reader.tag === TAG.boolean) return reader.boolean();
	if (isNull(reader)) return false;
	throw wrong(reader, where, "true or false");
}

/** `[host, port]`, for IPv6 possibly with flow label and scope; null where it is not known or not understood. */
export function address(reader: Reader): Address | null {
	if (reader.tag !== TAG.list) return null;
	let host: string | null = null;
	const numbers: number[] = [];
	readList(reader, "address", (item, index) => {
		if (index > 0) numbers.push(item.tag === TAG.integer ? item.number() : 0);
		else if (item.tag === TAG.text || item.tag === TAG.bytes) host = text(item, "address");
	});
	const [port = 0, ...more] = numbers;
	return host === null ? null : [host, port, ...more];
}

export function wrong(reader: Reader, where: string, expected: string): FlowtapeError {
	return damage(`"${where}" is ${describe(reader)}, ${expected} was expected`, reader.start);
}

export function missing(where: string): FlowtapeError {
	return new FlowtapeError("FT_CORRUPT_FLOW", `"${where}" is missing`);
}

function describe({ tag, buffer, start, stop }: Reader): string {
	const shown = () => buffer.latin1Slice(start, Math.min(stop, start + 40));
	switch (tag) {
		case TAG.null:
			return "null";
		case TAG.bytes:
			return "bytes";
		case TAG.list:
			return "a list";
		case TAG.dictionary:
			return "a dictionary";
		case TAG.text:
			return `the text ${JSON.stringify(shown())}`;
		case TAG.boolean:
			return `the truth value ${shown()}`;
		case TAG.integer:
		case TAG.float:
			return `the number ${shown()}`;
		default:
			return `of unknown type ${JSON.stringify(String.fromCharCode(tag))}`;
	}
}

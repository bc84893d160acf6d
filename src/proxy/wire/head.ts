// The heads of HTTP/1.1 messages, and functions that write them (RFC 9112 sections 2 to 5).
import type { ByteString } from "../../flow/bytes.ts";

export interface RequestHead {
	method: ByteString;
	/** The request target as received: origin, absolute, authority or asterisk form. */
	target: ByteString;
	/** `HTTP/1.0` or `HTTP/1.1` (a higher minor version is kept as received). */
	version: ByteString;
	/** Name, value, name, value, … in the original order and case, with duplicates. Values are trimmed. */
	fields: ByteString[];
}

export interface ResponseHead {
	version: ByteString;
	/** Three digits: 100 to 999. */
	status: number;
	reason: ByteString;
	/** As in `RequestHead`. */
	fields: ByteString[];
}

/** A request line, its fields and the empty line, for `socket.write(head, "latin1")`. Does not check its arguments. */
export function writeRequestHead(
	method: ByteString,
	target: ByteString,
	version: ByteString,
	fields: readonly ByteString[],
): ByteString {
	return `${method} ${target} ${version}\r\n${writeFields(fields)}`;
}

/**
 * As `writeRequestHead`, with a status line. The space before an empty reason is kept: RFC 9112 section 4 requires it.
 */
export function writeResponseHead(
	version: ByteString,
	status: number,
	reason: ByteString,
	fields: readonly ByteString[],
): ByteString {
	return `${version} ${status} ${reason}\r\n${writeFields(fields)}`;
}

/** Field lines and the empty line that ends them: the tail of a head, and of a chunked body with trailers. */
export function writeFields(fields: readonly ByteString[]): ByteString {
	let out = "";
	for (let i = 0; i < fields.length; i += 2) out += `${fields[i]}: ${fields[i + 1]}\r\n`;
	return `${out}\r\n`;
}

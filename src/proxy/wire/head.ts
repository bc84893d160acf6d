// Heads of HTTP/1.1 messages as values, and as the bytes that go on the wire (RFC 9112 sections 2 to 5).
import type { ByteString } from "../../flow/bytes.ts";

export interface RequestHead {
	method: ByteString;
	/** Request target as written: origin, absolute, authority or asterisk form. */
	target: ByteString;
	/** `HTTP/1.0` or `HTTP/1.1` (a higher minor version stays as written). */
	version: ByteString;
	/** name, value, name, value … in order, with their case and duplicates; values without the blanks around them. */
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

/** A request line, its fields and the empty line, ready for `socket.write(head, "latin1")`. Nothing is checked here. */
export function writeRequestHead(method: ByteString, target: ByteString, version: ByteString, fields: readonly ByteString[]): ByteString {
	return `${method} ${target} ${version}\r\n${writeFields(fields)}`;
}

/** As `writeRequestHead`, with a status line. The blank before an empty reason stays: RFC 9112 section 4 wants it. */
export function writeResponseHead(version: ByteString, status: number, reason: ByteString, fields: readonly ByteString[]): ByteString {
	return `${version} ${status} ${reason}\r\n${writeFields(fields)}`;
}

/** Field lines and the empty line that ends them: the tail of a head, and of a chunked body with trailers. */
export function writeFields(fields: readonly ByteString[]): ByteString {
	let out = "";
	for (let i = 0; i < fields.length; i += 2) out += `${fields[i]}: ${fields[i + 1]}\r\n`;
	return `${out}\r\n`;
}

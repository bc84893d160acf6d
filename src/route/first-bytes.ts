// Tells HTTP and TLS from other protocols by the first bytes of a client.

/** "more": the bytes may yet become HTTP or TLS. */
export type FirstBytes = "web" | "other" | "more";

/** A TLS record with a handshake (RFC 8446 section 5.1). */
const TLS_RECORD = [0x16, 0x03];

/** A method and the beginning of a request target (RFC 9112 section 3), or of the preface of HTTP/2. */
const REQUEST = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40} (?:\/|\*|[A-Za-z][A-Za-z0-9+.-]*:\/\/|\S+ HTTP\/)/;
/** What may yet become that: no line has ended. */
const PARTIAL_REQUEST = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}(?: [!-~]{0,1000}(?: H?T?T?P?)?)?$/;

/** @param bytes all that the client has sent */
export function firstBytes(bytes: Uint8Array): FirstBytes {
	if (bytes.length === 0) return "more";
	if (bytes[0] === TLS_RECORD[0]) return bytes.length === 1 ? "more" : bytes[1] === TLS_RECORD[1] ? "web" : "other";
	const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 1100)).toString("latin1");
	if (REQUEST.test(text)) return "web";
	return PARTIAL_REQUEST.test(text) ? "more" : "other";
}

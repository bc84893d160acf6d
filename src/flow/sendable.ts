// Which messages can be sent. Messages from a tape have not passed an HTTP parser: a line break in a header could
// inject another header or another message (request smuggling, RFC 9112 section 11).
import type { ByteString } from "./bytes.ts";
import type { Headers } from "./headers.ts";
import type { Request } from "./message.ts";

const BREAKS = /[\r\n\0]/g;
/** The characters of a token (RFC 9110 section 5.6.2), as a class of a regular expression. */
export const TOKEN_CHARACTER = "[!#$%&'*+.^_`|~0-9A-Za-z-]";
const TOKEN = new RegExp(`^${TOKEN_CHARACTER}+$`);

/** Whether text is a token, as methods and header names must be. */
export function isToken(text: string): boolean {
	return TOKEN.test(text);
}

/** Whether text is free of CR, LF and NUL, which could end the header or the head (RFC 9110 section 5.5). */
export function isOneLine(text: string): boolean {
	return text.search(BREAKS) === -1;
}

/** Replaces CR, LF and NUL by spaces. */
export function inOneLine(text: ByteString): ByteString {
	return text.replace(BREAKS, " ");
}

/**
 * Names need not be tokens, but pseudo-headers (RFC 9113 section 8.3), which dumps converted from HAR contain, cannot
 * be sent.
 */
function isSendable(name: ByteString, value: ByteString): boolean {
	return name !== "" && !name.startsWith(":") && isOneLine(name) && isOneLine(value);
}

/** The names of the headers that cannot be sent. */
export function unsendable({ fields }: Headers): ByteString[] {
	const names: ByteString[] = [];
	for (let i = 0; i + 1 < fields.length; i += 2)
		if (!isSendable(fields[i] as ByteString, fields[i + 1] as ByteString)) names.push(fields[i] as ByteString);
	return names;
}

/** Removes the headers that cannot be sent. */
export function dropUnsendable({ fields }: Headers): void {
	for (let i = fields.length - 2; i >= 0; i -= 2)
		if (!isSendable(fields[i] as ByteString, fields[i + 1] as ByteString)) fields.splice(i, 2);
}

/** Framing headers are not allowed in trailers (RFC 9110 section 6.5.1). */
const FRAMING = /^(?:content-length|transfer-encoding)$/i;

/** The trailer fields (name, value, …) that can be sent. */
export function sendableTrailers(fields: readonly ByteString[]): readonly ByteString[] {
	const canSend = (i: number) =>
		isToken(fields[i] as ByteString) &&
		isOneLine(fields[i + 1] as ByteString) &&
		!FRAMING.test(fields[i] as ByteString);
	return fields.filter((_, i) => canSend(i - (i % 2)));
}

/** Why the request line of a request cannot be sent; null: it can. Headers are not checked. */
export function whyNotSendable({ method, path, host }: Request): string | null {
	if (!isToken(method)) return "its method is not valid";
	if (path === "" || /[\s\0]/.test(path)) return "its path is not valid";
	return host === "" || /[\s\0/?#@]/.test(host) ? "its host is not valid" : null;
}

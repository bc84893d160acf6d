// What a head can hold. Messages of a tape have passed no parser: a line break in one of their fields would end the line, or the head, and let
// what comes behind it pass for another message (RFC 9112 section 11).
import type { ByteString } from "./bytes.ts";
import type { Headers } from "./headers.ts";
import type { Request } from "./message.ts";

const BREAKS = /[\r\n\0]/g;
/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Whether text is a token, as methods and the names of fields are. */
export function isToken(text: string): boolean {
	return TOKEN.test(text);
}

/** Whether text holds nothing that would end the field or the message (RFC 9110 section 5.5). */
export function isOneLine(text: string): boolean {
	return text.search(BREAKS) === -1;
}

/** Text without that. */
export function inOneLine(text: ByteString): ByteString {
	return text.replace(BREAKS, " ");
}

/** A name may look odd, but not like a pseudo-field (RFC 9113 section 8.3), as dumps made of HAR have them. */
function isSendable(name: ByteString, value: ByteString): boolean {
	return name !== "" && !name.startsWith(":") && isOneLine(name) && isOneLine(value);
}

/** Whether all fields can be sent. */
export function areSendable({ fields }: Headers): boolean {
	for (let i = 0; i + 1 < fields.length; i += 2) if (!isSendable(fields[i] as ByteString, fields[i + 1] as ByteString)) return false;
	return true;
}

/** Takes out the fields that cannot be sent. */
export function dropUnsendable({ fields }: Headers): void {
	for (let i = fields.length - 2; i >= 0; i -= 2) if (!isSendable(fields[i] as ByteString, fields[i + 1] as ByteString)) fields.splice(i, 2);
}

/** RFC 9110 section 6.5.1: what frames a message does not stand behind it. */
const SIZING = /^(?:content-length|transfer-encoding)$/i;

/** The trailer fields (name, value, …) that can be sent. */
export function sendableTrailers(fields: readonly ByteString[]): readonly ByteString[] {
	const isGood = (i: number) => isToken(fields[i] as ByteString) && isOneLine(fields[i + 1] as ByteString) && !SIZING.test(fields[i] as ByteString);
	return fields.filter((_, i) => isGood(i - (i % 2)));
}

/** Why a request cannot be sent, whatever its fields are; null: it can. */
export function unsendable({ method, path, host }: Request): string | null {
	if (!isToken(method)) return "its method is none";
	if (path === "" || /[\s\0]/.test(path)) return "its path is none";
	return host === "" || /[\s\0/?#@]/.test(host) ? "its host is none" : null;
}

// What a head can hold. Messages of a tape have passed no parser: a line break in one of their fields would end the line, or the head, and let
// what comes behind it pass for another message (RFC 9112 section 11).
import type { ByteString } from "./bytes.ts";
import type { Headers } from "./headers.ts";
import type { Request } from "./message.ts";

const BREAK = /[\r\n\0]/;
/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** A name may look odd, but not like a pseudo-field (RFC 9113 section 8.3), as dumps made of HAR have them. */
function isSendable(name: ByteString, value: ByteString): boolean {
	return name !== "" && !name.startsWith(":") && !BREAK.test(name) && !BREAK.test(value);
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

/** Why a request cannot be sent, whatever its fields are; null: it can. */
export function unsendable({ method, path, host }: Request): string | null {
	if (!TOKEN.test(method)) return "its method is none";
	if (path === "" || /[\s\0]/.test(path)) return "its path is none";
	return host === "" || /[\s\0/?#@]/.test(host) ? "its host is none" : null;
}

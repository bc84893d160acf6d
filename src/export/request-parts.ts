// What the exporters of requests have in common: which fields a client sets by itself, and whether a body can stand in a command as text.
import { isUtf8 } from "node:buffer";
import { type ByteString, toByteString } from "../flow/bytes.ts";
import type { Request } from "../flow/message.ts";
import { inOneLine, isToken } from "../flow/sendable.ts";

const HTTP_2_PREFIX = ":";

/** The fields that the command has to name: not the length, which follows from the body, nor Host where the URL says it. */
export function namedFields(request: Request): [name: ByteString, value: ByteString][] {
	const fields: [ByteString, ByteString][] = [];
	const { fields: list } = request.headers;
	for (let i = 0; i + 1 < list.length; i += 2) {
		const [name, value] = [list[i] as ByteString, inOneLine(list[i + 1] as ByteString)];
		const lower = name.toLowerCase();
		// any name but a token could mean something else to the program that is called
		if (!isToken(name) || lower.startsWith(HTTP_2_PREFIX) || lower === "content-length" || lower === "host") continue;
		fields.push([name, value]);
	}
	return fields;
}

/** The URL as the client named it, in the bytes that go on the wire. */
export function urlOf(request: Request): ByteString {
	return toByteString(request.prettyUrl).replace(/[^!-~\u0080-\u00ff]/g, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** Whether a client would take steps such as `..` out of the path if it is not told otherwise (RFC 3986 section 5.2.4). */
export function hasDotSteps({ path }: Request): boolean {
	return /^[^?]*\/(?:\.|%2e){1,2}(?:[/?#]|$)/i.test(path);
}

/** Whether no URL has this request's target: `*`, or one with a `#`, which no client sends. */
export function isBeyondUrls({ path }: Request): boolean {
	return path === "*" || path.includes("#");
}

/** But for tab and line feed. */
function isControl(byte: number): boolean {
	return (byte < 0x20 && byte !== 0x09 && byte !== 0x0a) || byte === 0x7f;
}

/** Arguments have an end (MAX_ARG_STRLEN is 128 KiB), and very long ones are nothing to look at. Bytes. */
const ARGUMENT_LIMIT = 64 * 1024;

/** The body as text for an argument; null where it has to be piped in. */
export function textBody(body: Buffer): ByteString | null {
	if (body.length > ARGUMENT_LIMIT || !isUtf8(body)) return null;
	return body.some(isControl) ? null : body.latin1Slice();
}

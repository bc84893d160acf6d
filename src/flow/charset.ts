// Detects the charset of a body, decodes and encodes its text. The rules are mitmproxy's, so that both programs show
// the same text.
import { decodeText, encodeText } from "./bytes.ts";
import { decoderName, encodeCharset, LATIN1 } from "./charset-encode.ts";
import { parseMediaType } from "./content-type.ts";

/** The `charset` parameter of a Content-Type; null without one. Some senders quote it with apostrophes. */
function charsetParameter(contentType: string): string | null {
	return parseMediaType(contentType).parameter("charset")?.replace(/["']/g, "").trim() || null;
}

const BOMS: readonly (readonly [bytes: readonly number[], charset: string])[] = [
	[[0xef, 0xbb, 0xbf], "utf-8"],
	[[0xff, 0xfe], "utf-16le"],
	[[0xfe, 0xff], "utf-16be"],
];

function bomCharset(bytes: Uint8Array): string | null {
	return BOMS.find(([bom]) => bom.every((byte, i) => bytes[i] === byte))?.[1] ?? null;
}

/**
 * The charset that the Content-Type, the head of the body or the media type names or implies; null: none. `head` is the
 * beginning of the body.
 */
export function namedCharset(contentType: string, head: string): string | null {
	const named = charsetParameter(contentType);
	if (named !== null) return named.toLowerCase();
	if (/json/.test(contentType)) return "utf-8";
	const inside = charsetInside(contentType, head);
	// a declaration that is readable as ASCII cannot be UTF-16 (WHATWG HTML, 13.2.3.2)
	return inside !== null && isUtf16(inside) ? "utf-8" : (inside?.toLowerCase() ?? null);
}

function charsetInside(contentType: string, head: string): string | null {
	if (/html/.test(contentType)) return /<meta[^>]+charset=["']?([^"'>\s]+)/i.exec(head)?.[1] ?? "utf-8";
	if (/xml/.test(contentType)) return /<\?xml[^>]+encoding=["']([^"'>]+)["']/i.exec(head)?.[1] ?? "utf-8";
	if (/javascript|ecmascript/.test(contentType)) return "utf-8";
	if (/text\/css/.test(contentType)) return /^@charset "([^"]+)";/i.exec(head)?.[1] ?? "utf-8";
	return null;
}

/**
 * The charset of decoded content, in lower case: that of its byte order mark, else that of `namedCharset`; null:
 * unknown.
 */
export function charsetOf(content: Buffer, contentType: string | null): string | null {
	return bomCharset(content) ?? namedCharset(contentType ?? "", content.toString("latin1", 0, 1024));
}

function readAs(content: Buffer, contentType: string | null): string {
	return charsetOf(content, contentType) ?? "latin1";
}

export function isUtf16(charset: string): boolean {
	return /^utf-?16/i.test(charset);
}

/**
 * The text of decoded content. Content that is not valid in its charset is decoded as UTF-8, with invalid bytes as in
 * `toText`.
 */
export function decodeContent(bytes: Buffer, contentType: string | null): string {
	const charset = readAs(bytes, contentType);
	if (LATIN1.test(charset)) return bytes.latin1Slice();
	try {
		return new TextDecoder(decoderName(charset), { fatal: true }).decode(bytes);
	} catch {
		return decodeText(bytes);
	}
}

/**
 * Encodes text in the charset that the Content-Type or the text itself names; `contentType` is then null. If that
 * charset is UTF-16, cannot represent the text or would not be detected again, the bytes are UTF-8 and `contentType` is
 * the new Content-Type.
 */
export function encodeContent(text: string, contentType: string | null): { bytes: Buffer; contentType: string | null } {
	const charset = namedCharset(contentType ?? "", text.slice(0, 1024)) ?? "latin1";
	// UTF-16 would need a byte order mark
	const bytes = isUtf16(charset) ? null : encodeCharset(text, charset);
	if (bytes !== null && readAs(bytes, contentType) === charset) return { bytes, contentType: null };
	const type =
		contentType === null || !contentType.includes("/") ? "text/plain" : contentType.replace(/;\s*charset=[^;]*/i, "");
	return { bytes: encodeText(text), contentType: `${type}; charset=utf-8` };
}

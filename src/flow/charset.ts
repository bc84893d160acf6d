// Which charset a body is in, and text to and from it. The rules are those of mitmproxy, so that text is the same there.
import { decodeText, encodeText } from "./bytes.ts";
import { encodeCharset } from "./charset-encode.ts";

/** The `charset` parameter of a Content-Type, without its quotes; null without one. */
function charsetParameter(contentType: string): string | null {
	return /;\s*charset=\s*["']?([^;"']*)/i.exec(contentType)?.[1]?.trim() || null;
}

const BOMS: readonly (readonly [bytes: readonly number[], charset: string])[] = [
	[[0xef, 0xbb, 0xbf], "utf-8"],
	[[0xff, 0xfe], "utf-16le"],
	[[0xfe, 0xff], "utf-16be"],
];

function bomCharset(bytes: Uint8Array): string | null {
	return BOMS.find(([bom]) => bom.every((byte, i) => bytes[i] === byte))?.[1] ?? null;
}

/** The charset that Content-Type names or its media type implies; null where neither tells. `head` is the first text of the body. */
export function namedCharset(contentType: string, head: string): string | null {
	const named = charsetParameter(contentType);
	if (named !== null) return named.toLowerCase();
	if (/json/.test(contentType)) return "utf-8";
	const inside = charsetInside(contentType, head);
	// who can read that without knowing the charset does not read UTF-16 (WHATWG HTML, 13.2.3.2)
	return inside !== null && isUtf16(inside) ? "utf-8" : (inside?.toLowerCase() ?? null);
}

function charsetInside(contentType: string, head: string): string | null {
	if (/html/.test(contentType)) return /<meta[^>]+charset=["']?([^"'>\s]+)/i.exec(head)?.[1] ?? "utf-8";
	if (/xml/.test(contentType)) return /<\?xml[^>]+encoding=["']([^"'>]+)["']/i.exec(head)?.[1] ?? "utf-8";
	if (/javascript|ecmascript/.test(contentType)) return "utf-8";
	if (/text\/css/.test(contentType)) return /^@charset "([^"]+)";/i.exec(head)?.[1] ?? "utf-8";
	return null;
}

/** The charset of decoded content, in lower case: that of its byte order mark, else what Content-Type and its first text tell; null where nothing does. */
export function charsetOf(content: Buffer, contentType: string | null): string | null {
	return bomCharset(content) ?? namedCharset(contentType ?? "", content.toString("latin1", 0, 1024));
}

function readAs(content: Buffer, contentType: string | null): string {
	return charsetOf(content, contentType) ?? "latin1";
}

export function isUtf16(charset: string): boolean {
	return /^utf-?16/i.test(charset);
}

/** The text of decoded content; bytes that its charset does not know are read as UTF-8 with surrogate escapes. */
export function decodeContent(bytes: Buffer, contentType: string | null): string {
	const bom = bomCharset(bytes);
	if (bom !== null) return new TextDecoder(bom).decode(bytes);
	const charset = readAs(bytes, contentType);
	if (charset === "utf-8" || charset === "utf8") return decodeText(bytes);
	// Node 20's TextDecoder has windows-1252 wrong and takes latin1 for it, so these are done by hand
	if (/^(latin-?1|iso-?8859-1|us-ascii|ascii)$/.test(charset)) return bytes.latin1Slice();
	try {
		return new TextDecoder(/^gb(k|2312)$/.test(charset) ? "gb18030" : charset, { fatal: true }).decode(bytes);
	} catch {
		return decodeText(bytes);
	}
}

/** Text as bytes of the charset that Content-Type or the text itself names; UTF-8, and a Content-Type that says so, where it does not fit. */
export function encodeContent(text: string, contentType: string | null): { bytes: Buffer; contentType: string | null } {
	const charset = namedCharset(contentType ?? "", text.slice(0, 1024)) ?? "latin1";
	// UTF-16 would need a mark for its byte order
	const bytes = isUtf16(charset) ? null : encodeCharset(text, charset);
	if (bytes !== null && readAs(bytes, contentType) === charset) return { bytes, contentType: null };
	const type = contentType === null || !contentType.includes("/") ? "text/plain" : contentType.replace(/;\s*charset=[^;]*/i, "");
	return { bytes: encodeText(text), contentType: `${type}; charset=utf-8` };
}

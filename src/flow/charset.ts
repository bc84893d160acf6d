// Which charset a body is in, and text to and from it. The rules are those of mitmproxy, so that text is the same there.
import { decodeText } from "./bytes.ts";

/** The `charset` parameter of a Content-Type, as written; null without one. */
function charsetParameter(contentType: string): string | null {
	return /;\s*charset=([^;]*)/.exec(contentType)?.[1]?.trim() || null;
}

const BOMS: readonly (readonly [bytes: readonly number[], charset: string])[] = [
	[[0xef, 0xbb, 0xbf], "utf-8"],
	[[0xff, 0xfe], "utf-16le"],
	[[0xfe, 0xff], "utf-16be"],
];

/** The charset that Content-Type names or its media type implies; null where neither tells. `head` is the first text of the body. */
export function charsetOf(contentType: string, head: string): string | null {
	const named = charsetParameter(contentType);
	if (named !== null) return named;
	if (/json/.test(contentType)) return "utf-8";
	if (/html/.test(contentType)) return /<meta[^>]+charset=["']?([^"'>\s]+)/i.exec(head)?.[1] ?? "utf-8";
	if (/xml/.test(contentType)) return /<\?xml[^>]+encoding=["']([^"'>]+)["']/i.exec(head)?.[1] ?? "utf-8";
	if (/javascript|ecmascript/.test(contentType)) return "utf-8";
	if (/text\/css/.test(contentType)) return /^@charset "([^"]+)";/i.exec(head)?.[1] ?? "utf-8";
	return null;
}

function inferCharset(contentType: string, head: string): string {
	return charsetOf(contentType, head) ?? "latin1";
}

/** The text of decoded content; bytes that its charset does not know are read as UTF-8 with surrogate escapes. */
export function decodeContent(bytes: Buffer, contentType: string | null): string {
	for (const [bom, charset] of BOMS) {
		if (bom.every((byte, i) => bytes[i] === byte)) return new TextDecoder(charset).decode(bytes);
	}
	const charset = inferCharset(contentType ?? "", bytes.toString("latin1", 0, 1024)).toLowerCase();
	if (charset === "utf-8" || charset === "utf8") return decodeText(bytes);
	// Node 20's TextDecoder has windows-1252 wrong and takes latin1 for it, so these are done by hand
	if (/^(latin-?1|iso-?8859-1|us-ascii|ascii)$/.test(charset)) return bytes.latin1Slice();
	try {
		return new TextDecoder(/^gb(k|2312)$/.test(charset) ? "gb18030" : charset, { fatal: true }).decode(bytes);
	} catch {
		return decodeText(bytes);
	}
}

/** Text as bytes of the charset that Content-Type names; UTF-8, and a Content-Type that says so, where it does not fit. */
export function encodeContent(text: string, contentType: string | null): { bytes: Buffer; contentType: string | null } {
	const charset = inferCharset(contentType ?? "", "").toLowerCase();
	if (charset === "utf-8" || charset === "utf8") return { bytes: Buffer.from(text, "utf8"), contentType: null };
	if (/^(latin-?1|iso-?8859-1)$/.test(charset) && !/[^\0-\xff]/.test(text)) return { bytes: Buffer.from(text, "latin1"), contentType: null };
	const type = contentType === null || !contentType.includes("/") ? "text/plain" : contentType.replace(/;\s*charset=[^;]*/i, "");
	return { bytes: Buffer.from(text, "utf8"), contentType: `${type}; charset=utf-8` };
}

// Converts bodies to the text of a HAR and back. A HAR does not say from which charset a text was decoded.
import { isUtf8 } from "node:buffer";
import { encodeText } from "../../src/flow/bytes.ts";
import { decodeContent, namedCharset } from "../../src/flow/charset.ts";
import { encodeCharset } from "../../src/flow/charset-encode.ts";

/**
 * The bytes that a text was decoded from. Programs decode differently; the number of bytes shows how.
 * @param sizes possible numbers of bytes according to the HAR, the most reliable first
 * @param unnamed the charset if none is named and the number of bytes does not decide
 */
export function bytesOfText(
	text: string,
	contentType: string | null,
	sizes: readonly number[],
	unnamed: "utf8" | "latin1" = "utf8",
): Buffer {
	const utf8 = encodeText(text);
	// ASCII text has the same bytes in nearly every charset
	if (utf8.length === text.length && sizes.includes(text.length)) return utf8;
	const charset = namedCharset(contentType ?? "", text.slice(0, 1024));
	const declared = charset === null ? null : encodeCharset(text, charset);
	// mitmproxy decodes unknown content like this, and Chromium binary content
	const latin1 = charset === null ? encodeCharset(text, "latin1") : null;
	const candidates = [utf8, declared, latin1].filter((bytes) => bytes !== null);
	for (const size of sizes) for (const bytes of candidates) if (bytes.length === size) return bytes;
	return declared ?? (unnamed === "latin1" ? latin1 : null) ?? utf8;
}

/** Whether a body is UTF-8 text. */
export function isPlain(bytes: Buffer): boolean {
	return !bytes.includes(0) && isUtf8(bytes);
}

/** A body as text that `bytesOfText` converts to the same bytes; null if there is none, as for binary data. */
export function textOfBytes(bytes: Buffer, contentType: string | null): string | null {
	if (isPlain(bytes)) return bytes.toString("utf8");
	if (bytes.includes(0) || contentType === null || !contentType.includes("charset=")) return null;
	const text = decodeContent(bytes, contentType);
	return text.isWellFormed() && bytesOfText(text, contentType, [bytes.length]).equals(bytes) ? text : null;
}

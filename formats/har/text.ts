// Bodies as a HAR has them: text that somebody decoded, without saying how, or base64.
import { isUtf8 } from "node:buffer";
import { encodeText } from "../../src/flow/bytes.ts";
import { charsetOf, decodeContent } from "../../src/flow/charset.ts";
import { encodeCharset } from "../../src/flow/charset-encode.ts";

/**
 * The bytes that a text was decoded from. Programs decode in different ways, and the number of bytes tells in which.
 * @param sizes what the HAR says of the number of bytes, in several places perhaps
 */
export function bytesOfText(text: string, contentType: string | null, sizes: readonly number[]): Buffer {
	const utf8 = encodeText(text);
	if (sizes.includes(utf8.length)) return utf8;
	const charset = charsetOf(contentType ?? "", text.slice(0, 1024))?.replaceAll('"', "") ?? null;
	if (charset === null) {
		// as mitmproxy decodes what it knows nothing of
		const latin1 = encodeCharset(text, "latin1");
		return latin1 !== null && sizes.includes(latin1.length) ? latin1 : utf8;
	}
	return /^utf-?8$/i.test(charset) ? utf8 : (encodeCharset(text, charset) ?? utf8);
}

/** A body as text that `bytesOfText` makes the same bytes of; null where there is none, for binary data. */
export function textOfBytes(bytes: Buffer, contentType: string | null): string | null {
	if (bytes.includes(0)) return null;
	if (isUtf8(bytes)) return bytes.toString("utf8");
	if (contentType === null || !contentType.includes("charset=")) return null;
	const text = decodeContent(bytes, contentType);
	return text.isWellFormed() && bytesOfText(text, contentType, [bytes.length]).equals(bytes) ? text : null;
}

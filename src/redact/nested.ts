// Secrets in a value that is itself coded: a URL, a query, JSON, base64 or percent-encoded text inside of a string.
import { isUtf8 } from "node:buffer";
import type { ByteString } from "../flow/bytes.ts";
import { BASE64, isTextByte, isTextGroup, mayBeCoded } from "./coded.ts";
import { hasControlCharacters } from "./control-characters.ts";
import { redactJson } from "./json.ts";
import type { NestedReader } from "./redaction.ts";
import { percentBytes, percentEncode, redactPairs, redactUrl } from "./url.ts";

/** How many codings deep values are read. */
const DEPTH_LIMIT = 2;

/** Longer runs of base64 are files rather than text. */
const LONGEST_BASE64 = 1024 * 1024;

/** URL-encoded pairs. */
export const PAIRS = /^[\w.%[\]-]{1,100}=[^&\s]*(?:&[\w.%[\]-]{1,100}=[^&\s]*)*$/;

export const redactNested: NestedReader = (value, redaction, place, name, depth, isSearched = false) => {
	const plain = () => (isSearched ? value : redaction.text(value, place, name));
	if (depth >= DEPTH_LIMIT || !mayBeCoded(value)) return plain();
	const first = value.charCodeAt(0);
	// { or [
	if (first === 0x7b || first === 0x5b) return redactJson(value, redaction, depth + 1, name) ?? plain();
	if (value.includes("://") && !/\s/.test(value)) return redactUrl(value, redaction, depth + 1, isSearched);
	// a path with a query
	if (first === 0x2f && value.includes("?") && !/\s/.test(value))
		return redactUrl(value, redaction, depth + 1, isSearched);
	if (value.includes("%")) {
		const decoded = percentBytes(value);
		if (decoded !== value && !hasControlCharacters(decoded)) {
			const redacted = redactNested(decoded, redaction, place, name, depth + 1);
			if (redacted !== decoded) return percentEncode(redacted);
		}
	}
	if (value.length <= LONGEST_BASE64 && BASE64.test(value)) {
		const text = decodedText(value);
		if (text !== null) {
			const redacted = redactNested(text, redaction, place, name, depth + 1);
			if (redacted !== text) return encodeLike(redacted, value);
		}
	}
	if (value.includes("=") && PAIRS.test(value)) return redactPairs(value, redaction, place, depth + 1, isSearched);
	return plain();
};

/** The text in base64; null: it is not text. */
function decodedText(value: ByteString): ByteString | null {
	// most values are identifiers, which decode to bytes of all kinds
	if (!isTextGroup(value, 0)) return null;
	const start = Buffer.from(value.slice(0, 64), "base64");
	if (start.length === 0 || start.some((byte) => byte < 0x80 && !isTextByte(byte))) return null;
	// the start may end within a character
	if (start.some((byte) => byte >= 0x80) && ![0, 1, 2, 3].some((cut) => isUtf8(start.subarray(0, start.length - cut))))
		return null;
	return Buffer.from(value, "base64").latin1Slice();
}

function encodeLike(text: ByteString, old: ByteString): ByteString {
	const coded = Buffer.from(text, "latin1").toString(/[-_]/.test(old) ? "base64url" : "base64");
	return old.endsWith("=") || old.length % 4 === 0 ? coded : coded.replace(/=+$/, "");
}

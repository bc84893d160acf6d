// Tells quickly whether a value may be coded text: JSON, a URL, a query, percent-encoded or base64.
import type { ByteString } from "../flow/bytes.ts";

/** Shorter values are not decoded. */
const SHORTEST = 12;

/** A value of base64 or base64url. */
export const BASE64 = /^(?:[A-Za-z0-9+/]+|[A-Za-z0-9_-]+)={0,2}$/;

const [OPEN_ARRAY, OPEN_OBJECT] = [0x5b, 0x7b];

/** The six bits of each character of base64 and base64url; -1: it is another character. */
const SIX_BITS = Int8Array.from({ length: 256 }, (_, code) => {
	const character = String.fromCharCode(code).replace("-", "+").replace("_", "/");
	return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".indexOf(character);
});

/** Whether four characters of base64 stand for three bytes of text; padding may stand for anything. */
export function isTextGroup(value: ByteString, at: number): boolean {
	let bits = 0;
	for (let i = at; i < at + 4; i++) {
		const six = SIX_BITS[value.charCodeAt(i)] as number;
		if (six < 0) return true;
		bits = (bits << 6) | six;
	}
	return isTextByte(bits >>> 16) && isTextByte((bits >>> 8) & 0xff) && isTextByte(bits & 0xff);
}

/** Whether a byte is printable ASCII or white space. */
export function isTextByte(byte: number): boolean {
	return (byte >= 0x20 && byte < 0x7f) || byte === 9 || byte === 10 || byte === 13;
}

/** What a character says about the value that it stands in. */
const NOT_BASE64 = 1;
const NOT_BASE64URL = 2;
const MARK = 4;
const COLON = 8;
const ESCAPE = 16;
const signs = Uint8Array.from({ length: 256 }, (_, code) => {
	const character = String.fromCharCode(code);
	return (
		(/[A-Za-z0-9+/]/.test(character) ? 0 : NOT_BASE64) |
		(/[A-Za-z0-9_-]/.test(character) ? 0 : NOT_BASE64URL) |
		(/[=%?@]/.test(character) ? MARK : 0) |
		(character === ":" ? COLON : 0) |
		(character === "\\" ? ESCAPE : 0)
	);
});

/** False for most values: words, sentences, dates, short identifiers. */
export function mayBeCoded(value: ByteString): boolean {
	return isCoded(value, 0, value.length, signsIn(value, 0, value.length));
}

/** As `mayBeCoded` for `text.slice(from, to)`; "escaped": it has a backslash, so it is not the value itself. */
export function mayPartBeCoded(text: ByteString, from: number, to: number): boolean | "escaped" {
	const found = signsIn(text, from, to);
	return (found & ESCAPE) !== 0 ? "escaped" : isCoded(text, from, to, found);
}

function signsIn(text: ByteString, from: number, to: number): number {
	let found = 0;
	for (let at = from; at < to; at++) found |= signs[text.charCodeAt(at)] as number;
	return found;
}

function isCoded(text: ByteString, from: number, to: number, found: number): boolean {
	if (to - from < SHORTEST) return false;
	const first = text.charCodeAt(from);
	if (first === OPEN_OBJECT || first === OPEN_ARRAY || (found & MARK) !== 0) return true;
	// most values of base64 are identifiers, which decode to bytes of all kinds
	if ((found & NOT_BASE64) === 0 || (found & NOT_BASE64URL) === 0) return isTextGroup(text, from);
	// a URL without parameters has secrets only in its path
	return (found & COLON) !== 0 && text.slice(from, to).includes("://");
}

// Bytes as strings: what HTTP puts on the wire is bytes, and V8 is fastest with strings of one byte a character.

/** A string in which every character stands for one byte (0 to 255), as Web IDL names it. */
export type ByteString = string;

const NON_ASCII = /[^\0-\x7f]/;
const ESCAPED = /[\udc80-\udcff]/;

/** Whether every character is ASCII. */
export function isAscii(text: string): boolean {
	return !NON_ASCII.test(text);
}

/**
 * The bytes read as UTF-8. A byte that is not part of valid UTF-8 becomes a lone surrogate U+DC80 to U+DCFF,
 * as in Python, so that `toByteString` gives the same bytes again.
 */
export function toText(bytes: ByteString): string {
	return NON_ASCII.test(bytes) ? decodeText(Buffer.from(bytes, "latin1")) : bytes;
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** As `toText`, from a buffer. */
export function decodeText(bytes: Uint8Array): string {
	try {
		return strict.decode(bytes);
	} catch {
		return decodeEscaped(bytes);
	}
}

function decodeEscaped(bytes: Uint8Array): string {
	let out = "";
	let at = 0;
	while (at < bytes.length) {
		const size = sequenceLength(bytes, at);
		out += size === 0 ? String.fromCharCode(0xdc00 + (bytes[at] ?? 0)) : strict.decode(bytes.subarray(at, at + size));
		at += size || 1;
	}
	return out;
}

/** Length of the valid UTF-8 sequence at `at` (RFC 3629 section 4), 0 where there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
	const first = bytes[at] ?? 0;
	if (first < 0x80) return 1;
	const size = first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
	if (size === 0 || at + size > bytes.length) return 0;
	const second = bytes[at + 1] ?? 0;
	const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
	const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
	if (second < low || second > high) return 0;
	for (let i = 2; i < size; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0;
	return size;
}

/** Text as UTF-8 bytes; the surrogates that `toText` makes of stray bytes become those bytes again. */
export function toByteString(text: string): ByteString {
	return NON_ASCII.test(text) ? encodeText(text).latin1Slice() : text;
}

/** As `toByteString`, to a buffer. */
export function encodeText(text: string): Buffer {
	if (!ESCAPED.test(text)) return Buffer.from(text, "utf8");
	const parts: Buffer[] = [];
	for (const part of text.split(/(?<![\ud800-\udbff])([\udc80-\udcff])/)) {
		const code = part.length === 1 ? part.charCodeAt(0) : 0;
		parts.push(code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code - 0xdc00) : Buffer.from(part, "utf8"));
	}
	return Buffer.concat(parts);
}

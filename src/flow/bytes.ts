// Conversions between text and byte strings. HTTP/1 heads are bytes, and V8 handles one-byte strings fastest.

/** A string in which every character is one byte (0 to 255), as in Web IDL. */
export type ByteString = string;

export const NO_BYTES: Buffer = Buffer.alloc(0);

/** A Buffer over the same memory. */
export function asBuffer(bytes: Uint8Array): Buffer {
	return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const NON_ASCII = /[^\0-\x7f]/;
const ESCAPED = /[\udc80-\udcff]/;

/** Whether every character is ASCII. */
export function isAscii(text: string): boolean {
	return !NON_ASCII.test(text);
}

/**
 * Decodes UTF-8. A byte that is not part of valid UTF-8 becomes a lone surrogate U+DC80 to U+DCFF, as with Python's
 * `surrogateescape`, so that `toByteString` restores the same bytes.
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
	// UTF-16LE: no UTF-8 sequence becomes more code units than it has bytes
	const units = Buffer.allocUnsafe(2 * bytes.length);
	let end = 0;
	const add = (unit: number) => {
		units[end++] = unit & 0xff;
		units[end++] = unit >> 8;
	};
	let at = 0;
	while (at < bytes.length) {
		const size = sequenceLength(bytes, at);
		const point = size === 0 ? 0xdc00 + (bytes[at] ?? 0) : codePoint(bytes, at, size);
		if (point > 0xffff) {
			add(0xd7c0 + (point >> 10));
			add(0xdc00 + (point & 0x3ff));
		} else add(point);
		at += size || 1;
	}
	return units.toString("utf16le", 0, end);
}

/** The code point of a valid UTF-8 sequence. */
function codePoint(bytes: Uint8Array, at: number, size: number): number {
	const first = bytes[at] ?? 0;
	if (size === 1) return first;
	let point = first & (0x7f >> size);
	for (let i = 1; i < size; i++) point = (point << 6) | ((bytes[at + i] ?? 0) & 0x3f);
	return point;
}

/** Length of the UTF-8 sequence at `at` (RFC 3629 section 4); 0: it is not valid. */
function sequenceLength(bytes: Uint8Array, at: number): number {
	const first = bytes[at] ?? 0;
	if (first < 0x80) return 1;
	const size =
		first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
	if (size === 0 || at + size > bytes.length) return 0;
	const second = bytes[at + 1] ?? 0;
	const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
	const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
	if (second < low || second > high) return 0;
	for (let i = 2; i < size; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0;
	return size;
}

/** Encodes UTF-8; the surrogates that `toText` makes of invalid bytes become those bytes again. */
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

/** Larger buffers get pages of their own. Bytes. */
const LARGE_BYTES = 4 * 1024 * 1024;
/** The allocator of glibc always maps larger buffers. Bytes. */
const ALWAYS_MAPPED = 32 * 1024 * 1024;

/**
 * Allocates a buffer without initializing it. The system gets the memory of a large one back as soon as the buffer is
 * collected: the allocation is so large that glibc maps it separately. The part that is not used takes no memory.
 */
export function allocateBytes(size: number): Buffer {
	if (size <= LARGE_BYTES || size > ALWAYS_MAPPED) return Buffer.allocUnsafeSlow(size);
	return Buffer.allocUnsafeSlow(ALWAYS_MAPPED + 1).subarray(0, size);
}

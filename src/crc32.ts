// CRC-32 as zlib computes it, also over several pieces.
import { crc32 as checksum } from "node:zlib";

/**
 * An empty view leaves `sum` unchanged. zlib's own function ignores `sum` for an empty view without memory, such as
 * SQLite's empty blobs (Node 20).
 * @param sum the checksum of the pieces before this one
 */
export function crc32(bytes: Uint8Array | string, sum = 0): number {
	return bytes.length === 0 ? sum : checksum(bytes, sum);
}

/** The remainder for each byte (polynomial 0xEDB88320). */
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
	let rest = byte;
	for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
	return rest;
});

/**
 * As `crc32` of a text in UTF-8, without the cost of a native call, which is higher than that of a short text.
 * @param sum the checksum of the pieces before this one
 */
export function crc32OfText(text: string, sum: number): number {
	let rest = ~sum;
	for (let i = 0; i < text.length; i++) {
		const char = text.charCodeAt(i);
		if (char > 0x7f) return crc32(text, sum);
		rest = (TABLE[(rest ^ char) & 0xff] as number) ^ (rest >>> 8);
	}
	return ~rest >>> 0;
}

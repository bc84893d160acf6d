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

// View of images: format and size in pixels, from the file header.
import type { View } from "./view.ts";

export const image: View = ({ type, bytes }) => {
	if (!type.startsWith("image/") || type === "image/svg+xml") return null;
	for (const [kind, measure] of kinds) {
		const size = measure(bytes);
		if (size !== null) return `(${kind} image, ${size[0]} × ${size[1]} pixels, ${bytes.length} bytes)`;
	}
	return `(${type}, ${bytes.length} bytes)`;
};

type Size = readonly [width: number, height: number] | null;

const kinds: readonly (readonly [kind: string, measure: (bytes: Buffer) => Size])[] = [
	[
		"PNG",
		(bytes) => (starts(bytes, "\x89PNG\r\n\x1a\n", 24) ? [bytes.readUInt32BE(16), bytes.readUInt32BE(20)] : null),
	],
	["GIF", (bytes) => (starts(bytes, "GIF8", 10) ? [bytes.readUInt16LE(6), bytes.readUInt16LE(8)] : null)],
	["BMP", (bytes) => (starts(bytes, "BM", 26) ? [bytes.readInt32LE(18), Math.abs(bytes.readInt32LE(22))] : null)],
	["icon", (bytes) => (starts(bytes, "\0\0\x01\0", 8) ? [bytes.readUInt8(6) || 256, bytes.readUInt8(7) || 256] : null)],
	["WebP", webp],
	["JPEG", jpeg],
];

function starts(bytes: Buffer, magic: string, least: number): boolean {
	return bytes.length >= least && bytes.latin1Slice(0, magic.length) === magic;
}

/** https://developers.google.com/speed/webp/docs/riff_container */
function webp(bytes: Buffer): Size {
	if (!starts(bytes, "RIFF", 30) || bytes.latin1Slice(8, 12) !== "WEBP") return null;
	switch (bytes.latin1Slice(12, 16)) {
		case "VP8X":
			return [bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1];
		case "VP8L": {
			const bits = bytes.readUInt32LE(21);
			return [(bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1];
		}
		default:
			return [bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff];
	}
}

/** Reads the first frame header (SOF) segment. */
function jpeg(bytes: Buffer): Size {
	if (!starts(bytes, "\xff\xd8", 4)) return null;
	for (let at = 2; at + 9 <= bytes.length && bytes[at] === 0xff; at += 2 + bytes.readUInt16BE(at + 2)) {
		const marker = bytes.readUInt8(at + 1);
		const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
		if (isFrame) return [bytes.readUInt16BE(at + 7), bytes.readUInt16BE(at + 5)];
	}
	return null;
}

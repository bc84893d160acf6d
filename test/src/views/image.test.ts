// The view of images.
import t from "tap";
import { image } from "../../../src/views/image.ts";

const show = (bytes: Buffer, type = "image/x") => image({ bytes, text: () => "", type, contentType: type });
const latin1 = (text: string) => Buffer.from(text, "latin1");
/** A WebP file: the RIFF header, the type of its first chunk, and hexadecimal bytes that contain the size. */
const webp = (kind: string, rest: string) =>
	Buffer.concat([latin1(`RIFF\0\0\0\0WEBP${kind}\0\0\0\0`), Buffer.from(rest.padEnd(40, "0"), "hex")]);

t.test("format and size from the first bytes", async (t) => {
	const images: [string, Buffer][] = [
		[
			"PNG image, 3 × 4",
			Buffer.concat([latin1("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x03\0\0\0\x04"), Buffer.alloc(10)]),
		],
		["GIF image, 3 × 4", latin1("GIF89a\x03\0\x04\0")],
		[
			"BMP image, 3 × 4",
			Buffer.concat([latin1("BM"), Buffer.alloc(16), Buffer.from([3, 0, 0, 0, 0xfc, 0xff, 0xff, 0xff])]),
		],
		["icon image, 3 × 256", latin1("\0\0\x01\0\x01\0\x03\0")],
		["JPEG image, 3 × 4", latin1("\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x0b\x08\0\x04\0\x03\x01")],
		["WebP image, 3 × 4", webp("VP8X", "00000000020000030000")],
		["WebP image, 3 × 4", webp("VP8L", "2f02c00000")],
		["WebP image, 3 × 4", webp("VP8 ", "0000009d012a03000400")],
	];
	for (const [expected, bytes] of images) t.match(show(bytes), expected);
});

t.test("other images show only the type", async (t) => {
	t.equal(show(Buffer.from("?"), "image/avif"), "(image/avif, 1 bytes)");
	t.equal(show(latin1("\xff\xd8\xff"), "image/jpeg"), "(image/jpeg, 3 bytes)");
	t.equal(show(Buffer.from("<svg/>"), "image/svg+xml"), null);
	t.equal(show(Buffer.from("GIF89a"), "text/plain"), null);
});

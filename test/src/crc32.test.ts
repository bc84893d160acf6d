// CRC-32 over several pieces, also empty ones.
import { crc32 as whole } from "node:zlib";
import t from "tap";
import { crc32, crc32OfText } from "../../src/crc32.ts";

t.test("the checksum over the pieces is that of the whole", async (t) => {
	let sum = 0;
	for (const piece of ["some ", "", Buffer.from("bytes"), Buffer.alloc(0), Buffer.from(new ArrayBuffer(0))])
		sum = crc32(piece, sum);
	t.equal(sum, whole("some bytes"));
});

t.test("the checksum of a text is that of its bytes in UTF-8, in every alphabet", async (t) => {
	for (const text of ["", "plain ASCII\n\x7f\0", "größer", "日本語 and 🙂", "a lone \ud800 surrogate"])
		t.equal(crc32OfText(text, whole("before ")), whole(Buffer.from(`before ${text}`)), text);
});

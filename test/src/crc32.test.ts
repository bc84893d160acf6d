// CRC-32 over several pieces, also empty ones.
import { crc32 as whole } from "node:zlib";
import t from "tap";
import { crc32 } from "../../src/crc32.ts";

t.test("the checksum over the pieces is that of the whole", async (t) => {
	let sum = 0;
	for (const piece of ["some ", "", Buffer.from("bytes"), Buffer.alloc(0), Buffer.from(new ArrayBuffer(0))])
		sum = crc32(piece, sum);
	t.equal(sum, whole("some bytes"));
});

// Content codings in both directions, with a size limit, and bodies that are stored elsewhere.
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import t from "tap";
import {
	type Body,
	bodyBytes,
	bodyChunks,
	bodySize,
	bodySlices,
	decodeBody,
	encodeBody,
} from "../../../src/flow/body.ts";

const text = Buffer.from("something to press, something to press, something to press");

t.test("decodes the output of other encoders", async (t) => {
	for (const [coding, bytes] of [
		["gzip", gzipSync(text)],
		["GZIP", gzipSync(text)],
		["gzip", deflateSync(text)],
		["x-gzip", gzipSync(text)],
		["gzip, gzip", gzipSync(gzipSync(text))],
		["deflate , ,br", brotliCompressSync(deflateSync(text))],
		["deflate", deflateSync(text)],
		["deflate", deflateRawSync(text)],
		["deflateRaw", deflateRawSync(text)],
		["br", brotliCompressSync(text)],
		["identity", text],
		["none", text],
		["", text],
		[null, text],
	] as const) {
		t.same(decodeBody(bytes, coding), text, `${coding}`);
	}
	// two frames, as the zstd tool writes them
	const zstd = Buffer.from("28b52ffd24052900006162636465ebc78d0c", "hex");
	t.equal(decodeBody(zstd, "zstd").toString(), "abcde");
	t.equal(decodeBody(Buffer.concat([zstd, zstd]), "zstd").toString(), "abcdeabcde");
});

t.test("decodes its own output", async (t) => {
	for (const coding of ["gzip", "deflate", "deflateraw", "br", "zstd", "identity"]) {
		for (const body of [Buffer.alloc(0), text, Buffer.alloc(300_000, "x")]) {
			const coded = encodeBody(body, coding);
			t.same(coded && decodeBody(coded, coding), body, `${coding} of ${body.length} bytes`);
		}
	}
	t.same(encodeBody(text, null), text);
	t.same(decodeBody(encodeBody(text, "gzip, BR") as Buffer, "gzip, br"), text, "one upon the other");
	t.equal(encodeBody(text, "gzip, bogus"), null);
});

t.test("an empty body is empty in every coding", async (t) => {
	t.equal(decodeBody(Buffer.alloc(0), "gzip").length, 0);
	t.equal(decodeBody(Buffer.alloc(0), "unheard-of").length, 0);
});

t.test("a body that cannot be decoded throws", async (t) => {
	t.throws(() => decodeBody(text, "gzip"), { code: "FT_BAD_BODY", message: /"gzip"/ });
	t.throws(() => decodeBody(text, "zstd"), { code: "FT_BAD_BODY" });
	t.throws(() => decodeBody(text, "br"), { code: "FT_BAD_BODY" });
	t.throws(() => decodeBody(text, "bogus"), { code: "FT_BAD_BODY", message: /gzip.*br.*zstd/ });
	t.throws(() => decodeBody(gzipSync(text), "gzip, bogus"), { code: "FT_BAD_BODY", message: /"gzip, bogus"/ });
	t.throws(() => decodeBody(gzipSync(text), Array(9).fill("gzip").join()), { code: "FT_BAD_BODY" }, "too many");
	t.throws(() => decodeBody(gzipSync(text).subarray(0, 20), "gzip"), { code: "FT_BAD_BODY" });
});

t.test("decompression bombs stop at the limit", async (t) => {
	const zeros = Buffer.alloc(1_000_000);
	for (const coding of ["gzip", "deflate", "deflateraw", "br", "zstd"]) {
		const bomb = encodeBody(zeros, coding) as Buffer;
		t.throws(
			() => decodeBody(bomb, coding, 10_000),
			{ code: "FT_BAD_BODY", message: /inflates beyond 10000 bytes/ },
			coding,
		);
	}
});

t.test("bodies in memory, stored elsewhere, and missing", async (t) => {
	const source = { size: 3, read: () => Buffer.from("abc"), chunks: () => [Buffer.from("ab"), Buffer.from("c")] };
	t.equal(bodyBytes(source)?.toString(), "abc");
	t.equal(bodySize(source), 3);
	t.same([...bodyChunks(source)].map(String), ["ab", "c"]);
	t.equal(bodyBytes(null), null);
	t.equal(bodySize(null), null);
	t.same([...bodyChunks(null)], []);
	t.equal(bodySize(text), text.length);
	t.same([...bodyChunks(text)], [text]);
});

t.test("a body in small pieces, in memory and stored elsewhere", async (t) => {
	const sizes = (body: Body) => [...bodySlices(body)].map(({ length }) => length);
	t.strictSame([sizes(null), sizes(Buffer.alloc(70_000))], [[], [65_536, 4464]]);
	const source = { size: 70_001, read: () => Buffer.alloc(0), chunks: () => [Buffer.alloc(70_000), Buffer.alloc(1)] };
	t.strictSame(sizes(source), [65_536, 4464, 1]);
	t.strictSame(sizes({ ...source, slices: () => [Buffer.alloc(9)] }), [9]);
});

t.test("zstd frames that declare more than the limit are rejected before memory is allocated", async (t) => {
	const frame = (head: number[], size: number) => {
		const block = Buffer.alloc(3);
		block.writeUIntLE((size << 3) | 1, 0, 3);
		return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, ...head]), block, Buffer.alloc(size, "x")]);
	};
	const single = (announced: number) => {
		const head = Buffer.alloc(5, 0xa0);
		head.writeUInt32LE(announced, 1);
		return [...head];
	};
	const small = frame(single(100), 100);
	t.equal(decodeBody(Buffer.concat([small, small]), "zstd", 200).length, 200);
	t.equal(decodeBody(frame([0x00, 0x68], 100), "zstd", 200).length, 100, "a window of 8 MiB is always taken");
	const skipped = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 0]);
	for (const [bytes, what] of [
		[frame(single(2_000_000_000), 100), "the size of a frame"],
		[Buffer.concat([small, skipped, frame(single(2_000_000_000), 100)]), "that of a later one"],
		[Buffer.concat([small, small, small]), "of all together"],
		[frame([0x00, 0x88], 100), "a window of 128 MiB"],
	] as const) {
		const before = process.memoryUsage().arrayBuffers;
		t.throws(() => decodeBody(bytes, "zstd", 250), { code: "FT_BAD_BODY", message: /inflates beyond 250 bytes/ }, what);
		t.ok(process.memoryUsage().arrayBuffers - before < 10_000_000);
	}
});

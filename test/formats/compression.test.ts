// Decompresses and compresses streams; the output before damage is kept.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { deflateRawSync, deflateSync, gunzipSync, gzipSync, inflateRawSync, inflateSync } from "node:zlib";
import t from "tap";
import { bytesInput } from "../../fixtures/bytes-input.ts";
import {
	type Compression,
	compressionOf,
	createCompressor,
	decompress,
	sniffCompression,
	withoutCompression,
} from "../../formats/compression.ts";

/** Lines that compress badly, so that the compressed text is long too. */
const text = Buffer.from(
	Array.from({ length: 20_000 }, (_, i) => `line ${(i * 2_654_435_761) % 4_294_967_291}\n`).join(""),
);
/** Compressed by Node, or else by the program `zstd`; null without both. */
const zstd = zstdOf(text);

function zstdOf(bytes: Buffer): Buffer | null {
	const { zstdCompressSync } = createRequire(import.meta.url)("node:zlib") as {
		zstdCompressSync?: (bytes: Buffer) => Buffer;
	};
	if (zstdCompressSync !== undefined) return zstdCompressSync(bytes);
	try {
		return execFileSync("zstd", ["-qc"], { input: bytes, maxBuffer: 2 ** 26 });
	} catch {
		return null;
	}
}

const packed: [Compression, Buffer][] = [
	["gzip", gzipSync(text)],
	["zlib", deflateSync(text, { level: 9 })],
	["deflate", deflateRawSync(text)],
	...(zstd === null ? [] : ([["zstd", zstd]] as [Compression, Buffer][])),
];

async function unpack(
	bytes: Buffer,
	compression: Compression,
	pieceBytes?: number,
): Promise<{ bytes: Buffer; error: unknown }> {
	const parts: Buffer[] = [];
	try {
		for await (const part of decompress(bytesInput(bytes, pieceBytes).chunks({ reuse: true }), compression, "a.gz"))
			parts.push(part);
		return { bytes: Buffer.concat(parts), error: null };
	} catch (error) {
		return { bytes: Buffer.concat(parts), error };
	}
}

t.test("detected by the first bytes, and by the name", async (t) => {
	for (const [compression, bytes] of packed)
		t.equal(sniffCompression(bytes), compression === "deflate" ? null : compression);
	for (const head of ["", "{", "12:", "SQLite format 3\0", "PK\u0003\u0004", "xyz"])
		t.equal(sniffCompression(Buffer.from(head)), null, head);
	for (const level of [1, 6, 9]) t.equal(sniffCompression(deflateSync("x", { level })), "zlib");
	t.same(["a.har.gz", "a.MITM.GZ", "a.jsonl.zst", "a.zhar", "a.har", "-"].map(compressionOf), [
		"gzip",
		"gzip",
		"zstd",
		"zlib",
		null,
		null,
	]);
	t.same(["a.har.gz", "a.jsonl.ZST", "a.zhar"].map(withoutCompression), ["a.har", "a.jsonl", "a.zhar"]);
});

t.test("every compression, in chunks of any size", async (t) => {
	for (const [compression, bytes] of packed) {
		for (const size of [999, 100_000]) {
			const got = await unpack(bytes, compression, size);
			t.equal(got.error, null, compression);
			t.ok(got.bytes.equals(text));
		}
	}
	t.ok(
		(await unpack(Buffer.concat([gzipSync("one "), gzipSync("two")]), "gzip")).bytes.equals(Buffer.from("one two")),
		"several members",
	);
	if (zstd !== null)
		t.equal((await unpack(Buffer.concat([zstd, zstd]), "zstd")).bytes.length, 2 * text.length, "several frames");
	t.same(
		await unpack(Buffer.concat([gzipSync("one"), Buffer.alloc(100_000)]), "gzip", 1000),
		{ bytes: Buffer.from("one"), error: null },
		"zeros after the end",
	);
});

t.test("truncated and damaged data yields the output before it, then an error with the offset", async (t) => {
	for (const [compression, bytes] of packed) {
		const cut = await unpack(bytes.subarray(0, bytes.length - 30_000), compression, 4096);
		t.match(
			cut.error,
			{ code: "FT_CORRUPT_FLOW", message: new RegExp(`^a.gz: byte \\d+: the ${compression} data is damaged: `) },
			compression,
		);
		t.ok(cut.bytes.length > 1000 && text.subarray(0, cut.bytes.length).equals(cut.bytes));
		// without a checksum everything may be data
		if (compression === "deflate") continue;
		const damaged = Buffer.from(bytes);
		damaged.fill(0xff, 50_000, 50_100);
		const broken = await unpack(damaged, compression, 4096);
		t.match(broken.error, { code: "FT_CORRUPT_FLOW" });
		t.ok(broken.bytes.length > 1000);
	}
	t.match((await unpack(Buffer.from([0x1f, 0x8b]), "gzip")).error, { code: "FT_CORRUPT_FLOW" });
});

t.test("a decompression bomb is decompressed in small steps", async (t) => {
	const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));
	const before = process.memoryUsage().rss;
	let size = 0;
	for await (const part of decompress(bytesInput(bomb).chunks({ reuse: true }), "gzip", "bomb")) size += part.length;
	t.equal(size, 200 * 1024 * 1024);
	t.ok(process.memoryUsage().rss - before < 150 * 1024 * 1024);
});

t.test("other programs can read the output", async (t) => {
	const undo = { gzip: gunzipSync, zlib: inflateSync, deflate: inflateRawSync };
	for (const compression of ["gzip", "zlib", "deflate"] as const) {
		const coder = createCompressor(compression);
		const parts = [
			...(await coder.write(text.subarray(0, 1000))),
			...(await coder.write(text.subarray(1000))),
			...(await coder.end()),
		];
		t.ok(undo[compression](Buffer.concat(parts)).equals(text), compression);
	}
});

t.test("zstd is written if Node supports it", async (t) => {
	const has = "createZstdCompress" in (createRequire(import.meta.url)("node:zlib") as object);
	if (!has) {
		t.throws(() => createCompressor("zstd"), {
			code: "FT_USAGE",
			message: /needs Node 22\.15 or later, found v.*: use \.gz/,
		});
		return;
	}
	const coder = createCompressor("zstd");
	const parts = [...(await coder.write(text)), ...(await coder.end())];
	t.ok((await unpack(Buffer.concat(parts), "zstd")).bytes.equals(text));
});

// Decodes and encodes bodies as streams.
import { brotliCompressSync, deflateRawSync, deflateSync, gunzipSync, gzipSync } from "node:zlib";
import t from "tap";
import { large } from "../../../fixtures/large.ts";
import { decodeBody, encodeBody } from "../../../src/flow/body.ts";
import { decodingStream, encodingStream } from "../../../src/flow/coding-stream.ts";

const TEXT = Buffer.from("a body that is long enough for several pieces, with repetition. ".repeat(5000));

/** What a stream makes of a body that arrives in pieces of this size. */
function through(make: typeof decodingStream, coding: string | null, body: Buffer, size: number): Buffer {
	const out: Buffer[] = [];
	const stream = make(coding, (piece) => out.push(piece));
	for (let at = 0; at < body.length; at += size) stream.write(body.subarray(at, at + size));
	stream.end();
	return Buffer.concat(out);
}

t.test("bodies are decoded and encoded in pieces of any size", async (t) => {
	for (const coding of [null, "", "identity", "gzip", "x-gzip", "deflate", "deflateraw", "br", "zstd", "gzip, br"]) {
		const coded = encodeBody(TEXT, coding) as Buffer;
		for (const size of [1000, 70_000, coded.length]) {
			t.ok(through(decodingStream, coding, coded, size).equals(TEXT), `${coding} decoded by ${size}`);
			const encoded = through(encodingStream, coding, TEXT, size);
			t.ok(decodeBody(encoded, coding).equals(TEXT), `${coding} encoded by ${size}`);
		}
	}
	t.ok(through(decodingStream, "deflate", deflateRawSync(TEXT), 100).equals(TEXT), "deflate without its header");
	t.ok(through(decodingStream, "deflate", deflateSync(TEXT), 1).equals(TEXT), "byte by byte");
	const members = Buffer.concat([gzipSync("one, "), gzipSync("two")]);
	t.equal(String(through(decodingStream, "gzip", members, 3)), "one, two", "several members");
	t.equal(String(through(decodingStream, "gzip", Buffer.alloc(0), 1)), "", "an empty body");
	t.equal(String(gunzipSync(through(encodingStream, "gzip", Buffer.from("x"), 1))), "x");
});

t.test("bodies that do not follow their coding", async (t) => {
	const bad = (coding: string, body: Buffer) =>
		t.throws(() => through(decodingStream, coding, body, 1000), { code: "FT_BAD_BODY" }, coding);
	bad("gzip", Buffer.from("no gzip"));
	bad("gzip", gzipSync(TEXT).subarray(0, 100));
	bad("br", brotliCompressSync(TEXT).subarray(0, 20));
	bad("zstd", Buffer.from("no zstd"));
	bad("unheard-of", TEXT);
});

t.test("a decompression bomb is refused early", large, async (t) => {
	const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));
	let decoded = 0;
	const stream = decodingStream("gzip", (piece) => {
		decoded += piece.length;
	});
	t.throws(() => stream.write(bomb), { code: "FT_BAD_BODY", message: /inflates to more than 50 times its size/ });
	t.ok(decoded < 100 * 1024 * 1024, `${decoded} bytes`);
});

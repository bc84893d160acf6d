// The chunked coding, read and written.
import fc from "fast-check";
import t from "tap";
import { CHUNK_END, ChunkReader, chunkHead, LAST_CHUNK, lastChunk } from "../../../../src/proxy/wire/chunked.ts";

/** Reads up to the last chunk: the data, and the rest of the buffer with the end. */
function read(pieces: Iterable<Buffer>, lenient = false, extensionBytes = 100): { data: string; rest: string | null } {
	const reader = new ChunkReader({ lenient, extensionBytes });
	let data = "";
	for (const piece of pieces) {
		let at = 0;
		while (at < piece.length && !reader.done) {
			at = reader.readLine(piece, at);
			const size = reader.takeData(piece.length - at);
			data += piece.latin1Slice(at, at + size);
			at += size;
		}
		if (reader.done) return { data, rest: piece.latin1Slice(at) };
	}
	return { data, rest: null };
}

const bytewise = (text: string) => Array.from(Buffer.from(text, "latin1"), (byte) => Buffer.of(byte));

t.test("writing", async (t) => {
	t.equal(chunkHead(255), "ff\r\n");
	t.equal(lastChunk(null), LAST_CHUNK);
	t.equal(lastChunk([]), LAST_CHUNK);
	t.equal(lastChunk(["A", "1", "B", ""]), "0\r\nA: 1\r\nB: \r\n\r\n");
});

t.test("round trip of data with any sizes and cuts", async () => {
	const parts = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 6 });
	const property = fc.property(parts, fc.nat(), (chunks, place) => {
		const bytes = Buffer.concat([
			...chunks.flatMap((chunk) => [Buffer.from(chunkHead(chunk.length)), chunk, Buffer.from(CHUNK_END)]),
			Buffer.from(LAST_CHUNK),
		]);
		const cut = place % bytes.length;
		const { data } = read([bytes.subarray(0, cut), bytes.subarray(cut)]);
		return data === Buffer.concat(chunks).latin1Slice();
	});
	fc.assert(property, { seed: 3, numRuns: 500, interruptAfterTimeLimit: 4000 });
});

t.test("any notation of sizes; extensions are dropped, trailers are left", async (t) => {
	const text = '00A;a=b;\t"c\xe4"\r\n0123456789\r\n1 \t ;x\r\n!\r\n000\r\nTrailer: 1\r\n';
	t.strictSame(read([Buffer.from(text, "latin1")]), { data: "0123456789!", rest: "Trailer: 1\r\n" });
	t.strictSame(read(bytewise(text)), { data: "0123456789!", rest: "" });
	t.strictSame(read(bytewise("5\r\nab")), { data: "ab", rest: null });
	t.equal(new ChunkReader({ lenient: false, extensionBytes: 0 }).takeData(10), 0, "no data before a size");
});

t.test("only the lenient reader accepts lines that end in LF alone", async (t) => {
	for (const text of ["1\na\r\n0\r\n", "1\r\na\n0\r\n", "1;x\na\r\n0\r\n", "1\r\na\r\n0\n"]) {
		t.throws(() => read(bytewise(text)), { code: "FT_PROTOCOL", message: /chunk: expected CRLF/ });
		t.strictSame(read(bytewise(text), true), { data: "a", rest: "" });
	}
});

t.test("ambiguous sizes and framing are always refused", async (t) => {
	for (const [text, message] of [
		["\r\n", /its size in hexadecimal digits, found "\\r"/],
		["-1\r\n", /its size in hexadecimal digits/],
		["0x1\r\n", /";" or the end of the line after its size, found "x"/],
		["1 1\r\n", /";" or the end of the line/],
		["1\rx", /LF after the CR/],
		["1;\x01", /without control characters/],
		["1;\x7f", /without control characters/],
		["10000000000000000\r\n", /a size below 2\^53/],
		["00000000000000001\r\n", /a size below 2\^53/],
		["20000000000000\r\n", /a size below 2\^53/],
		["1\r\nab", /CRLF after its data, found "b"/],
		["1\r\na\rb", /CRLF after its data/],
		[`1;${"x".repeat(100)}`, /at most 100 bytes of extensions/],
		["1;xxxxxxxxx\r\na\r\n".repeat(11), /at most 100 bytes of extensions/],
	] as const)
		for (const lenient of [false, true])
			t.throws(
				() => read(bytewise(text), lenient),
				{ code: "FT_PROTOCOL", message },
				JSON.stringify(text.slice(0, 40)),
			);
});

t.test("a size of 2^53 - 1 is counted", async (t) => {
	const reader = new ChunkReader({ lenient: false, extensionBytes: 0 });
	reader.readLine(Buffer.from("1fffffffffffff\r\n"), 0);
	t.equal(reader.takeData(Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
});

t.test("trailers that no parser has checked cannot inject lines", async (t) => {
	t.equal(
		lastChunk(["A", "1", "T", "x\r\n\r\nHTTP/1.1 200 Smuggled", "N\nM", "2", "B", "3"]),
		"0\r\nA: 1\r\nB: 3\r\n\r\n",
	);
	t.equal(lastChunk(["T", "x\0"]), LAST_CHUNK);
});

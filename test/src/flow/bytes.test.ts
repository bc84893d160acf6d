// Any bytes convert to text and back without loss.
import fc from "fast-check";
import t from "tap";
import { large } from "../../../fixtures/large.ts";
import {
	allocateBytes,
	asBuffer,
	decodeText,
	encodeText,
	isAscii,
	toByteString,
	toText,
} from "../../../src/flow/bytes.ts";

t.test("ASCII is unchanged in both directions", async (t) => {
	t.equal(toText("Host: a"), "Host: a");
	t.equal(toByteString("Host: a"), "Host: a");
	t.ok(isAscii("a\n\x7f"));
	t.notOk(isAscii("é"));
});

t.test("UTF-8 is decoded", async (t) => {
	t.equal(toText("h\xc3\xa9llo \xe4\xb8\x96 \xf0\x9f\x8d\x87"), "héllo 世 🍇");
	t.equal(toByteString("é"), "\xc3\xa9");
	t.equal(toByteString("🍇"), "\xf0\x9f\x8d\x87");
});

t.test("invalid bytes become lone surrogates, as in Python", async (t) => {
	t.equal(toText("a\xff\xc3\xa9"), "a\udcffé");
	t.equal(toText("\xc3"), "\udcc3");
	t.equal(toText("\xed\xa0\x80"), "\udced\udca0\udc80", "an encoded surrogate is no UTF-8");
	t.equal(toText("\xf4\x90\x80\x80"), "\udcf4\udc90\udc80\udc80", "beyond U+10FFFF");
	t.equal(
		toText("\xe0\x80\x80\xf0\x80\x80\x80\xc0\x80"),
		"\udce0\udc80\udc80\udcf0\udc80\udc80\udc80\udcc0\udc80",
		"overlong",
	);
	t.equal(toByteString("a\udcffé"), "a\xff\xc3\xa9");
});

t.test("any bytes are restored", async () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
			const text = decodeText(bytes);
			return encodeText(text).equals(Buffer.from(bytes)) && toByteString(text) === Buffer.from(bytes).latin1Slice();
		}),
		{ seed: 1, numRuns: 2000 },
	);
});

t.test(
	"a large body that is not UTF-8 is restored, also with characters beyond U+FFFF next to invalid bytes",
	large,
	async (t) => {
		const piece = Buffer.from("a\xffh\xc3\xa9\xf0\x9f\x8d\x87\xf0\x9f\x8d", "latin1");
		const bytes = Buffer.alloc(4e6, piece);
		const text = decodeText(bytes);
		t.equal(text.slice(0, 8), "a\udcffhé🍇\udcf0\udc9f");
		t.ok(encodeText(text).equals(bytes));
	},
);

t.test("any well-formed text is restored", async () => {
	fc.assert(
		fc.property(fc.string({ unit: "grapheme" }), (text) => toText(toByteString(text)) === text),
		{ seed: 2, numRuns: 500 },
	);
});

t.test("a view of bytes as a Buffer has the same memory", async (t) => {
	const memory = Uint8Array.from([0, 1, 2, 3]);
	const buffer = asBuffer(memory.subarray(1, 3));
	t.same([...buffer], [1, 2]);
	memory[1] = 9;
	t.equal(buffer[0], 9);
	t.equal(asBuffer(buffer), buffer);
});

t.test("buffers have the requested size", async (t) => {
	for (const size of [0, 1, 5_000_000, 40_000_000]) t.equal(allocateBytes(size).length, size);
});

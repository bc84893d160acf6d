// Converts the text of a HAR to the bytes from which it was decoded.
import fc from "fast-check";
import t from "tap";
import { bytesOfText, textOfBytes } from "../../../formats/har/text.ts";

const latin1 = (text: string) => Buffer.from(text, "latin1");

t.test("the number of bytes shows how a text was decoded", async (t) => {
	t.same(bytesOfText("café", "text/plain", [5]), Buffer.from("café"));
	t.same(bytesOfText("café", "text/plain", [4]), latin1("caf\xe9"), "as mitmproxy decodes text without a charset");
	t.same(bytesOfText("cafÃ©", "text/plain", [5]), Buffer.from("café"), "UTF-8 decoded as latin1");
	t.same(bytesOfText("café", "text/plain; charset=iso-8859-1", [4]), latin1("caf\xe9"));
	t.same(bytesOfText("café", "text/plain; charset=iso-8859-1", [5]), Buffer.from("café"), "declared wrongly");
	t.same(bytesOfText("\0ÿ", "application/octet-stream", [2, 3]), Buffer.of(0, 255), "the first size counts");
	t.same(bytesOfText("日本", 'text/html; charset="shift_jis"', [4]), Buffer.of(0x93, 0xfa, 0x96, 0x7b));
	t.same(
		bytesOfText("日本", "text/html; charset=shift_jis", [-1]),
		Buffer.of(0x93, 0xfa, 0x96, 0x7b),
		"without a size as declared",
	);
	t.same(bytesOfText("日本", "text/html", [-1]), Buffer.from("日本"));
	t.same(bytesOfText("日本", "text/html; charset=ascii", [-1]), Buffer.from("日本"), "what does not fit is UTF-8");
	t.same(bytesOfText("\udcff", null, [-1]), Buffer.of(255), "a byte that mitmproxy could not decode");
	t.same(bytesOfText("ab", "text/plain; charset=utf-16le", [4]), Buffer.of(0x61, 0, 0x62, 0));
});

t.test("bytes that a text could not restore are not text", async (t) => {
	t.equal(textOfBytes(Buffer.from("Tür"), null), "Tür");
	t.equal(textOfBytes(latin1("caf\xe9"), "text/plain; charset=latin1"), "café");
	t.equal(textOfBytes(latin1("caf\xe9"), "text/plain"), null);
	t.equal(textOfBytes(Buffer.of(0x61, 0), "text/plain"), null);
	t.equal(textOfBytes(Buffer.of(0xff, 0xfe, 0xff), "text/plain; charset=utf-8"), null);
	fc.assert(
		fc.property(
			fc.uint8Array(),
			fc.constantFrom(null, "text/html", "text/plain; charset=iso-8859-1", "text/plain; charset=shift_jis"),
			(array, type) => {
				const bytes = Buffer.from(array);
				const text = textOfBytes(bytes, type);
				return text === null || bytesOfText(text, type, [bytes.length]).equals(bytes);
			},
		),
		{ seed: 3, numRuns: 1000 },
	);
});

// Long texts stand in the JSON as if they had been strings of the value, however the pieces are cut, and no piece is long.
import t from "tap";
import { LONG_BYTES, LongTexts } from "../../../formats/har/long-texts.ts";

function written(long: LongTexts, value: Parameters<LongTexts["json"]>[0]): { text: string; longest: number } {
	const { head, rest } = long.json(value);
	const pieces = [head, ...(rest ?? [])];
	return { text: pieces.join(""), longest: Math.max(...pieces.map(({ length }) => length)) };
}

t.test("texts and base64 in their places", async (t) => {
	const long = new LongTexts();
	const binary = Buffer.from(Array.from({ length: 3 * LONG_BYTES + 1 }, (_, i) => (i * 31) % 256));
	// characters of one to four bytes, and what JSON escapes, at every place of a piece
	const plain = `x"\\\n\u2028é漢🍇`.repeat(LONG_BYTES / 8);
	const value = { a: 1, request: { text: long.add(binary, "base64"), encoding: "base64" }, response: { text: long.add(Buffer.from(plain), "utf8") }, z: [] };
	const { text, longest } = written(long, value);
	const expected = { a: 1, request: { text: binary.toString("base64"), encoding: "base64" }, response: { text: plain }, z: [] };
	t.ok(text === JSON.stringify(expected));
	t.ok(longest < 2 * LONG_BYTES);
});

t.test("a value after one with texts, and one of an empty text", async (t) => {
	const long = new LongTexts();
	t.equal(written(long, { a: long.add(Buffer.alloc(0), "utf8"), b: long.add(Buffer.from("ab"), "utf8") }).text, '{"a":"","b":"ab"}');
	const [one, two] = [long.add(Buffer.from("1"), "utf8"), long.add(Buffer.from("2"), "utf8")];
	t.equal(written(long, [two, one, two]).text, '["2","1","2"]', "wherever they stand");
	long.add(Buffer.from("1"), "utf8");
	t.equal(written(long, [0]).text, "[0]", "or not at all");
	t.same(long.json([1]), { head: "[1]", rest: null });
});

// Writes long texts of a value as JSON in short pieces.
import t from "tap";
import { LONG_BYTES, LongTexts } from "../../formats/long-texts.ts";

function written(long: LongTexts, value: Parameters<LongTexts["json"]>[0]): { text: string; longest: number } {
	const { head, rest } = long.json(value);
	const pieces = [head, ...(rest ?? [])];
	return { text: pieces.join(""), longest: Math.max(...pieces.map(({ length }) => length)) };
}

t.test("texts and base64", async (t) => {
	const long = new LongTexts();
	const binary = Buffer.from(Array.from({ length: 3 * LONG_BYTES + 1 }, (_, i) => (i * 31) % 256));
	// characters of one to four bytes, and escaped ones, at every offset of a piece
	const plain = `x"\\\n\u2028é漢🍇`.repeat(LONG_BYTES / 8);
	const value = {
		a: 1,
		request: { text: long.addText(binary, "base64"), encoding: "base64" },
		response: { text: long.addText(Buffer.from(plain), "utf8") },
		z: [],
	};
	const { text, longest } = written(long, value);
	const expected = {
		a: 1,
		request: { text: binary.toString("base64"), encoding: "base64" },
		response: { text: plain },
		z: [],
	};
	t.ok(text === JSON.stringify(expected));
	t.ok(longest < 2 * LONG_BYTES);
});

t.test("several values, and an empty text", async (t) => {
	const long = new LongTexts();
	t.equal(
		written(long, { a: long.addText(Buffer.alloc(0), "utf8"), b: long.addText(Buffer.from("ab"), "utf8") }).text,
		'{"a":"","b":"ab"}',
	);
	const [one, two] = [long.addText(Buffer.from("1"), "utf8"), long.addText(Buffer.from("2"), "utf8")];
	t.equal(written(long, [two, one, two]).text, '["2","1","2"]', "in any order");
	long.addText(Buffer.from("1"), "utf8");
	t.equal(written(long, [0]).text, "[0]", "or unused");
	t.same(long.json([1]), { head: "[1]", rest: null, size: 9, cost: 0 });
});

t.test("messages", (t) => {
	const long = new LongTexts();
	const list = ["a", "é".repeat(LONG_BYTES), "c"].map((text) => ({ content: Buffer.from(text) }));
	const toJson = ({ content }: { content: Buffer }) => ({
		data: long.accepts(content.length) ? long.addText(content, "utf8") : content.toString(),
	});
	const whole = list.map(({ content }) => ({ data: content.toString() }));
	t.same(long.messages(list.slice(0, 1), toJson), whole.slice(0, 1), "short lists are part of the value");
	const { text, longest } = written(long, { messages: long.messages(list, toJson), after: 1 });
	t.ok(text === JSON.stringify({ messages: whole, after: 1 }));
	t.ok(longest < 2 * LONG_BYTES);
	t.end();
});

t.test("the size is an upper bound, and exact for large values", (t) => {
	const long = new LongTexts();
	const text = Buffer.alloc(90 * 1024 * 1024, '"');
	t.equal(long.json([long.addText(text, "utf8")]).size, 4 + 2 * text.length);
	t.ok(long.json([long.addText(text.subarray(0, LONG_BYTES), "utf8")]).size >= 4 + 2 * LONG_BYTES);
	t.end();
});

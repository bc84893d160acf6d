// Converts fields of the wrong type if their meaning is clear.
import t from "tap";
import type { Json } from "../../../formats/fields.ts";
import { EntryFields } from "../../../formats/har/entry-fields.ts";
import { JsonParser } from "../../../formats/json-parser.ts";

t.test("numbers, texts, lists", async (t) => {
	const reported: string[] = [];
	const at = new EntryFields(
		{ a: "12.5 ms", b: [7], c: 1e300, d: "soon", e: true, f: { g: 1 }, h: ["x"], n: null },
		"",
		(kind) => reported.push(kind),
	);
	t.same(
		[at.number("a"), at.number("b"), at.number("c"), at.number("d"), at.number("n"), at.number("none", 3)],
		[12.5, 7, -1, -1, -1, 3],
	);
	t.same(
		[at.text("e"), at.text("f"), at.text("h"), at.text("n", "x"), at.content("f")],
		["true", "", "x", "x", '{"g":1}'],
	);
	t.same([at.array("f"), at.array("n"), at.boolean("d", true), at.optional("e", () => 1)], [[], [], true, null]);
	t.equal(reported.length, 11);
	t.equal(reported[0], "a: expected a number");
});

t.test("names and values", async (t) => {
	const reported: string[] = [];
	const pairs = (value: never) =>
		new EntryFields({ headers: value }, "request.", (_, what) => reported.push(what)).pairs("headers");
	t.same(pairs([{ name: "a", value: "b" }, ["c", "d"]] as never), [
		["a", "b"],
		["c", "d"],
	]);
	t.same(reported, []);
	t.same(pairs([{ name: 5, value: [1, 2] }, { value: "x" }, "a: b", null] as never), [
		["5", "1"],
		["5", "2"],
		["a", "b"],
	]);
	t.same(pairs({ x: { y: 1 } } as never), [["x", '{"y":1}']]);
	t.same(pairs("odd" as never), []);
	t.ok(reported.includes('"request.headers": expected a list, found "odd"; left out'));
});

t.test("a long text equals a short one, also with surrogates for invalid bytes", async (t) => {
	const text = `${"a".repeat(2 ** 20)}é\udc80\udcff😀`;
	const parser = new JsonParser(() => "body");
	parser.push(Buffer.from(JSON.stringify({ text })));
	t.ok(new EntryFields(parser.end() as { [key: string]: Json }, "").content("text") === text);
});

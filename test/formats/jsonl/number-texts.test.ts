// Which numbers of a line are kept as text.
import t from "tap";
import { keepNumberTexts, withNumberTexts } from "../../../formats/jsonl/number-texts.ts";
import { LongTexts } from "../../../formats/long-texts.ts";

/** The JSON of a value whose inexact numbers are kept, and whether there are any. */
function kept(line: string, isUnknown = (_path: readonly string[]) => true): [string, boolean] {
	const value = JSON.parse(line);
	const isChanged = keepNumberTexts(value, line, isUnknown);
	const long = new LongTexts();
	const { head, rest } = long.json(withNumberTexts(value, long));
	return [head + [...(rest ?? [])].join(""), isChanged];
}

t.test("numbers that are not represented exactly are kept as text", async (t) => {
	for (const line of [
		'{"a":9007199254740993}',
		'{"a":1e400,"b":[-1E999,{"c":1e-400}]}',
		"[123456789012345678901234567890]",
		'{"__proto__":{"x":9007199254740993}}',
	])
		t.same(kept(line), [line, true]);
});

t.test("others stay numbers", async (t) => {
	t.same(kept('[1.0,100e2,0.1,-0.5,1e21,1796077278.4145665,"9007199254740993"]'), [
		'[1,10000,0.1,-0.5,1e+21,1796077278.4145665,"9007199254740993"]',
		false,
	]);
	t.same(
		kept('{"a":[9007199254740993]}', ([key]) => key !== "a"),
		['{"a":[9007199254740992]}', false],
	);
	t.same(kept('{"a":9007199254740993,"a":2}'), ['{"a":2}', false], "the last of equal keys counts");
	const value = JSON.parse("[9007199254740993]");
	keepNumberTexts(value, "[9007199254740993]", () => true);
	t.equal(JSON.stringify(value), "[9007199254740992]", "without texts it is the nearest number");
});

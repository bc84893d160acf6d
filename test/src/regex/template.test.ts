// Replacement templates as in Python's re.sub.
import t from "tap";
import { parseTemplate } from "../../../src/regex/template.ts";

const parse = (text: string) => parseTemplate(text, 12, new Map([["name", 2]]));

t.test("text, groups and escapes", async (t) => {
	t.same(parse("plain"), ["plain"]);
	t.same(parse(""), []);
	t.same(parse("a\\1b\\g<2>\\g<name>\\g<0>"), ["a", 1, "b", 2, 2, 0]);
	t.same(parse("\\12x\\120"), [12, "x", "P"], "three octal digits are one character");
	t.same(parse("\\0\\07"), ["\0", "\x07"]);
	t.same(parse("\\n\\t\\\\\\."), ["\n", "\t", "\\", "\\."]);
});

t.test("templates that Python rejects", async (t) => {
	for (const [text, column] of [
		["a\\13", 2],
		["\\g<other>", 1],
		["\\g<13>", 1],
		["ab\\", 3],
		["\\q", 1],
	] as const)
		t.throws(() => parse(text), { code: "FT_BAD_PATTERN", column, message: /in the replacement/ }, text);
});

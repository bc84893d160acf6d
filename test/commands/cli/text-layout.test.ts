// Wraps paragraphs, aligns columns, and shortens sentences.
import t from "tap";
import { clause, LEFT, tableText, wrapped } from "../../../commands/cli/text-layout.ts";

t.test("lines break at spaces, and a long word has its own line", async (t) => {
	t.same(wrapped("one two three", 7), ["one two", "three"]);
	t.same(wrapped("a incomprehensible b", 5), ["a", "incomprehensible", "b"]);
	t.same(wrapped("", 5), [""]);
});

t.test("two columns", async (t) => {
	t.equal(
		tableText(
			[
				["a", "one two three"],
				["bbb", "x"],
			],
			14,
		),
		"  a    one two\n       three\n  bbb  x\n",
	);
	const long = "x".repeat(LEFT + 1);
	t.equal(tableText([[long, "y"]], 80), `  ${long}\n${" ".repeat(LEFT + 4)}y\n`);
});

for (const [text, width, expected] of [
	["Do this.", 20, "Do this"],
	["Do this. Then that.", 50, "Do this"],
	["Read flowtape.config.{ts,js}, if there. More.", 60, "Read flowtape.config.{ts,js}, if there"],
	["When to record: once, where it is missing", 30, "When to record"],
	["Run a script on flows (.js, .mjs, or .ts)", 32, "Run a script on flows"],
	["Set a header, or remove it with an empty value", 20, "Set a header"],
	["Replace what a regular expression finds", 20, "Replace what a …"],
	["A: what is said with many more words than that", 20, "A: what is said …"],
] as const) {
	t.test(`${text} in ${width}`, async (t) => {
		t.equal(clause(text, width), expected);
		t.ok(expected.length <= width);
	});
}

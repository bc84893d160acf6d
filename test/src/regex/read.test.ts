// Lexical elements of patterns: escapes, counts, classes.
import t from "tap";
import { PatternReader, type RegexKind } from "../../../src/regex/read.ts";

const reader = (pattern: string, kind: RegexKind = "text") => new PatternReader(pattern, kind);

t.test("character by character, also beyond U+FFFF", async (t) => {
	const read = reader("a\ud83c\udf47b");
	t.equal(read.read(), "a");
	t.equal(read.next, "\ud83c\udf47");
	t.notOk(read.take("b"));
	t.ok(read.take("\ud83c\udf47"));
	t.equal(read.error("x").column, 4, "columns count UTF-16 code units");
	t.equal(read.takeWhile(/[a-z]/, 5), "b");
	t.equal(read.read(), undefined);
	t.equal(reader("ab>c").takeUntil(">", "it"), "ab");
	t.throws(() => reader("ab").takeUntil(">", "a name"), {
		code: "FT_BAD_PATTERN",
		column: 1,
		message: 'a name is not closed by ">"',
	});
});

t.test("counts", async (t) => {
	const all = Number.POSITIVE_INFINITY;
	for (const [text, wanted] of [
		["*", [0, all]],
		["+", [1, all]],
		["?", [0, 1]],
		["{2}", [2, 2]],
		["{2,}", [2, all]],
		["{,3}", [0, 3]],
		["{2,3}", [2, 3]],
	] as const)
		t.same(reader(text).count(), wanted, text);
	for (const text of ["{2}", "{2,}", "{,2}", "{,}", "{1,2}"]) t.ok(reader(text).isCount(), text);
	for (const text of ["{}", "{a}", "{1", "{1,2", "x"]) t.notOk(reader(text).isCount(), text);
	t.throws(() => reader("{3,2}").count(), { message: /minimum repeat 3 is greater/ });
	t.throws(() => reader("{4294967295}").count(), { message: /too large/ });
});

t.test("escapes", async (t) => {
	const charEscape = (text: string, kind?: RegexKind) => reader(text.slice(1), kind).charEscape(text.charAt(0), 0);
	for (const [text, wanted] of [
		["n", 10],
		["a", 7],
		["x41", 65],
		["u20ac", 0x20ac],
		["U0001f347", 0x1f347],
		[".", 46],
		["é", 0xe9],
		["\\", 92],
	] as const)
		t.equal(charEscape(text), wanted, text);
	for (const text of ["x4", "u123", "q", "U00110000"])
		t.throws(() => charEscape(text), { code: "FT_BAD_PATTERN" }, text);
	t.throws(() => charEscape("u0041", "bytes"), { message: /unknown escape/ });
	t.throws(() => charEscape("N{BULLET}"), { message: /not supported/ });
	t.throws(() => charEscape("N", "bytes"), { message: /unknown escape/ });
	t.equal(reader("").octal("101", 0), 65);
	t.throws(() => reader("").octal("400", 0), { message: /larger than/ });
});

t.test("classes", async (t) => {
	const charClass = (text: string) => {
		const read = reader(text);
		read.read();
		return read.charClass();
	};
	t.same(charClass("[abc]"), {
		negated: false,
		ranges: [
			[97, 97],
			[98, 98],
			[99, 99],
		],
		classes: [],
	});
	t.same(charClass("[^a-c\\d]"), { negated: true, ranges: [[97, 99]], classes: ["d"] });
	t.same(charClass("[]a]").ranges, [
		[93, 93],
		[97, 97],
	]);
	t.same(charClass("[a-]").ranges, [
		[97, 97],
		[45, 45],
	]);
	t.same(charClass("[\\W-]"), { negated: false, ranges: [[45, 45]], classes: ["W"] });
	t.same(charClass("[\\b\\101\\x41-\\x43]").ranges, [
		[8, 8],
		[65, 65],
		[65, 67],
	]);
	for (const text of ["[", "[]", "[a", "[a\\", "[c-a]", "[a-\\d]", "[\\d-z]", "[\\q]"])
		t.throws(() => charClass(text), { code: "FT_BAD_PATTERN" }, text);
});

// The characters in a set, by Python's case folding and classes.
import t from "tap";
import { classSource, contains, equalLetters, foldedRanges } from "../../../src/regex/char-set.ts";
import type { CharSet, Fold } from "../../../src/regex/tree.ts";

const set = (parts: Partial<CharSet>): CharSet => ({
	type: "set",
	negated: false,
	ranges: [],
	classes: [],
	fold: "none",
	ascii: false,
	...parts,
});
const code = (char: string) => char.codePointAt(0) as number;
const letters = (char: string, fold: Fold) =>
	String.fromCodePoint(...[...equalLetters(code(char), fold)].sort((a, b) => a - b));

t.test("letters that are equal", async (t) => {
	t.equal(letters("a", "none"), "a");
	t.equal(letters("a", "ascii"), "Aa");
	t.equal(letters("K", "ascii"), "Kk");
	t.equal(letters("K", "unicode"), "Kk\u212a");
	t.equal(letters("s", "unicode"), "Ss\u017f");
	t.equal(letters("i", "unicode"), "Ii\u0130\u0131");
	t.equal(letters("1", "unicode"), "1");
	t.equal(letters("é", "unicode"), "Éé");
	t.equal(letters("é", "ascii"), "é");
	t.equal(letters("µ", "unicode"), "µΜμ");
	t.equal(letters("Σ", "unicode"), "Σςσ");
	t.equal(letters("ß", "unicode"), "ßẞ");
	t.equal(letters("世", "unicode"), "世");
	t.equal(letters("\u{10400}", "unicode"), "\u{10400}\u{10428}");
});

t.test("membership", async (t) => {
	const lower = set({ ranges: [[97, 122]] });
	t.ok(contains(lower, code("q")));
	t.notOk(contains(lower, code("Q")));
	t.ok(contains({ ...lower, fold: "ascii" }, code("Q")));
	t.notOk(contains({ ...lower, fold: "ascii" }, 0x212a));
	t.ok(contains({ ...lower, fold: "unicode" }, 0x212a));
	t.notOk(contains({ ...lower, negated: true }, code("q")));
	t.ok(contains({ ...lower, negated: true }, code("é")));
	t.ok(contains(set({ classes: ["d"] }), 0x663));
	t.notOk(contains(set({ classes: ["d"], ascii: true }), 0x663));
	t.ok(contains(set({ classes: ["D", "d"] }), 0x663));
	t.ok(contains(set({ classes: ["W"], ascii: true }), code("é")));
	t.ok(contains(set({ classes: ["s"] }), 0x3000));
	t.notOk(contains(set({ classes: ["S"] }), 9));
});

t.test("ranges with equal letters added", async (t) => {
	const holdsAll = (ranges: readonly (readonly [number, number])[], chars: string) =>
		[...chars].every((char) => ranges.some(([low, high]) => low <= code(char) && code(char) <= high));
	const range = (low: string, high: string, fold: Fold) =>
		foldedRanges(set({ ranges: [[code(low), code(high)]], fold }));
	t.same(range("a", "z", "none"), [[97, 122]]);
	t.ok(holdsAll(range("j", "t", "ascii"), "jtJT"));
	t.notOk(holdsAll(range("j", "t", "ascii"), "\u212a"));
	t.ok(holdsAll(range("j", "t", "unicode"), "jTKſ\u212a"));
	t.ok(holdsAll(range("à", "ü", "unicode"), "ÀÜ"));
	t.ok(holdsAll(range("\u0100", "\uffff", "unicode"), "\u0101ſß\u{1f80}"), "a wide one");
	t.ok(holdsAll(range("\u0370", "\uffff", "unicode"), "µ"), "letters within a wide range");
});

t.test("classes in JavaScript", async (t) => {
	const matches = (name: "d" | "W", ascii: boolean, char: string) =>
		new RegExp(`^[${classSource(name, ascii)}]$`, "v").test(char);
	t.ok(matches("d", false, "٣"));
	t.notOk(matches("d", true, "٣"));
	t.ok(matches("W", false, "-"));
	t.notOk(matches("W", false, "é"));
	t.ok(matches("W", true, "é"));
});

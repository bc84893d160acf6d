// The JavaScript translation has the same meaning. A Python group can become several JavaScript groups.
import t from "tap";
import { type EmitOptions, emitRegex } from "../../../src/regex/emit.ts";
import { parsePythonRegex } from "../../../src/regex/parse.ts";

function emitted(pattern: string, subject: EmitOptions["subject"] = "unicode", lineFeedAtEnd = false) {
	const { source, flags, groups } = emitRegex(parsePythonRegex(pattern, subject === "bytes" ? "bytes" : "text"), {
		subject,
		lineFeedAtEnd,
	});
	return { source, flags, groups, regex: new RegExp(source, flags) };
}

/** Index and text of the match, with each kind of program that accepts the subject. */
function found(pattern: string, subject: string): unknown {
	const kinds: EmitOptions["subject"][] = /[^\0-\x7f]/.test(subject) ? ["unicode"] : ["unicode", "ascii", "bytes"];
	const all = kinds.map((kind) => {
		const match = emitted(pattern, kind, subject.endsWith("\n")).regex.exec(subject);
		return match === null ? null : [match.index, match[0]];
	});
	return new Set(all.map((each) => JSON.stringify(each))).size === 1 ? all[0] : all;
}

t.test("all programs of a pattern agree", async (t) => {
	const cases: readonly (readonly [pattern: string, subject: string, wanted: unknown])[] = [
		...([
			["a$", "a\n", [0, "a"]],
			["a\\Z", "a\n", null],
			["(?m)^b$", "a\nb\nc", [2, "b"]],
			[".+", "\na\r", [1, "a\r"]],
			["(?s).+", "\na", [0, "\na"]],
		] as const),
		...([
			["\\bb", "a b", [2, "b"]],
			["\\B", "ab", [1, ""]],
			["\\B", "", null],
			["\\b", "", null],
			["[^\\W_]+", "_-a1", [2, "a1"]],
			["[]^-]+", "a]^-", [1, "]^-"]],
		] as const),
		...([
			["(?i)K+", "kK", [0, "kK"]],
			["(?i)[^k]", "kKa", [2, "a"]],
			["a{0}b", "ab", [1, "b"]],
			["(?:ab){2,3}?", "abababab", [0, "abab"]],
		] as const),
		...([
			["a*+a", "aaa", null],
			["(?>a+)b", "aab", [0, "aab"]],
			["(?<=a)b", "ab", [1, "b"]],
			["(?<!a)b", "ab b", [3, "b"]],
			["(?<=(?>a))b", "ab", [1, "b"]],
		] as const),
		...([
			["(a)?(?(1)b|c)", "ab", [0, "ab"]],
			["(a)?(?(1)b|c)", "c", [0, "c"]],
			["(a)|b\\1", "b", null],
			["(?:(a)|b)\\1?", "aa", [0, "aa"]],
		] as const),
		...([
			["(a)*(?(1)b|c)", "aab", [0, "aab"]],
			["(a)*?(?(1)b|c)", "c", [0, "c"]],
			["(?:()|x)?y", "y", [0, "y"]],
			["(?i)(a)\\1", "aA", [0, "aA"]],
		] as const),
		...([
			["(?P<q>'|\").*?(?P=q)", "x'y'", [1, "'y'"]],
			["(?!(a))b", "b", [0, "b"]],
			["((a)|b)(?(2)c|d)", "bd", [0, "bd"]],
		] as const),
		...([
			["\\d", "٣", [0, "٣"]],
			["[à-ü]", "é", [0, "é"]],
			["(?i)É", "é", [0, "é"]],
			[".", "🍇", [0, "🍇"]],
			["(?m)^🍇$", "a\n🍇", [2, "🍇"]],
			["\\bé", " é", [1, "é"]],
		] as const),
	];
	for (const [pattern, subject, wanted] of cases)
		t.same(found(pattern, subject), wanted, `${pattern} on ${JSON.stringify(subject)}`);
});

t.test("groups", async (t) => {
	const groups = (pattern: string) => emitted(pattern).groups;
	t.same(groups("(a)(b)"), [[], [1], [2]]);
	t.same(groups("(?>a)(b)"), [[], [2]], "the group that an atomic group adds has no number in Python");
	t.equal(groups("(a)?(?(1)b|c)")[1]?.length, 1);
	t.ok((groups("(?:(a)|b)(c)\\1")[2]?.length ?? 0) > 1, "one for each alternative");
});

t.test("syntax without an equivalent", async (t) => {
	const unsupported = { code: "FT_BAD_PATTERN", message: /not supported/ };
	t.throws(() => emitted("(?:(a)|b)*\\1"), unsupported);
	t.throws(() => emitted("(?i:(a)\\1)b"), unsupported);
	t.throws(
		() => emitted(`${"(a)?".repeat(24)}${Array.from({ length: 24 }, (_, i) => `(?(${i + 1})x|y)`).join("")}`),
		unsupported,
	);
});

// Patterns have the same meaning as in Python, on text and on bytes, and none can hang.
import { readFileSync } from "node:fs";
import t from "tap";
import { large } from "../../../fixtures/large.ts";
import { compilePythonRegex, type PythonMatch } from "../../../src/regex/python-regex.ts";

type Kind = "text" | "bytes";
type Found = [index: number, ...groups: (string | null)[]] | null;
/** Kind, pattern, flags, then subjects with the matches that Python finds; null: Python rejects the pattern. */
type Case = [kind: Kind, pattern: string, flags: string, subjects: string[] | null, found?: Found[]];

const cases = JSON.parse(readFileSync("fixtures/python-regex.json", "utf8")) as Case[];
const compile = (pattern: string, kind: Kind = "text", flags = "") =>
	compilePythonRegex(pattern, {
		kind,
		ignoreCase: flags.includes("i"),
		multiline: flags.includes("m"),
		dotAll: flags.includes("s"),
	});
const shown = (match: PythonMatch | null): Found =>
	match === null ? null : [match.index, ...match.groups.map((group) => group ?? null)];

t.test("agrees with Python's re on random patterns and subjects", async (t) => {
	const wrong: unknown[] = [];
	let [compared, refused, unsupported] = [0, 0, 0];
	for (const [kind, pattern, flags, subjects, wanted] of cases) {
		let regex: ReturnType<typeof compile>;
		try {
			regex = compile(pattern, kind, flags);
		} catch (error) {
			if ((error as { code?: string }).code !== "FT_BAD_PATTERN") throw error;
			if (subjects === null) refused++;
			else if (/not supported/.test(String(error))) unsupported++;
			else wrong.push([pattern, String(error)]);
			continue;
		}
		if (subjects === null) wrong.push([pattern, "Python refuses this"]);
		for (const [i, subject] of (subjects ?? []).entries()) {
			compared++;
			const found = shown(regex.exec(subject));
			if (JSON.stringify(found) !== JSON.stringify(wanted?.[i]) || regex.test(subject) !== (found !== null))
				wrong.push([kind, pattern, flags, subject, found, wanted?.[i]]);
		}
	}
	t.same(wrong, []);
	t.ok(compared > 2500 && refused > 100, `${compared} searches compared, ${refused} patterns refused`);
	t.ok(unsupported < 10, `${unsupported} are said not to be supported`);
});

t.test("differences between Python and JavaScript", async (t) => {
	const found = (pattern: string, subject: string, kind: Kind = "text", flags = "") =>
		compile(pattern, kind, flags).exec(subject)?.index ?? null;
	t.equal(found("a$", "a\n"), 0, "$ matches before a line feed at the end");
	t.equal(found("a$", "a\n\n"), null);
	t.equal(found("a\\Z", "a\n"), null);
	t.equal(found("a$", "a\rb", "text", "m"), null, "only line feeds end lines");
	t.equal(found("a.b", "a\rb"), 0, "and . matches everything else");
	t.equal(found("a.b", "a\u2028b"), 0);
	t.equal(found("a.b", "a\nb"), null);
	t.equal(found("a.b", "a\nb", "text", "s"), 0);
	t.equal(found("^b", "a\nb", "text", "m"), 2);
	t.equal(found("\\d", "\u0663"), 0, "digits of any script");
	t.equal(found("\\d", "\u0663", "bytes"), null);
	t.equal(found("(?a)\\w", "\xe9"), null);
	t.equal(found("\\w", "\xe9"), 0);
	t.equal(found("\\w", "\xe9", "bytes"), null);
	t.equal(found("\\s", "\x1c"), 0);
	t.equal(found("k", "\u212a", "text", "i"), 0, "the Kelvin sign equals k");
	t.equal(found("k", "\u212a", "bytes", "i"), null);
	t.equal(found("stra\xdfe", "STRASSE", "text", "i"), null);
	t.equal(found("\xdf", "\u1e9e", "text", "i"), 0);
	t.equal(found("(?x) a b # c", "ab"), 0);
	t.equal(found("(?i:A)b", "ab"), 0);
	t.equal(found("(?P<q>['\"]).*?(?P=q)", "x 'y' z"), 2);
	t.equal(found("(a)?(?(1)b|c)", "c"), 0);
	t.equal(found("a{,2}b", "aab"), 0);
	t.equal(found("x*+x", "xxx"), null, "possessive");
	t.equal(found("(?>a|ab)c", "abc"), null, "atomic");
	t.equal(found("caf\xe9", "caf\xc3\xa9", "bytes"), 0, "a pattern on bytes is its UTF-8");
	t.equal(
		compile(".", "text").exec("\ud83c\udf47")?.groups[0],
		"\ud83c\udf47",
		"a character counts as one, also if UTF-16 needs two units",
	);
	t.ok(compile("x*").test("\ud83c\udf47"));
});

t.test("errors with their position", async (t) => {
	const column = (pattern: string, kind: Kind = "text") => {
		try {
			compile(pattern, kind);
			return null;
		} catch (error) {
			return (error as { column?: number }).column;
		}
	};
	t.equal(column("ab["), 3);
	t.equal(column("a**"), 3);
	t.equal(column("caf\xe9 (", "bytes"), 6, "counted in characters, also for bytes");
	t.equal(column("(?<!a+)b"), 1);
	t.equal(column("\\q"), 1);
	t.throws(() => compile("\\N{BULLET}"), { code: "FT_BAD_PATTERN", message: /not supported/ });
	t.throws(() => compile("((a)|b)*\\2", "text"), { code: "FT_BAD_PATTERN", message: /not supported/ });
	const optional = Array.from({ length: 30 }, (_, i) => `(?(${i + 1})x|y)`);
	t.throws(() => compile(`${"(a)?".repeat(30)}${optional.join("")}`), {
		code: "FT_BAD_PATTERN",
		message: /not supported/,
	});
	t.throws(() => compile("x{1000000}{2}"), { code: "FT_BAD_PATTERN" });
	for (const [open, close] of [
		["(", ")"],
		["(?:", ")*"],
		["(?=", ")"],
	] as const)
		t.throws(() => compile(`${open.repeat(40_000)}${close.repeat(40_000)}`), {
			code: "FT_BAD_PATTERN",
			message: /levels/,
		});
	t.ok(compile(`${"(".repeat(90)}a${")".repeat(90)}`).test("a"));
});

t.test("bytes are searched for the required literal first", async (t) => {
	const test = (pattern: string, bytes: string) =>
		compile(pattern, "bytes", "is").testBytes(Buffer.from(bytes, "latin1"));
	t.ok(test("dead(be+f|x)", "..DEADBEEEF"));
	t.notOk(test("dead(be+f|x)", "..deadbf"));
	t.ok(test("needle", "a NEEDLE"));
	t.ok(test("a.*z", "a\n\xffz"));
	t.ok(test("[\\x80-\\xff]", "\x80"));
	t.ok(test("", ""));
	t.ok(test("(?:abc)+x", "abcabcX"));
	t.notOk(test("(?:abc)+x", "abab x"));
	const exact = (pattern: string, bytes: string) =>
		compile(pattern, "bytes", "s").testBytes(Buffer.from(bytes, "latin1"));
	t.ok(exact("dead(be+f|x)", "..deadx"));
	t.notOk(exact("dead(be+f|x)", "..DEADx"));
	t.ok(exact("caf\xe9", "a caf\xc3\xa9"), "as UTF-8");
	t.ok(exact("a(?i:b)c", "aBc"));
	t.notOk(exact("^needle$", "a needle"));
});

t.test("replacing in parts", async (t) => {
	const regex = compile("a");
	const subject = "ab".repeat(2000);
	const parts = [...regex.replaceInParts(subject, "xy")];
	t.ok(parts.length > 2);
	t.equal(parts.join(""), regex.replace(subject, "xy"));
	t.throws(() => [...regex.replaceInParts(subject, "xy", 5999)], { code: "FT_PATTERN_STOPPED" });
});

t.test("windows of bytes give the same results as a whole string", large, async (t) => {
	const words = ["ab", "abab", "\n", "b", " ", "\xe9", "x".repeat(50)];
	let seed = 7;
	const next = () => {
		seed = (seed * 48271) % 2147483647;
		return words[seed % words.length] as string;
	};
	const subject = Array.from({ length: 40_000 }, next).join("");
	const bytes = Buffer.from(subject, "latin1");
	for (const pattern of [
		"abab",
		"aba",
		"a",
		"x{2,7}",
		"(?:ab){1,30}",
		"(?<=\\n)b",
		"(?m)^b?",
		"(?m)b$",
		"\\bab\\b",
		"b(?!a)",
		"(?:)",
		"(?:x{20}){0,100}",
		"\\Aa|b\\Z",
		"(b)\\1",
		"a.*?b",
		"\\xe9",
	]) {
		const regex = compile(pattern, "bytes");
		const template = regex.template("<\\g<0>>");
		const parts = [...regex.replaceInParts(bytes, template)];
		t.ok(parts.join("") === regex.replace(subject, template), pattern);
		t.equal(regex.testBytes(bytes), true, pattern);
	}
	for (const pattern of ["abc", "x{2000}", "(?<=a)\\n(?=zz)"])
		t.notOk(compile(pattern, "bytes").testBytes(bytes), pattern);
	const late = Buffer.concat([bytes, Buffer.from("needle")]);
	for (const pattern of ["needle", "n[e]{2}dle", "(?i)NEEDLE"])
		t.ok(compile(pattern, "bytes").testBytes(late), pattern);
});

t.test("replacing", async (t) => {
	const replace = (pattern: string, subject: string, template: string, kind: Kind = "text") => {
		const regex = compile(pattern, kind);
		return regex.replace(subject, regex.template(template));
	};
	t.equal(replace("(\\w)(\\d)?", "a1 b", "<\\2\\1\\g<0>>"), "<1aa1> <bb>");
	t.equal(replace("x*", "abc", "-"), "-a-b-c-");
	t.equal(replace("x*", "\ud83c\udf47", "-"), "-\ud83c\udf47-");
	t.equal(replace("(?P<n>b)", "abc", "[\\g<n>]"), "a[b]c");
	t.equal(replace("b", "abc", "\xe9", "bytes"), "a\xc3\xa9c");
	t.equal(compile("b").replace("abc", "\\1"), "a\\1c", "as it is");
	t.equal(compile("(a)(?:b)").groups, 1);
});

t.test("bytes beyond the maximum length of a string", large, (t) => {
	const bytes = Buffer.alloc(261 * 1024 * 1024, "a");
	bytes.write("needle", bytes.length - 6);
	t.ok(compile("ne+dle", "bytes").testBytes(bytes));
	t.notOk(compile("ne+dlx|zz", "bytes").testBytes(bytes));
	t.end();
});

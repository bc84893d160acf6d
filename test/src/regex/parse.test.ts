// Patterns are parsed as in Python, and rejected as in Python.
import t from "tap";
import { parsePythonRegex } from "../../../src/regex/parse.ts";
import type { RegexKind } from "../../../src/regex/read.ts";
import type { Node } from "../../../src/regex/tree.ts";

/** The tree in a short notation. */
function shown(node: Node): string {
	switch (node.type) {
		case "set":
			return node.ranges.length === 1 && node.classes.length === 0
				? `${String.fromCodePoint(node.ranges[0]?.[0] ?? 0)}${node.fold === "none" ? "" : "i"}`
				: "[]";
		case "any":
			return node.newline ? "any" : ".";
		case "anchor":
			return `<${node.at}>`;
		case "sequence":
			return node.of.map(shown).join("");
		case "either":
			return `(${node.of.map(shown).join("|")})`;
		case "repeat":
			return `${shown(node.of)}{${node.min},${node.max}${node.lazy ? ",lazy" : ""}}`;
		case "group":
			return `(${node.number}:${shown(node.of)})`;
		case "atomic":
			return `(atomic ${shown(node.of)})`;
		case "look":
			return `(${node.negated ? "not " : ""}${node.isBehind ? "behind" : "ahead"} ${shown(node.of)})`;
		case "reference":
			return `\\${node.group}`;
		case "condition":
			return `(if ${node.group} ${shown(node.yes)} else ${shown(node.no)})`;
	}
}

t.test("valid patterns", async (t) => {
	const cases: Record<string, string> = {
		"a|b|": "(a|b|)",
		"a*?b+": "a{0,Infinity,lazy}b{1,Infinity}",
		"a{2}{": "a{2,2}{",
		"a++": "(atomic a{1,Infinity})",
		"(?P<n>a)(?P=n)\\1": "(1:a)\\1\\1",
		"(a)(?:b)(c)": "(1:a)b(2:c)",
		"(?=a)(?!b)(?<=c)(?<!d)": "(ahead a)(not ahead b)(behind c)(not behind d)",
		"(?>a)": "(atomic a)",
		"(a)?(?(1)b|c)": "(1:a){0,1}(if 1 b else c)",
		"(?P<n>a)?(?(n)b)": "(1:a){0,1}(if 1 b else )",
		"(?(1)b)(a)": "(if 1 b else )(1:a)",
		"^$\\A\\Z\\b\\B": "<start><lastLineEnd><start><end><boundary><notBoundary>",
		"(?m)^$": "<lineStart><lineEnd>",
		"(?m:^)$": "<lineStart><lastLineEnd>",
		"(?s).(?-s:.)": "any.",
		"(?i)a(?-i:b)": "aib",
		"(?i:a)b": "aib",
		"(?x) a # note\n b [ ]": "ab ",
		" a(?x: b )": " ab",
		"(?#note)a": "a",
		"\\0\\07\\101\\012": "\0\x07A\n",
		"\\x41": "A",
	};
	for (const [pattern, wanted] of Object.entries(cases))
		t.equal(shown(parsePythonRegex(pattern, "text").root), wanted, pattern);
	t.equal(
		shown(parsePythonRegex("a^.$", "text", { ignoreCase: true, multiline: true, dotAll: true }).root),
		"ai<lineStart>any<lineEnd>",
	);
	const named = parsePythonRegex("(?P<one>a)(b)(?P<two>c)", "text");
	t.same(
		[named.groups, [...named.names]],
		[
			3,
			[
				["one", 1],
				["two", 3],
			],
		],
	);
});

t.test("classes are limited to ASCII in bytes, or with the flag a", async (t) => {
	const isAscii = (pattern: string, kind: RegexKind) =>
		(parsePythonRegex(pattern, kind).root as Extract<Node, { type: "set" }>).ascii;
	t.notOk(isAscii("\\w", "text"));
	t.ok(isAscii("(?a)\\w", "text"));
	t.notOk(isAscii("(?u)\\w", "text"));
	t.ok(isAscii("\\w", "bytes"));
	t.ok(isAscii("(?L)\\w", "bytes"));
});

t.test("invalid patterns", async (t) => {
	const cases: readonly (readonly [pattern: string, column: number])[] = [
		...([
			["*a", 1],
			["a**", 3],
			["a{1}{2}", 5],
			["^*", 2],
			["a|*", 3],
			["a+*", 3],
			["a?+?", 4],
			["(", 1],
			["a)", 2],
			["(?", 1],
			["(?:a", 1],
			["(?#a", 4],
		] as const),
		...([
			["(?P<1>a)", 5],
			["(?P<a b>c)", 5],
			["(?P<n>a)(?P<n>b)", 12],
			["(?P=n)", 4],
			["(?P>n)", 1],
			["(?P", 1],
			["\\1", 1],
			["(a\\1)", 3],
			["(a)\\2", 4],
		] as const),
		...([
			["(?<a>b)", 1],
			["(?<=a*)b", 1],
			["(?<=a|bc)", 1],
			["(?<=(a)\\1)", 8],
			["(?<=(a)(?(1)b|c))", 11],
			["(?(2)a)(b)", 4],
			["(?(0)a)", 4],
			["(?(x)a)", 4],
		] as const),
		...([
			["(a)(?(1)b|c|d)", 12],
			["(?(1)a", 1],
			["a(?i)", 2],
			["(?i", 1],
			["(?-)", 1],
			["(?-:a)", 1],
			["(?)", 1],
			["(?k)", 1],
			["(?i-i:a)", 1],
			["(?-a:b)", 1],
		] as const),
		...([
			["(?au)b", 1],
			["(?L)b", 1],
			["\\", 1],
			["\\400", 1],
			["\\8", 1],
			["[", 1],
		] as const),
	];
	for (const [pattern, column] of cases)
		t.throws(() => parsePythonRegex(pattern, "text"), { code: "FT_BAD_PATTERN", column }, pattern);
	t.throws(() => parsePythonRegex("(?u)a", "bytes"), { code: "FT_BAD_PATTERN" });
	t.throws(() => parsePythonRegex("(?P<\xe9>a)", "bytes"), { code: "FT_BAD_PATTERN" });
	t.equal(parsePythonRegex("(?P<é>a)", "text").groups, 1);
});

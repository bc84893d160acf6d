// The tree of a pattern: child nodes, and the widths of matches.
import t from "tap";
import { parsePythonRegex } from "../../../src/regex/parse.ts";
import { childrenOf, type Node, nothing, reachOf, someNode, widthOf } from "../../../src/regex/tree.ts";

const root = (pattern: string) => parsePythonRegex(pattern, "text").root;

t.test("widths", async (t) => {
	const cases: Record<string, readonly [number, number]> = {
		"": [0, 0],
		abc: [3, 3],
		"a.[bc]\\d": [4, 4],
		"a?": [0, 1],
		"a{2,5}b": [3, 6],
		"(ab)+": [2, Number.POSITIVE_INFINITY],
		"(?:)*": [0, 0],
		"ab|c": [1, 2],
		"^a$\\b": [1, 1],
		"(?=abc)a": [1, 1],
		"(?>ab|c)": [1, 2],
		"(a)\\1": [2, 2],
		"(a)?(?(1)bb|c)": [1, 3],
	};
	const groups = () => [1, 1] as const;
	for (const [pattern, width] of Object.entries(cases)) t.same(widthOf(root(pattern), groups), width, pattern);
});

t.test("how far from its start a search can look", async (t) => {
	const cases: Record<string, number> = { abc: 4, "a.[bc]\\d": 5, "": 1, "(?:ab){0}": 0 };
	for (const [pattern, reach] of Object.entries(cases)) t.equal(reachOf(root(pattern)), reach, pattern);
	for (const pattern of ["a*", '[^"]*"', "\\Aa", "a\\Z", "a$", "(a)\\1", "(?=.*a)b", "(?:)*"])
		t.equal(reachOf(root(pattern)), Number.POSITIVE_INFINITY, pattern);
	for (const pattern of ["(?<=abc)d", "(?m)^abcd", "\\babc\\b", "a(?!bcd)", "(?:ab|cd){2}", "(?:a?){4}"]) {
		const reach = reachOf(root(pattern));
		t.ok(reach >= 4 && reach < 20, `${pattern}: ${reach}`);
	}
});

t.test("children", async (t) => {
	const kinds = (pattern: string) => {
		const seen = new Set<Node["type"]>();
		someNode(root(pattern), (node) => {
			seen.add(node.type);
			return false;
		});
		return [...seen].sort();
	};
	t.same(kinds("(a|b)?(?(1)c|d)(?>e)(?!f)\\1^."), [
		"anchor",
		"any",
		"atomic",
		"condition",
		"either",
		"group",
		"look",
		"reference",
		"repeat",
		"sequence",
		"set",
	]);
	t.same(childrenOf(nothing), []);
	t.ok(someNode(root("(?:(?:(a)))"), (node) => node.type === "group"));
});

// Estimates of the steps of a search, and the literal that every match contains.
import t from "tap";
import { isNullable, maxSafeLength, requiredLiteral } from "../../../src/regex/cost.ts";
import { parsePythonRegex } from "../../../src/regex/parse.ts";

const root = (pattern: string) => parsePythonRegex(pattern, "bytes").root;
const harmless = (pattern: string) => maxSafeLength(root(pattern), "bytes");

t.test("expensive patterns get a time limit on short subjects, others only on long ones or never", async (t) => {
	for (const pattern of ["(a+)+$", "(a|a)*b", "(.*)*x", "(?:a|ab)(?:c|bcd)*(?:d*)*e", "(\\w+\\s?)+$"])
		t.ok(harmless(pattern) < 100, `${pattern}: ${harmless(pattern)}`);
	for (const pattern of ["abc", "a?b", "[a-z]x", "(?:ab|cd)e", "^GET"])
		t.equal(harmless(pattern), Number.POSITIVE_INFINITY, pattern);
	for (const pattern of ["a+b", "be+f", "[^;]*;", "(?:ab)*c", "(?:a|b)*c"])
		t.ok(harmless(pattern) > 10_000, `${pattern}: ${harmless(pattern)}`);
	t.ok(harmless(".*a.*b") < harmless(".*a"));
	for (const pattern of ["(?=a*)b", "(?>a*)b", "(a)(?(1)b*|c)d", "(a*)\\1b"])
		t.ok(harmless(pattern) < Number.POSITIVE_INFINITY, pattern);
	t.ok(
		maxSafeLength(parsePythonRegex("(?:é|\\w)*$", "text").root, "text") < 100,
		"all non-ASCII characters count as one",
	);
});

t.test("patterns that can match the empty string", async (t) => {
	for (const pattern of ["", "a*", "a|", "(a?)", "(?>a?)", "(?:a?){3}", "^", "(?=a)", "(?(1)a|)(b)?"])
		t.ok(isNullable(root(pattern)), pattern);
	for (const pattern of ["a", ".", "a+", "a|b", "(a)", "a{1,2}", "^a"]) t.notOk(isNullable(root(pattern)), pattern);
});

t.test("the literal that every match contains", async (t) => {
	const literal = (pattern: string) =>
		requiredLiteral(root(pattern))
			.map((node) => (node.type === "set" ? String.fromCharCode(node.ranges[0]?.[0] ?? 0) : "?"))
			.join("");
	const cases: Record<string, string> = {
		"deadbe+f": "deadb",
		"a(bc)d": "abcd",
		"x|abc": "",
		"a?bcd*": "bc",
		"(?:abc)+x": "abc",
		"a.bc": "bc",
		"[ab]c": "c",
		"^a$b": "ab",
		"a\\db": "a",
	};
	for (const [pattern, wanted] of Object.entries(cases)) t.equal(literal(pattern), wanted, pattern);
});

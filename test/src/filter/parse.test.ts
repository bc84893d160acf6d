// The grammar of filters: expressions of mitmproxy have the same meaning; some that it rejects are accepted.
import fc from "fast-check";
import t from "tap";
import { FlowtapeError } from "../../../src/errors.ts";
import { type ArgumentKind, type Expression, parseFilter } from "../../../src/filter/parse.ts";

const kinds: Readonly<Record<string, ArgumentKind>> = {
	q: "none",
	s: "none",
	all: "none",
	c: "number",
	u: "pattern",
	d: "pattern",
	b: "pattern",
};
const parse = (text: string) => parseFilter(text, (code) => kinds[code]);

/** In Polish notation: `& ~q | ~u:a ~c:5`. */
function shown(expression: Expression): string {
	if (expression.type === "term")
		return `~${expression.code}${kinds[expression.code] === "none" ? "" : `:${JSON.stringify(expression.argument).slice(1, -1)}`}`;
	if (expression.type === "not") return `!${shown(expression.of)}`;
	return `(${expression.type === "and" ? "&" : "|"} ${expression.of.map(shown).join(" ")})`;
}

t.test("valid filters", async (t) => {
	const cases: Record<string, string> = {
		"~q": "~q",
		" ~q\r\n": "~q",
		a: "~u:a",
		"''": "~u:",
		"a | b c": "(& (| ~u:a ~u:b) ~u:c)",
		"a b | c": "(& ~u:a (| ~u:b ~u:c))",
		"a & b c & d | e": "(& (& ~u:a ~u:b) (| (& ~u:c ~u:d) ~u:e))",
		"a & b & c": "(& ~u:a ~u:b ~u:c)",
		"!a & b": "(& !~u:a ~u:b)",
		"!!a": "!!~u:a",
		"!(a | b)": "!(| ~u:a ~u:b)",
		"a|b": "~u:a|b",
		"a!b": "~u:a!b",
		"a& b": "(& ~u:a& ~u:b)",
		"a &b": "(& ~u:a ~u:b)",
		"(a|b)": "~u:a|b",
		"~u 'x'|~q": "(| ~u:x ~q)",
		"(a)&b": "(& ~u:a ~u:b)",
		"~c 200|~q": "(| ~c:200 ~q)",
		"!~c 200!~c 201": "(& !~c:200 !~c:201)",
		"~d !foo": "~d:!foo",
		"~d & ~q": "(& ~d:& ~q)",
		"a & ": "(& ~u:a ~u:&)",
		"!": "~u:!",
		"&": "~u:&",
		"|": "~u:|",
		"~c 0200": "~c:0200",
		"~c 20x": "(& ~c:20 ~u:x)",
		"~c 4xx": "~c:4xx",
		"(~c 4XX|~q )": "(| ~c:4XX ~q)",
		"~c 400-499": "~c:400-499",
		"~c >=400 & ~q": "(& ~c:>=400 ~q)",
		"~c 400-499x": "(& ~c:400 ~u:-499x)",
		"~c 2 0": "(& ~c:2 ~u:0)",
		"foo'bar'": "(& ~u:foo ~u:bar)",
		"~u foo(bar)": "(& ~u:foo ~u:bar)",
		"~u 'a'b": "(& ~u:a ~u:b)",
		"~u '\\.js$'": "~u:.js$",
		"~u '\\\\.js$'": "~u:\\\\.js$",
		"~u \\.js$": "~u:\\\\.js$",
		"'a\\n\\t\\r\\f\\d'": "~u:a\\n\\t\\r\\fd",
		'"a\'b"': "~u:a'b",
		"'a\"b'": '~u:a\\"b',
		"'a\tb'": "~u:a      b",
		"\t~q\n\t~s": "(& ~q ~s)",
		"(~c 200)": "~c:200",
		"(~u x)": "~u:x",
		"~u  x": "~u:x",
		"a\u00a0b": "~u:a\u00a0b",
		// expressions that the parser of mitmproxy rejects
		"(~q)": "~q",
		"!(~q)": "!~q",
		"~q&~s": "(& ~q ~s)",
		"~q|~s": "(| ~q ~s)",
		"~q| ~s": "(| ~q ~s)",
		"(a b)": "(& ~u:a ~u:b)",
		"!(a b)": "!(& ~u:a ~u:b)",
		"(a b | c)": "(& ~u:a (| ~u:b ~u:c))",
		"((~q))": "~q",
		"(&)": "~u:&",
		"(a & &)": "(& ~u:a ~u:&)",
		"(a '&')": "(& ~u:a ~u:&)",
		"(& ) a": "(& ~u:& ~u:a)",
		"| ~q": "(& ~u:| ~q)",
	};
	for (const [text, wanted] of Object.entries(cases)) t.equal(shown(parse(text)), wanted, text);
});

t.test("errors with position and reason", async (t) => {
	const cases: readonly (readonly [text: string, column: number, message: RegExp])[] = [
		["", 1, /empty.*~all/],
		["  ", 3, /empty/],
		["~", 1, /unknown operator "~"/],
		["~x", 1, /unknown operator "~x".*help filter/],
		["~Q", 1, /unknown operator "~Q"/],
		["~ q", 1, /unknown operator "~"/],
		["~qq", 1, /unknown operator "~qq"/],
		["~q~s", 3, /expected a space after "~q"/],
		["~q'x'", 3, /expected a space/],
		["~q(a)", 3, /expected a space/],
		["~b(foo)", 3, /expected a space/],
		["~u", 3, /needs a pattern/],
		["~u (a)", 4, /needs a pattern, in quotes/],
		["~u )", 4, /needs a pattern/],
		["~c", 3, /needs a number/],
		["~c x", 4, /needs a number/],
		["~c '200'", 4, /needs a number/],
		["~c >=", 4, /a comparison such as >=400/],
		["~c -1", 4, /needs a number/],
		["(", 2, /expected .*, found the end/],
		["()", 2, /expected .*, found "\)"/],
		["(a", 1, /"\(" is not closed/],
		["a)", 2, /without a "\("/],
		["(~c 200 &)", 9, /"&" has no operand/],
		["(| ~c 200)", 2, /"\|" has no operand/],
		["(& ~q | ~s)", 2, /no operand/],
		["(~q | ~s |)", 10, /no operand/],
		["(~q !)", 5, /no operand/],
		["(~q !| ~s)", 6, /no operand/],
		["(a & & b)", 6, /no operand/],
		["!(a |)", 5, /no operand/],
		["((a &) b)", 5, /no operand/],
		["(~d & ~q)", 5, /no operand/],
		["foo~bar", 4, /needs quotes/],
		['foo"bar', 4, /needs quotes/],
		["~u foo~bar", 7, /needs quotes/],
		["'open", 1, /is not closed by '/],
		["a 'b\nc'", 3, /is not closed/],
		["'a\\", 1, /is not closed/],
		[`${"(".repeat(501)}a`, 502, /more than 500 levels/],
		[`${"!".repeat(501)}a`, 502, /more than 500 levels/],
	];
	for (const [text, column, message] of cases)
		t.throws(() => parse(text), { code: "FT_BAD_FILTER", status: 2, column, message }, text);
});

t.test("columns of patterns refer to the expression", async (t) => {
	const term = parse("~q ~u 'a\\\\b\\nc'") as Exclude<Expression, { type: "not" | "term" }>;
	t.match(term.of[1], { column: 4, argument: "a\\b\nc", columns: [8, 9, 11, 12, 14] });
	t.match(parse("  abc"), { column: 3, columns: [3, 4, 5] });
});

t.test("random text is parsed or rejected", async () => {
	const token = fc.constantFrom(
		"~q",
		"~u",
		"~c",
		"200",
		"a",
		"(",
		")",
		"!",
		"&",
		"|",
		"'",
		'"',
		"\\",
		" ",
		"\t",
		"\n",
		"~",
		"é",
		"~all",
	);
	fc.assert(
		fc.property(
			fc.oneof(
				fc.string(),
				fc.array(token, { maxLength: 30 }).map((tokens) => tokens.join("")),
			),
			(text) => {
				try {
					parse(text);
				} catch (error) {
					if (!(error instanceof FlowtapeError && error.code === "FT_BAD_FILTER" && typeof error.column === "number"))
						throw error;
				}
			},
		),
		{ seed: 4, numRuns: 3000 },
	);
});

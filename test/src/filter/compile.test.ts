// A filter expression is compiled to a test, a query plan, the needed flow parts, and words.
import t from "tap";
import { httpFlow, tcpFlow } from "../../../fixtures/build-flow.ts";
import { compileFilter } from "../../../src/filter/compile.ts";
import type { HttpFlow } from "../../../src/flow/flow.ts";

t.test("in words", async (t) => {
	const words: Record<string, string> = {
		"~t x": "content type matches /x/i",
		"~h x": "header matches /x/im",
		"~b x": "body matches /x/is",
		x: "url matches /x/i",
		"~c 0404": "response code is 404",
		"~q": "has no response",
		"~q & ~s": "has no response and has response",
		"~q | ~s": "has no response or has response",
		"!~q": "not has no response",
		"!(~q | ~s)": "not (has no response or has response)",
		"~q & (~s | ~e)": "has no response and (has response or has error)",
		"(~q & ~s) | ~e": "(has no response and has response) or has error",
		"'\\.js$'": "url matches /.js$/i",
	};
	for (const [text, wanted] of Object.entries(words)) t.equal(String(compileFilter(text)), wanted, text);
	t.equal(String(compileFilter("~h x", { caseSensitive: true })), "header matches /x/m");
	t.equal(compileFilter(" ~q ").pattern, " ~q ");
});

t.test("tests are combined as written, in any number and order", async (t) => {
	const flow = httpFlow();
	const yes = ["~all", "~s", "~m GET", "~b hello"];
	const no = ["~q", "~m POST", "~b absent"];
	for (const term of yes) t.ok(compileFilter(term).matches(flow), term);
	for (const term of no) t.notOk(compileFilter(term).matches(flow), term);
	t.ok(compileFilter(yes.join(" & ")).matches(flow));
	t.ok(compileFilter(yes.slice(0, 2).join(" & ")).matches(flow));
	t.notOk(compileFilter([...yes, "~q"].join(" & ")).matches(flow));
	t.notOk(compileFilter("~s & ~q").matches(flow));
	t.ok(compileFilter([...no, "~s"].join(" | ")).matches(flow));
	t.ok(compileFilter("~q | ~s").matches(flow));
	t.notOk(compileFilter(no.join(" | ")).matches(flow));
	t.notOk(compileFilter("!~s").matches(flow));
	t.ok(compileFilter("!~d x").matches(tcpFlow()), "a part that a kind of flow does not have never matches");
});

t.test("case", async (t) => {
	const flow = httpFlow({ request: { path: "/ABC" } });
	t.ok(compileFilter("abc").matches(flow));
	t.notOk(compileFilter("abc", { caseSensitive: true }).matches(flow));
	t.ok(compileFilter("'(?i)abc'", { caseSensitive: true }).matches(flow));
});

t.test("the cheapest terms are tested first, and no more than needed", async (t) => {
	const flow = httpFlow();
	const response = flow.response as NonNullable<HttpFlow["response"]>;
	let reads = 0;
	response.body = {
		size: 5,
		read: () => {
			reads++;
			return Buffer.from("hello");
		},
		chunks: () => [],
	};
	t.notOk(compileFilter("~b hello & ~c 500").matches(flow));
	t.ok(compileFilter("~b hello | ~c 200").matches(flow));
	t.equal(reads, 0);
	t.ok(compileFilter("~b hello").matches(flow));
	t.equal(reads, 1);
	const needs = (text: string) => [...compileFilter(text).needs].sort();
	t.same(needs("~c 200 & !~d x"), ["head"]);
	t.same(needs("~bs x | ~src x | ~meta x"), ["connections", "head", "messages", "metadata", "responseBody"]);
});

t.test("an invalid pattern is reported with its column in the filter", async (t) => {
	t.throws(() => compileFilter("~q & ~u ab["), {
		code: "FT_BAD_FILTER",
		column: 11,
		message: /^filter "~q & ~u ab\[", column 11: "\[" is not closed by "\]"/,
	});
	t.throws(() => compileFilter("~b '\\\\d\\\\q'"), { code: "FT_BAD_FILTER", column: 8 });
	t.throws(() => compileFilter("~u a("), { code: "FT_BAD_FILTER", column: 6 });
});

t.test("plans", async (t) => {
	t.match(compileFilter("~c 500 & ~all").plan, {
		kind: "and",
		of: [{ kind: "equals", column: "status", value: 500 }, { kind: "all" }],
	});
	t.match(compileFilter("!~hq x").plan, {
		kind: "not",
		of: { kind: "and", of: [{ kind: "equals", column: "kind" }, { kind: "unknown" }] },
	});
	const { plan } = compileFilter("~bs x & ~q");
	t.match(
		plan.kind === "and" && plan.of[1],
		{ kind: "or", of: [{ kind: "body", side: "response" }] },
		"bodies are asked last",
	);
});

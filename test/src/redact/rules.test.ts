import t from "tap";
import { rulesOf } from "../../../fixtures/redaction.ts";

t.test("names, without regard to case for headers", async (t) => {
	const rules = rulesOf({ redact_header: ["X-Mine*"], redact_param: ["p"], redact_cookie: ["c*"] });
	t.ok(rules.headers?.("x-mine-too"));
	t.ok(rules.params?.("p"));
	t.notOk(rules.params?.("P"));
	t.ok(rules.cookies?.("cart"));
	t.equal(rulesOf().headers, null);
});

t.test("what is kept: a rule, or a place", async (t) => {
	const rules = rulesOf({ redact_keep: ["name.*", "header:x-trace"] });
	t.ok(rules.keeps("name.token", "query:t"));
	t.ok(rules.keeps("header.token", "header:X-Trace"));
	t.notOk(rules.keeps("header.token", "header:x-other"));
	t.notOk(rulesOf().keeps("name.token", "query:t"));
});

t.test("a pattern with a group: every text in the match that equals it", async (t) => {
	const [pattern] = rulesOf({ redact_body: ["(\\w+)=\\w+"] }).bodyPatterns;
	t.same(
		pattern?.find("a=a, bc=d").map(({ from, to }) => [from, to]),
		[
			[0, 1],
			[2, 3],
			[5, 7],
		],
	);
	t.same(rulesOf({ redact_body: ["x*"] }).bodyPatterns[0]?.find("ab"), [], "empty matches are none");
});

t.test("rules that cannot be compiled are errors that name the option", async (t) => {
	t.throws(() => rulesOf({ redact_body: ["("] }), { code: "FT_BAD_PATTERN", option: "redact_body" });
	t.throws(() => rulesOf({ redact_json: ["user"] }), { code: "FT_BAD_OPTION", option: "redact_json" });
});

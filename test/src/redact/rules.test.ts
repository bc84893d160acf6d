import t from "tap";
import { rulesOf } from "../../../fixtures/redaction.ts";
import { defaults } from "../../../src/options.ts";
import { options } from "../../../src/redact/options.ts";
import { compileRules } from "../../../src/redact/rules.ts";

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

t.test("rules tell when they apply for the first time", async (t) => {
	const applied: string[] = [];
	const rules = compileRules(
		{
			...defaults(options),
			redact_header: ["x-a", "x-*"],
			redact_json: ["/a", "$..b"],
			redact_body: ["k(\\d+)"],
			redact_keep: ["name.code"],
		},
		(rule, option) => applied.push(`${option} ${rule}`),
	);
	t.equal(rules.headers?.("x-a"), true);
	t.equal(rules.headers?.("x-c"), true);
	t.equal(rules.headers?.("y"), false);
	t.equal(rules.json(["c", "b"]), true);
	t.equal(rules.bodyPatterns[0]?.find("k1 k2").length, 2);
	t.equal(rules.keeps("name.code", "query:code"), true);
	t.same(applied, [
		"redact_header x-a",
		"redact_header x-*",
		"redact_json $..b",
		"redact_body k(\\d+)",
		"redact_keep name.code",
	]);
});

// Varying parts as a configuration to review.
import t from "tap";
import { parse } from "yaml";
import { noiseData, noiseYaml } from "../../../commands/print/noise-report.ts";
import type { NoiseReport, VaryingPart } from "../../../src/replay/explain/learn.ts";

const finding = (name: string, kind: string | null, option: VaryingPart["option"]): VaryingPart => ({
	option,
	part: "query",
	name,
	kind,
	differing: 2,
	compared: 5,
	example: { values: ["a long value with a secret at its end", null], method: "GET", url: "http://a.test/" },
});
const report: NoiseReport = {
	compared: 5,
	equal: 3,
	alone: [{ method: "GET", url: "http://a.test/\u001b[31m" }],
	findings: [
		finding('odd "name": #', "UUID", { name: "server_replay_ignore_params", value: 'odd "name": #' }),
		finding("b", "token", { name: "server_replay_ignore_params", value: "b" }),
		finding("order", "written differently", { name: "server_replay_ignore_param_order", value: true }),
		finding("body", "written differently", { name: "server_replay_match_content", value: "meaning" }),
		finding("page", null, { name: "server_replay_ignore_params", value: "page" }),
		finding("method", null, null),
	],
};
const options = {
	server_replay_ignore_params: ['odd "name": #', "b"],
	server_replay_ignore_param_order: true,
	server_replay_match_content: "meaning",
};

t.test("YAML with the reasons in comments", (t) => {
	const text = noiseYaml(report);
	t.same(parse(text), options);
	t.match(text, '  - "b" # token, differs in 2: a long value… and nothing\n');
	t.match(
		text,
		"#   query page: a long value… and nothing, as in GET http://a.test/ (--ignore-params page would leave it out)",
	);
	t.match(text, "#   query method: ");
	for (const hidden of ["secret", "\u001b"]) t.notOk(text.includes(hidden));
	t.end();
});

t.test("no varying parts", (t) => {
	t.match(noiseYaml({ compared: 2, equal: 2, alone: [], findings: [] }), /^# 2 pairs[^\n]*\n# No part that varies/);
	t.equal(parse(noiseYaml({ compared: 0, equal: 0, alone: [], findings: [] })), null);
	t.end();
});

t.test("for programs", (t) => {
	t.match(noiseData(report), { options, compared: 5, equal: 3, findings: report.findings });
	t.end();
});

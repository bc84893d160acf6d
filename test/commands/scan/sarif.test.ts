// Findings as SARIF.
import t from "tap";
import { scanSarif } from "../../../commands/scan/sarif.ts";
import { findingOf } from "../../../fixtures/findings.ts";
import { sarifSchema } from "../../../fixtures/json-schema.ts";

t.test("results with places, levels and fingerprints; rules once each", async (t) => {
	const { version, runs } = JSON.parse(
		scanSarif([
			{
				tape: "tapes/a b.tape",
				flows: 2,
				findings: [findingOf(), findingOf({ confidence: "low", rule: "strict" })],
				known: [findingOf({ fingerprint: "known" })],
			},
		]),
	);
	t.equal(version, "2.1.0");
	t.same(
		runs[0].tool.driver.rules.map(({ id }: { id: string }) => id),
		["name.token", "strict"],
	);
	t.match(runs[0].results, [
		{
			ruleId: "name.token",
			level: "error",
			message: { text: "A secret (token) in 2 places" },
			locations: [
				{
					physicalLocation: { artifactLocation: { uri: "tapes/a%20b.tape" }, region: { startLine: 1 } },
					logicalLocations: [{ fullyQualifiedName: "flow/11111111-0000/request/header/authorization" }],
				},
				{ logicalLocations: [{ fullyQualifiedName: "flow/22222222-0000/response/body/$.access_token" }] },
			],
			partialFingerprints: { "flowtapeSecret/v1": "0011223344556677" },
			properties: { confidence: "high" },
		},
		{ level: "note" },
		{ suppressions: [{ kind: "external" }] },
	]);
	t.equal(runs[0].results[0].suppressions, undefined);
});

t.test("a secret in many places names the first ones alone", async (t) => {
	const places = Array.from({ length: 500 }, (_, i) => ({ flow: String(i), number: i, where: "request" }));
	const findings = [findingOf({ places, count: 500 })];
	const { runs } = JSON.parse(scanSarif([{ tape: "-", flows: 500, findings, known: [] }]));
	t.equal(runs[0].results[0].locations.length, 100);
	t.equal(runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri, "stdin");
});

t.test("valid by the published schema of SARIF 2.1.0", async (t) => {
	const errors = sarifSchema();
	const log = (tapes: Parameters<typeof scanSarif>[0]) => JSON.parse(scanSarif(tapes)) as object;
	t.same(errors(log([])), []);
	const findings = [findingOf(), findingOf({ confidence: "medium" }), findingOf({ confidence: "low", places: [] })];
	const known = [findingOf({ fingerprint: "known" })];
	for (const tape of ["a.tape", "-", "/tapes/a b%.tape", "tapes\\a.tape", "ü.har"])
		t.same(errors(log([{ tape, flows: 2, findings, known }])), [], tape);
	t.not(errors({ version: "2.1.0" }).length, 0, "the schema is not empty");
	t.not(
		errors({ version: "2.1.0", runs: [{ tool: { driver: { name: "x" } }, results: [{ level: "bad" }] }] }).length,
		0,
	);
});

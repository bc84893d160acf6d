// Findings as JSON.
import t from "tap";
import { scanJson } from "../../../commands/scan/json.ts";
import { findingOf } from "../../../fixtures/findings.ts";

t.test("a line for each secret of each tape; known ones are left out", async (t) => {
	const one = { tape: "a.tape", flows: 2, findings: [findingOf(), findingOf({ kind: "key" })], known: [findingOf()] };
	const lines = scanJson([one, { ...one, tape: "b.tape", findings: [] }]).split("\n");
	t.equal(lines.pop(), "");
	t.match(
		lines.map((line) => JSON.parse(line)),
		[
			{ tape: "a.tape", kind: "token", count: 2 },
			{ tape: "a.tape", kind: "key" },
		],
	);
});

// Reads the fingerprints of an earlier scan.
import { join } from "node:path";
import t from "tap";
import { readBaseline } from "../../../commands/scan/baseline.ts";

t.test("the fingerprints of all runs; results of other tools have none", async (t) => {
	const results = (...fingerprints: string[]) =>
		fingerprints.map((text) => ({ partialFingerprints: { "flowtapeSecret/v1": text } }));
	const folder = t.testdir({
		"a.sarif": JSON.stringify({ runs: [{ results: results("a", "b") }, { results: [{}, ...results("c")] }, {}] }),
		"b.sarif": "[]",
	});
	const found = await readBaseline(join(folder, "a.sarif"));
	for (const text of ["a", "b", "c"]) t.ok(found.has(text), text);
	await t.rejects(readBaseline(join(folder, "b.sarif")), { code: "FT_USAGE" });
	await t.rejects(readBaseline(join(folder, "c.sarif")), { code: "FT_NOT_FOUND" });
	await t.rejects(readBaseline(folder), { code: "FT_IO" });
});

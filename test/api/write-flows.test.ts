// Writes flows; a file that is replaced must have been read completely.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { writeFlows } from "../../api/write-flows.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";
import { FlowSink } from "../../src/flow/sink.ts";

t.test("steps, wrapped sinks, and a replaced file", async (t) => {
	const path = join(t.testdir(), "a.jsonl");
	await writeTape(path, [httpFlow({ id: "one" }), httpFlow({ id: "two" })]);
	const through: string[] = [];
	const report = await writeFlows(
		{
			source: path,
			to: path,
			replaces: path,
			steps: [(flow) => (flow.id === "one" ? flow : null)],
			through: (sink) =>
				FlowSink.of({
					append(flow) {
						through.push(flow.id);
						return sink.append(flow);
					},
					close: () => sink.close(),
				}),
		},
		{},
	);
	t.match(report, { written: 1, dropped: 1 });
	t.same(through, ["one"]);
	t.match((await readTape(path)).flows, [{ id: "one" }]);
	const text = `${readFileSync(path, "utf8")}{`;
	writeFileSync(path, text);
	await t.rejects(writeFlows({ source: path, to: path, replaces: path }, { strict: false }), {
		code: "FT_CORRUPT_FLOW",
	});
	t.equal(readFileSync(path, "utf8"), text);
});

// Exports each flow to a file, and reports those that cannot be exported.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { createExportSink } from "../../api/export-sink.ts";
import { httpFlow, tcpFlow } from "../../fixtures/build-flow.ts";
import { FlowtapeError } from "../../src/errors.ts";

t.test("flows that cannot be exported are left out and reported; a defect is not hidden", async (t) => {
	const file = join(t.testdir(), "out");
	const reported: string[] = [];
	const sink = await createExportSink(
		file,
		({ comment }) => {
			if (comment === "loss") throw new FlowtapeError("FT_LOSS", "there is no body");
			if (comment === "defect") throw new TypeError("oops");
			return [Buffer.from("ok"), Buffer.from("\n")];
		},
		(_code, message) => reported.push(message),
	);
	await sink.append(httpFlow());
	await sink.append(httpFlow({ comment: "loss" }));
	await sink.append(tcpFlow());
	await t.rejects(Promise.resolve(sink.append(httpFlow({ comment: "defect" }))), TypeError);
	await sink.close();
	t.equal(readFileSync(file, "utf8"), "ok\n");
	t.match(reported, [/is left out: there is no body$/, /is left out: it is tcp, not HTTP$/]);
});

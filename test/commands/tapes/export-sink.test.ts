import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { Troubles } from "../../../commands/tapes/copy-flows.ts";
import { exporting } from "../../../commands/tapes/export-sink.ts";
import { httpFlow, tcpFlow } from "../../../fixtures/build-flow.ts";
import { captureIo } from "../../../fixtures/run-captured.ts";
import { FlowtapeError } from "../../../src/errors.ts";

t.test("what cannot be exported is left out and told of; a defect is not hidden", async (t) => {
	const file = join(t.testdir(), "out");
	const { io, captured } = captureIo();
	const sink = await exporting(
		file,
		({ comment }) => {
			if (comment === "loss") throw new FlowtapeError("FT_LOSS", "there is no body");
			if (comment === "defect") throw new TypeError("oops");
			return Buffer.from("ok\n");
		},
		new Troubles(io, { strict: false }),
	);
	await sink.append(httpFlow());
	await sink.append(httpFlow({ comment: "loss" }));
	await sink.append(tcpFlow());
	await t.rejects(Promise.resolve(sink.append(httpFlow({ comment: "defect" }))), TypeError);
	await sink.close();
	t.equal(readFileSync(file, "utf8"), "ok\n");
	t.match(captured.err, /there is no body[\s\S]*it is tcp/);
});

// Opens the tapes to answer from.
import { join } from "node:path";
import t from "tap";
import { closeRecordings, openAllRecordings } from "../../api/recordings.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { writeTape } from "../../fixtures/tape-files.ts";

t.test("all of them, or an error", async (t) => {
	const folder = t.testdir();
	const [tape, har] = [join(folder, "a.tape"), join(folder, "a.har")];
	for (const path of [tape, har]) await writeTape(path, [httpFlow()]);
	const report = (code: string) => t.fail(code);
	const recordings = await openAllRecordings([{ path: tape }, { path: har }], report);
	t.equal(recordings.length, 2);
	await closeRecordings(recordings);
	await t.rejects(openAllRecordings([{ path: tape }, { path: join(folder, "none") }], report), {
		code: "FT_NOT_FOUND",
	});
});

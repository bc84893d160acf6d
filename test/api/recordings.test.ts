// Opens the tapes to answer from.
import { join } from "node:path";
import t from "tap";
import { createSink } from "../../api/create-sink.ts";
import { closeRecordings, openAllRecordings } from "../../api/recordings.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { writeTape } from "../../fixtures/tape-files.ts";
import { RULES_VERSION } from "../../src/redact/note.ts";
import { NOTE } from "../../src/redact/options.ts";

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

t.test("a tape that was redacted by newer rules is reported, and used", async (t) => {
	const folder = t.testdir();
	const [newer, known] = [join(folder, "newer.tape"), join(folder, "known.tape")];
	for (const [path, version] of [
		[newer, RULES_VERSION + 1],
		[known, RULES_VERSION],
	] as const) {
		const sink = await createSink(path, { report: () => {} });
		sink.note(NOTE, { version });
		await sink.append(httpFlow());
		await sink.close();
	}
	const reports: string[] = [];
	const recordings = await openAllRecordings([{ path: newer }, { path: known }], (code, message) =>
		reports.push(`${code} ${message}`),
	);
	t.match(reports, [/^FT_NEWER_RULES .*newer\.tape: it was redacted by rules of version \d+, and this flowtape has/]);
	t.equal(reports.length, 1);
	t.equal(recordings.length, 2);
	await closeRecordings(recordings);
});

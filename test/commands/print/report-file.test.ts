// Report files.
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { prepareReport, reportFileError, writeReport } from "../../../commands/print/report-file.ts";

t.test("a report replaces the file, or the error names it", async (t) => {
	const file = join(t.testdir({ report: "much longer than what comes" }), "report");
	await writeReport(file, "short");
	t.equal(readFileSync(file, "utf8"), "short");
	const nowhere = join(file, "below-a-file");
	await t.rejects(writeReport(nowhere, ""), {
		code: "FT_IO",
		message: new RegExp(`^${nowhere}: the report cannot be written: `),
	});
	t.equal(reportFileError(file, "no error"), "no error");
});

t.test("before the run, the folder is created, and a file that cannot be written is an error", async (t) => {
	const folder = t.testdir({ old: "as it was", plain: {} });
	const fresh = join(folder, "a/b/report.xml");
	t.equal(prepareReport(fresh, []), fresh);
	t.ok(statSync(join(folder, "a/b")).isDirectory());
	t.notOk(existsSync(fresh), "the file is written at the end");
	prepareReport(join(folder, "old"), []);
	t.equal(readFileSync(join(folder, "old"), "utf8"), "as it was");
	t.equal(prepareReport("/dev/null", []), "/dev/null");
	for (const path of [join(folder, "old/report.xml"), join(folder, "plain")])
		t.throws(() => prepareReport(path, []), {
			code: "FT_IO",
			message: new RegExp(`^${path}: the report cannot be written: `),
		});
	t.throws(() => prepareReport(join(folder, "old"), [join(folder, "./old")]), { code: "FT_USAGE" });
});

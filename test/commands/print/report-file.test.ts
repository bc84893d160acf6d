// Reports in files of their own.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { reportError, writeReport } from "../../../commands/print/report-file.ts";

t.test("written whole, or refused by name", async (t) => {
	const file = join(t.testdir({ report: "much longer than what comes" }), "report");
	await writeReport(file, "short");
	t.equal(readFileSync(file, "utf8"), "short");
	const nowhere = join(file, "below-a-file");
	await t.rejects(writeReport(nowhere, ""), { code: "FT_IO", message: new RegExp(`^${nowhere}: the report cannot be written: `) });
	t.equal(reportError(file, "no error"), "no error");
});

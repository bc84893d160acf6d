// The table of exit statuses is complete.
import t from "tap";
import { exitStatuses, exitStatusNote } from "../../../commands/cli/exit-statuses.ts";
import { errorCodes } from "../../../src/errors.ts";

t.test("each status of an error has a row", async (t) => {
	const documented = exitStatuses.map(([status]) => status);
	for (const { status } of Object.values(errorCodes)) t.ok(documented.includes(String(status)), `${status}`);
	t.match(exitStatusNote, /stderr/);
});

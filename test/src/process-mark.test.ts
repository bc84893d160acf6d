// Marks of processes that run or have ended.
import { spawnSync } from "node:child_process";
import t from "tap";
import { isProcessGone, MARK, processMark } from "../../src/process-mark.ts";

t.test("a process is gone only if it has certainly ended", async (t) => {
	t.match(processMark(), MARK);
	t.notOk(isProcessGone(processMark()));
	const [place] = processMark().split("-");
	const { pid } = spawnSync(process.execPath, ["-e", ""]);
	t.ok(isProcessGone(`${place}-${pid}`));
	t.notOk(isProcessGone(`00000000-${pid}`), "of another machine or container");
	for (const odd of ["", "x", `${place}-0`, `${place}--1`, `${place}-1e99`]) t.notOk(isProcessGone(odd), odd);
});

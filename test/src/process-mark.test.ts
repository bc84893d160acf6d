// Marks of processes that run or have ended.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { basename } from "node:path";
import t from "tap";
import { createMarkedFolder, isProcessGone, MARK, processMark } from "../../src/process-mark.ts";

t.test("a process is gone only if it has certainly ended", async (t) => {
	t.match(processMark(), MARK);
	t.notOk(isProcessGone(processMark()));
	const [place] = processMark().split("-");
	const { pid } = spawnSync(process.execPath, ["-e", ""]);
	t.ok(isProcessGone(`${place}-${pid}`));
	t.notOk(isProcessGone(`00000000-${pid}`), "of another machine or container");
	for (const odd of ["", "x", `${place}-0`, `${place}--1`, `${place}-1e99`]) t.notOk(isProcessGone(odd), odd);
});

t.test("a folder of this process stays, one of a process that has ended is removed", async (t) => {
	const [place] = processMark().split("-");
	const { pid } = spawnSync(process.execPath, ["-e", ""]);
	const folder = t.testdir({ [`.x-${place}-${pid}-AbCdEf`]: { file: "" }, [`.y-${place}-${pid}-AbCdEf`]: {} });
	const [one, two] = [await createMarkedFolder(folder, ".x-"), await createMarkedFolder(folder, ".x-")];
	t.same(readdirSync(folder).sort(), [basename(one), basename(two), `.y-${place}-${pid}-AbCdEf`].sort());
	await t.rejects(createMarkedFolder(`${folder}/none`, ".x-"), { code: "ENOENT" });
});

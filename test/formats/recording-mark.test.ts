// Keeps other processes from replacing a file that a process appends to.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { openOutput } from "../../formats/output.ts";
import { markRecording, refuseRecorded } from "../../formats/recording-mark.ts";
import { processMark } from "../../src/process-mark.ts";

/** The mark of another process of this machine. */
const markOf = (pid: number) => processMark().replace(/[0-9]+$/, String(pid));

t.test("a mark exists until it is removed, and does not affect its own process", async (t) => {
	const folder = t.testdir();
	const path = join(folder, "a.jsonl");
	const release = await markRecording(path);
	t.match(readdirSync(folder), [/^\.a\.jsonl\.[0-9a-f]{8}-[0-9]+-[0-9a-f]{8}\.recording$/]);
	await refuseRecorded(path, "wait");
	await release();
	t.same(readdirSync(folder), []);
	await markRecording(join(folder, "no-folder", "b.jsonl"));
});

t.test("a file with the mark of a running process is not replaced", async (t) => {
	const folder = t.testdir({ "a.jsonl": "before\n" });
	const path = join(folder, "a.jsonl");
	symlinkSync("a.jsonl", join(folder, "link.jsonl"));
	const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
	const mark = join(folder, `.a.jsonl.${markOf(child.pid as number)}-00000000.recording`);
	writeFileSync(mark, "");
	for (const name of [path, join(folder, "link.jsonl")])
		await t.rejects(openOutput(name), {
			code: "FT_IO",
			message: new RegExp(`process ${child.pid} is recording to this file: end it`),
		});
	await (await openOutput(join(folder, "other.jsonl"))).close();
	const added = await openOutput(path, { append: true });
	await added.write(Buffer.from("added\n"));
	await added.close();
	child.kill();
	await once(child, "exit");
	t.equal(readFileSync(path, "utf8"), "before\nadded\n");
	const output = await openOutput(path);
	await output.write(Buffer.from("after\n"));
	writeFileSync(join(folder, `.a.jsonl.${markOf(process.ppid)}-00000000.recording`), "");
	await t.rejects(output.close(), { code: "FT_IO" }, "a process that began meanwhile counts too");
	t.equal(readFileSync(path, "utf8"), "before\nadded\n");
	t.notOk(existsSync(mark), "the mark of the ended process is removed");
});

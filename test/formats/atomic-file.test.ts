// Replaces a file when it is complete, with its permissions, and follows symbolic links.
import { spawnSync } from "node:child_process";
import { appendFile, chmod, lstat, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { AtomicFile } from "../../formats/atomic-file.ts";
import { createTape } from "../../formats/index.ts";
import { FlowtapeError } from "../../src/errors.ts";
import { processMark } from "../../src/process-mark.ts";

const written = async (path: string, text: string): Promise<AtomicFile> => {
	const atomic = await AtomicFile.forTarget(path);
	await writeFile(atomic.path, text);
	await atomic.copyPermissions();
	return atomic;
};

t.test("a hidden file beside the target until it is complete", async (t) => {
	const folder = t.testdir({ "a.tape": "old" });
	const path = join(folder, "a.tape");
	const atomic = await written(path, "new");
	t.match(atomic.path, /\/\.a\.tape\.[0-9a-f]{8}-[0-9]+-[0-9a-f]{8}\.tmp$/);
	t.equal(await readFile(path, "utf8"), "old");
	await atomic.commit(async () => {});
	t.equal(await readFile(path, "utf8"), "new");
	t.same(await readdir(folder), ["a.tape"]);
});

t.test("the temporary file has the permissions of the target", async (t) => {
	const folder = t.testdir({ secret: "old", fixed: "old" });
	await chmod(join(folder, "secret"), 0o600);
	await chmod(join(folder, "fixed"), 0o444);
	for (const [name, meanwhile, mode] of [
		["secret", 0o600, 0o600],
		["fixed", 0o644, 0o444],
	] as const) {
		const atomic = await written(join(folder, name), "new");
		t.equal((await stat(atomic.path)).mode & 0o777, meanwhile);
		await atomic.commit(async () => {});
		t.equal((await stat(join(folder, name))).mode & 0o777, mode, name);
	}
});

t.test("a symbolic link stays, and its target is replaced", async (t) => {
	const folder = t.testdir({ real: { "a.tape": "old" } });
	const link = join(folder, "link.tape");
	await symlink("real/a.tape", link);
	await (await written(link, "new")).commit(async () => {});
	t.ok((await lstat(link)).isSymbolicLink());
	t.equal(await readFile(join(folder, "real", "a.tape"), "utf8"), "new");
	t.same(await readdir(join(folder, "real")), ["a.tape"]);
});

t.test("after a failure the temporary file is gone, and errors name the target", async (t) => {
	const folder = t.testdir({ a: "old" });
	const path = join(folder, "a");
	const atomic = await written(path, "new");
	const full = new FlowtapeError("FT_IO", `${atomic.path}: the disk is full`, { file: atomic.path });
	await t.rejects(
		atomic.commit(() => Promise.reject(full)),
		{ code: "FT_IO", message: `${path}: the disk is full`, file: path },
	);
	t.same(await readdir(folder), ["a"]);
	const other = new FlowtapeError("FT_STORE", "b: damaged", { file: "b" });
	t.equal(atomic.withTargetName(other), other);
	t.match(atomic.withTargetName(Object.assign(new Error("why"), { code: "EROFS" })), {
		code: "FT_IO",
		message: `${path}: cannot be written: the file system is read-only`,
	});
});

t.test("temporary files of killed processes are removed with the next one for the same target", async (t) => {
	const folder = t.testdir();
	const { pid } = spawnSync(process.execPath, ["-e", ""]);
	const [place] = processMark().split("-");
	const kept = [
		`.a.tape.${processMark()}-00000000.tmp`,
		`.b.tape.${place}-${pid}-00000000.tmp`,
		".a.tape.0123abcd.tmp",
	];
	for (const name of [...kept, `.a.tape.${place}-${pid}-00000000.tmp`]) await writeFile(join(folder, name), "half");
	await AtomicFile.forTarget(join(folder, "a.tape"));
	t.same((await readdir(folder)).sort(), kept.sort());
});

t.test("what another process has written meanwhile is not replaced", async (t) => {
	const folder = t.testdir({ appended: "old", replaced: "old", removed: "old" });
	const path = (name: string) => join(folder, name);
	const begin = (name: string) => written(path(name), "rewritten");
	const begun = {
		appended: await begin("appended"),
		replaced: await begin("replaced"),
		removed: await begin("removed"),
		new: await begin("new"),
	};
	await appendFile(path("appended"), " and more");
	await writeFile(path("other"), "old");
	await rename(path("other"), path("replaced"));
	await rm(path("removed"));
	for (const [name, left] of [
		["appended", "old and more"],
		["replaced", "old"],
	] as const) {
		await t.rejects(
			begun[name].commit(async () => {}),
			{
				code: "FT_IO",
				file: path(name),
				message: /another process has written to this file/,
			},
		);
		t.equal(await readFile(path(name), "utf8"), left);
	}
	for (const name of ["removed", "new"] as const) {
		await begun[name].commit(async () => {});
		t.equal(await readFile(path(name), "utf8"), "rewritten");
	}
	t.same((await readdir(folder)).sort(), ["appended", "new", "removed", "replaced"]);
});

t.test("pipes, sockets, devices and folders are not replaced", async (t) => {
	const folder = t.testdir({ folder: {} });
	const pipe = join(folder, "pipe.tape");
	spawnSync("mkfifo", [pipe]);
	await t.rejects(AtomicFile.forTarget(pipe), {
		code: "FT_IO",
		message: `${pipe}: cannot be written: it is a pipe, socket or device, not a file`,
	});
	await t.rejects(AtomicFile.forTarget(join(folder, "folder")), { code: "FT_IO", message: /it is a folder/ });
	await t.rejects(createTape(pipe, { report: () => {}, append: true }), { code: "FT_IO", message: /it is a pipe/ });
	t.ok((await lstat(pipe)).isFIFO());
});

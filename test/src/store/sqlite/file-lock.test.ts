// A lock between processes. A killed process leaves no lock.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { withLock } from "../../../../src/store/sqlite/file-lock.ts";

const module = new URL("../../../../src/store/sqlite/file-lock.js", import.meta.url).href;

t.test("actions run one by one, also after a failure, and the file is removed", async (t) => {
	const folder = t.testdir();
	const path = join(folder, ".lock");
	let inside = 0;
	const order: number[] = [];
	const enter = (n: number) =>
		withLock(path, async () => {
			t.equal(++inside, 1, `${n} is alone`);
			t.ok(existsSync(path));
			await new Promise((resolve) => setTimeout(resolve, 5));
			inside--;
			order.push(n);
			if (n === 1) throw new Error("no");
		});
	const ended = await Promise.allSettled([0, 1, 2, 3].map(enter));
	t.same(
		ended.map(({ status }) => status),
		["fulfilled", "rejected", "fulfilled", "fulfilled"],
	);
	t.equal(order.length, 4);
	t.same(readdirSync(folder), []);
});

t.test("the lock of a process that was killed is free", async (t) => {
	const path = join(t.testdir(), ".lock");
	const script = `const { withLock } = await import(${JSON.stringify(module)});
		await withLock(${JSON.stringify(path)}, async () => { console.log("in"); await new Promise((resolve) => setTimeout(resolve, 600_000)); });`;
	const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	await once(child.stdout, "data");
	const entered = withLock(path, async () => "entered");
	t.equal(await Promise.race([entered, new Promise((resolve) => setTimeout(() => resolve("waits"), 100))]), "waits");
	child.kill("SIGKILL");
	t.equal(await entered, "entered");
});

t.test("a missing folder", async (t) => {
	await t.rejects(
		withLock(join(t.testdir(), "absent", ".lock"), async () => {}),
		{ code: "FT_IO", message: /cannot be locked/ },
	);
});

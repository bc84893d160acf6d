// Runs a command as if its user had started it.
import { execFile, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import t from "tap";
import { runChild } from "../../../src/child/process.ts";

const env = { PATH: process.env.PATH ?? "" };
const node = process.execPath;

t.test("the status of the child", async (t) => {
	t.same(await runChild(node, ["-e", "process.exit(7)"], env), { status: 7 });
	t.same(await runChild(node, ["-e", "0"], env), { status: 0 });
	t.same(await runChild(node, ["-e", "process.kill(process.pid, 'SIGKILL'); setTimeout(() => {}, 9999)"], env), {
		status: 137,
	});
});

t.test("arguments and environment are passed unchanged, without a shell", async (t) => {
	const file = join(t.testdir(), "out.json");
	const script =
		"require('fs').writeFileSync(process.argv[1], JSON.stringify([process.argv.slice(2), process.env.ONLY, process.env.HOME ?? null]))";
	await runChild(node, ["-e", script, file, "a b", "$PATH", "*"], { ...env, ONLY: "this" });
	t.same(JSON.parse(readFileSync(file, "utf8")), [["a b", "$PATH", "*"], "this", null]);
});

t.test("a program that cannot be started is an error with the reason", async (t) => {
	const folder = t.testdir({ "data.txt": "no program" });
	await t.rejects(runChild("no-such-command-here", [], env), {
		code: "FT_COMMAND",
		status: 4,
		message: /"no-such-command-here": no such command.*PATH/,
	});
	await t.rejects(runChild(join(folder, "data.txt"), [], env), { code: "FT_COMMAND", message: /not executable/ });
	await t.rejects(runChild("x".repeat(5000), [], env), {
		code: "FT_COMMAND",
		message: /^cannot start "x+": .*ENAMETOOLONG/,
	});
});

/** A child that writes the signals it gets to a file and ends with status 5 at the given one. */
const listening = (last: string): string => `
const fs = require("fs"), file = process.argv[1];
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => { fs.appendFileSync(file, name + " "); if (name === "${last}") process.exit(5); });
fs.writeFileSync(file, "");
setInterval(() => {}, 1000);`;

async function until(condition: () => boolean): Promise<void> {
	while (!condition()) await sleep(10);
}

t.test("signals are forwarded to the child, and an abort ends it", async (t) => {
	const signals = new EventEmitter();
	const file = join(t.testdir(), "signals");
	const running = runChild(node, ["-e", listening("SIGTERM"), file], env, { signals });
	await until(() => existsSync(file));
	signals.emit("SIGHUP");
	await until(() => readFileSync(file, "utf8") === "SIGHUP ");
	signals.emit("SIGTERM");
	t.same(await running, { status: 5 });
	t.equal(signals.listenerCount("SIGTERM"), 0, "no listener is left");

	const controller = new AbortController();
	const sleeping = runChild(node, ["-e", "setInterval(() => {}, 1000)"], env, { signal: controller.signal, signals });
	controller.abort();
	t.same(await sleeping, { status: 143 });
	t.same(await runChild(node, ["-e", "setInterval(() => {}, 1000)"], env, { signal: AbortSignal.abort(), signals }), {
		status: 143,
	});
	await t.rejects(runChild("no-such-command-here", [], env, { signals }), { code: "FT_COMMAND" });
	t.equal(signals.listenerCount("SIGINT"), 0);
});

t.test("a process that runs a command forwards signals and continues to run", async (t) => {
	const file = join(t.testdir(), "signals");
	const module = new URL("../../../src/child/process.js", import.meta.url).href;
	const script = `import(${JSON.stringify(module)}).then(async ({ runChild }) => {
		const { status } = await runChild(process.execPath, process.argv.slice(1), {});
		console.log("child ended with " + status);
	})`;
	const parent = spawn(node, ["-e", script, "--", "-e", listening("SIGINT"), file], {
		stdio: ["ignore", "pipe", "pipe"],
	});
	let output = "";
	parent.stdout.on("data", (chunk) => {
		output += chunk;
	});
	await until(() => existsSync(file) || parent.exitCode !== null);
	parent.kill("SIGTERM");
	await until(() => readFileSync(file, "utf8") === "SIGTERM ");
	parent.kill("SIGINT");
	await once(parent, "close");
	t.equal(output, "child ended with 5\n");
	t.equal(parent.exitCode, 0);
});

t.test("the child has the standard streams of this process", async (t) => {
	const module = new URL("../../../src/child/process.js", import.meta.url).href;
	const script = `import(${JSON.stringify(module)}).then(({ runChild }) => runChild("cat", [], { PATH: process.env.PATH }))`;
	const running = promisify(execFile)(node, ["-e", script]);
	running.child.stdin?.end("unchanged");
	t.equal((await running).stdout, "unchanged");
});

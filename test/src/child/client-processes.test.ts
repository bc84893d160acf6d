// Detects clients that are started again.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { ClientProcesses } from "../../../src/child/client-processes.ts";

function processesOf(t: Test): { clients: ClientProcesses; announce: (pid: number) => void } {
	const clients = new ClientProcesses();
	t.teardown(() => clients.close());
	let count = 0;
	const announce = (pid: number) => writeFileSync(join(clients.folder, `${pid}-${count++}`), "");
	return { clients, announce };
}

/** Starts a process that runs until `end` is called. */
function startProcess(): { pid: number; end: () => Promise<void> } {
	const child = spawn(process.execPath, ["-e", "process.stdin.resume()"], { stdio: ["pipe", "ignore", "ignore"] });
	const end = async () => {
		const ended = once(child, "exit");
		child.stdin.end();
		await ended;
	};
	return { pid: child.pid ?? 0, end };
}

t.test("the first connection of a process, after all others have ended", async (t) => {
	const { clients, announce } = processesOf(t);
	const first = startProcess();
	announce(first.pid);
	t.equal(clients.hasRestarted(), false, "the first one is not a restart");
	t.equal(clients.hasRestarted(), false);
	const second = startProcess();
	announce(second.pid);
	t.equal(clients.hasRestarted(), false, "the first process runs");
	await first.end();
	announce(process.pid);
	t.equal(clients.hasRestarted(), false, "the second process runs");
	await second.end();
	t.equal(clients.hasRestarted(), false, "this process has connected before");
	t.same(readdirSync(clients.folder), []);
	clients.close();
	t.notOk(existsSync(clients.folder));
});

t.test("two restarts", async (t) => {
	const { clients, announce } = processesOf(t);
	for (const expected of [false, true, true]) {
		const client = startProcess();
		announce(client.pid);
		t.equal(clients.hasRestarted(), expected);
		t.equal(clients.hasRestarted(), false);
		await client.end();
	}
});

t.test("no restart is detected once other programs have connected, because their end is unknown", async (t) => {
	const { clients, announce } = processesOf(t);
	t.equal(clients.hasRestarted(), false);
	for (let run = 0; run < 2; run++) {
		const client = startProcess();
		announce(client.pid);
		t.equal(clients.hasRestarted(), false);
		await client.end();
	}
});

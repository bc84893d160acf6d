// A killed recording process loses at most the flows of the last second, in each format.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { Cli } from "../../fixtures/cli.ts";
import { answering, ok, startOrigin } from "../../fixtures/origin-server.ts";
import { Peer } from "../../fixtures/peer.ts";
import { openTape } from "../../formats/index.ts";
import { FlowtapeError } from "../../src/errors.ts";

const PORT = /listening on http:\/\/127\.0\.0\.1:(\d+)/;

async function start(cli: Cli): Promise<number> {
	return Number(PORT.exec(await cli.line(PORT))?.[1]);
}

async function send(port: number, authority: string, count: number): Promise<void> {
	for (let i = 0; i < count; i++) {
		const client = await Peer.to(port);
		await client
			.send(`GET http://${authority}/${i} HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`)
			.rest();
	}
}

/** The number of flows in a file whose end may be missing. */
async function countOf(file: string): Promise<number> {
	let count = 0;
	try {
		for await (const flows of await openTape(file, { report() {} })) count += flows.length;
	} catch (error) {
		if (!(error instanceof FlowtapeError)) throw error;
	}
	return count;
}

/** As `countOf`, once there are that many, or after a timeout. */
async function flowsIn(file: string, count: number): Promise<number> {
	let found = 0;
	for (let tries = 0; tries < 100; tries++) {
		found = await countOf(file);
		if (found >= count) break;
		await sleep(100);
	}
	return found;
}

t.test("answered flows are in the file during the recording and after a kill", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("x")),
	);
	for (const name of ["a.jsonl", "a.mitm", "a.har", "a.jsonl.gz", "a.mitm.gz", "a.zhar", "a.tape"]) {
		const cwd = t.testdir();
		const cli = new Cli(["record", "-p", "0", name], { cwd });
		const port = await start(cli);
		await send(port, origin.authority, 5);
		t.equal(await flowsIn(join(cwd, name), 5), 5, name);
		cli.process.kill("SIGKILL");
		await cli.ended;
		t.equal(await countOf(join(cwd, name)), 5, `${name} after a kill`);
	}
});

t.test("a slow series of requests does not delay writing", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("x")),
	);
	const cwd = t.testdir();
	const cli = new Cli(["record", "-p", "0", "a.mitm"], { cwd });
	const port = await start(cli);
	let isDone = false;
	const trickle = (async () => {
		while (!isDone) {
			await send(port, origin.authority, 1);
			await sleep(25);
		}
	})();
	t.ok((await flowsIn(join(cwd, "a.mitm"), 3)) >= 3);
	isDone = true;
	await trickle;
	cli.process.kill("SIGKILL");
	await cli.ended;
});

t.test("a stream", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("x")),
	);
	const cli = new Cli(["record", "-p", "0", "-", "--format", "jsonl"], { cwd: t.testdir() });
	await send(await start(cli), origin.authority, 1);
	t.match(await cli.line(/^\{"id"/), /"path":"\/0"/);
	cli.process.kill("SIGKILL");
	await cli.ended;
});

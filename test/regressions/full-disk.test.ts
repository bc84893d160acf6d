// A disk that is full during a recording: temporarily, which costs no flow, or permanently, which costs only later
// flows.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t, { type Test } from "tap";
import { Cli, flowtape } from "../../fixtures/cli.ts";
import { limitFileSize, noFileSizeLimit as skip } from "../../fixtures/file-size-limit.ts";
import { answering, ok, startOrigin } from "../../fixtures/origin-server.ts";
import { Peer } from "../../fixtures/peer.ts";
import { readTape } from "../../fixtures/tape-files.ts";

/** Maximum size of a file in bytes: a write beyond it is incomplete. */
const ROOM = 20_000;
/** A flow with its body needs more than this. */
const BODY = "x".repeat(3000);
/** The entry of a HAR with this is written in pieces. */
const LONG = "y".repeat(300_000);

async function recording(t: Test, name: string) {
	const cwd = t.testdir();
	const origin = await startOrigin(
		t,
		answering((head) => ok(/ \S*\/long\d/.test(head) ? LONG : BODY)),
	);
	// the file is not empty
	t.equal(
		(
			await flowtape(["convert", "-", name], {
				cwd,
				input: '{"id":"before","request":{"method":"GET","url":"http://a/before"}}\n',
			})
		).status,
		0,
	);
	const cli = new Cli(["record", "-p", "0", name], { cwd, bare: true });
	const port = await cli.port();
	const send = async (...paths: string[]) => {
		for (const path of paths) {
			const client = await Peer.to(port);
			await client
				.send(
					`GET http://${origin.authority}/${path} HTTP/1.1\r\nHost: ${origin.authority}\r\nConnection: close\r\n\r\n`,
				)
				.rest();
		}
	};
	const limit = (soft: number | "unlimited") => t.ok(limitFileSize(soft, cli.process.pid));
	return { file: join(cwd, name), cli, send, limit };
}

/** The paths of a tape; null if it cannot be read completely. */
async function pathsIn(file: string): Promise<string[] | null> {
	const { flows, reported } = await readTape(file);
	return reported.length > 0 ? null : flows.flatMap((flow) => (flow.type === "http" ? flow.request.path.slice(1) : []));
}

/** As `pathsIn`, once there are that many: a failed write may be visible before it is undone. */
async function pathsFrom(file: string, count: number): Promise<string[]> {
	for (;;) {
		const paths = await pathsIn(file);
		if (paths !== null && paths.length >= count) return paths;
		await sleep(50);
	}
}

const FIRST = ["1", "2", "3", "4", "5", "6", "long7", "8"];
const THEN = ["9", "long10", "11"];

for (const name of ["a.jsonl", "a.mitm", "a.har"]) {
	t.test(`${name}: for a time`, { skip }, async (t) => {
		const { file, cli, send, limit } = await recording(t, name);
		limit(ROOM);
		await send(...FIRST);
		await cli.line(/the disk is full or the file too large; .*flows are queued in memory and written later/);
		await send(...THEN);
		// the end of a HAR is not written yet
		if (name !== "a.har") t.equal((await pathsFrom(file, 1))[0], "before", "complete records in the meantime");
		limit("unlimited");
		const { err, status } = await stopped(cli);
		t.equal(status, 0, err);
		t.equal(err.match(/queued in memory/g)?.length, 1, err);
		t.match(err, `recorded ${FIRST.length + THEN.length} flows`);
		t.notMatch(err, "lost");
		t.same(await pathsIn(file), ["before", ...FIRST, ...THEN]);
	});

	t.test(
		`${name}: flows are written later, even without further flows or the end of the recording`,
		{ skip: skip || (name === "a.har" && "it has no end before its end") },
		async (t) => {
			const { file, cli, send, limit } = await recording(t, name);
			limit(ROOM);
			await send(...FIRST);
			await cli.line(/queued in memory/);
			limit("unlimited");
			await pathsFrom(file, FIRST.length + 1);
			cli.process.kill("SIGKILL");
			await cli.ended;
			t.same(await pathsIn(file), ["before", ...FIRST]);
		},
	);

	t.test(`${name}: permanently`, { skip }, async (t) => {
		const { file, cli, send, limit } = await recording(t, name);
		limit(ROOM);
		await send(...FIRST);
		await cli.line(/queued in memory/);
		const { err, status } = await stopped(cli);
		t.equal(status, 4, err);
		const paths = await pathsIn(file);
		const kept = FIRST.slice(0, (paths?.length ?? 0) - 1);
		t.same(paths, ["before", ...kept]);
		t.match(err, `${FIRST.length - kept.length} flows could not be recorded and are lost`);
		t.match(err, `recorded ${kept.length} flow`);
	});
}

for (const name of ["a.jsonl.gz", "a.mitm.gz"]) {
	t.test(`${name}: for a time`, { skip }, async (t) => {
		const { file, cli, send, limit } = await recording(t, name);
		limit((await stat(file)).size + 100);
		await send(...FIRST);
		await cli.line(/queued in memory/);
		limit("unlimited");
		t.match(await stopped(cli), { status: 0 });
		t.same(await pathsIn(file), ["before", ...FIRST]);
	});
}

function stopped(cli: Cli) {
	cli.process.kill("SIGINT");
	return cli.ended;
}

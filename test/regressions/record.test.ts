// Losses and delays in recordings, as reported by users of recorders, one test per case.
import { once } from "node:events";
import { readdirSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { Cli } from "../../fixtures/cli.ts";
import { startTestLive } from "../../fixtures/live-proxy.ts";
import { answering, ask, ok, startOrigin } from "../../fixtures/origin-server.ts";
import { Peer } from "../../fixtures/peer.ts";
import { askThrough } from "../../fixtures/plain-site.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";
import type { HttpFlow } from "../../src/flow/flow.ts";

const http = async (tape: string) => (await readTape(tape)).flows as HttpFlow[];

t.test("an endless event stream is forwarded, and is on the tape when the recording is stopped", async (t) => {
	const tape = join(t.testdir(), "a.tape");
	const origin = await startOrigin(t, async (server) => {
		await server.head();
		server.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
	});
	const proxy = await startTestLive(t, { output: tape });
	const client = await Peer.to(proxy.port);
	await client.send(ask("GET", origin.authority, "/")).upTo("data: 1\n\n");
	await proxy.close();
	const [flow] = await http(tape);
	t.equal(flow?.response?.text, "data: 1\n\n");
	t.ok(flow?.error, "it is marked as incomplete");
});

t.test("a process that cannot open files when its first flow ends records all later flows", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("x")),
	);
	const get = (path: string) =>
		`GET http://${origin.authority}${path} HTTP/1.1\r\nHost: ${origin.authority}\r\nConnection: close\r\n\r\n`;
	for (const name of ["a.tape", "a.jsonl"]) {
		const cwd = t.testdir();
		const cli = new Cli(["record", "-p", "0", name], { cwd, openFiles: 120 });
		const port = await cli.port();
		const idle: Socket[] = [];
		for (let i = 0; i < 150; i++) {
			const socket = connect(port, "127.0.0.1");
			socket.on("error", () => {});
			await once(socket, "connect");
			idle.push(socket);
		}
		const first = idle[0] as Socket;
		first.write(get("/first"));
		await once(first, "data");
		await sleep(200);
		for (const socket of idle) socket.destroy();
		for (let i = 0; i < 10; i++) {
			let answer = "";
			// the sockets of earlier requests close at some time
			for (let tries = 0; tries < 100 && !answer.startsWith("HTTP/1.1 200 "); tries++)
				answer = await (await Peer.to(port)).send(get(`/${i}-${tries}`)).rest();
			t.match(answer, /^HTTP\/1.1 200 /);
		}
		cli.process.kill("SIGINT");
		t.equal((await cli.ended).status, 0, name);
		const flows = await http(join(cwd, name));
		t.equal(flows[0]?.request.path, "/first");
		const answered = flows
			.filter(({ response }) => response?.statusCode === 200)
			.map(({ request }) => request.path.replace(/-.*/, ""));
		for (let i = 0; i < 10; i++) t.ok(answered.includes(`/${i}`), `${name}: request ${i}`);
	}
});

t.test("no flow counts as recorded if the file was deleted meanwhile", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("x")),
	);
	for (const name of ["a.tape", "a.jsonl", "a.mitm", "a.har"]) {
		const cwd = t.testdir();
		const cli = new Cli(["record", "-p", "0", name], { cwd });
		const port = await cli.port();
		for (const path of ["/1", "/2"])
			t.match(await askThrough({ port }, `http://${origin.authority}${path}`), { body: "x" });
		rmSync(join(cwd, name));
		cli.process.kill("SIGINT");
		const { status, err } = await cli.ended;
		t.equal(status, 4, name);
		t.match(err, /the file was deleted/, name);
		t.match(err, "2 flows could not be recorded and are lost", name);
		t.match(err, /recorded 0 flows/, name);
	}
});

t.test("flows are appended to an existing tape; after a clean end it is one file", async (t) => {
	const folder = t.testdir();
	const tape = join(folder, "a.tape");
	await writeTape(tape, [httpFlow({ id: "kept" })]);
	const origin = await startOrigin(
		t,
		answering(() => ok("x")),
	);
	for (let i = 0; i < 2; i++) {
		const proxy = await startTestLive(t, { output: tape });
		await askThrough(proxy, `http://${origin.authority}/${i}`);
		await proxy.close();
	}
	t.same(
		(await http(tape)).map(({ request }) => request.path),
		["/", "/0", "/1"],
	);
	t.same(readdirSync(folder), ["a.tape"]);
});

t.test("a tape can be replayed from and recorded to at the same time", async (t) => {
	const tape = join(t.testdir(), "a.tape");
	await writeTape(tape, [httpFlow({ response: { headers: [], body: "recorded" } })]);
	const origin = await startOrigin(
		t,
		answering(() => ok("live")),
	);
	const proxy = await startTestLive(t, {
		output: tape,
		recordings: [tape],
		network: true,
		values: { server_replay_extra: "forward" },
	});
	t.equal((await askThrough(proxy, "http://example.com/")).body, "recorded");
	t.equal((await askThrough(proxy, `http://${origin.authority}/new`)).body, "live");
	await proxy.close();
	const flows = await http(tape);
	t.same(
		flows.map(({ request, isReplay }) => [request.path, isReplay]),
		[
			["/", null],
			["/", "response"],
			["/new", null],
		],
	);
});

t.test("two responses of one URL are two flows", async (t) => {
	const tape = join(t.testdir(), "a.tape");
	let count = 0;
	const origin = await startOrigin(
		t,
		answering(() => ok(String(++count))),
	);
	const proxy = await startTestLive(t, { output: tape });
	for (const body of ["first", "second"])
		await askThrough(proxy, `http://${origin.authority}/`, { method: "POST", body });
	await proxy.close();
	t.same(
		(await http(tape)).map(({ request, response }) => [request.text, response?.text]),
		[
			["first", "1"],
			["second", "2"],
		],
	);
});

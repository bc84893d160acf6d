// A tape that is inserted in this process: what is recorded and replayed, and what fails a test.
import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import t, { type Test } from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { type Echo, startOutsideServer } from "../../../fixtures/outside-server.ts";
import { readTape, writeTape } from "../../../fixtures/tape-files.ts";
import { type InsertContext, type TapeReport, TestTape } from "../../../integrations/test/inserted-tape.ts";
import type { TapeOptions } from "../../../integrations/test/options.ts";
import { TapeError } from "../../../integrations/test/tape-error.ts";

// the default record mode would be none
delete process.env.CI;

const json = async (url: string, init?: RequestInit) => (await (await fetch(url, init)).json()) as Echo;

/** Inserts the tape `a.tape` of the test's folder; it is ejected at the end of the test. */
async function insert(t: Test, options: TapeOptions = {}, context: Partial<InsertContext> = {}): Promise<TestTape> {
	const tape = await TestTape.insert({
		test: { file: join(t.testdirName, "users.test.ts"), name: "a user" },
		options: { tape: "a.tape", dir: ".", ...options },
		runner: null,
		frames: null,
		...context,
	});
	t.teardown(() => tape.eject().catch(() => {}));
	return tape;
}

/** Writes a tape with answers of api.example.test. */
async function recorded(t: Test, ...answers: readonly (readonly [path: string, body: string])[]): Promise<string> {
	const tape = join(t.testdir(), "a.tape");
	await writeTape(
		tape,
		answers.map(([path, body]) =>
			httpFlow({
				request: { host: "api.example.test", path, headers: [["Host", "api.example.test"]] },
				response: { headers: [["content-type", "text/plain"]], body },
			}),
		),
	);
	return tape;
}

t.test("records the first time, and replays when the server is gone", async (t) => {
	t.testdir();
	const server = await startOutsideServer(t);
	const run = async (): Promise<[number[], TestTape, TapeReport]> => {
		const tape = await insert(t);
		const first = await json(`${server.url}/a`);
		const second = await json(`${server.url}/a`);
		const posted = await json(`${server.url}/b`, { method: "POST", body: "x" });
		const viaHttp = await new Promise<Echo>((resolve, reject) =>
			get(`${server.url}/c`, async (response) => resolve(JSON.parse(await text(response)))).on("error", reject),
		);
		await tape.check();
		return [[first.n, second.n, posted.n, viaHttp.n], tape, await tape.eject()];
	};
	const [recordedNumbers, recording, recordingReport] = await run();
	t.same(recordedNumbers, [1, 2, 3, 4]);
	t.match(recording, { isRecording: true, recordedAt: null, path: join(t.testdirName, "a.tape") });
	t.match(recordingReport, { recorded: 4, served: 0, missed: 0, lost: 0 });
	server.stop();
	const [replayed, replaying, report] = await run();
	t.same(replayed, recordedNumbers);
	t.equal(replaying.isRecording, false);
	t.ok((replaying.recordedAt?.getTime() ?? 0) > Date.now() - 3_600_000);
	t.match(report, { recorded: 0, served: 4, missed: 0, unused: 0, own: 0, passed: 0, errors: [] });
	t.same([...report.egress], []);
	t.same(
		replaying.requests.map(({ method, status, answeredBy }) => [method, status, answeredBy]),
		[
			["GET", 200, "tape"],
			["GET", 200, "tape"],
			["POST", 200, "tape"],
			["GET", 200, "tape"],
		],
	);
});

t.test("a miss fails the test with its explanation, where the request was made", async (t) => {
	await recorded(t, ["/a?t=1", "a"]);
	const tape = await insert(t, { match: { ignoreParams: ["u"] } }, { runner: "vitest" });
	const response = await fetch("http://api.example.test/a?t=2");
	t.equal(response.status, 404);
	t.match(await response.text(), /match: \{ ignoreParams: \["t"\] \}/, "the answer has the explanation too");
	t.match(tape.requests, [{ url: "http://api.example.test/a?t=2", status: 404, answeredBy: null }]);
	const error = (await tape.check().then(
		() => null,
		(thrown: unknown) => thrown,
	)) as TapeError;
	t.type(error, TapeError);
	t.match(error, { code: "FT_MISS", misses: [{ method: "GET", url: "http://api.example.test/a?t=2" }] });
	t.match(
		error.message,
		/^a user: 1 request has no recording\n\nNo recording answers GET http:\/\/api\.example\.test\/a\?t=2\nNearest:\n1\. .*\n {3}query field "t": recorded "1", sent "2"\n {3}would answer with match: \{ ignoreParams: \["t"\] \}\n\ntape: .*a\.tape\nrecord what is missing: FLOWTAPE_RECORD_MODE=new-episodes npx vitest run .*users\.test\.ts$/,
	);
	t.match(error.stack?.split("\n").at(-1), /inserted-tape\.test\./, "the stack is that of the request");
	await tape.check();
	t.pass("a miss is reported once");
});

t.test("without a tape and without recording, every request is a miss", async (t) => {
	t.testdir();
	const tape = await insert(t, { mode: "none" });
	t.equal((await fetch("https://api.example.test/")).status, 404);
	await t.rejects(tape.check(), {
		code: "FT_MISS",
		message: /there is no such file\)\nrecord it: FLOWTAPE_RECORD_MODE=once/,
	});
	await tape.eject();
	t.notOk(existsSync(join(t.testdirName, "a.tape")));
});

t.test("answers to misses", async (t) => {
	await recorded(t);
	for (const miss of [500, 502] as const) {
		const tape = await insert(t, { miss });
		t.equal((await fetch("http://api.example.test/")).status, miss);
		await tape.eject();
	}
	const tape = await insert(t, { miss: "error" });
	await t.rejects(fetch("http://api.example.test/"), TypeError);
	t.equal(tape.misses.length, 1);
	await tape.eject();
});

t.test("values are the same in every run", async (t) => {
	t.testdir();
	const tape = await insert(t, { mode: "once" });
	const made = tape.value("id", () => ({ id: Math.random() }));
	t.same(
		tape.value("id", () => ({ id: -1 })),
		made,
		"made once",
	);
	t.throws(() => tape.value("bad", () => undefined as unknown as null), TypeError);
	await tape.eject();
	const again = await insert(t, { mode: "none" });
	t.same(
		again.value("id", () => ({ id: -1 })),
		made,
	);
	t.throws(() => again.value("other", () => 1), { code: "FT_MISS", message: /the tape has no value "other"/ });
	await again.eject();
	const more = await insert(t, { mode: "new-episodes" });
	t.same(
		more.value("id", () => ({ id: -1 })),
		made,
	);
	t.equal(
		more.value("other", () => 1),
		1,
	);
	await more.eject();
	const last = await insert(t, { mode: "none" });
	t.same([last.value("id", () => null), last.value("other", () => null)], [made, 1]);
	await last.eject();
});

t.test("failed requests are recorded only if they are asked for", async (t) => {
	t.testdir();
	const server = await startOutsideServer(t);
	const warnings: string[] = [];
	const onWarning = ({ message }: Error) => warnings.push(message);
	process.on("warning", onWarning);
	t.teardown(() => process.off("warning", onWarning));
	for (const recordFailures of [false, true]) {
		const tape = await insert(t, { recordFailures });
		t.equal((await fetch(`${server.url}/?status=503`)).status, 503);
		t.equal((await tape.eject()).recorded, recordFailures ? 1 : 0);
		t.equal(existsSync(join(t.testdirName, "a.tape")), recordFailures);
	}
	t.match(warnings.join("\n"), /failed requests are not recorded to .*a\.tape; the option recordFailures keeps them/);
});

t.test("recordings of a failed test are not kept", async (t) => {
	t.testdir();
	const server = await startOutsideServer(t);
	const tape = await insert(t);
	await json(server.url);
	t.equal((await tape.end({ keeps: false, isWhole: true })).recorded, 0);
	t.notOk(existsSync(join(t.testdirName, "a.tape")));
});

t.test("connections to servers and unused recordings fail a test that asks for it", async (t) => {
	await recorded(t, ["/a", "a"], ["/b", "b"]);
	const tape = await insert(t, { failOn: ["unused"] });
	t.equal(await (await fetch("http://api.example.test/a")).text(), "a");
	await tape.check();
	await t.rejects(tape.eject(), {
		code: "FT_UNUSED",
		message: /1 recording was never used\n {2}GET http:\/\/api\.example\.test\/b\n/,
	});
	const partly = await insert(t, { failOn: ["unused"] });
	t.equal((await partly.end({ keeps: true, isWhole: false })).unused, 2, "not all tests of the file ran");
});

t.test("hosts and filters that pass to the network are not recorded", async (t) => {
	t.testdir();
	const server = await startOutsideServer(t);
	const other = await startOutsideServer(t);
	const { host } = new URL(other.url);
	const run = async (mode: "once" | "none", options: TapeOptions) => {
		const tape = await insert(t, { mode, ...options });
		const numbers = [(await json(`${server.url}/a`)).n, (await json(`${other.url}/metrics`)).n];
		await tape.check();
		const { recorded, served, missed } = await tape.eject();
		return { numbers, recorded, served, missed };
	};
	t.same(await run("once", { passthrough: [host] }), { numbers: [1, 1], recorded: 1, served: 0, missed: 0 });
	t.same(await run("none", { passthrough: [host] }), { numbers: [1, 2], recorded: 0, served: 1, missed: 0 });
	t.same(await run("none", { passthrough: ["~u /metrics$"] }), { numbers: [1, 3], recorded: 0, served: 1, missed: 0 });
	t.same(await run("none", { only: "~u /a$", failOn: ["miss", "egress"] }), {
		numbers: [1, 4],
		recorded: 0,
		served: 1,
		missed: 0,
	});
	t.equal((await readTape(join(t.testdirName, "a.tape"))).flows.length, 1);
});

t.test("respond answers before the tape", async (t) => {
	t.testdir();
	const server = await startOutsideServer(t);
	const asked: string[] = [];
	const tape = await insert(t, {
		respond: async (request) => {
			asked.push(
				`${request.method} ${new URL(request.url).pathname} ${request.headers.get("x-a")} ${await request.text()}`,
			);
			if (request.url.endsWith("/fails")) throw new Error("no");
			return request.url.endsWith("/mine")
				? Response.json({ n: 99 }, { status: 201, headers: { "x-b": "b" } })
				: undefined;
		},
	});
	const mine = await fetch(`${server.url}/mine`, { method: "PUT", headers: { "x-a": "a" }, body: "body" });
	t.match([mine.status, mine.headers.get("x-b"), await mine.json()], [201, "b", { n: 99 }]);
	t.equal((await json(`${server.url}/other`)).n, 1);
	await fetch(`${server.url}/fails`).catch(() => {});
	t.same(asked, ["PUT /mine a body", "GET /other null ", "GET /fails null "]);
	t.match(tape.requests.map(({ answeredBy }) => answeredBy).slice(0, 2), ["respond", "server"]);
	await t.rejects(tape.check(), { message: /respond failed: no/ });
	t.equal((await tape.eject()).recorded, 1, "only what the server answered");
});

t.test("the order of equal requests begins anew", async (t) => {
	await recorded(t, ["/a", "1"], ["/a", "2"]);
	const tape = await insert(t);
	const next = async () => (await fetch("http://api.example.test/a")).text();
	t.same([await next(), await next(), await next()], ["1", "2", "2"]);
	tape.rewind();
	t.same([await next(), await next()], ["1", "2"]);
	await tape.eject();
});

t.test("each test gets its own recordings, in any order, and again if it is retried", async (t) => {
	t.testdir();
	const server = await startOutsideServer(t);
	const ask = async () => (await json(`${server.url}/a`)).n;
	const recording = await insert(t);
	await recording.begin("first", false);
	t.same([await ask(), await ask()], [1, 2]);
	await recording.begin("first", true);
	t.same([await ask(), await ask()], [3, 4], "the first attempt failed");
	await recording.begin("second", false);
	t.equal(await ask(), 5);
	t.equal((await recording.eject()).recorded, 3, "without the attempt that failed");
	server.stop();
	const replaying = await insert(t, { mode: "none", failOn: ["unused"] });
	await replaying.begin("second", false);
	t.equal(await ask(), 5);
	await replaying.begin("first", false);
	t.equal(await ask(), 3);
	await replaying.begin("first", true);
	t.same([await ask(), await ask()], [3, 4]);
	await replaying.beginShared();
	await replaying.eject();
	const partly = await insert(t, { mode: "none", failOn: ["unused"] });
	await partly.begin("first", false);
	t.equal(await ask(), 3);
	await t.rejects(
		partly.end({ keeps: true, isWhole: false }),
		{
			message: /: 1 recording was never used/,
		},
		"recordings of tests that did not run are not unused",
	);
});

t.test("child processes reach the tape by its environment", async (t) => {
	await recorded(t, ["/a", "from the tape"]);
	const program = 'fetch("http://api.example.test/a").then((r) => r.text()).then(console.log)';
	const tape = await insert(t, { children: true });
	const { stdout } = await promisify(execFile)(process.execPath, ["-e", program], { env: tape.env() });
	t.equal(stdout, "from the tape\n");
	t.match(process.env.HTTP_PROXY, /^http:\/\/127\.0\.0\.1:\d+/, "children: true sets the variables here");
	await tape.eject();
	t.notMatch(process.env.HTTP_PROXY ?? "", /127\.0\.0\.1/);
});

t.test("clients that use the proxy variables reach the tape with children: true", async (t) => {
	await recorded(t, ["/a", "from the tape"]);
	const tape = await insert(t, { children: true });
	const { hostname, port } = new URL(process.env.HTTP_PROXY ?? "");
	const request = get({ hostname, port, path: "http://api.example.test/a", headers: { host: "api.example.test" } });
	const [response] = await once(request, "response");
	t.equal(await text(response), "from the tape");
	await tape.check();
	await tape.eject();
});

t.test("secrets are replaced, and the tape answers requests with others", async (t) => {
	t.testdir();
	const server = await startOutsideServer(t);
	const ask = async (key: string) =>
		(await json(`${server.url}/a?api_key=${key}`, { headers: { "x-mine": key, authorization: `Bearer ${key}` } })).n;
	process.env.FLOWTAPE_REDACT_KEY = "for this test";
	t.teardown(() => delete process.env.FLOWTAPE_REDACT_KEY);
	const recording = await insert(t, { redact: ["header:x-mine"] });
	t.equal(await ask("secret-of-the-first-run"), 1);
	await recording.eject();
	const [flow] = (await readTape(recording.path)).flows;
	t.notMatch(JSON.stringify(flow?.type === "http" && [flow.request.headers, flow.request.path]), /secret-of/);
	server.stop();
	const replaying = await insert(t, { mode: "none" });
	t.equal(await ask("secret-of-the-second-run"), 1);
	await replaying.check();
	await replaying.eject();
	await t.rejects(insert(t, { redact: ["odd" as "pii"] }), { message: /^redact: expected header:/ });
});

t.test("a function replaces secrets, also in requests of a replay", async (t) => {
	t.testdir();
	const server = await startOutsideServer(t);
	const options: TapeOptions = {
		redact: ({ request, response }) => {
			request.url = request.url.replace(/key=\w+/, "key=KEY");
			if (response !== null) response.text = response.text?.replace(/key=\w+/g, "key=KEY") ?? null;
		},
	};
	const recording = await insert(t, options);
	t.match(
		await json(`${server.url}/a?key=first`),
		{ n: 1, url: "/a?key=first" },
		"the client gets what the server sent",
	);
	await recording.eject();
	const [flow] = (await readTape(recording.path)).flows;
	t.match(flow, { request: { path: "/a?key=KEY" }, response: { text: /"url":"\/a\?key=KEY"/ } });
	server.stop();
	const warnings: string[] = [];
	const onWarning = ({ message }: Error) => void warnings.push(message);
	process.on("warning", onWarning);
	t.teardown(() => process.off("warning", onWarning));
	const replaying = await insert(t, { ...options, mode: "none" });
	t.match(await json(`${server.url}/a?key=second`), { n: 1, url: "/a?key=KEY" });
	await replaying.check();
	await replaying.eject();
	t.same(warnings, []);
	for (const redact of [() => {}, undefined]) await (await insert(t, { redact, mode: "none" })).eject();
	await new Promise(setImmediate);
	t.match(warnings, [
		/^the function of the option redact has changed since .*a\.tape/,
		/a\.tape was recorded with a function/,
	]);
});

t.test("a function is not waited for while the thread of the test is blocked", async (t) => {
	await recorded(t, ["/a", "a"]);
	const tape = await insert(t, { respond: () => undefined });
	const program = "fetch('http://api.example.test/a').then(({ status }) => console.log(status))";
	t.match(execFileSync(process.execPath, ["-e", program], { env: tape.env(), encoding: "utf8" }), /^5\d\d\n$/);
	await t.rejects(tape.check(), {
		message: /respond failed: the thread of the test is blocked, .* Use execFile or spawn/s,
	});
	await tape.eject();
});

t.test("one tape at a time", async (t) => {
	t.testdir();
	const tape = await insert(t, { mode: "none" });
	await t.rejects(insert(t, { mode: "none" }), { message: /the tape of "a user" is still inserted/ });
	await tape.eject();
	await (await insert(t, { mode: "none" })).eject();
});

t.test("options that are wrong leave nothing behind", async (t) => {
	t.testdir();
	for (const [options, message] of [
		[{ match: { ignoreJsn: ["/a"] } }, /match: "ignoreJsn" is not an option\. Did you mean "ignoreJson"/],
		[{ mode: "often" }, /mode: /],
		[{ only: "~nothing" }, /~nothing/],
		[{ passthrough: ["~u ("] }, /\(/],
	] as const)
		await t.rejects(insert(t, options as unknown as TapeOptions), { message });
	process.env.FLOWTAPE_RECORD_MODE = "often";
	await t.rejects(insert(t), { message: /^FLOWTAPE_RECORD_MODE: / });
	process.env.FLOWTAPE_RECORD_MODE = "none";
	const replaying = await insert(t, { mode: "all" });
	t.equal(replaying.isRecording, false, "the variable wins");
	await replaying.eject();
	process.env.FLOWTAPE_RECORD_MODE = "";
	t.equal((await insert(t, { mode: "all" })).isRecording, true, "an empty variable is ignored");
	delete process.env.FLOWTAPE_RECORD_MODE;
});

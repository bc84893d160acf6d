// `useTape` in files of node:test: recorded, replayed without the server, and failing tests.
import { type ExecFileException, execFile } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { cliEnvironment } from "../../../fixtures/cli.ts";
import { startOutsideServer } from "../../../fixtures/outside-server.ts";

const adapter = new URL("../../../integrations/test/node.js", import.meta.url).href;

/** A test file; `body` has its tests. */
const fileWith = (body: string, options = "{}") => `
import assert from "node:assert";
import { afterEach, describe, test } from "node:test";
import { useTape } from ${JSON.stringify(adapter)};
const tape = useTape(${options});
const n = async (path) => (await (await fetch(process.env.API + path)).json()).n;
${body}`;

/** Runs a test file of the test's folder; resolves to its status and output. */
function run(
	t: Test,
	text: string,
	env: NodeJS.ProcessEnv = {},
	...flags: string[]
): Promise<{ status: number; out: string }> {
	const file = join(t.testdirName, "users.test.mjs");
	writeFileSync(file, text);
	return new Promise((resolve) => {
		execFile(
			process.execPath,
			["--test", "--test-reporter=spec", ...flags, file],
			{ env: cliEnvironment(t.testdirName, env), cwd: t.testdirName },
			(error: ExecFileException | null, stdout, stderr) =>
				resolve({ status: Number(error?.code ?? 0), out: stdout + stderr }),
		);
	});
}

t.test("records, then replays when the server is gone", async (t) => {
	t.testdir();
	const server = await startOutsideServer(t);
	const text = fileWith(`
test("first", async () => assert.deepEqual([await n("/a"), await n("/a")], [1, 2]));
describe("a suite", () => test("second", async () => assert.equal(await n("/a"), 3)));`);
	const env = { API: server.url };
	const recorded = await run(t, text, env);
	t.match(recorded, { status: 0 }, recorded.out);
	t.same(readdirSync(join(t.testdirName, "__tapes__")), ["users.tape"]);
	server.stop();
	const replayed = await run(t, text, { ...env, CI: "1" });
	t.match(replayed, { status: 0 }, replayed.out);
	const alone = await run(t, text, { ...env, CI: "1" }, "--test-name-pattern=second");
	t.match(alone, { status: 0 }, alone.out);
});

t.test("a miss fails its test alone, even if the code ignores it", async (t) => {
	t.testdir();
	const text = fileWith(`
test("asks", async () => { await fetch("http://api.example.test/a"); });
test("does not", () => {});`);
	const { status, out } = await run(t, text, { CI: "1" });
	t.equal(status, 1, out);
	t.match(out, /✖ asks/);
	t.match(out, /✔ does not/);
	t.match(
		out,
		/asks: 1 request has no recording[\s\S]*record it: FLOWTAPE_RECORD_MODE=once node --test users\.test\.mjs/,
	);
	t.match(out, /users\.test\.mjs:8:\d+/, "the stack points to the request");
});

t.test("after a failed test, the miss is the cause of its error", async (t) => {
	t.testdir();
	const text = fileWith(`
test("asks", async () => assert.equal((await fetch("http://api.example.test/a")).status, 200));`);
	const { status, out } = await run(t, text, { CI: "1" });
	t.equal(status, 1, out);
	t.match(out, /404 !?==? 200[\s\S]*asks: 1 request has no recording/);
});

t.test("what a failed test recorded is not kept", async (t) => {
	t.testdir();
	const server = await startOutsideServer(t);
	const text = fileWith(`
test("passes", async () => { await n("/a"); });
test("fails", async () => assert.equal(await n("/b"), 99));`);
	t.equal((await run(t, text, { API: server.url })).status, 1);
	t.notOk(existsSync(join(t.testdirName, "__tapes__/users.tape")));
	const perTest = text.replace("useTape({})", 'useTape({ tape: "per-test" })');
	t.equal((await run(t, perTest, { API: server.url })).status, 1);
	t.same(readdirSync(join(t.testdirName, "__tapes__/users")), ["passes.tape"]);
});

t.test("the clock shows the time of the recording", async (t) => {
	t.testdir();
	const server = await startOutsideServer(t);
	const text = fileWith(
		`test("now", async () => { await n("/a"); console.log("year", new Date().getTime() - tape.current.recordedAt?.getTime()); });`,
		"{ freezeTime: true }",
	);
	t.match((await run(t, text, { API: server.url })).out, /year NaN/);
	server.stop();
	t.match((await run(t, text, { API: server.url })).out, /year 0/);
});

t.test("tests of the same name cannot have a tape each", async (t) => {
	t.testdir();
	const text = fileWith(`test("twice", () => {}); test("twice", () => {});`, '{ tape: "per-test" }');
	const { status, out } = await run(t, text, { CI: "1" });
	t.equal(status, 1, out);
	t.match(out, /two tests are named "twice"/);
});

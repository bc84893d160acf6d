// `flowtape replay-server` answers from tapes. By default it makes no connections.
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { command } from "../../commands/replay-server.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { getThrough, startSite } from "../../fixtures/plain-site.ts";
import { runCaptured, startCaptured } from "../../fixtures/run-captured.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";

const env = { FLOWTAPE_HOME: join(t.testdir(), "home") };
const recorded = (path: string, body: string) =>
	httpFlow({
		request: { host: "site.invalid", path, headers: [["Host", "site.invalid"]] },
		response: { headers: [], body },
	});

t.test("recordings in order, then misses with explanations", async (t) => {
	const folder = t.testdir();
	const [one, two] = [join(folder, "one.tape"), join(folder, "two.jsonl")];
	await writeTape(one, [recorded("/", "first"), recorded("/", "second")]);
	await writeTape(two, [recorded("/", "third"), recorded("/other", "never")]);
	const { port, stop } = await startCaptured(command, [one, "-S", two], { env });
	for (const body of ["first", "second", "third"])
		t.match(await getThrough(port, "http://site.invalid/"), { status: 200, body });
	const miss = await getThrough(port, "http://site.invalid/");
	t.match(miss, { status: 404, headers: { "x-flowtape-miss": /./ } });
	const { status, err } = await stop();
	t.equal(status, 0);
	t.ok(err.includes(miss.body.trimEnd()), "the same explanation on stderr");
	t.match(err, /\nserved 3, missed 1, unused 1, egress 0\n$/);
});

t.test("options without their prefix; -o records answered requests", async (t) => {
	const folder = t.testdir();
	const tape = join(folder, "one.tape");
	await writeTape(tape, [recorded("/", "first")]);
	const { port, stop } = await startCaptured(
		command,
		[tape, "--reuse", "--extra", "204", "-o", join(folder, "out.jsonl")],
		{ env },
	);
	for (const url of ["http://site.invalid/", "http://site.invalid/"])
		t.match(await getThrough(port, url), { body: "first" });
	t.match(await getThrough(port, "http://other.invalid/"), { status: 204 });
	await stop();
	t.match((await readTape(join(folder, "out.jsonl"))).flows, [
		{ isReplay: "response" },
		{ isReplay: "response" },
		{ response: { statusCode: 204 } },
	]);
});

t.test("on a terminal, a line for each response, including cached ones; misses are marked", async (t) => {
	const tape = join(t.testdir(), "one.tape");
	await writeTape(tape, [recorded("/", "first")]);
	const { port, stop } = await startCaptured(command, [tape, "--reuse"], {
		env: { ...env, NO_COLOR: "1" },
		isTTY: true,
	});
	for (let i = 0; i < 3; i++) t.match(await getThrough(port, "http://site.invalid/"), { body: "first" });
	await getThrough(port, "http://site.invalid/other");
	const { err } = await stop();
	const lines = err.split("\n").filter((line) => / GET /.test(line) && /^\d\d:\d\d:\d\d\.\d{3} /.test(line));
	t.equal(lines.length, 4, err);
	for (const line of lines.slice(0, 3)) t.match(line, /^\S+ ↻ GET http:\/\/site.invalid\/ 200 5b \d+ms$/);
	t.match(lines[3], /^\S+ ↻ GET http:\/\/site.invalid\/other 404 text\/plain \S+ \d+ms missed$/);
	t.match(err, /\nserved 3, missed 1, unused 0, egress 0\n$/);
});

t.test("-f answers only from matching recordings", async (t) => {
	const tape = join(t.testdir(), "one.tape");
	await writeTape(tape, [recorded("/", "first"), recorded("/", "second"), recorded("/other", "other")]);
	const { port, stop } = await startCaptured(command, [tape, "-f", "~bs second"], { env });
	t.match(await getThrough(port, "http://site.invalid/"), { status: 200, body: "second" });
	t.match(await getThrough(port, "http://site.invalid/other"), { status: 404 });
	t.match((await stop()).err, /\nserved 1, missed 1, unused 0, egress 0\n$/);
	t.match(await runCaptured(command, [tape, "--filter", "~nope"], { env }), {
		status: 2,
		err: /--server-replay-filter|--filter/,
	});
});

t.test("--extra forward forwards requests without a recording", async (t) => {
	const site = await startSite(t);
	const tape = join(t.testdir(), "one.tape");
	await writeTape(tape, [recorded("/", "first")]);
	const { port, stop } = await startCaptured(command, [tape, "--extra", "forward"], { env });
	t.match(await getThrough(port, `${site.url}/live`), { body: "GET /live" });
	t.match(await getThrough(port, "http://site.invalid/"), { body: "first" });
	await stop();
});

t.test("intact recordings of a damaged tape answer; the address comes first, and the status is 3", async (t) => {
	const folder = t.testdir();
	const tape = join(folder, "one.jsonl");
	await writeTape(tape, [recorded("/", "first")]);
	appendFileSync(tape, '{"id": 1}\n');
	const { port, stop } = await startCaptured(command, [tape, "--json"], { env });
	t.match(await getThrough(port, "http://site.invalid/"), { body: "first" });
	const { status, out, err } = await stop();
	t.equal(status, 3);
	t.match(out, /^\{"event":"listening","host":"127.0.0.1","port":\d+\}\n/);
	t.match(err, /one.jsonl: line 2/);
});

t.test("usage errors", async (t) => {
	const tape = join(t.testdir(), "one.tape");
	await writeTape(tape, [recorded("/", "first")]);
	for (const [argv, status, says] of [
		[[], 2, /expected at least one tape to answer from/],
		[[tape, "--format", "jsonl"], 2, /--format needs a tape to record to/],
		[[tape, "--extra", "200"], 2, /--extra: expected one of forward, kill, .*found "200"/],
		[[`${tape}x`], 4, /one.tapex: no such file/],
	] as const) {
		const result = await runCaptured(command, argv, { env, signal: AbortSignal.abort(0) });
		t.equal(result.status, status);
		t.match(result.err, says);
	}
});

t.test("with --redact, misses and reports tell no secret, and neither does the tape that it records", async (t) => {
	const folder = t.testdir();
	const [tape, out, junit, report] = ["a.tape", "out.tape", "junit.xml", "report.jsonl"].map((name) =>
		join(folder, name),
	) as [string, string, string, string];
	await writeTape(tape, [recorded("/a?api_key=recorded-key-1", "first"), recorded("/b?api_key=recorded-key-2", "")]);
	const { port, stop } = await startCaptured(
		command,
		[tape, "--redact", "-o", out, "--junit", junit, "--report", report, "-v"],
		{ env: { ...env, GITHUB_ACTIONS: "true" } },
	);
	t.match(await getThrough(port, "http://site.invalid/a?api_key=live-key-1"), { status: 200, body: "first" });
	const miss = await getThrough(port, "http://site.invalid/a?api_key=live-key-1&page=2");
	t.equal(miss.status, 404);
	const { err } = await stop();
	t.match(err, "::warning");
	const texts = [err, miss.body, ...[out, junit, report].map((path) => readFileSync(path).toString("latin1"))];
	for (const [n, text] of texts.entries()) t.notMatch(text, /(?:live|recorded)-key/, `text ${n}`);
	t.equal((await readTape(out)).flows.length, 2);
});

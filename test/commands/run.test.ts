// `flowtape run`: recorded the first time, offline from then on, and never half.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { command } from "../../commands/run.ts";
import { startSite } from "../../fixtures/plain-site.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { readTape } from "../../fixtures/tape-files.ts";

const env = { PATH: process.env.PATH, FLOWTAPE_HOME: join(t.testdir(), "home") };

/** A program that asks for URLs through its proxy, prints the bodies, and ends with a status. */
const asking = (urls: readonly string[], status = 0) => [
	...["-p", "0", "--", process.execPath, "-e"],
	`const { get } = require("node:http");
	const proxy = new URL(process.env.HTTP_PROXY);
	const ask = (url) => new Promise((done, fail) => get({ agent: false, host: proxy.hostname, port: proxy.port, path: url, headers: { host: new URL(url).host } }, (answer) => answer.resume().on("end", done)).on("error", fail));
	(async () => { for (const url of ${JSON.stringify(urls)}) await ask(url); process.exit(${status}); })();`,
];
const paths = async (tape: string) => (await readTape(tape)).flows.map((flow) => (flow.type === "http" ? flow.request.path : flow.type));

t.test("recorded, then replayed with the site gone", async (t) => {
	const site = await startSite(t);
	const tape = join(t.testdir(), "made", "session.tape");
	const urls = [`${site.url}/a`, `${site.url}/b`];
	t.match(await runCaptured(command, [tape, ...asking(urls)], { env }), { status: 0, err: /recorded 2 flows to .*session\.tape\n$/ });
	await site.close();
	t.match(await runCaptured(command, [tape, ...asking(urls)], { env }), { status: 0, err: /served 2, missed 0, unused 0, egress 0\n$/ });
	const missed = await runCaptured(command, [tape, ...asking([`${site.url}/c`])], { env });
	t.match(missed, { status: 1, err: /1 request was missed/ }, "although the command did not mind");
	t.strictSame(await paths(tape), ["/a", "/b"]);
});

t.test("modes", async (t) => {
	const site = await startSite(t);
	const folder = t.testdir();
	const tape = join(folder, "session.jsonl");
	const run = (mode: string | null, urls: string[], extra: NodeJS.ProcessEnv = {}, status = 0) =>
		runCaptured(command, [tape, ...(mode === null ? [] : ["--record-mode", mode]), ...asking(urls, status)], { env: { ...env, ...extra } });
	t.match(await run("none", []), { status: 4, err: /session\.jsonl: no such file/ });
	t.match(await run(null, [`${site.url}/a`], { CI: "true" }), { status: 0, err: /recorded 1 flow/ }, "CI, without a tape");
	t.match(await run(null, [`${site.url}/b`], { CI: "true" }), { status: 1, err: /CI is set: .* nothing recorded/ });
	t.match(await run(null, [`${site.url}/a`, `${site.url}/b`], { FLOWTAPE_RECORD_MODE: "new-episodes" }), { status: 0, err: /recorded 1 flow/ });
	t.strictSame(await paths(tape), ["/a", "/b"]);
	t.match(await run("new-episodes", [`${site.url}/c`], {}, 3), { status: 3, err: /ended with status 3: .* is as it was/ });
	t.match(await run("all", [`${site.url}/d`], {}, 1), { status: 1, err: /is as it was/ });
	t.strictSame(await paths(tape), ["/a", "/b"]);
	t.match(await run("all", [`${site.url}/d`]), { status: 0 });
	t.strictSame(await paths(tape), ["/d"]);
	t.match(await run("new-episodes", [`${site.url}/d`]), { status: 0, err: /recorded 0 flows/ });
	t.strictSame(readdirSync(folder), ["session.jsonl"]);
});

t.test("failures are kept on demand; a run without flows makes no tape", async (t) => {
	const site = await startSite(t);
	await site.close();
	const tape = join(t.testdir(), "session.tape");
	t.match(await runCaptured(command, [tape, ...asking([`${site.url}/a`])], { env }), {
		status: 0,
		err: /1 failure is left out; --record-failures keeps them\n.*nothing was recorded: .* is not written/,
	});
	t.notOk(existsSync(tape));
	t.match(await runCaptured(command, [tape, "--record-failures", ...asking([`${site.url}/a`])], { env }), { status: 0, err: /recorded 1 flow/ });
	t.strictSame(await paths(tape), ["/a"]);
});

t.test("interrupted: the tape is as it was", async (t) => {
	const site = await startSite(t);
	const tape = join(t.testdir(), "session.jsonl");
	await runCaptured(command, [tape, ...asking([`${site.url}/a`])], { env });
	const before = readFileSync(tape);
	const controller = new AbortController();
	const ended = await runCaptured(command, [tape, "--record-mode", "all", "-v", ...asking([`${site.url}/b`])], {
		env,
		signal: controller.signal,
		onOutput: ({ err }) => err.includes("/b") && controller.abort(),
	});
	t.match(ended.err, /interrupted: .* is as it was/);
	t.strictSame(readFileSync(tape), before);
});

t.test("mistakes", async (t) => {
	const tape = join(t.testdir(), "one.tape");
	for (const [argv, says] of [
		[[tape], /a command was expected/],
		[["-", "--", "true"], /a tape's file was expected/],
		[[tape, "--record-mode", "never", "--", "true"], /"never" is none of once, none, new-episodes, all/],
		[[tape, "--record-mode", "none", "--format", "har", "--", "true"], /--format is for a tape to record/],
	] as const)
		t.match(await runCaptured(command, argv, { env }), { status: 2, err: says });
});

t.test("a tape that could not be written is refused before the command runs", async (t) => {
	const folder = t.testdir({ "old.xyz": '{"request": {"method": "GET", "url": "http://a.test/"}}\n' });
	const ran = join(folder, "ran");
	const child = ["-p", "0", "--", "touch", ran];
	for (const [name, mode] of [
		["session.xyz", "once"],
		["old.xyz", "new-episodes"],
	] as const)
		t.match(await runCaptured(command, [join(folder, name), "--record-mode", mode, ...child], { env }), { status: 2, err: new RegExp(name) }, name);
	t.strictSame(readdirSync(folder), ["old.xyz"], "nothing ran, and nothing is left");
});

t.test("four first runs at once lose nothing", async (t) => {
	const site = await startSite(t);
	const folder = t.testdir();
	const tape = join(folder, "session.tape");
	const names = ["a", "b", "c", "d"];
	const ended = await Promise.all(names.map((name) => runCaptured(command, [tape, ...asking([`${site.url}/${name}`])], { env })));
	for (const run of ended) t.match(run, { status: 0, err: /recorded 1 flow to / });
	t.same(
		(await paths(tape)).sort(),
		names.map((name) => `/${name}`),
	);
	t.same(readdirSync(folder), ["session.tape"]);
});

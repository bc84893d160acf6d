// `flowtape record` records traffic to a tape until it is stopped.
import { join } from "node:path";
import t from "tap";
import { command } from "../../commands/record.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { getThrough, startSite } from "../../fixtures/plain-site.ts";
import { noTerminal, TerminalCli } from "../../fixtures/pseudo-terminal.ts";
import { runCaptured, startCaptured } from "../../fixtures/run-captured.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";
import type { Flow } from "../../src/flow/flow.ts";

const env = { FLOWTAPE_HOME: join(t.testdir(), "home") };
const lines = (flows: readonly Flow[]) =>
	flows.map((flow) =>
		flow.type === "http" ? `${flow.request.method} ${flow.request.path} ${flow.response?.statusCode}` : flow.type,
	);

t.test("traffic is delivered and recorded; a second run appends to the tape", async (t) => {
	const site = await startSite(t);
	const tape = join(t.testdir(), "session.tape");
	for (const path of ["/one", "/two"]) {
		const { port, stop } = await startCaptured(command, [tape], { env });
		t.match(await getThrough(port, `${site.url}${path}`), { status: 200, body: `GET ${path}` });
		const { status, out, err } = await stop();
		t.same({ status, out }, { status: 0, out: "" });
		t.match(err, /^listening on http:\/\/127.0.0.1:\d+\nrecorded 1 flow to .*session.tape\n$/);
	}
	t.same(lines((await readTape(tape)).flows), ["GET /one 200", "GET /two 200"]);
});

t.test("on a terminal a line for each flow", { skip: noTerminal }, async (t) => {
	const site = await startSite(t);
	const folder = t.testdir();
	const lineOf = (path: string) => `\\d\\d:\\d\\d:\\d\\d\\.\\d{3} GET ${site.url}${path} 200 text/plain \\d+b \\d+ms\n`;
	const run = async (argv: readonly string[], path: string) => {
		const terminal = new TerminalCli(["record", "x.tape", "-p", "0", ...argv], { cwd: folder });
		const [, port] = await terminal.until(/listening on http:\S+:(\d+)\n/);
		await getThrough(Number(port), `${site.url}${path}`);
		return { terminal, status: await terminal.interrupt() };
	};
	const { terminal, status } = await run([], "/one");
	t.equal(status, 0);
	t.match(terminal.shown, new RegExp(`\n${lineOf("/one")}[^]*recorded 1 flow to x\\.tape\n`));
	const quiet = await run(["-q"], "/two");
	t.equal(quiet.status, 0);
	t.notMatch(quiet.terminal.shown, "/two");
});

t.test("no line for each flow with a command, unless --verbose", async (t) => {
	const site = await startSite(t);
	const ask = `require("node:http").get({ host: "127.0.0.1", port: new URL(process.env.HTTP_PROXY).port, path: "${site.url}/one" }, (r) => r.resume())`;
	for (const [flags, pattern] of [
		[[], /^(?!.* GET )/s],
		[["-v"], / GET \S+\/one 200 /],
		[["-v", "-q"], /^(?!.* GET )/s],
	] as const) {
		const argv = [join(t.testdir(), "x.tape"), ...flags, "--own-servers", "record", "--", process.execPath, "-e", ask];
		const { status, err } = await runCaptured(command, argv, { env: { ...env, NO_COLOR: "1" }, isTTY: true });
		t.equal(status, 0);
		t.match(err, pattern);
	}
});

t.test("rules that never applied are reported at the end", async (t) => {
	const site = await startSite(t);
	const rules = [
		"--modify-headers",
		"/~q/x-one/1",
		"--modify-headers",
		"/~d nowhere/x-two/2",
		"--map-remote",
		"|//none/|//a/",
	];
	for (const [more, expected] of [
		[
			[],
			"flowtape: --modify-headers '/~d nowhere/x-two/2' never applied\nflowtape: --map-remote '|//none/|//a/' never applied\n",
		],
		[["-q"], ""],
	] as const) {
		const { port, stop } = await startCaptured(command, [join(t.testdir(), "x.tape"), ...rules, ...more], { env });
		await getThrough(port, `${site.url}/one`);
		const { status, err } = await stop();
		t.equal(status, 0);
		t.equal(
			err
				.split("\n")
				.filter((line) => line.includes("never applied"))
				.map((line) => `${line}\n`)
				.join(""),
			expected,
		);
	}
	const { stop } = await startCaptured(command, [join(t.testdir(), "x.tape"), ...rules], { env });
	t.notMatch((await stop()).err, "never applied", "there was no flow");
});

t.test("-f and --save-stream-filter record only matching flows, case-sensitively on request", async (t) => {
	const site = await startSite(t);
	for (const argv of [
		["-f", "~u TWO"],
		["--save-stream-filter", "~u TWO"],
		["--save-stream-filter", "~u one", "-f", "~u two", "--case-sensitive-filters"],
	]) {
		const tape = join(t.testdir(), "session.mitm");
		const { port, stop } = await startCaptured(command, [tape, ...argv], { env });
		for (const path of ["/one", "/two"]) await getThrough(port, `${site.url}${path}`);
		await stop();
		t.same(lines((await readTape(tape)).flows), ["GET /two 200"], argv.join(" "));
	}
});

t.test("--format takes precedence over the extension", async (t) => {
	const site = await startSite(t);
	const tape = join(t.testdir(), "session");
	const { port, stop } = await startCaptured(command, [tape, "--format", "jsonl"], { env });
	await getThrough(port, `${site.url}/one`);
	await stop();
	t.same(lines((await readTape(tape, { format: "jsonl" })).flows), ["GET /one 200"]);
});

t.test("-S answers recorded requests, and others are forwarded", async (t) => {
	const site = await startSite(t);
	const folder = t.testdir();
	const { host, port } = new URL(site.url);
	const request = { host: "127.0.0.1", port: Number(port), path: "/old", headers: [["Host", host]] as const };
	await writeTape(join(folder, "old.tape"), [httpFlow({ request, response: { headers: [], body: "recorded" } })]);
	const proxy = await startCaptured(command, [join(folder, "new.tape"), "-S", join(folder, "old.tape")], { env });
	t.match(await getThrough(proxy.port, `${site.url}/old`), { body: "recorded" });
	t.match(await getThrough(proxy.port, `${site.url}/new`), { body: "GET /new" });
	t.match(
		(await proxy.stop()).err,
		/\negress to 127\.0\.0\.1:\d+\nserved 1, missed 1, unused 0, egress 1, recorded 2 flows to .*\n$/,
	);
	t.same(site.requests, ["GET /new"]);
});

t.test("errors are reported before the proxy listens", async (t) => {
	const folder = t.testdir();
	const tape = join(folder, "x.tape");
	for (const [argv, status, says] of [
		[[tape, "--block-list", "/~zz/404"], 2, /^flowtape: --block-list: "\/~zz\/404": .*~zz/],
		[[tape, "--modify-headers", "/a"], 2, /^flowtape: --modify-headers: "\/a": /],
		[[tape, "--stickyauth", "~zz"], 2, /^flowtape: --stickyauth: filter "~zz", column 1: /],
		[[tape, "-f", "~zz"], 2, /^flowtape: -f: filter "~zz", column 1: /],
		[[tape, "--listen-port", "x"], 2, /^flowtape: --listen-port: /],
		[[tape, "--set", "lisen_port=1"], 2, /Did you mean "listen_port"/],
		[["-"], 2, /^flowtape: stdout: no format given/],
		[["-", "--format", "jsonl", "--json"], 2, /^flowtape: --json prints events to stdout/],
		[[join(folder, "x.doc")], 2, /x.doc: no format has this extension/],
		[[tape, "-S", join(folder, "none.tape")], 4, /none.tape: no such file/],
		[[], 2, /expected flowtape record TAPE/],
	] as const) {
		const result = await runCaptured(command, argv, { env, signal: AbortSignal.abort(0) });
		t.equal(result.status, status, argv.join(" "));
		t.match(result.err, says);
		t.notMatch(result.err, "listening");
	}
});

t.test("an error about the filter names the option as typed, before the proxy listens", async (t) => {
	const tape = join(t.testdir(), "x.tape");
	for (const flag of ["-f", "--filter", "--save-stream-filter"]) {
		const { status, err } = await runCaptured(command, [tape, flag, "("]);
		t.same({ status, err }, { status: 2, err: `flowtape: ${flag}: ${err.slice(err.indexOf('filter "('))}` });
	}
});

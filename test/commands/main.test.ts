// The built command line: output, exit statuses, streams, signals, and the command after --.
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, cpSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import t from "tap";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { Cli, cliEnvironment, cliFile, flowtape } from "../../fixtures/cli.ts";
import { getThrough, startSite } from "../../fixtures/plain-site.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";

const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
const cwd = t.testdir({
	"stray.mjs":
		"export function running() { setTimeout(() => { throw new Error('too late'); }); Promise.reject(new Error('unheard')); }",
	"late.config.mjs": "setImmediate(() => { throw new Error('too late'); }); export default {};",
	"timer.mjs": "setInterval(() => {}, 1000); export function request() {}",
	empty: "",
	"text.tape": "no tape at all",
	"fixed.config.json": '{"listen_port": "x"}',
});
const run = (...argv: string[]) => flowtape(argv, { cwd });

/** Runs a line in bash, in which "$NODE" "$CLI" is the command line. */
const shell = (line: string) =>
	spawnSync("bash", ["-c", line], {
		cwd,
		encoding: "utf8",
		env: { ...cliEnvironment(cwd), NODE: process.execPath, CLI: cliFile },
	});

/** A ClientHello. */
const clientHello = () =>
	new Promise<Buffer>((resolve) => {
		connectTls({ socket: new Duplex({ read() {}, write: (chunk: Buffer) => resolve(chunk) }) }).on("error", () => {});
	});

t.before(async () => {
	await writeTape(join(cwd, "one.mitm"), [
		httpFlow({ id: "aaaa", response: { statusCode: 500 } }),
		httpFlow({ id: "bbbb" }),
	]);
	writeFileSync(join(cwd, "damaged.mitm"), readFileSync(join(cwd, "one.mitm")).subarray(0, -10));
	await writeTape(
		join(cwd, "long.mitm"),
		Array.from({ length: 3000 }, (_, n) => httpFlow({ id: `flow-${n}` })),
	);
});

t.test("version and help", async (t) => {
	t.same(await run("--version"), { status: 0, out: `${version}\n`, err: "" });
	const help = await run("--help");
	t.match(help, { status: 0, err: "" });
	t.match(help.out, /^Record HTTP sessions [\s\S]*\n {2}record +record /);
	t.same(await run("help"), help);
	t.same(await run(), { status: 2, out: "", err: help.out });
	const filterHelp = await run("help", "filter");
	t.match(filterHelp, { status: 0, err: "" });
	t.match(filterHelp.out, /^Usage: flowtape filter \[options\] EXPR/);
	t.same(await run("filter", "--help"), filterHelp);
	t.match(await run("filter", "-h"), { status: 0, out: /\nEverything: flowtape filter --help\n$/, err: "" });
	t.match(await run("help", "exit-status"), { status: 0, out: /^ {2}0 +done\n/, err: "" });
	t.match(await run("help", "fitlers"), { status: 2, out: "", err: /^flowtape: help: .*Did you mean "filters"\?/ });
	for (const flag of ["-V", "--version"])
		t.same(await run("filter", flag), { status: 0, out: `${version}\n`, err: "" });
});

t.test("exit statuses, each with a message as the only text on stderr", async (t) => {
	const server = createServer().listen(0, "127.0.0.1");
	await new Promise((resolve) => server.once("listening", resolve));
	t.teardown(() => server.close());
	const address = server.address();
	const taken = typeof address === "object" ? String(address?.port) : "";
	for (const [status, argv, says] of [
		[4, ["ca", "show"], /flowtape ca create/],
		[0, ["filter", "~c 500", "one.mitm"], /^$/],
		[1, ["filter", "~c 404", "one.mitm"], /^$/],
		[1, ["show", "one.mitm", "zz"], /no flow whose id begins with zz/],
		[2, ["filtr"], /"filtr" is not a command. Did you mean "filter"\?/],
		[2, ["--json", "filter"], /unknown option '--json' before the command/],
		[2, ["filter", "--jsn", "x", "one.mitm"], /unknown option '--jsn' \(Did you mean --json\?\)/],
		[2, ["filter", "(~q", "one.mitm"], /filter "\(~q", column \d/],
		[
			2,
			["record", "x.tape", "--config", "fixed.config.json"],
			/fixed.config.json: listen_port: expected a whole number/,
		],
		[2, ["record", "x.tape", "--modify-body", "/[/x"], /--modify-body: /],
		[3, ["filter", "x", "text.tape"], /text.tape: byte 0: not a tape/],
		[3, ["filter", "~all", "damaged.mitm", "-o", "kept.tape"], /damaged.mitm: byte \d+[\s\S]*kept 1 flow/],
		[4, ["filter", "x", "none.tape"], /none.tape: no such file/],
		[4, ["convert", "one.mitm", "none/x.jsonl"], /none\/x.jsonl: cannot be written: its folder does not exist/],
		[4, ["record", "x.tape", "-p", taken], /is in use by another process/],
		[4, ["record", "x.tape", "-p", "0", "--", "no-such-command"], /cannot start "no-such-command"/],
	] as const) {
		const result = await run(...argv);
		t.equal(result.status, status, argv.join(" "));
		t.match(result.err, says);
		t.notMatch(result.err, /\n {4}at /, "no stack");
	}
	t.match((await readTape(join(cwd, "kept.tape"))).flows, [{ id: "aaaa" }]);
});

t.test("--debug shows the stack", async (t) => {
	const { status, err } = await run("filter", "x", "none.tape", "--debug");
	t.equal(status, 4);
	t.match(err, /^flowtape: none.tape: no such file\nFlowtapeError: [\s\S]*\n {4}at [\s\S]*\ncaused by Error: ENOENT/);
});

t.test("uncaught exceptions are reported with a message", async (t) => {
	const { status, err } = await run("record", "x.tape", "-p", "0", "--config", "late.config.mjs");
	t.equal(status, 4);
	t.match(
		err,
		/^flowtape: too late\nThis is a defect of flowtape; run again with --debug and report what it prints.\n$/m,
	);
	t.notMatch(err, /\n {4}at /);
});

t.test("an incomplete installation is reported in one line", async (t) => {
	// a folder outside of this project, so that the packages are not found
	const copy = mkdtempSync(join(tmpdir(), "flowtape-copy-"));
	t.teardown(() => rmSync(copy, { recursive: true }));
	cpSync(dirname(dirname(cliFile)), join(copy, "dist"), { recursive: true });
	writeFileSync(join(copy, "package.json"), '{"type":"module"}');
	const file = join(copy, "dist", "commands", "main.js");
	const start = (...argv: string[]) =>
		spawnSync(process.execPath, [file, ...argv], { cwd: copy, encoding: "utf8", timeout: 30_000 });
	const expected = {
		status: 4,
		stdout: "",
		stderr:
			/^flowtape: this installation is not complete: Cannot find .*; reinstall flowtape, with its dependencies\n$/,
	};
	for (const argv of [["record", "n.har", "--", process.execPath, "-e", ""], ["stats", "x.tape"], ["--help"]])
		t.match(start(...argv), expected, argv.join(" "));
});

t.test("an uncaught exception of a script is reported, and the traffic continues", async (t) => {
	const site = await startSite(t);
	const cli = new Cli(["record", "stray.tape", "-p", "0", "-s", "stray.mjs"], { cwd });
	const port = await cli.port();
	await cli.line(/stray\.mjs:1: Error: unheard/);
	await cli.line(/stray\.mjs:1: Error: too late/);
	t.match(await getThrough(port, `${site.url}/one`), { body: "GET /one" });
	cli.process.kill("SIGINT");
	t.match(await cli.ended, { status: 0 });
});

t.test("a proxy ends at the first signal, despite a script's timer and pending lookups of host names", async (t) => {
	const site = await startSite(t);
	const cli = new Cli(["record", "hello.tape", "-p", "0", "-s", "timer.mjs"], { cwd });
	const port = await cli.port();
	const hello = await clientHello();
	const clients = Array.from({ length: 40 }, (_, n) => {
		const client = connect(port, "127.0.0.1", () => client.write(`CONNECT host${n}.invalid:443 HTTP/1.1\r\n\r\n`));
		client.once("data", () => client.write(hello)).on("error", () => {});
		return client;
	});
	t.teardown(() => clients.forEach((client) => void client.destroy()));
	await Promise.all(clients.map((client) => once(client, "data")));
	await getThrough(port, `${site.url}/received`);
	cli.process.kill("SIGINT");
	t.match(await cli.ended, { status: 0 });
	t.match((await readTape(join(cwd, "hello.tape"))).flows, [{ request: { path: "/received" } }]);
});

t.test("the first signal ends a request that is sent again, which is recorded", async (t) => {
	const server = createServer().listen(0, "127.0.0.1");
	t.teardown(() => server.close());
	await once(server, "listening");
	const { port } = server.address() as AddressInfo;
	await writeTape(join(cwd, "silent.tape"), [httpFlow({ request: { host: "127.0.0.1", port } })]);
	const cli = new Cli(["replay-client", "silent.tape", "--timeout", "0", "-o", "again.tape"], { cwd });
	await once(server, "connection");
	cli.process.kill("SIGINT");
	t.match(await cli.ended, { status: 0, err: /sent 1, failed 1/ });
	t.match((await readTape(join(cwd, "again.tape"))).flows, [{ error: { message: /stopped/ } }]);
});

t.test("stdin and stdout", async (t) => {
	const dump = readFileSync(join(cwd, "one.mitm"));
	t.match(await flowtape(["filter", "~c 500"], { cwd, input: dump }), { status: 0, out: /^aaaa GET / });
	t.match(await flowtape(["show", "-", "bb"], { cwd, input: dump }), { status: 0, out: /^bbbb GET / });
	t.match(await flowtape(["filter", "~all", "-"], { cwd, input: "" }), { status: 1, out: "", err: "" });
	const { out } = await flowtape(["convert", "-", "-", "--format", "jsonl"], { cwd, input: dump });
	t.match(await flowtape(["filter", "~all", "one.mitm", "-", "--count"], { cwd, input: out }), { out: "4\n" });
	t.match(await run("convert", "one.mitm", "-"), { status: 2, err: /stdout: no format given/ });
});

t.test(
	"the status is 0 if the reader closes the pipe early",
	{ skip: process.platform === "win32" && "it has no such pipes" },
	async (t) => {
		for (const command of [
			"filter ~all long.mitm",
			"filter ~all long.mitm --json",
			"show long.mitm",
			"convert long.mitm - --format jsonl",
			"--help",
		]) {
			const { stdout, stderr } = shell(`"$NODE" "$CLI" ${command} | head -n 1; echo "\${PIPESTATUS[0]}"`);
			t.match(stdout, /^.+\n0\n$/, command);
			t.equal(stderr, "", command);
		}
	},
);

t.test(
	"the status is 4 if stdout cannot be written",
	{ skip: process.platform !== "linux" && "there is no /dev/full" },
	async (t) => {
		const full = openSync("/dev/full", "w");
		t.teardown(() => closeSync(full));
		const { status, stderr } = spawnSync(process.execPath, [cliFile, "show", "one.mitm"], {
			cwd,
			stdio: ["ignore", full, "pipe"],
			encoding: "utf8",
		});
		t.equal(status, 4);
		t.match(stderr, /^flowtape: stdout: cannot be written: .*\n$/);
	},
);

t.test("colours", async (t) => {
	t.notMatch((await run("filter", "~all", "one.mitm")).out, "\u001b");
	t.match((await flowtape(["filter", "~all", "one.mitm"], { cwd, env: { FORCE_COLOR: "1" } })).out, "\u001b[31m500");
	t.notMatch(
		(await flowtape(["filter", "~all", "one.mitm"], { cwd, env: { FORCE_COLOR: "1", NO_COLOR: "1" } })).out,
		"\u001b",
	);
});

for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) {
	t.test(`${signal} ends a proxy, and its tape is complete`, async (t) => {
		const site = await startSite(t);
		const tape = `${signal}.tape`;
		const cli = new Cli(["record", tape, "-p", "0", "--json"], { cwd });
		const port = await cli.port();
		t.match(await getThrough(port, `${site.url}/one`), { body: "GET /one" });
		cli.process.kill(signal);
		const { status, out, err } = await cli.ended;
		t.same({ status, err }, { status: 0, err: "" });
		const events = out.trimEnd().split("\n");
		t.same(JSON.parse(events[0] ?? ""), { event: "listening", host: "127.0.0.1", port });
		t.match(JSON.parse(events.at(-1) ?? ""), { event: "end", recorded: 1 });
		t.match((await readTape(join(cwd, tape))).flows, [{ request: { path: "/one" } }]);
		t.same(
			spawnSync("ls", { cwd, encoding: "utf8" }).stdout.match(new RegExp(`^${tape}.*$`, "gm")),
			[tape],
			"one single file",
		);
	});
}

t.test(
	"a signal ends a copy with its status, and no incomplete output is left",
	{ skip: process.platform === "win32" && "it has no such signals" },
	async (t) => {
		// a pipe that never ends
		const script = `mkfifo pipe; "$NODE" "$CLI" convert pipe half.jsonl & copy=$!; exec 3>pipe; (while cat long.mitm; do :; done) >&3 2>&- & until ls -A | grep -q half; do sleep 0.05; done; kill -SIGNAL $copy; wait $copy; echo $?; ls -A | grep half; rm pipe`;
		for (const [signal, status] of [
			["INT", 130],
			["HUP", 129],
		] as const) {
			const { stdout, stderr } = shell(script.replace("SIGNAL", signal));
			t.same({ stdout, stderr }, { stdout: `${status}\n`, stderr: "" });
		}
	},
);

t.test("the command after --: its status is returned, and signals are forwarded to it", async (t) => {
	t.match(await run("record", "c.tape", "-p", "0", "--", process.execPath, "-e", "process.exit(7)"), { status: 7 });
	const script = `process.on("SIGTERM", () => { console.log("got it"); process.exit(5); }); setInterval(() => {}, 1000); console.log("ready");`;
	const cli = new Cli(["record", "c.tape", "-p", "0", "--", process.execPath, "-e", script], { cwd });
	await cli.line(/^ready$/);
	cli.process.kill("SIGTERM");
	t.match(await cli.ended, { status: 5, out: "ready\ngot it\n" });
});

t.test("a command may handle any number of signals", async (t) => {
	const script = `let n = 0; process.on("SIGTERM", () => { console.log("got " + ++n); if (n === 3) process.exit(0); }); setInterval(() => {}, 1000); console.log("ready");`;
	const cli = new Cli(["record", "c.tape", "-p", "0", "--", process.execPath, "-e", script], { cwd });
	await cli.line(/^ready$/);
	for (const n of [1, 2, 3]) {
		cli.process.kill("SIGTERM");
		await cli.line(new RegExp(`^got ${n}$`));
	}
	t.match(await cli.ended, { status: 0, err: /^recorded \d+ flows to c.tape\n$/ });
});

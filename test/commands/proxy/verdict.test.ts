// Reports and verdicts of replays.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { LiveReport } from "../../../api/live.ts";
import { ReplayVerdict, type VerdictValues } from "../../../commands/proxy/verdict.ts";
import { command } from "../../../commands/replay-server.ts";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { captureIo, runCaptured } from "../../../fixtures/run-captured.ts";
import { writeTape } from "../../../fixtures/tape-files.ts";
import type { Miss } from "../../../src/hooks/context.ts";

const quiet: VerdictValues = { report: null, fail_on: [], max_miss: null, junit: null };
const missed: Miss = {
	id: "m",
	method: "GET",
	url: "http://a.test/",
	session: null,
	policy: "404",
	explanation: "No recording answers GET http://a.test/\n",
	nearest: [],
};
const run = (replay: Partial<LiveReport["replay"]> = {}, egress: [string, number][] = []): LiveReport => ({
	recorded: 0,
	lost: 0,
	replay: { served: 1, missed: 0, unused: 0, ...replay },
	egress: new Map(egress),
	own: 0,
	noise: 0,
});

async function verdict(values: Partial<VerdictValues>, report: LiveReport, env: NodeJS.ProcessEnv = {}) {
	const { io, captured } = captureIo({ env });
	const proof = new ReplayVerdict({ ...quiet, ...values }, io, []);
	for (let i = 0; i < (report.replay?.missed ?? 0); i++) proof.miss(missed);
	return { status: await proof.end(report), err: captured.err };
}

t.test("folders of reports are created, or the error comes before the command runs", async (t) => {
	const folder = t.testdir({ file: "" });
	const tape = join(folder, "x.tape");
	await writeTape(tape, [httpFlow()]);
	const ran = join(folder, "ran");
	const child = ["--", process.execPath, "-e", `require("node:fs").writeFileSync(${JSON.stringify(ran)}, "")`];
	const env = { FLOWTAPE_HOME: join(folder, "home") };
	for (const flag of ["--junit", "--report"]) {
		const bad = join(folder, "file/report");
		const refused = await runCaptured(command, [tape, flag, bad, ...child], { env });
		t.match(refused, { status: 4, err: new RegExp(`^flowtape: ${bad}: the report cannot be written: `) });
		t.notOk(existsSync(ran));
	}
	const before = readFileSync(tape);
	for (const [flags, path] of [
		[["--report", tape], tape],
		[["--junit", tape], tape],
		[["--report", ran, "--junit", ran], ran],
		[["-o", ran, "--report", ran], ran],
	] as const)
		t.match(await runCaptured(command, [tape, ...flags, ...child], { env }), {
			status: 2,
			err: `flowtape: ${path} would be overwritten`,
		});
	t.ok(readFileSync(tape).equals(before));
	t.notOk(existsSync(ran));
	const [junit, report] = [join(folder, "new/one/junit.xml"), join(folder, "new/two/report.jsonl")];
	t.match(await runCaptured(command, [tape, "--junit", junit, "--report", report, ...child], { env }), { status: 0 });
	t.match(readFileSync(junit, "utf8"), "<testsuite");
	t.match(readFileSync(report, "utf8"), '"event":"unused"');
});

t.test("reasons for a failed run", async (t) => {
	const all = run({ missed: 2, unused: 3 }, [
		["a.test:443", 2],
		["b.test:80", 1],
	]);
	const cases: [values: Partial<VerdictValues>, report: LiveReport, status: number, says: RegExp | ""][] = [
		[{}, all, 0, ""],
		[{ fail_on: ["miss"] }, all, 1, /^flowtape: 2 requests were missed\n$/],
		[{ fail_on: ["miss"] }, run(), 0, ""],
		[{ max_miss: 2 }, all, 0, ""],
		[{ max_miss: 1 }, all, 1, /2 requests were missed, at most 1 allowed/],
		[{ fail_on: ["miss"], max_miss: 2 }, all, 0, ""],
		[{ fail_on: ["unused"] }, run({ unused: 1 }), 1, /1 recording was never used/],
		[{ fail_on: ["egress"] }, all, 1, /a\.test:443 \(2\), b\.test:80 \(1\)/],
		[{ fail_on: ["miss, unused", "egress"] }, all, 1, /missed\n.*never used\n.*tried to connect/],
		[{ fail_on: ["miss,unused,egress"] }, run(), 0, ""],
		[{ fail_on: ["miss"] }, { recorded: 0, lost: 0, replay: null, egress: new Map(), own: 0, noise: 0 }, 0, ""],
	];
	for (const [values, report, status, says] of cases) {
		const found = await verdict(values, report);
		t.equal(found.status, status, JSON.stringify(values));
		t.match(found.err, says);
	}
	t.throws(() => new ReplayVerdict({ ...quiet, fail_on: ["miss,mis"] }, captureIo().io, []), {
		code: "FT_BAD_OPTION",
		message: /expected one of .*found "mis"/,
	});
});

t.test("annotations on GitHub only", async (t) => {
	t.match(
		(await verdict({ fail_on: ["miss"] }, run({ missed: 1 }), { GITHUB_ACTIONS: "true" })).err,
		/^::error title=No recording for GET http%3A\/\/a\.test\/::No recording answers/m,
	);
	t.match((await verdict({}, run({ missed: 1 }), { GITHUB_ACTIONS: "true" })).err, /^::warning /m);
	t.equal((await verdict({}, run({ missed: 1 }))).err, "");
});

t.test("reports that cannot be written", async (t) => {
	const folder = t.testdir({ file: "" });
	t.throws(() => new ReplayVerdict({ ...quiet, report: join(folder, "file", "such") }, captureIo().io, []), {
		code: "FT_IO",
	});
	await t.rejects(verdict({ junit: folder }, run()), { code: "FT_IO", message: /cannot be written/ });
	// a device that is always full: the replay continues, and the error is reported at the end
	const proof = new ReplayVerdict({ ...quiet, report: "/dev/full" }, captureIo().io, []);
	proof.miss(missed);
	proof.miss(missed);
	await t.rejects(proof.end(run({ missed: 2 })), {
		code: "FT_IO",
		message: /^\/dev\/full: the report cannot be written/,
	});
});

t.test("a complete run: a miss that the program ignores fails it, and the reports are complete", async (t) => {
	const folder = t.testdir();
	const [tape, report, junit] = [join(folder, "a.tape"), join(folder, "report.jsonl"), join(folder, "junit.xml")];
	const recorded = (path: string) => httpFlow({ request: { host: "site.invalid", path } });
	const flows = [recorded("/a"), recorded("/b")];
	await writeTape(tape, flows);
	const script = `
		const http = require("node:http");
		const get = (url) => new Promise((done) => http.get(url, { headers: { connection: "close" } }, (response) => response.resume().on("end", done)).on("error", done));
		get("http://site.invalid/a").then(() => get("http://site.invalid/c"));`;
	const argv = [
		tape,
		"-p",
		"0",
		"--report",
		report,
		"--junit",
		junit,
		"--fail-on",
		"miss",
		"--",
		process.execPath,
		"-e",
		script,
	];
	const { status, err } = await runCaptured(command, argv, {
		env: { PATH: process.env.PATH, FLOWTAPE_HOME: join(folder, "home") },
	});
	t.equal(status, 1);
	t.equal(err.trimEnd().split("\n").at(-1), "served 1, missed 1, unused 1, egress 0");
	t.match(err, "flowtape: 1 request was missed\n");
	const events = readFileSync(report, "utf8")
		.trim()
		.split("\n")
		.map((line) => JSON.parse(line) as object);
	t.match(events, [
		{ event: "served", method: "GET", url: "http://site.invalid/a", recording: flows[0]?.id, repaired: null },
		{ event: "missed", method: "GET", url: "http://site.invalid/c", policy: "404", nearest: [{ distance: 2 }, {}] },
		{ event: "unused", id: flows[1]?.id, method: "GET", url: "http://site.invalid/b" },
	]);
	t.equal(events.length, 3);
	t.match(
		readFileSync(junit, "utf8"),
		/tests="1" failures="1"[\s\S]*<testcase [^>]*name="GET http:\/\/site\.invalid\/c">/,
	);
});

// `flowtape scan` on real tapes: what it finds, prints and returns.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { command } from "../../commands/scan.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { writeTape } from "../../fixtures/tape-files.ts";

const TOKEN = "abcd-1234-efgh-5678";
const secretFlow = () =>
	httpFlow({ id: "flow-one", request: { path: `/?api_key=${TOKEN}` }, response: { body: "ok" } });

async function tapeOf(folder: string, name = "a.tape", flows = [secretFlow()]): Promise<string> {
	const tape = join(folder, name);
	await writeTape(tape, flows);
	return tape;
}

t.test("a secret: its place, no more than four characters, and status 1", async (t) => {
	const folder = t.testdir();
	for (const name of ["a.tape", "a.mitm", "a.har", "a.jsonl"]) {
		const { status, out } = await runCaptured(command, [await tapeOf(folder, name)], {
			env: { FLOWTAPE_HOME: folder },
		});
		t.equal(status, 1, name);
		t.match(out, "GET http://example.com/\n  request query api_key: key (abcd…, 19 bytes; rule name.key)");
		t.match(out, "1 secret in 1 place of 1 flow. Remove: flowtape rewrite --redact --in-place ");
		t.notMatch(out, TOKEN);
	}
});

t.test("no secret: status 0", async (t) => {
	const folder = t.testdir();
	const tape = await tapeOf(folder, "b.tape", [httpFlow()]);
	t.match(await runCaptured(command, [tape], { env: { FLOWTAPE_HOME: folder } }), {
		status: 0,
		out: `${tape}: no secrets in 1 flow\n`,
	});
	t.match(await runCaptured(command, ["-q", tape], { env: { FLOWTAPE_HOME: folder } }), { status: 0, out: "" });
});

t.test("several tapes, one of them damaged: all are read, and the worst status counts", async (t) => {
	const folder = t.testdir({ "bad.mitm": "5:hello" });
	const tape = await tapeOf(folder);
	const { status, out } = await runCaptured(command, [join(folder, "bad.mitm"), tape], {
		env: { FLOWTAPE_HOME: folder },
	});
	t.equal(status, 3);
	t.match(out, "1 secret in 1 place");
});

t.test("--json: one object a secret", async (t) => {
	const folder = t.testdir();
	const tape = await tapeOf(folder);
	const { out } = await runCaptured(command, ["--json", tape], { env: { FLOWTAPE_HOME: folder } });
	t.match(JSON.parse(out), {
		tape,
		kind: "key",
		rule: "name.key",
		length: 19,
		places: [{ flow: "flow-one", where: "request query api_key" }],
	});
	t.notMatch(out, TOKEN);
});

t.test("SARIF, and as a baseline for the next scan: only new secrets count", async (t) => {
	const folder = t.testdir();
	const env = { FLOWTAPE_HOME: folder, FLOWTAPE_REDACT_KEY: "a team's key" };
	const tape = await tapeOf(folder);
	const sarif = join(folder, "reports/scan.sarif");
	t.equal((await runCaptured(command, ["--sarif", sarif, tape], { env })).status, 1);
	t.match(JSON.parse(readFileSync(sarif, "utf8")), {
		version: "2.1.0",
		runs: [{ results: [{ ruleId: "name.key", level: "error" }] }],
	});
	const again = await runCaptured(command, ["--baseline", sarif, tape], { env });
	t.match(again, { status: 0, out: `${tape}: no secrets in 1 flow (1 in the baseline)\n` });
	await writeTape(tape, [secretFlow(), httpFlow({ request: { path: "/?password=new-one" } })]);
	t.match(await runCaptured(command, ["--baseline", sarif, tape], { env }), {
		status: 1,
		out: /1 secret in 1 place of 2 flows \(1 in the baseline\)/,
	});
	const stdout = await runCaptured(command, ["--sarif", "--baseline", sarif, tape], { env });
	t.same(
		(JSON.parse(stdout.out) as { runs: { results: { suppressions?: unknown }[] }[] }).runs[0]?.results.map(
			({ suppressions }) => suppressions !== undefined,
		),
		[false, true],
	);
});

t.test("bad usage", async (t) => {
	const folder = t.testdir({ "x.sarif": "{}" });
	const tape = await tapeOf(folder);
	for (const [args, status, text] of [
		[["--json", "--sarif=-", tape], 2, "--json and --sarif both print to stdout"],
		[["--baseline", join(folder, "x.sarif"), tape], 2, "expected SARIF"],
		[["--baseline", join(folder, "none.sarif"), tape], 4, "the baseline cannot be read"],
		[["--redact-body", "(", tape], 2, "--redact-body"],
	] as const) {
		const result = await runCaptured(command, args, { env: { FLOWTAPE_HOME: folder } });
		t.match(result, { status, err: text }, args.join(" "));
	}
});

t.test("what is kept, by a rule, a place or a file of rules", async (t) => {
	const folder = t.testdir();
	const tape = await tapeOf(folder);
	const rules = join(folder, "rules.yaml");
	writeFileSync(rules, "redact_keep: [name.key]\n");
	for (const args of [
		["--redact-keep", "name.key"],
		["--redact-keep", "query:api_key"],
		["--rules", rules],
	])
		t.equal(
			(await runCaptured(command, [...args, tape], { env: { FLOWTAPE_HOME: folder } })).status,
			0,
			args.join(" "),
		);
});

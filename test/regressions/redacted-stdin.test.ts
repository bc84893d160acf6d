// A command that redacts reads its input twice, and some formats need a file. Temporary files are encrypted.
import { spawn } from "node:child_process";
import { createReadStream, readdirSync, readFileSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import t, { type Test } from "tap";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { cliEnvironment, cliFile } from "../../fixtures/cli.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";

const SECRET = "k1-l2-m3-n4";
/** The encrypted files of `openFileSpool`, which have a name for a moment only. */
const ENCRYPTED = /^flowtape-body-/;

/** The flow of each input shows the secret late. Returns a folder with tapes of each kind, and an empty `tmp`. */
async function tapes(t: Test): Promise<string> {
	const folder = t.testdir({ tmp: {} });
	const flows = [
		httpFlow({ response: { body: `early: ${SECRET}` } }),
		httpFlow({ request: { path: `/?api_key=${SECRET}` } }),
	];
	for (const name of ["in.jsonl", "in.tape", "in.zip"]) await writeTape(join(folder, name), flows);
	writeFileSync(join(folder, "in.tape.gz"), gzipSync(readFileSync(join(folder, "in.tape"))));
	await writeTape(join(folder, "long.tape"), [...flows, httpFlow({ response: { body: "x".repeat(100_000) } })]);
	writeFileSync(join(folder, "cut.tape"), readFileSync(join(folder, "long.tape")).subarray(0, -50_000));
	return folder;
}

async function run(folder: string, args: readonly string[], stdin: string | null) {
	const created = new Set<string>();
	const watcher = watch(join(folder, "tmp"), (_event, name) => created.add(String(name)));
	const child = spawn(process.execPath, [cliFile, ...args], {
		env: { ...cliEnvironment(folder), TMPDIR: join(folder, "tmp") },
		cwd: folder,
		stdio: ["pipe", "pipe", "pipe"],
	});
	const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
	if (stdin === null) child.stdin.end();
	else createReadStream(join(folder, stdin)).pipe(child.stdin);
	const [status, , stderr] = await Promise.all([ended, buffer(child.stdout), text(child.stderr)]);
	watcher.close();
	return { status, stderr, created: [...created] };
}

for (const [input, status, flows] of [
	["in.jsonl", 0, 2],
	["in.tape", 0, 2],
	["in.tape.gz", 0, 2],
	["in.zip", 0, 2],
	["cut.tape", 3, 3],
] as const)
	t.test(`rewrite --redact of ${input} writes no secret to temporary files`, async (t) => {
		const folder = await tapes(t);
		const format = input === "in.zip" ? ["--format", "jsonl"] : [];
		for (const stdin of [input, null]) {
			const args = ["rewrite", stdin === null ? input : "-", "-o", "out.jsonl", "--redact", "-q", ...format];
			const done = await run(folder, args, stdin);
			t.equal(done.status, status, done.stderr);
			t.notMatch(done.stderr, folder, "the name of a tape in messages is its own");
			t.notMatch(readFileSync(join(folder, "out.jsonl"), "utf8"), SECRET);
			t.equal((await readTape(join(folder, "out.jsonl"))).flows.length, flows);
			t.same(
				done.created.filter((name) => !ENCRYPTED.test(name)),
				[],
			);
			t.same(readdirSync(join(folder, "tmp")), []);
		}
	});

t.test("scan of stdin and of a compressed tape", async (t) => {
	const folder = await tapes(t);
	for (const stdin of ["in.tape", null]) {
		const { status, created } = await run(folder, ["scan", stdin === null ? "in.tape.gz" : "-"], stdin);
		t.equal(status, 1);
		t.same(created, []);
	}
});

// The common part of commands on stored flows: reports of problems, damage, and interruptions.
import { readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { copyFlows, createOutput, printer, selection, Troubles } from "../../../commands/tapes/copy-flows.ts";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { captureIo } from "../../../fixtures/run-captured.ts";
import { readTape, writeTape } from "../../../fixtures/tape-files.ts";
import type { Flow } from "../../../src/flow/flow.ts";

const idLine = (flow: Flow) => `${flow.id}\n`;
const named = (id: string) => httpFlow({ id });

/** A tape of three lines, of which the second is not a flow. */
async function damaged(folder: string): Promise<string> {
	const path = join(folder, "damaged.jsonl");
	await writeTape(path, [named("one"), named("three")]);
	const [one, three] = (await readFile(path, "utf8")).split("\n");
	await writeTape(join(folder, "whole.jsonl"), [named("whole")]);
	await writeFile(path, `${one}\n{"id":\n${three}\n`);
	return path;
}

t.test("damage is reported with its position, other flows are kept, and the status is 3", async (t) => {
	const folder = t.testdir();
	const path = await damaged(folder);
	const { io, captured } = captureIo();
	const inputs = [path, join(folder, "whole.jsonl")];
	t.same(await copyFlows({ inputs, strict: false, open: async () => printer(io, idLine) }, io), {
		passed: 3,
		status: 3,
		isWritten: true,
	});
	t.equal(captured.out, "one\nthree\nwhole\n");
	t.match(
		captured.err,
		/^flowtape: .*damaged.jsonl: line 2, byte \d+: .*\nflowtape: kept 3 flows; --strict would have stopped at the first damage\n$/,
	);
});

t.test("--strict stops at the damage, and leaves the output unchanged", async (t) => {
	const folder = t.testdir();
	const path = await damaged(folder);
	const output = join(folder, "out.jsonl");
	await writeTape(output, [named("old")]);
	const { io } = captureIo();
	const options = { format: null, dump_version: null };
	const open = (troubles: Troubles) => createOutput(output, options, troubles);
	await t.rejects(copyFlows({ inputs: [path], strict: true, open }, io), { code: "FT_CORRUPT_FLOW" });
	t.same(
		(await readTape(output)).flows.map(({ id }) => id),
		["old"],
	);
	t.same((await readdir(folder)).sort(), ["damaged.jsonl", "out.jsonl", "whole.jsonl"]);
});

t.test("flows before damage that ends a source are kept", async (t) => {
	const folder = t.testdir();
	const path = join(folder, "cut.mitm");
	await writeTape(path, [named("one"), named("two")]);
	const bytes = await readFile(path);
	await writeFile(path, bytes.subarray(0, -20));
	const { io, captured } = captureIo();
	t.same(await copyFlows({ inputs: [path], strict: false, open: async () => printer(io, idLine) }, io), {
		passed: 1,
		status: 3,
		isWritten: true,
	});
	t.equal(captured.out, "one\n");
	t.match(captured.err, /cut.mitm: byte \d+/);
	t.match(captured.err, /kept 1 flow;/);
});

t.test("an interrupted copy is discarded, and sets the exit status", async (t) => {
	const folder = t.testdir();
	const path = join(folder, "in.jsonl");
	await writeTape(path, [named("one")]);
	const { io } = captureIo({ signal: AbortSignal.abort(143) });
	const open = (troubles: Troubles) =>
		createOutput(join(folder, "out.jsonl"), { format: null, dump_version: null }, troubles);
	t.match(await copyFlows({ inputs: [path], strict: false, open }, io), { status: 143 });
	t.same(await readdir(folder), ["in.jsonl"]);
});

t.test(
	"inputs are closed if the output cannot be opened",
	{ skip: process.platform !== "linux" && "open files are read from /proc" },
	async (t) => {
		const path = join(t.testdir(), "in.jsonl");
		await writeTape(path, [named("one")]);
		const open = () => Promise.reject(new Error("no output"));
		await t.rejects(copyFlows({ inputs: [path], strict: false, open }, captureIo().io), /no output/);
		const files = await Promise.all(
			(await readdir("/proc/self/fd")).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")),
		);
		t.notOk(files.includes(path));
	},
);

t.test("after many similar problems, the rest are counted; `quiet` prints only damage", async (t) => {
	const { io, captured } = captureIo();
	const troubles = new Troubles(io, { strict: false });
	for (let n = 1; n <= 23; n++) troubles.report("FT_LOSS", `loss ${n}`);
	troubles.end(5);
	const lines = captured.err.trimEnd().split("\n");
	t.equal(lines.length, 21);
	t.equal(lines.at(-1), "flowtape: 3 more of this kind");
	t.equal(troubles.status, 0);
	const quiet = captureIo();
	const calm = new Troubles(quiet.io, { strict: false, quiet: true });
	calm.report("FT_LOSS", "loss");
	calm.report("FT_CORRUPT_FLOW", "damage");
	t.equal(quiet.captured.err, "flowtape: damage\n");
	t.equal(calm.status, 3);
});

t.test("text is printed in chunks, not all at the end", async (t) => {
	const pieces: number[] = [];
	const { io } = captureIo({ onOutput: ({ out }) => pieces.push(out.length) });
	const sink = printer(io, () => ["x".repeat(50_000)]);
	for (let n = 0; n < 3; n++) await sink.append(named("x"));
	await sink.close();
	t.same(pieces, [100_000, 150_000]);
});

t.test("--dump-version needs a dump; ~ is the home folder; a selection is a filter", async (t) => {
	const { io } = captureIo();
	const troubles = new Troubles(io, { strict: false });
	await t.rejects(createOutput("x.jsonl", { format: null, dump_version: 20 }, troubles), {
		code: "FT_USAGE",
		message: /--dump-version 20/,
	});
	const folder = `no-such-folder-${process.pid}`;
	await t.rejects(createOutput(`~/${folder}/x.jsonl`, { format: null, dump_version: null }, troubles), {
		code: "FT_IO",
		message: `${join(homedir(), folder, "x.jsonl")}: cannot be written: its folder does not exist`,
	});
	t.equal(await selection({ filter: null, case_sensitive_filters: false }), undefined);
	t.equal((await selection({ filter: "~u EXAMPLE", case_sensitive_filters: true }))?.matches(named("x")), false);
	t.equal((await selection({ filter: "~u EXAMPLE", case_sensitive_filters: false }))?.matches(named("x")), true);
});

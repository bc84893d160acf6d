// `flowtape prune` drops recordings that no run used.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { command } from "../../commands/prune.ts";
import { httpFlow, tcpFlow } from "../../fixtures/build-flow.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";

const report = (...unused: string[]) =>
	[{ event: "served", recording: "a" }, ...unused.map((id) => ({ event: "unused", id }))]
		.map((event) => `${JSON.stringify(event)}\n`)
		.join("");

t.test("removes flows that are unused in all reports", async (t) => {
	const folder = t.testdir({ "one.jsonl": report("b", "c"), "two.jsonl": report("c", "a") });
	const [tape, out] = [join(folder, "a.tape"), join(folder, "out.mitm")];
	await writeTape(tape, [httpFlow({ id: "a" }), tcpFlow({ id: "t" }), httpFlow({ id: "b" }), httpFlow({ id: "c" })]);
	const idsAfter = async (...reports: string[]) => {
		const { status, err } = await runCaptured(command, [
			tape,
			...reports.flatMap((name) => ["--unused", join(folder, name)]),
			"-o",
			out,
		]);
		t.equal(status, 0);
		return [(await readTape(out)).flows.map(({ id }) => id), err];
	};
	t.same(await idsAfter("one.jsonl"), [["a", "t"], `wrote 2 flows to ${out}\ndropped 2 of 4 flows\n`]);
	t.same(await idsAfter("one.jsonl", "two.jsonl"), [
		["a", "t", "b"],
		`wrote 3 flows to ${out}\ndropped 1 of 4 flows\n`,
	]);
});

t.test("a recording that answered is kept in every tape that has its id", async (t) => {
	const folder = t.testdir({ "r.jsonl": report("a", "b") });
	const [tape, copy, out] = [join(folder, "a.tape"), join(folder, "copy.tape"), join(folder, "out.jsonl")];
	for (const [path, host] of [[tape, "a.test"] as const, [copy, "b.test"] as const])
		await writeTape(path, [httpFlow({ id: "a", request: { host } }), httpFlow({ id: "b", request: { host } })]);
	for (const path of [tape, copy]) {
		t.match(await runCaptured(command, [path, "--unused", join(folder, "r.jsonl"), "-o", out]), {
			status: 0,
			err: `wrote 1 flow to ${out}\ndropped 1 of 2 flows\n`,
		});
		t.match((await readTape(out)).flows, [{ id: "a" }]);
	}
});

t.test("a tape can be pruned in place", async (t) => {
	const folder = t.testdir({ "r.jsonl": report("b") });
	const tape = join(folder, "a.tape");
	await writeTape(tape, [httpFlow({ id: "a", response: { body: "kept".repeat(500) } }), httpFlow({ id: "b" })]);
	t.match(await runCaptured(command, [tape, "--unused", join(folder, "r.jsonl"), "-o", tape, "-q"]), {
		status: 0,
		err: "",
	});
	t.match((await readTape(tape)).flows, [{ id: "a", response: { text: "kept".repeat(500) } }]);
});

t.test("a damaged tape is not replaced, and no flow is reported as dropped", async (t) => {
	const folder = t.testdir({ "r.jsonl": report("b") });
	const tape = join(folder, "a.jsonl");
	await writeTape(tape, [httpFlow({ id: "a" }), httpFlow({ id: "b" })]);
	const damaged = `${readFileSync(tape, "utf8")}{"type":"http"\n`;
	writeFileSync(tape, damaged);
	const { status, err } = await runCaptured(command, [tape, "--unused", join(folder, "r.jsonl"), "-o", tape]);
	t.equal(status, 3);
	t.match(err, /was left unchanged/);
	t.notMatch(err, /dropped \d/);
	t.equal(readFileSync(tape, "utf8"), damaged);
});

t.test("a report of another tape", async (t) => {
	const folder = t.testdir({ "r.jsonl": report("x", "y"), "none.jsonl": report() });
	const [tape, out] = [join(folder, "a.tape"), join(folder, "out.tape")];
	await writeTape(tape, [httpFlow({ id: "a" }), httpFlow({ id: "b" })]);
	const errOf = async (name: string) =>
		(await runCaptured(command, [tape, "--unused", join(folder, name), "-o", out])).err;
	t.match(await errOf("r.jsonl"), /\ndropped 0 of 2 flows\nflowtape: these tapes have no recording that is unused/);
	t.equal(await errOf("none.jsonl"), `wrote 2 flows to ${out}\ndropped 0 of 2 flows\n`);
	t.equal((await readTape(out)).flows.length, 2);
});

t.test("errors leave all files unchanged", async (t) => {
	const reportText = report("a");
	const folder = t.testdir({ "not.jsonl": '{"a":1}\n', "bad.jsonl": "x\n", "r.jsonl": reportText });
	const [tape, out] = [join(folder, "a.tape"), join(folder, "out.tape")];
	await writeTape(tape, [httpFlow()]);
	writeFileSync(out, "there before");
	const run = (...args: string[]) => runCaptured(command, [tape, ...args]);
	t.match(await run("-o", out), { status: 2, err: /--unused/ });
	t.match(await run("--unused", join(folder, "not.jsonl")), { status: 2, err: /-o TAPE/ });
	t.match(await run("--unused", join(folder, "none.jsonl"), "-o", out), { status: 4, err: /no such file/ });
	for (const name of ["not.jsonl", "bad.jsonl"])
		t.match(await run("--unused", join(folder, name), "-o", out), { status: 3, err: /line 1/ });
	const used = join(folder, "r.jsonl");
	t.match(await run("--unused", used, "-o", join(folder, "./r.jsonl")), { status: 2, err: /would be overwritten/ });
	t.equal(readFileSync(used, "utf8"), reportText);
	t.equal(readFileSync(out, "utf8"), "there before");
});

t.test("with -q, losses are not printed", async (t) => {
	const folder = t.testdir({ "r.jsonl": report("b") });
	const tape = join(folder, "a.tape");
	await writeTape(tape, [httpFlow({ id: "a", marked: ":star:" }), httpFlow({ id: "b" })]);
	const args = [tape, "--unused", join(folder, "r.jsonl"), "-o", join(folder, "out.har")];
	t.match(await runCaptured(command, [...args, "-q"]), { status: 0, err: "" });
	t.match(await runCaptured(command, args), { err: /HAR cannot store these parts of flows: marks \(1\)/ });
});

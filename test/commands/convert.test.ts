// `flowtape convert` converts tapes between all formats.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { command } from "../../commands/convert.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { storeAt } from "../../fixtures/stores.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";
import { comparable, variedFlows } from "../../fixtures/varied-flows.ts";

t.test("from format to format and back, nothing is lost", async (t) => {
	const folder = t.testdir();
	const flows = variedFlows();
	const path = (name: string) => join(folder, name);
	await writeTape(path("a.jsonl"), flows);
	for (const [from, to] of [
		["a.jsonl", "b.tape"],
		["b.tape", "c.mitm"],
		["c.mitm", "d.jsonl"],
	] as const)
		t.same(await runCaptured(command, [path(from), path(to)]), {
			status: 0,
			out: "",
			err: `wrote ${flows.length} flows to ${path(to)}\n`,
		});
	t.same((await readTape(path("d.jsonl"))).flows.map(comparable), flows.map(comparable));
});

t.test("-f selects matching flows; --format takes precedence over the extension", async (t) => {
	const folder = t.testdir();
	const path = (name: string) => join(folder, name);
	await writeTape(path("a.jsonl"), variedFlows());
	t.same(await runCaptured(command, [path("a.jsonl"), path("b"), "-f", "~dns", "--format", "mitm"]), {
		status: 0,
		out: "",
		err: `wrote 2 flows to ${path("b")}\n`,
	});
	t.same(
		(await readTape(path("b"), { format: "mitm" })).flows.map(({ type }) => type),
		["dns", "dns"],
	);
});

t.test("a browser's HAR to a tape, and a tape to a HAR; losses are reported with status 0", async (t) => {
	const folder = t.testdir();
	const path = (name: string) => join(folder, name);
	t.match(await runCaptured(command, ["fixtures/flows/chromium.har", path("a.tape")]), {
		status: 0,
		err: /entries other than HTTP .*: 1\nwrote 16 flows to \S+a\.tape\n$/,
	});
	t.same(await runCaptured(command, [path("a.tape"), path("b.har.gz"), "-q"]), { status: 0, out: "", err: "" });
	t.equal((await readTape(path("b.har.gz"))).flows.length, 16);
	await writeTape(path("varied.jsonl"), variedFlows());
	const { status, err } = await runCaptured(command, [path("varied.jsonl"), path("c.har")]);
	t.equal(status, 0);
	t.match(
		err,
		/^flowtape: \S+c\.har: HAR cannot store these flows: TCP \(1\), UDP \(1\), DNS \(2\): left out\nflowtape: .*these parts of flows: .*\nwrote \d+ flows to \S+c\.har\n$/,
	);
});

t.test("long conversions show progress on a terminal, unless -q is given", async (t) => {
	const folder = t.testdir();
	const path = (name: string) => join(folder, name);
	await writeTape(
		path("a.jsonl"),
		Array.from({ length: 300 }, () => httpFlow()),
	);
	let now = 0;
	t.intercept(performance, "now", { value: () => (now += 1200) });
	const bar = (await runCaptured(command, [path("a.jsonl"), path("c.tape")], { isTTY: true })).err;
	t.match(bar, /\[#{20}\] 100% 300 flows, [\w.]+ of [\w.]+, [\w.]+\/s\S+\r\S+\rwrote 300 flows to \S+\n$/);
	t.match(
		(await runCaptured(command, [path("c.tape"), path("d.jsonl")], { isTTY: true })).err,
		/^200 flows\S+\r.*300 flows.*\r/,
	);
	t.equal((await runCaptured(command, [path("c.tape"), path("d.jsonl"), "-q"], { isTTY: true })).err, "");
	t.match((await runCaptured(command, [path("c.tape"), path("d.jsonl")])).err, /^wrote 300 flows to \S+\n$/);
});

t.test("no output is left behind if an input cannot be read", async (t) => {
	const folder = t.testdir({ text: "no tape" });
	const path = (name: string) => join(folder, name);
	t.match(await runCaptured(command, [path("text"), path("b.tape")]), {
		status: 3,
		err: /^flowtape: .*text: byte 0: not a tape/,
	});
	t.match(await runCaptured(command, [path("none"), path("b.tape")]), { status: 4, err: /none: no such file/ });
	t.match(await runCaptured(command, [path("none"), path("b.doc")]), { status: 4 });
	t.match(await runCaptured(command, [path("none")]), { status: 2, err: /expected flowtape convert TAPE TAPE/ });
	t.notOk(existsSync(path("b.tape")));
});

t.test("notes on the tape itself are converted, or their loss is reported", async (t) => {
	const folder = t.testdir();
	const at = (name: string) => join(folder, name);
	const notesOf = async (path: string) => {
		const store = storeAt(path, "read");
		const notes = store.notes();
		await store.close();
		return notes;
	};
	const golden = "fixtures/flows/tape-2.tape";
	const expected = { made: { by: "hand", bytes: Buffer.of(0, 255) } };
	t.same(await notesOf(golden), expected);
	for (const [from, to] of [
		[golden, at("a.tape")],
		[golden, at("a.jsonl")],
		[at("a.jsonl"), at("b.jsonl")],
		[at("b.jsonl"), at("c.mitm")],
		[at("c.mitm"), at("d.mitm")],
		[at("d.mitm"), at("e.tape")],
	] as const)
		t.match(await runCaptured(command, [from, to, "-q"]), { status: 0, err: "" }, to);
	for (const name of ["a.tape", "e.tape"]) t.same(await notesOf(at(name)), expected);
	t.match(
		readFileSync(at("a.jsonl"), "utf8"),
		/^\{"type":"tape","notes":\{"made":\{"by":"hand","bytes":\{"\$base64":"AP8="\}\}\}\}\n\{"id"/,
	);
	// a flow that a HAR can store
	writeFileSync(
		at("plain.jsonl"),
		`${readFileSync(at("a.jsonl"), "utf8").split("\n", 1)[0]}\n{"request":{"method":"GET","url":"http://a.test/"}}\n`,
	);
	for (const [from, to] of [
		["plain.jsonl", "e.har"],
		["e.har", "f.har.gz"],
		["f.har.gz", "f.tape"],
	] as const)
		t.match(await runCaptured(command, [at(from), at(to)]), { err: `wrote 1 flow to ${at(to)}\n` }, to);
	t.same(await notesOf(at("f.tape")), expected);
	t.match(
		readFileSync(at("e.har"), "utf8"),
		/^\{"log":\{"version":"1.2","creator":\{[^}]*\},"_flowtape":\{"notes":\{"made":/,
	);
	t.match(await runCaptured(command, [golden, at("f.zip")]), {
		status: 0,
		err: /HAR cannot store these notes on the tape: "made" \(1\): left out/,
	});
});

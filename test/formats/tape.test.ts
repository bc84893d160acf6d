// Reads and writes .tape files.
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import t, { type Test } from "tap";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { bytesInput } from "../../fixtures/bytes-input.ts";
import { ownTemporaryFolder } from "../../fixtures/own-temporary-folder.ts";
import { readTape, reports, writeTape } from "../../fixtures/tape-files.ts";
import { comparable, variedFlows } from "../../fixtures/varied-flows.ts";
import { createTape, openTape } from "../../formats/index.ts";
import { createTapeFormat } from "../../formats/tape.ts";
import type { Flow } from "../../src/flow/flow.ts";
import { defaultRequestKey } from "../../src/replay/match/key.ts";
import { redactedKeys } from "../../src/replay/match/redacted.ts";
import { openStore } from "../../src/store/sqlite/store.ts";

/** Opens a tape and closes it at the end of the test. */
async function openFor(t: Test, ...args: Parameters<typeof openTape>): ReturnType<typeof openTape> {
	const source = await openTape(...args);
	t.teardown(() => source.close());
	return source;
}

t.test("from a stream, and compressed with gzip", async (t) => {
	const folder = t.testdir();
	const flows = variedFlows();
	await writeTape(join(folder, "a.tape"), flows);
	const bytes = await readFile(join(folder, "a.tape"));
	const left = ownTemporaryFolder(t);
	const got: Flow[] = [];
	for await (const batch of await createTapeFormat({ keyOf: defaultRequestKey, redacted: redactedKeys }).read(
		bytesInput(bytes),
		{
			report: reports().report,
		},
	))
		got.push(...batch);
	t.strictSame(got.map(comparable), flows.map(comparable), "bodies can be read after the file is removed");
	t.same(left(), []);
	await writeFile(join(folder, "b.tape.gz"), gzipSync(bytes));
	t.strictSame((await readTape(join(folder, "b.tape.gz"))).flows.map(comparable), flows.map(comparable));
});

t.test("progress", async (t) => {
	const file = join(t.testdir(), "a.tape");
	await writeTape(
		file,
		Array.from({ length: 500 }, () => httpFlow()),
	);
	const { size } = await (await import("node:fs/promises")).stat(file);
	const source = await openFor(t, file, { report: reports().report });
	t.equal(source.progress().done, 0);
	const seen: number[] = [];
	for await (const _ of source) {
		source.progress();
		await new Promise((resolve) => setImmediate(resolve));
		seen.push(source.progress().done);
	}
	t.same(seen, [Math.round(size * 0.4), Math.round(size * 0.8), size]);
});

t.test("rows are copied from tape to tape, and flows to other formats", async (t) => {
	const folder = t.testdir();
	const flows = variedFlows();
	await writeTape(join(folder, "a.tape"), flows);
	const { report } = reports();
	const filter = {
		pattern: "",
		matches: (flow: Flow) => flow.type === "dns",
		plan: { kind: "unknown" as const },
		needs: new Set<never>(),
	};
	for (const [options, count] of [
		[{ report }, flows.length],
		[{ report, filter }, 2],
	] as const) {
		const source = await openFor(t, join(folder, "a.tape"), options);
		const sink = await createTape(join(folder, "b.tape"), { report });
		const taken = await source.transfer(sink);
		await sink.close();
		if (taken === count) t.equal((await readTape(join(folder, "b.tape"))).flows.length, count);
		else t.equal(taken, null, "if a filter needs the flows");
	}
	const source = await openFor(t, join(folder, "a.tape"), { report });
	const lines = await createTape(join(folder, "c.jsonl"), { report });
	t.equal(await source.transfer(lines), null);
	await lines.discard();
});

t.test("not to a stream, and not compressed", async (t) => {
	const { report } = reports();
	await t.rejects(createTape("-", { report, format: "tape" }), {
		code: "FT_USAGE",
		message: /cannot be written to a stream/,
	});
	await t.rejects(createTape(join(t.testdir(), "a.tape.gz"), { report }), {
		code: "FT_USAGE",
		message: /compress it afterwards/,
	});
});

t.test("recordings are found by their key without reading, and a tape is appended to", async (t) => {
	const folder = t.testdir({ "text.tape": "hello" });
	const [file, other] = [join(folder, "a.tape"), join(folder, "text.tape")];
	const flow = httpFlow();
	await writeTape(file, [flow], { append: true });
	await writeTape(file, [httpFlow()], { append: true });
	for (const path of [other, join(other, "none.tape")])
		await t.rejects(writeTape(path, [], { append: true }), {
			file: path,
			message: new RegExp(`^${path}: (?:byte 0: not a tape|the tape cannot be opened)`),
		});
	const keyed = await createTapeFormat({ keyOf: defaultRequestKey, redacted: redactedKeys }).openKeyed?.(file, {
		report: reports().report,
	});
	t.equal(keyed?.findByKey(defaultRequestKey(flow), -1, 10).length, 2);
});

t.test("a tape that cannot be renamed leaves nothing behind", async (t) => {
	const folder = t.testdir();
	const sink = await createTape(join(folder, "a.tape"), { report: reports().report });
	await sink.append(httpFlow());
	await mkdir(join(folder, "a.tape", "in the way"), { recursive: true });
	await t.rejects(sink.close(), { code: "FT_IO", message: /a\.tape: cannot be written/ });
	t.same(await readdir(folder), ["a.tape"]);
});

t.test("the logs of an interrupted recording are not applied to a new tape", async (t) => {
	const folder = t.testdir();
	const [live, cut] = [join(folder, "live.tape"), join(folder, "cut.tape")];
	const recorder = openStore(live, { mode: "append", report: reports().report, requestKey: defaultRequestKey });
	recorder.append(httpFlow({ id: "old" }));
	recorder.flush();
	for (const end of ["", "-wal"]) await copyFile(`${live}${end}`, `${cut}${end}`);
	await writeTape(cut, [httpFlow({ id: "new" })]);
	t.same(
		(await readTape(cut)).flows.map(({ id }) => id),
		["new"],
	);
	await t.rejects(writeTape(live, [httpFlow({ id: "new" })]), {
		code: "FT_IO",
		message: `${live}: another process has this tape open: end it before you replace the tape`,
	});
	await recorder.close();
	t.same(
		(await readTape(live)).flows.map(({ id }) => id),
		["old"],
	);
	await copyFile(`${cut}`, `${live}-wal`);
	await rm(live);
	await writeTape(live, [httpFlow({ id: "new" })]);
	t.same((await readdir(folder)).sort(), ["cut.tape", "live.tape"], "the log of a removed tape is removed too");
});

t.test("damage within a tape affects only the flows there, in every copy", async (t) => {
	const folder = t.testdir();
	const [path, out] = [join(folder, "a.tape"), join(folder, "out.tape")];
	await writeTape(
		path,
		Array.from({ length: 2000 }, (_, n) => httpFlow({ id: `flow-${n}` })),
	);
	const bytes = await readFile(path);
	const at = bytes.indexOf("flow-1000");
	t.ok(at > 0);
	bytes.fill(0xff, at - (at % 8192), at - (at % 8192) + 300);
	await writeFile(path, bytes);
	const { report } = reports();
	const got: string[] = [];
	await t.rejects(
		(async () => {
			for await (const batch of await openFor(t, path, { report })) got.push(...batch.map(({ id }) => id));
		})(),
		{ code: "FT_STORE", file: path },
	);
	t.ok(got.length > 1800 && got.length < 2000, `${got.length} of 2000`);
	t.same([got[0], got.at(-1)], ["flow-0", "flow-1999"]);
	const sink = await createTape(out, { report });
	const source = await openFor(t, path, { report });
	t.equal(await source.transfer(sink), null, "the flows can still be read");
	for (const id of got) await sink.append(httpFlow({ id }));
	await sink.close();
	t.equal((await readTape(out)).flows.length, got.length);
});

t.test("large input is written by a thread, unless rows are copied", async (t) => {
	const folder = t.testdir();
	const flows = variedFlows();
	await writeTape(join(folder, "a.tape"), flows);
	const { report } = reports();
	const large = { report, inputSize: 2 ** 30 };
	const source = await openFor(t, join(folder, "a.tape"), { report });
	const sink = await createTape(join(folder, "b.tape"), large);
	for await (const batch of source) for (const flow of batch) await sink.append(flow);
	await sink.close();
	t.strictSame((await readTape(join(folder, "b.tape"))).flows.map(comparable), flows.map(comparable));
	const copy = await createTape(join(folder, "c.tape"), large);
	t.equal(await (await openFor(t, join(folder, "a.tape"), { report })).transfer(copy), flows.length);
	await copy.close();
	t.equal((await readTape(join(folder, "c.tape"))).flows.length, flows.length);
	const gone = await createTape(join(folder, "d.tape"), large);
	await gone.append(httpFlow());
	await gone.discard();
	t.same((await readdir(folder)).sort(), ["a.tape", "b.tape", "c.tape"]);
});

t.test("a discarded tape leaves nothing", async (t) => {
	const folder = t.testdir();
	const sink = await createTape(join(folder, "a.tape"), { report: reports().report });
	await sink.append(httpFlow());
	await sink.discard();
	t.same(await readdir(folder), []);
	await t.rejects(createTape(join(folder, "none", "a.tape"), { report: reports().report }), { code: "FT_IO" });
});

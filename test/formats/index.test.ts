// Detects the format of a tape by its content, and chooses it by the extension for writing.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import t from "tap";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { readTape, reports, writeTape } from "../../fixtures/tape-files.ts";
import { comparable, variedFlows } from "../../fixtures/varied-flows.ts";
import { createTape, type Format, formatForWriting, formats, openTape } from "../../formats/index.ts";
import { TEXT_LIMIT } from "../../formats/json-cost.ts";

const flows = variedFlows();
/** A HAR cannot store all of a flow; see test/formats/har.test.ts. */
const lossless = formats.filter(({ name }) => name !== "har");
const expected = flows.map(comparable);

t.test("every format round-trips, and so does a conversion through all of them", async (t) => {
	const folder = t.testdir();
	let before = flows;
	for (const { extensions } of lossless) {
		const file = join(folder, `a${extensions[0]}`);
		t.same(await writeTape(file, flows), [], `${file} stores everything`);
		const { flows: back, reported } = await readTape(file);
		t.same(reported, []);
		t.strictSame(back.map(comparable), expected, `${extensions[0]} and back`);
		const chained = join(folder, `chain${extensions[0]}`);
		await writeTape(chained, before);
		before = (await readTape(chained)).flows;
		t.strictSame(before.map(comparable), expected, `${extensions[0]} from the format before`);
	}
	const round = join(folder, "round.tape");
	await writeTape(round, before);
	t.strictSame((await readTape(round)).flows.map(comparable), expected);
});

t.test("the content decides for reading, not the name", async (t) => {
	const folder = t.testdir();
	const file = join(folder, "a.mitm");
	await writeTape(file, flows, { format: "jsonl" });
	t.match(await readFile(file, "utf8"), /^\{"id"/);
	t.equal((await readTape(file)).flows.length, flows.length);
	await t.rejects(
		readTape(file, { format: "mitm" }).then(({ reported }) => Promise.reject(reported[0])),
		{ code: "FT_CORRUPT_FLOW" },
	);
});

t.test("a line whose notes contain the log of a HAR is not a HAR", async (t) => {
	const folder = t.testdir();
	const har = join(folder, "a.har");
	const line = join(folder, "a.jsonl");
	const entry = { request: { method: "GET", url: "http://a.example/" }, response: { status: 200 } };
	await writeFile(har, JSON.stringify({ log: { browser: { name: "Zilla", version: "7" }, entries: [entry] } }));
	const { flows: before } = await readTape(har);
	await writeTape(line, before);
	t.match(await readFile(line, "utf8"), '"log":{"browser"');
	const { flows: back, reported } = await readTape(line);
	t.same(reported, []);
	t.strictSame(back.map(comparable), before.map(comparable));
});

t.test("A to tape to A changes nothing, in every format", async (t) => {
	const folder = t.testdir();
	for (const { extensions } of formats) {
		const [first = "", tape, again] = [`a${extensions[0]}`, "between.tape", `b${extensions[0]}`].map((name) =>
			join(folder, name),
		) as [string, string, string];
		await writeTape(first, flows);
		const before = (await readTape(first)).flows;
		await writeTape(tape, before);
		await writeTape(again, (await readTape(tape)).flows);
		t.strictSame((await readTape(again)).flows.map(comparable), before.map(comparable), `${extensions[0]}`);
		if (extensions[0] !== ".tape")
			t.ok((await readFile(first)).equals(await readFile(again)), `${extensions[0]} to the byte`);
	}
});

t.test("inside gzip, in every format", async (t) => {
	const folder = t.testdir();
	for (const { extensions } of lossless) {
		const file = join(folder, `a${extensions[0]}`);
		await writeTape(file, flows);
		await writeFile(`${file}.gz`, gzipSync(await readFile(file)));
		t.strictSame((await readTape(`${file}.gz`)).flows.map(comparable), expected, `${extensions[0]}`);
		if (extensions[0] === ".tape") continue;
		await writeTape(`${file}.gz`, flows);
		t.ok(gunzipSync(await readFile(`${file}.gz`)).equals(await readFile(file)), "and written by the extension");
	}
});

t.test("a filter and ids select, in every format", async (t) => {
	const folder = t.testdir();
	const filter = {
		pattern: "",
		matches: (flow: (typeof flows)[number]) => flow.type === "dns",
		plan: { kind: "unknown" as const },
		needs: new Set<never>(),
	};
	for (const { extensions } of lossless) {
		const file = join(folder, `a${extensions[0]}`);
		await writeTape(file, flows);
		t.equal((await readTape(file, { filter })).flows.length, 2);
		const id = flows[3]?.id ?? "";
		t.same(
			(await readTape(file, { ids: [id] })).flows.map((flow) => flow.id),
			[id],
		);
	}
});

t.test("an empty file is a tape without flows", async (t) => {
	const file = join(t.testdir({ empty: "" }), "empty");
	t.same(await readTape(file), { flows: [], reported: [] });
});

t.test("an unknown format is an error that names the expected ones", async (t) => {
	const folder = t.testdir({ "a.tape": "hello there\u0007" });
	const { report } = reports();
	await t.rejects(openTape(join(folder, "a.tape"), { report }), {
		code: "FT_UNKNOWN_FORMAT",
		message: /a\.tape: byte 0: not a tape: .* begins with "hello there\."/,
	});
	await t.rejects(openTape(join(folder, "none"), { report }), { code: "FT_NOT_FOUND" });
	await t.rejects(openTape(folder, { report }), { code: "FT_IO", message: /folder/ });
	await t.rejects(openTape(join(folder, "a.tape"), { report, format: "xml" }), {
		code: "FT_BAD_OPTION",
		message: /expected one of tape, mitm, har, jsonl, found "xml"/,
	});
});

t.test("a flow that is too large for a format is left out, and does not count as written", async (t) => {
	const folder = t.testdir();
	const { list, report } = reports();
	for (const name of ["a.jsonl", "a.har", "a.zip"]) {
		const path = join(folder, name);
		const sink = await createTape(path, { report });
		await sink.append(httpFlow({ comment: "x".repeat(TEXT_LIMIT + 1) }));
		await sink.append(httpFlow({ id: "next" }));
		await sink.close();
		t.equal(sink.leftOut, 1, name);
		if (sink.stored !== null) t.equal(sink.stored, 2, "not lost");
		t.match((await readTape(path)).flows, [{ id: "next" }]);
	}
	t.match(
		list.map(({ code }) => code),
		["FT_TOO_LARGE", "FT_LOSS", "FT_LOSS"],
	);
});

t.test("the format to write in", async (t) => {
	t.equal(formatForWriting("x.TAPE").name, "tape");
	t.equal(formatForWriting("x.flows").name, "mitm");
	for (const name of ["x.har", "x.HAR.gz", "x.zhar", "x.zip", "x.har.zst"]) t.equal(formatForWriting(name).name, "har");
	t.equal(formatForWriting("-", "jsonl").name, "jsonl");
	t.throws(() => formatForWriting("-"), {
		code: "FT_USAGE",
		message: /stdout: .*--format with one of mitm, har, jsonl/,
	});
	t.throws(() => formatForWriting("x.txt"), { code: "FT_USAGE", message: /x\.txt: .*\.tape/ });
	const own = { ...formats[0], name: "own", extensions: [".own"] } as Format;
	t.throws(() => formatForWriting("x.txt", undefined, [own]), { message: /\.own .*--format with one of own, tape/ });
	await writeFile(join(t.testdir(), "x"), "");
});

// Any tape is told by its content, and written by its extension.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import t from "tap";
import { readTape, reports, writeTape } from "../../fixtures/tape-files.ts";
import { factsOf, variedFlows } from "../../fixtures/varied-flows.ts";
import { formatForWriting, formats, openTape } from "../../formats/index.ts";

const flows = variedFlows();
/** A HAR has no room for much of a flow; test/formats/har.test.ts says what comes back from one. */
const lossless = formats.filter(({ name }) => name !== "har");
const facts = flows.map(factsOf);

t.test("every format gives back what it was given, and so does a way through all of them", async (t) => {
	const folder = t.testdir();
	let before = flows;
	for (const { extensions } of lossless) {
		const file = join(folder, `a${extensions[0]}`);
		t.same(await writeTape(file, flows), [], `${file} holds everything`);
		const { flows: back, reported } = await readTape(file);
		t.same(reported, []);
		t.strictSame(back.map(factsOf), facts, `${extensions[0]} and back`);
		const chained = join(folder, `chain${extensions[0]}`);
		await writeTape(chained, before);
		before = (await readTape(chained)).flows;
		t.strictSame(before.map(factsOf), facts, `${extensions[0]} from the format before`);
	}
	const round = join(folder, "round.tape");
	await writeTape(round, before);
	t.strictSame((await readTape(round)).flows.map(factsOf), facts);
});

t.test("content counts when reading, whatever the name says", async (t) => {
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

t.test("a line whose notes contain the log of a HAR is no HAR", async (t) => {
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
	t.strictSame(back.map(factsOf), before.map(factsOf));
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
		t.strictSame((await readTape(again)).flows.map(factsOf), before.map(factsOf), `${extensions[0]}`);
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
		t.strictSame((await readTape(`${file}.gz`)).flows.map(factsOf), facts, `${extensions[0]}`);
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
	await writeFile(join(t.testdir(), "x"), "");
});

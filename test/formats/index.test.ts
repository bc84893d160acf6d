// Any tape is told by its content, and written by its extension.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { readTape, reports, writeTape } from "../../fixtures/tape-files.ts";
import { factsOf, variedFlows } from "../../fixtures/varied-flows.ts";
import { formatForWriting, formats, openTape } from "../../formats/index.ts";

const flows = variedFlows();
const facts = flows.map(factsOf);

t.test("every format gives back what it was given, and so does a way through all of them", async (t) => {
	const folder = t.testdir();
	let before = flows;
	for (const { extensions } of formats) {
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

t.test("a filter and ids select, in every format", async (t) => {
	const folder = t.testdir();
	const filter = { pattern: "", matches: (flow: (typeof flows)[number]) => flow.type === "dns", plan: { kind: "unknown" as const }, needs: new Set<never>() };
	for (const { extensions } of formats) {
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

t.test("what is no tape says so, and what was expected", async (t) => {
	const folder = t.testdir({ "a.tape": "hello there\u0007" });
	const { report } = reports();
	await t.rejects(openTape(join(folder, "a.tape"), { report }), {
		code: "FT_UNKNOWN_FORMAT",
		message: /a\.tape: byte 0: not a tape: .* begins with "hello there\."/,
	});
	await t.rejects(openTape(join(folder, "none"), { report }), { code: "FT_NOT_FOUND" });
	await t.rejects(openTape(folder, { report }), { code: "FT_IO", message: /folder/ });
	await t.rejects(openTape(join(folder, "a.tape"), { report, format: "xml" }), { code: "FT_BAD_OPTION", message: /"xml" is none of tape, mitm, jsonl/ });
});

t.test("the format to write in", async (t) => {
	t.equal(formatForWriting("x.TAPE").name, "tape");
	t.equal(formatForWriting("x.flows").name, "mitm");
	t.equal(formatForWriting("-", "jsonl").name, "jsonl");
	t.throws(() => formatForWriting("-"), { code: "FT_USAGE", message: /stdout: .*--format mitm, jsonl/ });
	t.throws(() => formatForWriting("x.txt"), { code: "FT_USAGE", message: /x\.txt: .*\.tape/ });
	await writeFile(join(t.testdir(), "x"), "");
});

// A tape as an object: it can be read several times, and is written completely or not at all.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import { createTape, openTape } from "../../api/tape.ts";
import { httpFlow, tcpFlow } from "../../fixtures/build-flow.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";
import { compileFilter } from "../../src/filter/compile.ts";
import type { Flow } from "../../src/flow/flow.ts";

const answered = (id: string, statusCode: number, body = "hello") =>
	httpFlow({ id, response: { statusCode, headers: [], body } });
const flows = () => [answered("one", 200), answered("two", 500), tcpFlow({ id: "three" })];
const idsOf = async (from: AsyncIterable<Flow>) => {
	const ids: string[] = [];
	for await (const flow of from) ids.push(flow.id);
	return ids;
};

/** JSON lines; the second is not a flow. */
async function damagedTape(folder: string): Promise<string> {
	const path = join(folder, "damaged.jsonl");
	await writeTape(path, [answered("one", 200), answered("three", 200)]);
	const [one, three] = readFileSync(path, "utf8").split("\n");
	writeFileSync(path, `${one}\n{"id":\n${three}\n`);
	return path;
}

for (const [format, extension] of [
	["tape", ".tape"],
	["mitm", ".mitm"],
	["har", ".har"],
	["jsonl", ".jsonl"],
] as const)
	t.test(`${format}: flows, one flow, counts and figures`, async (t) => {
		const path = join(t.testdir(), `session${extension}`);
		const all = format === "har" ? flows().slice(0, 2) : flows();
		const ids = all.map(({ id }) => id);
		await writeTape(path, all);
		await using tape = await openTape(path);
		t.equal(tape.format, format);
		t.equal(tape.path, path);
		t.same(await idsOf(tape), ids);
		t.same(await idsOf(tape.flows()), ids, "again");
		t.same(await idsOf(tape.flows({ filter: "~c 500" })), ["two"]);
		t.same(
			await idsOf(tape.flows({ filter: compileFilter("!~c 500"), bodies: false })),
			ids.filter((id) => id !== "two"),
		);
		t.same(await idsOf(tape.flows({ ids: ["two", "none"] })), ["two"]);
		const batches: number[] = [];
		for await (const batch of tape.flows().batches()) batches.push(batch.length);
		t.equal(
			batches.reduce((sum, count) => sum + count, 0),
			ids.length,
		);
		t.match(await tape.get("two"), { id: "two", response: { statusCode: 500 } });
		t.equal(await tape.get("tw"), null);
		t.equal(await tape.count(), ids.length);
		t.equal(await tape.count("~c 500"), 1);
		t.match(await tape.stats(), { flows: ids.length, statuses: { 200: 1, 500: 1 } });
	});

t.test("a tape by a URL; an empty file; a file called -", async (t) => {
	const folder = t.testdir();
	const path = join(folder, "-");
	await writeTape(join(folder, "a.jsonl"), [answered("one", 200)]);
	writeFileSync(path, readFileSync(join(folder, "a.jsonl")));
	t.equal((await openTape(pathToFileURL(path))).format, "jsonl");
	writeFileSync(join(folder, "empty.har"), "");
	const empty = await openTape(join(folder, "empty.har"));
	t.equal(empty.format, "har");
	t.equal(await empty.count(), 0);
	writeFileSync(join(folder, "empty"), "");
	t.equal((await openTape(join(folder, "empty"))).format, "tape");
});

t.test("other files are rejected", async (t) => {
	const folder = t.testdir({ text: "some text", "a.jsonl": "" });
	await t.rejects(openTape(join(folder, "none")), { code: "FT_NOT_FOUND" });
	await t.rejects(openTape(join(folder, "text")), { code: "FT_UNKNOWN_FORMAT" });
	await t.rejects(openTape(join(folder, "text"), { signal: AbortSignal.abort() }), { name: "AbortError" });
	const tape = await openTape(join(folder, "a.jsonl"));
	await t.rejects(tape.count("~nonsense"), { code: "FT_BAD_FILTER", column: 1, option: "filter" });
});

t.test("damage is thrown, or reported and skipped", async (t) => {
	const path = await damagedTape(t.testdir());
	const strict = await openTape(path);
	await t.rejects(idsOf(strict), { code: "FT_CORRUPT_FLOW", message: /line 2/ });
	const reported: string[] = [];
	const tolerant = await openTape(path, { onTrouble: (code) => reported.push(code) });
	t.same(await idsOf(tolerant), ["one", "three"]);
	t.same(reported, ["FT_CORRUPT_FLOW"]);
	t.same(await idsOf(await openTape(path, { strict: false })), ["one", "three"]);
	await t.rejects(idsOf(await openTape(path, { strict: true, onTrouble: () => {} })), { code: "FT_CORRUPT_FLOW" });
});

t.test("reading ends when the tape is closed, and when its signal is aborted", async (t) => {
	const path = join(t.testdir(), "a.tape");
	await writeTape(
		path,
		Array.from({ length: 5000 }, (_, n) => answered(`flow ${n}`, 200)),
	);
	const tape = await openTape(path);
	let read = 0;
	const reading = async () => {
		for await (const batch of tape.flows().batches()) {
			read += batch.length;
			await tape.close();
		}
	};
	await t.rejects(reading(), { code: "FT_USAGE", message: /the tape is closed/ });
	t.ok(read > 0 && read < 5000);
	await t.rejects(tape.count(), { code: "FT_USAGE" });
	const stop = new AbortController();
	const stoppable = await openTape(path, { signal: stop.signal });
	const aborted = async () => {
		for await (const _ of stoppable.flows().batches()) stop.abort(new Error("enough"));
	};
	await t.rejects(aborted(), /enough/);
});

t.test("a new tape exists after the commit", async (t) => {
	const folder = t.testdir();
	const path = join(folder, "new.tape");
	{
		await using writer = await createTape(path);
		await writer.append(answered("one", 200));
		t.equal(writer.written, 1);
	}
	t.same(readdirSync(folder), [], "discarded");
	const writer = await createTape(path);
	writer.note("from", "a test");
	for (const flow of flows()) await writer.append(flow);
	await writer.commit();
	t.match((await readTape(path)).flows, [{ id: "one" }, { id: "two" }, { id: "three" }]);
	await writer.discard();
	t.same(readdirSync(folder), ["new.tape"], "what is committed stays");
	await t.rejects(writer.append(answered("four", 200)), { code: "FT_USAGE" });
	await t.rejects(writer.commit(), { code: "FT_USAGE" });
	await using more = await createTape(path, { append: true });
	await more.append(answered("four", 200));
	await more.commit();
	t.equal((await readTape(path)).flows.length, 4);
});

t.test("tapes that cannot be created, and reported losses", async (t) => {
	const folder = t.testdir();
	mkdirSync(join(folder, "sub"));
	await t.rejects(createTape(join(folder, "a.xyz")), { code: "FT_USAGE", message: /extension/ });
	await t.rejects(createTape(join(folder, "a.tape"), { format: "xml" }), { code: "FT_BAD_OPTION", option: "format" });
	await t.rejects(createTape(join(folder, "a.tape"), { dumpVersion: 20 }), {
		code: "FT_USAGE",
		message: /^dumpVersion 20/,
	});
	await t.rejects(createTape(join(folder, "none", "a.tape")), { code: "FT_IO" });
	const reported: string[] = [];
	await using har = await createTape(join(folder, "a.har"), { onTrouble: (code) => reported.push(code) });
	await har.append(tcpFlow());
	await har.commit();
	t.same(new Set(reported), new Set(["FT_LOSS"]));
});

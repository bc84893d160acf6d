// Writes flows from files, tapes and programs to a file, all or none.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import { convert } from "../../api/convert.ts";
import { createTape, openTape } from "../../api/tape.ts";
import { httpFlow, tcpFlow } from "../../fixtures/build-flow.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";

const idsIn = async (path: string) => (await readTape(path)).flows.map(({ id }) => id);

t.test("from every kind of source to every kind of target", async (t) => {
	const folder = t.testdir();
	const [one, two, to] = [join(folder, "one.tape"), join(folder, "two.mitm"), join(folder, "to.jsonl")];
	await writeTape(one, [httpFlow({ id: "one" })]);
	await writeTape(two, [httpFlow({ id: "two" })]);
	t.same(await convert(one, to), { written: 1, dropped: 0, damaged: 0, notices: 0 });
	t.same(await idsIn(to), ["one"]);
	await convert(pathToFileURL(two), pathToFileURL(to));
	t.same(await idsIn(to), ["two"]);
	await using tape = await openTape(one);
	t.match(await convert([tape, two], to), { written: 2 });
	t.same(await idsIn(to), ["one", "two"]);
	await convert([httpFlow({ id: "three" })], to);
	t.same(await idsIn(to), ["three"]);
	await convert(tape.flows(), to);
	t.same(await idsIn(to), ["one"]);
	const writer = await createTape(to);
	t.match(await convert(one, writer), { written: 1 });
	t.match(await convert(two, writer), { written: 1 });
	t.same(await idsIn(to), ["one"], "the caller commits");
	await writer.commit();
	t.same(await idsIn(to), ["one", "two"]);
	await convert([], to);
	t.same(await idsIn(to), []);
});

t.test("a format by name, a version of a dump, progress, losses", async (t) => {
	const folder = t.testdir();
	const from = join(folder, "from.tape");
	await writeTape(from, [httpFlow({ id: "one" }), tcpFlow({ id: "two" })]);
	const reported: unknown[] = [];
	const report = await convert(from, join(folder, "out"), {
		format: "har",
		onTrouble: (code) => reported.push(code),
		onProgress: (...counts) => reported.push(counts),
	});
	t.match(report, { written: 2, damaged: 0, notices: 2 });
	t.same(reported, [[2, 2], "FT_LOSS", "FT_LOSS"]);
	t.equal((await openTape(join(folder, "out"))).format, "har");
	await convert(from, join(folder, "old.mitm"), { dumpVersion: 20 });
	t.same(await idsIn(join(folder, "old.mitm")), ["one", "two"]);
	await t.rejects(convert(from, join(folder, "old.jsonl"), { dumpVersion: 20 }), { code: "FT_USAGE" });
});

t.test("a failure leaves the target unchanged", async (t) => {
	const folder = t.testdir();
	const [from, to] = [join(folder, "from.jsonl"), join(folder, "to.jsonl")];
	await writeTape(from, [httpFlow({ id: "one" }), httpFlow({ id: "three" })]);
	const [first, last] = readFileSync(from, "utf8").split("\n");
	writeFileSync(from, `${first}\n{"id":\n${last}\n`);
	await writeTape(to, [httpFlow({ id: "old" })]);
	await t.rejects(convert(from, to), { code: "FT_CORRUPT_FLOW" });
	await t.rejects(convert(join(folder, "none"), to), { code: "FT_NOT_FOUND" });
	await t.rejects(convert(from, to, { signal: AbortSignal.abort(new Error("no more")) }), /no more/);
	const stop = new AbortController();
	async function* endless() {
		for (;;) yield httpFlow();
	}
	await t.rejects(
		convert(endless(), to, { signal: stop.signal, onProgress: (read) => read > 10 && stop.abort(new Error("enough")) }),
		/enough/,
	);
	t.same(await idsIn(to), ["old"]);
	t.match(await convert(from, to, { onTrouble: () => {} }), { written: 2, damaged: 1 });
	t.same(await idsIn(to), ["one", "three"]);
	t.same(readdirSync(folder).sort(), ["from.jsonl", "to.jsonl"]);
});

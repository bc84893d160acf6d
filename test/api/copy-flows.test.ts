// Copies flows to an output, which is completed or unchanged.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { copyFlows, openTapes, RecoveringSource } from "../../api/copy-flows.ts";
import { rewrite } from "../../api/rewrite.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { readTape, reports, writeTape } from "../../fixtures/tape-files.ts";
import { createTape, openTape } from "../../formats/index.ts";

t.test("kept, rejected and interrupted flows", async (t) => {
	const folder = t.testdir();
	const path = join(folder, "in.jsonl");
	const to = join(folder, "out.jsonl");
	await writeTape(path, [httpFlow({ id: "one" }), httpFlow({ id: "two" })]);
	const { report } = reports();
	const copy = async (extra: Partial<Parameters<typeof copyFlows>[0]>) =>
		copyFlows({
			sources: await openTapes([path], { report }),
			open: () => createTape(to, { report }),
			report,
			reportInput: report,
			...extra,
		});
	t.match(await copy({ isKept: () => false }), { read: 2, passed: 2, end: "refused" });
	t.match(await copy({ signal: AbortSignal.abort() }), { end: "interrupted" });
	await t.rejects(copy({ steps: [() => Promise.reject(new Error("a step failed"))] }), /a step failed/);
	t.same(readdirSync(folder), ["in.jsonl"]);
	t.match(await copy({ steps: [(flow) => (flow.id === "one" ? flow : null)] }), { read: 2, passed: 1, end: "kept" });
	t.match((await readTape(to)).flows, [{ id: "one" }]);
});

t.test("one invalid input of several is reported; only invalid ones are an error", async (t) => {
	const folder = t.testdir();
	const [good, bad] = [join(folder, "good.tape"), join(folder, "bad.tape")];
	await writeTape(good, [httpFlow()]);
	writeFileSync(bad, "no tape");
	const { list, report } = reports();
	const [source, ...more] = await openTapes([bad, good], { report });
	t.equal(more.length, 0);
	await source?.close?.();
	t.match(list, [{ code: "FT_UNKNOWN_FORMAT", message: /bad\.tape/ }]);
	await t.rejects(openTapes([bad], { report }), { code: "FT_UNKNOWN_FORMAT" });
	await t.rejects(openTapes([good, join(folder, "none")], { report }), { code: "FT_NOT_FOUND" });
	await t.rejects(openTapes(["-", good, "-"], { report }), {
		code: "FT_USAGE",
		message: /stdin: it can be read only once/,
	});
});

t.test("damage ends its source, and the next one is read", async (t) => {
	const folder = t.testdir();
	const [cut, whole, to] = [join(folder, "cut.mitm"), join(folder, "whole.mitm"), join(folder, "out.mitm")];
	await writeTape(cut, [httpFlow({ id: "one" }), httpFlow({ id: "two" })]);
	writeFileSync(cut, readFileSync(cut).subarray(0, -20));
	await writeTape(whole, [httpFlow({ id: "three" })]);
	const { list, report } = reports();
	const sources = await openTapes([cut, whole], { report });
	t.match(await copyFlows({ sources, open: () => createTape(to, { report }), report, reportInput: report }), {
		passed: 2,
		end: "kept",
	});
	t.match(list, [{ message: /cut\.mitm: byte \d+/ }]);
	t.match((await readTape(to)).flows, [{ id: "one" }, { id: "three" }]);
});

t.test("a recovering source forwards progress, counts and closing", async (t) => {
	const path = join(t.testdir(), "a.jsonl");
	await writeTape(path, [httpFlow(), httpFlow()]);
	const { report } = reports();
	const [inner] = await openTapes([path], { report });
	let isClosed = false;
	if (inner === undefined) throw new Error("nothing was opened");
	const { close } = inner;
	inner.close = () => {
		isClosed = true;
		return close.call(inner);
	};
	const source = new RecoveringSource(inner, report);
	t.same(source.progress(), { done: 0, total: readFileSync(path).length });
	t.equal(await source.count(), null);
	for await (const _ of source);
	t.equal(source.progress().done, readFileSync(path).length);
	await source.close();
	t.ok(isClosed);
});

t.test("notes on a tape are copied, even if its flows are dropped", async (t) => {
	const folder = t.testdir();
	const path = join(folder, "noted.jsonl");
	const { report } = reports();
	const noted = await createTape(path, { report });
	noted.note("by", "somebody");
	await noted.append(httpFlow());
	await noted.close();
	for (const changes of [
		{ setComment: "x" },
		{ sort: true },
		{ dedupe: true },
		{ setComment: "x", sort: true, dedupe: true },
	]) {
		const to = join(folder, "to.tape");
		await rewrite(path, changes, to);
		const source = await openTape(to, { report });
		t.match(await source.notes(), { by: "somebody" }, JSON.stringify(changes));
		await source.close();
	}
});

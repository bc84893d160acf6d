// Sources: files, tapes, and flows of a program.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import { filesOf, isWriter, openSource, type Source, type Target } from "../../api/source.ts";
import { createTape, openTape } from "../../api/tape.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { writeTape } from "../../fixtures/tape-files.ts";

t.test("files and other sources", async (t) => {
	const path = join(t.testdir(), "a.tape");
	await writeTape(path, [httpFlow({ id: "one" })]);
	const tape = await openTape(path);
	t.same(filesOf(path), [path]);
	t.same(filesOf(pathToFileURL(path)), [path]);
	t.same(filesOf([tape, path]), [path, path]);
	t.same(filesOf("-"), ["./-"], "no stream");
	t.equal(filesOf([httpFlow()]), null);
	t.equal(filesOf(tape.flows()), null);
	t.notOk(isWriter(path));
	const writer = await createTape(path);
	t.ok(isWriter(writer));
	await writer.discard();
});

t.test("a missing source or target is an error that says what was expected", async (t) => {
	for (const wrong of [undefined, null, 5, {}]) {
		const message = new RegExp(`expected a path, .*, found ${String(wrong)}`.replace(/[[\]]/g, "\\$&"));
		t.throws(() => filesOf(wrong as unknown as Source), { name: "TypeError", message });
		t.throws(() => isWriter(wrong as unknown as Target), { name: "TypeError", message });
	}
});

t.test("all of them are opened, or none", async (t) => {
	const folder = t.testdir();
	const path = join(folder, "a.tape");
	await writeTape(path, [httpFlow({ id: "one" })]);
	const report = (code: string) => t.fail(code);
	const idsOf = async (source: Source) => {
		const ids: string[] = [];
		for (const opened of await openSource(source, { report }))
			for await (const batch of opened) ids.push(...batch.map(({ id }) => id));
		return ids;
	};
	t.same(await idsOf([path, await openTape(path)]), ["one", "one"]);
	t.same(await idsOf(new Set([httpFlow({ id: "two" })])), ["two"]);
	await t.rejects(idsOf([path, join(folder, "none")]), { code: "FT_NOT_FOUND" });
});

// Reads the flows before the cut of a truncated tape; the message names its offset.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { ownTemporaryFolder } from "../../../fixtures/own-temporary-folder.ts";
import { readTape, writeTape } from "../../../fixtures/tape-files.ts";
import { missingEnd } from "../../../formats/tape/cut-tape.ts";
import { compileFilter } from "../../../src/filter/compile.ts";

t.test("flows before the cut, for reading, counting and copying", async (t) => {
	const folder = t.testdir();
	const left = ownTemporaryFolder(t);
	const [path, cut, out] = ["a.tape", "cut.tape", "out.tape"].map((name) => join(folder, name)) as [
		string,
		string,
		string,
	];
	await writeTape(
		path,
		Array.from({ length: 1000 }, (_, n) => httpFlow({ id: `flow-${n}`, response: { body: `${n} `.repeat(400) } })),
	);
	const bytes = await readFile(path);
	t.equal(missingEnd(path), null);
	await writeFile(cut, bytes.subarray(0, Math.floor(bytes.length / 2)));
	t.same(missingEnd(cut), { size: Math.floor(bytes.length / 2), whole: bytes.length });
	const { flows, reported } = await readTape(cut);
	t.ok(flows.length > 300 && flows.length < 700, `${flows.length} of 1000`);
	t.same(flows[0]?.id, "flow-0");
	t.match(reported[0], {
		code: "FT_STORE",
		offset: Math.floor(bytes.length / 2),
		message: /cut\.tape: byte \d+: the tape is cut off here; expected \d+ bytes/,
	});
	for (const { message } of reported) t.ok(message.startsWith(cut), message);
	t.equal(
		(await readTape(cut, { filter: compileFilter("~c 200 & ~b '^7 7 '") })).flows.length,
		1,
		"an index would be at the end",
	);
	t.equal((await readTape(cut, { ids: ["flow-3"] })).flows.length, 1);
	await writeTape(out, flows);
	t.equal((await readTape(out)).flows.length, flows.length);
	t.same(left(), []);
	t.same((await readdir(folder)).sort(), ["a.tape", "cut.tape", "out.tape"]);
});

t.test("pages in the write-ahead log are not missing", async (t) => {
	const folder = t.testdir({ "a.tape-wal": "" });
	const path = join(folder, "a.tape");
	await writeTape(join(folder, "b.tape"), [httpFlow()]);
	await writeFile(path, (await readFile(join(folder, "b.tape"))).subarray(0, 8192));
	t.equal(missingEnd(path), null);
});

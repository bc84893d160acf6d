// Refuses to append to a file if the appended flows could not be read.
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import t from "tap";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";

const EXTENSIONS = ["tape", "mitm", "har", "jsonl", "mitm.gz", "har.gz", "jsonl.gz"];
/** The formats that append after any content. */
const OPEN_ENDED = ["mitm", "jsonl", "mitm.gz", "jsonl.gz"];

const add = (path: string) => writeTape(path, [httpFlow({ id: "new" })], { append: true });
const idsIn = async (path: string) => (await readTape(path)).flows.map(({ id }) => id);

t.test("flows are appended only to a file of the same format and compression", async (t) => {
	const folder = t.testdir();
	for (const name of EXTENSIONS) await writeTape(join(folder, `old.${name}`), [httpFlow({ id: "old" })]);
	for (const target of OPEN_ENDED)
		for (const content of EXTENSIONS) {
			const path = join(folder, `to.${target}`);
			copyFileSync(join(folder, `old.${content}`), path);
			const before = readFileSync(path);
			if (content === target) {
				await add(path);
				t.same(await idsIn(path), ["old", "new"], target);
				continue;
			}
			await t.rejects(add(path), { code: "FT_USAGE", message: /flows cannot be appended/ }, `${content} in ${target}`);
			t.ok(readFileSync(path).equals(before), "unchanged");
		}
});

t.test("nothing is appended to compressed data without an end", async (t) => {
	const path = join(t.testdir(), "a.jsonl.gz");
	await writeTape(path, [httpFlow({ id: "old" })]);
	const whole = readFileSync(path);
	for (const lost of [3, 20]) {
		writeFileSync(path, whole.subarray(0, -lost));
		await t.rejects(add(path), {
			code: "FT_USAGE",
			message: /its gzip data is damaged or cut off; record to another file/,
		});
	}
	t.match(gunzipSync(whole).toString(), "old");
});

t.test("only the cut line is lost", async (t) => {
	const path = join(t.testdir(), "a.jsonl");
	await writeTape(path, [httpFlow({ id: "old" }), httpFlow({ id: "cut" })]);
	writeFileSync(path, readFileSync(path).subarray(0, -30));
	await add(path);
	const { flows, reported } = await readTape(path);
	t.same(
		flows.map(({ id }) => id),
		["old", "new"],
	);
	t.match(reported, [{ code: "FT_CORRUPT_FLOW" }]);
	t.equal(reported.length, 1);
});

t.test("an empty file and a device are appended to, other text is not", async (t) => {
	const folder = t.testdir();
	const path = join(folder, "a.jsonl");
	for (const text of ["just words\n", `\ufeff{}`]) {
		writeFileSync(path, text, text.startsWith("\ufeff") ? "utf16le" : "utf8");
		await t.rejects(add(path), { code: "FT_USAGE" });
	}
	writeFileSync(path, gzipSync("{}"));
	await t.rejects(add(path), {
		code: "FT_USAGE",
		message: /expected uncompressed data by its name, found gzip data/,
	});
	writeFileSync(path, "");
	await add(path);
	await add(join(folder, "b.jsonl"));
	await writeTape("/dev/null", [httpFlow()], { append: true, format: "jsonl" });
	t.same(await idsIn(path), ["new"]);
	t.ok(existsSync(join(folder, "b.jsonl")));
});

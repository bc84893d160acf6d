// Opens outputs. A new file gets its name when it is complete; until then an existing one is unchanged.
import { randomBytes } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { constants, gunzipSync, inflateSync } from "node:zlib";
import t, { type Test } from "tap";
import { limitFileSize, noFileSizeLimit as skip } from "../../fixtures/file-size-limit.ts";
import { reports } from "../../fixtures/tape-files.ts";
import { openOutput } from "../../formats/output.ts";
import { completeRecords } from "../../formats/records.ts";

t.test("a file gets its name when it is closed", async (t) => {
	const folder = t.testdir({ a: "old" });
	const path = join(folder, "a");
	const output = await openOutput(path);
	await output.write(Buffer.from("new"));
	t.equal(await readFile(path, "utf8"), "old");
	await output.close();
	t.equal(await readFile(path, "utf8"), "new");
	t.same(await readdir(folder), ["a"]);
});

t.test("a discarded file leaves nothing", async (t) => {
	const folder = t.testdir({ a: "old" });
	const output = await openOutput(join(folder, "a"));
	await output.write(Buffer.from("new"));
	await output.discard();
	t.equal(await readFile(join(folder, "a"), "utf8"), "old");
	t.same(await readdir(folder), ["a"]);
});

t.test("appended bytes are in the file at once", async (t) => {
	const path = join(t.testdir({ a: "old" }), "a");
	const output = await openOutput(path, { append: true });
	await output.write(Buffer.from("new"));
	t.equal(await readFile(path, "utf8"), "oldnew");
	await output.discard();
});

t.test("compressed by the extension", async (t) => {
	const folder = t.testdir();
	for (const [name, undo] of [
		["a.jsonl.gz", gunzipSync],
		["a.zhar", inflateSync],
	] as const) {
		const output = await openOutput(join(folder, name));
		await output.write(Buffer.from("hello "));
		await output.write(Buffer.from("world"));
		await output.close();
		t.equal(String(undo(await readFile(join(folder, name)))), "hello world");
	}
	const more = await openOutput(join(folder, "a.jsonl.gz"), { append: true });
	await more.write(Buffer.from("!"));
	await more.close();
	t.equal(String(gunzipSync(await readFile(join(folder, "a.jsonl.gz")))), "hello world!");
	const dropped = await openOutput(join(folder, "b.gz"));
	await dropped.discard();
	t.same((await readdir(folder)).sort(), ["a.jsonl.gz", "a.zhar"]);
});

const FIRST = Buffer.from("first\n");

/** A compressed recording with one record, which is in the file. Removes the limit on the file size after the test. */
async function recordFirst(t: Test) {
	const path = join(t.testdir(), "a.gz");
	t.teardown(() => limitFileSize("unlimited"));
	const output = await openOutput(path, { append: true, report: reports().report });
	await output.write(FIRST, completeRecords(FIRST, 1));
	await output.flush?.();
	return { path, output };
}

t.test("a compressed record counts when all of it is in the file", async (t) => {
	const { path, output } = await recordFirst(t);
	t.equal(output.written, 1);
	const second = randomBytes(1024 * 1024);
	await output.write(second, completeRecords(second, 1));
	t.ok((await stat(path)).size > 64 * 1024, "the file has a part of the second");
	t.equal(output.written, 1);
	await output.close();
	t.equal(output.written, 2);
	t.ok(gunzipSync(await readFile(path)).equals(Buffer.concat([FIRST, second])));
});

t.test("a compressed recording on a full disk ends after the last counted record", { skip }, async (t) => {
	const { path, output } = await recordFirst(t);
	limitFileSize(256 * 1024);
	const second = randomBytes(1024 * 1024);
	await output.write(second, completeRecords(second, 1));
	await output.flush?.();
	await t.rejects(output.close(), { code: "FT_IO", message: /the disk is full/ });
	t.equal(output.written, 1);
	limitFileSize("unlimited");
	const content = gunzipSync(await readFile(path), { finishFlush: constants.Z_SYNC_FLUSH });
	t.ok(content.equals(FIRST));
});

t.test("after compressed bytes were lost, nothing more is accepted", { skip }, async (t) => {
	const { path, output } = await recordFirst(t);
	limitFileSize(1024);
	const large = randomBytes(8 * 1024 * 1024);
	let failure: unknown = null;
	for (let i = 0; i < 20 && failure === null; i++)
		await output.write(large, completeRecords(large, 1)).catch((error) => {
			failure = error;
		});
	t.match(failure, { code: "FT_IO", message: /the disk is full/ });
	limitFileSize("unlimited");
	await t.rejects(output.write(FIRST, completeRecords(FIRST, 1)), { code: "FT_IO" });
	await t.rejects(output.close(), { code: "FT_IO" });
	t.equal(output.written, 1);
	const content = gunzipSync(await readFile(path), { finishFlush: constants.Z_SYNC_FLUSH });
	t.ok(content.subarray(0, FIRST.length).equals(FIRST));
});

t.test("devices are written to, not replaced", async () => {
	const output = await openOutput("/dev/null");
	await output.write(Buffer.from("x"));
	await output.close();
});

t.test("a full device gives FT_IO", async (t) => {
	const output = await openOutput("/dev/full");
	await t.rejects(output.write(Buffer.from("x")), {
		code: "FT_IO",
		message: /\/dev\/full: cannot be written: the disk is full/,
	});
	await output.discard();
});

t.test("outputs that cannot be written", async (t) => {
	const folder = t.testdir({ file: "" });
	await t.rejects(openOutput(join(folder, "none", "a")), { code: "FT_IO", message: /its folder does not exist/ });
	await t.rejects(openOutput(join(folder, "file", "a")), { code: "FT_IO" });
});

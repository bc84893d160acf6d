// Outputs take their name when they are whole; until then what stood there stands.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, inflateSync } from "node:zlib";
import t from "tap";
import { openOutput } from "../../formats/output.ts";

t.test("a file takes its name when it is closed", async (t) => {
	const folder = t.testdir({ a: "old" });
	const path = join(folder, "a");
	const output = await openOutput(path);
	await output.write(Buffer.from("new"));
	t.equal(await readFile(path, "utf8"), "old");
	await output.close();
	t.equal(await readFile(path, "utf8"), "new");
	t.same(await readdir(folder), ["a"]);
});

t.test("discarded, it leaves nothing", async (t) => {
	const folder = t.testdir({ a: "old" });
	const output = await openOutput(join(folder, "a"));
	await output.write(Buffer.from("new"));
	await output.discard();
	t.equal(await readFile(join(folder, "a"), "utf8"), "old");
	t.same(await readdir(folder), ["a"]);
});

t.test("appending adds to what is there at once", async (t) => {
	const path = join(t.testdir({ a: "old" }), "a");
	const output = await openOutput(path, { append: true });
	await output.write(Buffer.from("new"));
	t.equal(await readFile(path, "utf8"), "oldnew");
	await output.discard();
});

t.test("compressed by the name", async (t) => {
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

t.test("devices are written to as they are", async () => {
	const output = await openOutput("/dev/null");
	await output.write(Buffer.from("x"));
	await output.close();
});

t.test("a full device is an error of ours", async (t) => {
	const output = await openOutput("/dev/full");
	await t.rejects(output.write(Buffer.from("x")), { code: "FT_IO", message: /\/dev\/full: cannot be written: the disk is full/ });
	await output.discard();
});

t.test("what cannot be written", async (t) => {
	const folder = t.testdir({ file: "" });
	await t.rejects(openOutput(join(folder, "none", "a")), { code: "FT_IO", message: /its folder does not exist/ });
	await t.rejects(openOutput(join(folder, "file", "a")), { code: "FT_IO" });
});

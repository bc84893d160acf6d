// Outputs take their name when they are whole; until then what stood there stands.
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { constants, gunzipSync, inflateSync } from "node:zlib";
import t from "tap";
import { reports } from "../../fixtures/tape-files.ts";
import { openOutput } from "../../formats/output.ts";
import { wholly } from "../../formats/records.ts";

const limit = (soft: number | string) =>
	spawnSync("prlimit", [`--pid=${process.pid}`, `--fsize=${soft}:`]).status === 0;
const skip = limit("unlimited") ? false : "limits of this process cannot be set here";

// the test runner would end the process, which ignores it otherwise
process.on("SIGXFSZ", () => {});

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

t.test("a compressed record counts when all of it is in the file", async (t) => {
	const path = join(t.testdir(), "a.gz");
	const output = await openOutput(path, { append: true });
	const first = Buffer.from("first\n");
	await output.write(first, wholly(first, 1));
	await output.flush?.();
	t.equal(output.written, 1);
	const second = randomBytes(1024 * 1024);
	await output.write(second, wholly(second, 1));
	t.ok((await stat(path)).size > 64 * 1024, "the file has a part of the second");
	t.equal(output.written, 1);
	await output.close();
	t.equal(output.written, 2);
	t.ok(gunzipSync(await readFile(path)).equals(Buffer.concat([first, second])));
});

t.test("a compressed recording on a full disk ends after the last counted record", { skip }, async (t) => {
	const path = join(t.testdir(), "a.gz");
	const { report } = reports();
	t.teardown(() => limit("unlimited"));
	const output = await openOutput(path, { append: true, report });
	const first = Buffer.from("first\n");
	await output.write(first, wholly(first, 1));
	await output.flush?.();
	limit(256 * 1024);
	const second = randomBytes(1024 * 1024);
	await output.write(second, wholly(second, 1));
	await output.flush?.();
	await t.rejects(output.close(), { code: "FT_IO", message: /the disk is full/ });
	t.equal(output.written, 1);
	limit("unlimited");
	const content = gunzipSync(await readFile(path), { finishFlush: constants.Z_SYNC_FLUSH });
	t.equal(String(content), "first\n");
});

t.test("after compressed bytes were lost, nothing more is accepted", { skip }, async (t) => {
	const path = join(t.testdir(), "a.gz");
	const { report } = reports();
	t.teardown(() => limit("unlimited"));
	const output = await openOutput(path, { append: true, report });
	const first = Buffer.from("first\n");
	await output.write(first, wholly(first, 1));
	await output.flush?.();
	limit(1024);
	const large = randomBytes(8 * 1024 * 1024);
	let failure: unknown = null;
	for (let i = 0; i < 20 && failure === null; i++)
		await output.write(large, wholly(large, 1)).catch((error) => {
			failure = error;
		});
	t.match(failure, { code: "FT_IO", message: /the disk is full/ });
	limit("unlimited");
	await t.rejects(output.write(first, wholly(first, 1)), { code: "FT_IO" });
	await t.rejects(output.close(), { code: "FT_IO" });
	t.equal(output.written, 1);
	const content = gunzipSync(await readFile(path), { finishFlush: constants.Z_SYNC_FLUSH });
	t.equal(String(content.subarray(0, first.length)), "first\n");
});

t.test("devices are written to as they are", async () => {
	const output = await openOutput("/dev/null");
	await output.write(Buffer.from("x"));
	await output.close();
});

t.test("a full device is an error of ours", async (t) => {
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

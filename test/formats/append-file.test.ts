// Queues data that cannot be written, and keeps only complete records in the file. A limit on the file size stands for a
// full disk: a write succeeds in part, then fails.
import { readFileSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import t, { type Test } from "tap";
import { limitFileSize, noFileSizeLimit as skip } from "../../fixtures/file-size-limit.ts";
import { reports } from "../../fixtures/tape-files.ts";
import { AppendFile } from "../../formats/append-file.ts";

async function growing(t: Test, before: string) {
	const path = join(t.testdir({ file: before }), "file");
	const { list, report } = reports();
	const released: string[] = [];
	const file = new AppendFile(path, await open(path, "a"), report, async () => void released.push(path));
	const content = () => readFileSync(path, "latin1");
	t.teardown(() => limitFileSize("unlimited"));
	return { path, file, list, released, content };
}

const record = (letter: string) => Buffer.from(`${letter.repeat(9)}\n`);
const one = { count: 1, size: 10 };

t.test("a temporary failure", { skip }, async (t) => {
	const { file, list, released, content } = await growing(t, "old\n");
	limitFileSize(20);
	const bytes = record("a");
	await file.write(bytes, one);
	await file.write(record("b"), one);
	t.equal(content(), "old\naaaaaaaaa\n", "no part of the second");
	t.equal(file.written, 1);
	const third = record("c");
	await file.write(third, one);
	third.fill("?");
	t.match(list, [
		{
			code: "FT_WAITING",
			message: /file: cannot be written: the disk is full .*; flows are queued in memory and written later$/,
		},
	]);
	limitFileSize("unlimited");
	await file.write(record("d"), one);
	t.equal(content(), `old\n${["a", "b", "c", "d"].map(record).join("")}`);
	t.equal(file.written, 4);
	limitFileSize(50);
	await file.write(record("e"), one);
	t.equal(list.length, 2, "another failure is reported again");
	limitFileSize("unlimited");
	await file.close(Buffer.from("end"));
	t.equal(content(), `old\n${["a", "b", "c", "d", "e"].map(record).join("")}end`);
	t.equal(released.length, 1);
});

t.test("the write is retried automatically", { skip }, async (t) => {
	const { file, content } = await growing(t, "");
	limitFileSize(5);
	await file.write(record("a"), one);
	limitFileSize("unlimited");
	while (file.written === 0) await new Promise((resolve) => setTimeout(resolve, 20));
	t.equal(content(), String(record("a")));
	await file.close();
});

t.test("a permanent failure", { skip }, async (t) => {
	const { file, released, content } = await growing(t, "old\n");
	limitFileSize(30);
	await file.write(record("a"), one);
	await file.write(Buffer.from("bbbbbbbbb\ncc"), { count: 1, size: 10 });
	await file.write(record("c"), { count: 1, size: 10 });
	await t.rejects(file.close(Buffer.from("]\n")), { code: "FT_IO", message: /the disk is full/ });
	t.equal(content(), "old\naaaaaaaaa\nbbbbbbbbb\n]\n", "no part of a record, and its end");
	t.equal(file.written, 2);
	t.equal(released.length, 1);
});

t.test("a record in several pieces", { skip }, async (t) => {
	const { file, content } = await growing(t, "old\n");
	limitFileSize(8);
	await file.write(Buffer.from("aa"), { count: 0, size: 0 });
	await file.write(Buffer.from("aa"), { count: 0, size: 0 });
	await file.write(Buffer.from("aa\n"), { count: 1, size: 3 });
	t.equal(content(), "old\naaaa");
	await t.rejects(file.close(Buffer.from("]\n")), { code: "FT_IO" });
	t.equal(content(), "old\n]\n");
});

t.test("an empty file stays empty", { skip }, async (t) => {
	const { file, content } = await growing(t, "");
	limitFileSize(5);
	await file.write(record("a"), one);
	await t.rejects(file.close(Buffer.from("]\n")), { code: "FT_IO" });
	t.equal(content(), "");
});

t.test("the queue is bounded", { skip: process.platform !== "linux" && "no /dev/full" }, async (t) => {
	const { list, report } = reports();
	const file = new AppendFile("/dev/full", await open("/dev/full", "a"), report, async () => {});
	const large = Buffer.alloc(40 * 1024 * 1024);
	await file.write(large);
	await file.write(large);
	await t.rejects(file.write(large), { code: "FT_IO" });
	t.equal(list.length, 1);
	await t.rejects(file.close(), { code: "FT_IO" });
	t.equal(file.written, 0);
});

t.test("a file that was deleted is reported when it is closed", async (t) => {
	const { path, file, released } = await growing(t, "old\n");
	await file.write(record("a"), one);
	rmSync(path);
	await t.rejects(file.close(), { code: "FT_IO", file: path, message: /deleted while it was written to/ });
	t.equal(file.written, 0);
	t.equal(released.length, 1);
});

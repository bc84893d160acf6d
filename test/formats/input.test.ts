// Opens inputs, whose first bytes can be peeked at.
import { execFileSync } from "node:child_process";
import { readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deflateSync, gzipSync } from "node:zlib";
import t from "tap";
import { bytesInput } from "../../fixtures/bytes-input.ts";
import { openInput, spool } from "../../formats/input.ts";

async function all(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
	const parts: Buffer[] = [];
	for await (const chunk of chunks) parts.push(chunk);
	return Buffer.concat(parts);
}

t.test("a file", async (t) => {
	const path = join(t.testdir({ a: "hello" }), "a");
	const input = await openInput(path);
	t.equal(input.size, 5);
	t.equal(String(await input.peek(3)), "hel");
	t.equal(String(await input.peek(30)), "hello");
	t.equal(String(await all(input.chunks())), "hello");
	await input.close();
});

t.test("a pipe is read as a stream; peeked bytes are yielded again", async (t) => {
	const path = join(t.testdir(), "pipe");
	execFileSync("mkfifo", [path]);
	const opened = openInput(path);
	const { spawn } = await import("node:child_process");
	spawn("sh", ["-c", `printf 'hello world' > "$0"`, path]);
	const input = await opened;
	t.equal(input.size, null);
	t.equal(input.path, null);
	t.equal(String(await input.peek(5)), "hello");
	t.equal(String(await all(input.chunks())), "hello world");
	await input.close();
});

t.test("gzip and zlib; progress counts the bytes of the file", async (t) => {
	const folder = t.testdir();
	for (const [name, bytes] of [
		["a.gz", gzipSync("hello ".repeat(1000))],
		["a.zhar", deflateSync("hello ".repeat(1000))],
	] as const) {
		await writeFile(join(folder, name), bytes);
		const input = await openInput(join(folder, name));
		t.match(input, { path: null, size: null });
		t.equal(String(await input.peek(5)), "hello");
		t.equal((await all(input.chunks())).length, 6000);
		t.same(input.progress(), { done: bytes.length, total: bytes.length });
		await input.close();
	}
	await writeFile(join(folder, "cut.gz"), gzipSync("x".repeat(1000)).subarray(0, 15));
	const input = await openInput(join(folder, "cut.gz"));
	await t.rejects(all(input.chunks()), {
		code: "FT_CORRUPT_FLOW",
		message: /cut\.gz: byte 15: the gzip data is damaged/,
	});
	await input.close();
});

t.test("chunks share their memory if requested", async (t) => {
	const path = join(t.testdir(), "a");
	await writeFile(path, Buffer.alloc(3 * 1024 * 1024, "x"));
	for (const reuse of [false, true]) {
		const input = await openInput(path);
		const places = new Set<ArrayBufferLike>();
		for await (const chunk of input.chunks({ reuse })) places.add(chunk.buffer);
		t.equal(places.size === 1, reuse);
		await input.close();
	}
});

t.test("a stream as a temporary file", async (t) => {
	const file = await spool(bytesInput(Buffer.from("hello")));
	t.equal(await readFile(file.path, "utf8"), "hello");
	await file.remove();
	await t.rejects(stat(file.path), { code: "ENOENT" });
	const path = join(t.testdir({ a: "b" }), "a");
	const input = await openInput(path);
	const own = await spool(input);
	t.equal(own.path, path);
	await own.remove();
	t.ok(await stat(path));
	await input.close();
	const broken = { ...bytesInput(Buffer.alloc(0)), chunks: () => decompressNothing() };
	await t.rejects(spool(broken), /broken/);
});

async function* decompressNothing(): AsyncGenerator<Buffer> {
	yield Buffer.from("x");
	throw new Error("broken");
}

t.test("unreadable inputs", async (t) => {
	const folder = t.testdir();
	await t.rejects(openInput(join(folder, "none")), { code: "FT_NOT_FOUND", message: /none: no such file/ });
	await t.rejects(openInput(folder), { code: "FT_IO", message: /a folder/ });
});

t.test("files that the system refuses to open", async (t) => {
	const folder = t.testdir();
	const loop = join(folder, "loop");
	await symlink(loop, loop);
	for (const path of [loop, join(folder, "n".repeat(300))])
		await t.rejects(openInput(path), { code: "FT_IO", message: /: cannot be read: (ELOOP|ENAMETOOLONG)/, file: path });
});

t.test("an input that is closed while it is read ends after that read", async (t) => {
	const input = await openInput(join(t.testdir({ a: "hello" }), "a"));
	const chunks = input.chunks()[Symbol.asyncIterator]();
	const next = chunks.next();
	await input.close();
	t.equal(String((await next).value), "hello");
	t.match(await chunks.next(), { done: true });
});

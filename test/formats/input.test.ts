// Inputs give their bytes once, after a look at the first of them.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import t from "tap";
import { openInput } from "../../formats/input.ts";

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

t.test("a pipe is read as a stream, what was peeked at comes again", async (t) => {
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

t.test("what cannot be read", async (t) => {
	const folder = t.testdir();
	await t.rejects(openInput(join(folder, "none")), { code: "FT_NOT_FOUND", message: /none: no such file/ });
	await t.rejects(openInput(folder), { code: "FT_IO", message: /a folder/ });
});

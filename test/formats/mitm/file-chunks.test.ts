// Reads chunks in order and the next one ahead, into new or reused memory.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { fileChunks } from "../../../formats/mitm/file-chunks.ts";

const content = Buffer.from(Array.from({ length: 400_000 }, (_, n) => String(n)).join(" "));

t.test("all bytes, once", async (t) => {
	const file = join(t.testdir(), "a");
	await writeFile(file, content);
	for (const reuse of [true, false]) {
		const parts: Buffer[] = [];
		for await (const chunk of fileChunks(file, { reuse })) parts.push(Buffer.from(chunk));
		t.ok(parts.length > 3);
		t.ok(Buffer.concat(parts).equals(content));
	}
	await writeFile(file, "");
	for await (const _ of fileChunks(file, { reuse: true })) t.fail();
});

t.test("chunks have their own memory, or two buffers in turn", async (t) => {
	const file = join(t.testdir(), "a");
	await writeFile(file, content);
	const kept: Buffer[] = [];
	for await (const chunk of fileChunks(file, { reuse: false })) kept.push(chunk);
	t.ok(Buffer.concat(kept).equals(content));
	const memory = new Set<ArrayBufferLike>();
	for await (const chunk of fileChunks(file, { reuse: true })) memory.add(chunk.buffer);
	t.equal(memory.size, 2);
});

t.test("early stop, and a missing file", async (t) => {
	const file = join(t.testdir(), "a");
	await writeFile(file, content);
	for await (const chunk of fileChunks(file, { reuse: true })) {
		t.ok(chunk.length > 0);
		break;
	}
	await t.rejects(fileChunks(join(t.testdir(), "none"), { reuse: true }).next(), { code: "ENOENT" });
	await t.rejects(fileChunks(t.testdir(), { reuse: true }).next(), { code: "EISDIR" });
});

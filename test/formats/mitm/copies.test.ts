// Finds records that a newer copy follows.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { dumpOf, minimalRecord } from "../../../fixtures/dump-records.ts";
import { openInput } from "../../../formats/input.ts";
import { olderCopies } from "../../../formats/mitm/copies.ts";
import type { MetaValue } from "../../../src/flow/metadata.ts";

const record = (id: string, changes: { [key: string]: MetaValue } = {}) => dumpOf(minimalRecord({ id, ...changes }));

async function olderIn(file: string, ...parts: Buffer[]): Promise<[number, string][]> {
	await writeFile(file, Buffer.concat(parts));
	const input = await openInput(file);
	try {
		return [...(await olderCopies(input))];
	} finally {
		await input.close();
	}
}

t.test("every copy but the last", async (t) => {
	const file = join(t.testdir(), "a.mitm");
	const [a, b] = [record("a"), record("b")];
	t.same(await olderIn(file, a, b), []);
	t.same(await olderIn(file, a, b, a, a), [
		[0, "a"],
		[a.length + b.length, "a"],
	]);
});

t.test("a conversation is a copy of its handshake", async (t) => {
	const file = join(t.testdir(), "a.mitm");
	const linked = record("talk", { type: "websocket", version: 7, metadata: { websocket_handshake: "shake" } });
	t.same(await olderIn(file, record("shake"), linked, linked), [
		[0, "shake"],
		[record("shake").length, "shake"],
	]);
	const nested = record("talk", { type: "websocket", version: [2, 0], handshake_flow: minimalRecord({ id: "shake" }) });
	t.same(await olderIn(file, record("shake"), nested), [[0, "shake"]]);
});

t.test("damaged copies are ignored", async (t) => {
	const file = join(t.testdir(), "a.mitm");
	const a = record("a");
	t.same(await olderIn(file, a, Buffer.from("garbage"), dumpOf({ id: 5 }), dumpOf([1]), a), [[0, "a"]]);
});

t.test("a damaged copy does not replace a valid one", async (t) => {
	const file = join(t.testdir(), "a.mitm");
	const a = record("a");
	for (const damaged of [
		record("a", { request: { port: "x" } }),
		record("a", { version: 99 }),
		Buffer.from(record("a", { version: 7, marked: true }).latin1Slice().replace("4:true!", "4:trux!")),
	])
		t.same(await olderIn(file, a, damaged), []);
});

t.test("many flows", async (t) => {
	const file = join(t.testdir(), "a.mitm");
	const ids = Array.from({ length: 20_000 }, (_, n) => `flow ${n * 7}`);
	const records = ids.map((id) => dumpOf({ version: 21, type: "tcp", id, messages: [] }));
	const older = await olderIn(file, ...records, records[77] as Buffer, records[19_999] as Buffer);
	t.same(
		older.map(([, id]) => id),
		["flow 539", "flow 139993"],
	);
});

t.test("a stream can be read only once", async (t) => {
	const stream = {
		path: null,
		name: "stdin",
		size: null,
		peek: async () => Buffer.alloc(0),
		chunks: () => t.fail("read") as never,
		close: async () => {},
	};
	t.equal((await olderCopies(stream as never)).size, 0);
});

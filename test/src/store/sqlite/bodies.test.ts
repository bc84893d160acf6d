// Bodies: equal ones are stored once, small ones in the row, large ones in chunks, and all are restored.
import { createHash, randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import { flowsOf, storeAt, storeWith } from "../../../../fixtures/stores.ts";
import { type Body, type BodySource, bodyBytes, bodyChunks } from "../../../../src/flow/body.ts";
import { BodyTable } from "../../../../src/store/sqlite/bodies.ts";
import { TapeDatabase } from "../../../../src/store/sqlite/database.ts";

function open(t: Test, name = "a.tape"): { db: TapeDatabase; table: BodyTable } {
	const db = new TapeDatabase(join(t.testdirName, name), "append", false);
	return { db, table: new BodyTable(db) };
}

const count = (db: TapeDatabase, what: string) => db.get<{ n: number }>(`SELECT count(*) AS n FROM ${what}`)?.n;

/** A body that is stored elsewhere, in pieces of any size. */
function inPieces(bytes: Buffer, size: number): BodySource {
	return {
		size: bytes.length,
		read: () => bytes,
		*chunks() {
			for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
		},
	};
}

function bytesOf(body: Body): Buffer | null {
	return body === null || Buffer.isBuffer(body) ? body : body.read();
}

t.test("sizes from zero to many chunks", async (t) => {
	t.testdir();
	const { db, table } = open(t);
	for (const size of [0, 1, 256, 257, 5000, 1024 * 1024, 1024 * 1024 + 1, 3_500_000]) {
		const bytes = randomBytes(size);
		const back = table.read(table.write(bytes), size);
		t.ok(bytesOf(back)?.equals(bytes), `${size} bytes`);
		if (back !== null && !Buffer.isBuffer(back)) {
			t.equal(back.size, size);
			t.ok(Buffer.concat([...back.chunks()]).equals(bytes), `${size} bytes by pieces`);
		}
	}
	t.equal(table.write(null), null);
	t.equal(table.read(null, null), null);
	t.equal(count(db, "body"), 5, "small ones are in the row");
	t.equal(count(db, "chunk"), 2 + 4, "pieces of 1 MiB");
	t.ok(table.takeWritten() > 5_500_000);
	t.equal(table.takeWritten(), 0);
	db.close();
});

t.test("equal bodies are stored once, in memory or not", async (t) => {
	t.testdir();
	const { db, table } = open(t);
	for (const size of [300, 2_500_000]) {
		const bytes = randomBytes(size);
		const first = table.write(bytes);
		t.equal(table.write(Buffer.from(bytes)), first);
		t.equal(table.write(inPieces(bytes, 999_983)), first);
		const differs = Buffer.from(bytes);
		differs[size - 1] = (differs[size - 1] as number) ^ 1;
		t.not(table.write(differs), first);
	}
	t.equal(count(db, "body"), 4);
	db.close();
});

t.test("bodies with the same checksum can differ", async (t) => {
	t.testdir();
	const { db, table } = open(t);
	// CRC-32 is linear: XOR with its polynomial does not change it
	const collide = (bytes: Buffer, at: number) => {
		const copy = Buffer.from(bytes);
		for (const [i, byte] of [0x41, 0x06, 0x71, 0xdb, 0x01].entries()) copy[at + i] = (copy[at + i] as number) ^ byte;
		return copy;
	};
	const { crc32 } = await import("node:zlib");
	for (const size of [1000, 1_500_000]) {
		const bytes = randomBytes(size);
		const other = collide(bytes, size - 100);
		t.equal(crc32(bytes), crc32(other));
		const [one, two] = [table.write(bytes), table.write(other)];
		t.not(one, two);
		t.ok(bytesOf(table.read(two, size))?.equals(other));
		const shorter = bytes.subarray(1);
		t.ok(bytesOf(table.read(table.write(shorter), size - 1))?.equals(shorter));
	}
	db.close();
});

t.test("spooled bodies", async (t) => {
	t.testdir();
	const { db, table } = open(t);
	const bytes = randomBytes(2_500_000);
	const spool = table.spool(true);
	for (const [from, to] of [
		[0, 10],
		[10, 2_000_000],
		[2_000_000, bytes.length],
	] as const)
		spool.write(bytes.subarray(from, to));
	t.equal(table.takeWritten(), bytes.length);
	const body = spool.end();
	t.equal(body.size, bytes.length);
	t.equal(body.sha256, createHash("sha256").update(bytes).digest("hex"));
	t.ok(body.read().equals(bytes));
	const stored = table.write(body);
	t.ok(bytesOf(table.read(stored, bytes.length))?.equals(bytes));
	t.equal(count(db, "body"), 1, "it is already stored");
	const abandoned = table.spool();
	abandoned.write(bytes.subarray(0, 100));
	table.spool();
	table.removeUnreferenced();
	t.equal(count(db, "body"), 1);
	t.equal(count(db, `chunk WHERE body <> ${stored}`), 0);
	t.ok(bytesOf(table.read(stored, bytes.length))?.equals(bytes), "a body that a flow refers to stays");
	db.close();
});

t.test("equal bodies are found when flows are appended to a tape", async (t) => {
	const path = join(t.testdir(), "again.tape");
	const flows = () => [1, 2, 3].map((n) => httpFlow({ response: { body: Buffer.alloc(n * 900_000, n) } }));
	await storeWith(path, flows(), { mode: "append" });
	await storeWith(path, flows(), { mode: "append" });
	const db = new TapeDatabase(path, "read", false);
	t.equal(count(db, "flow"), 6);
	t.equal(count(db, "body"), 3);
	db.close();
});

t.test("every kind of damage to a body is found", async (t) => {
	const folder = t.testdir();
	const large = Buffer.alloc(3_500_000, "large ");
	const damages: [sql: string, why: RegExp][] = [
		["DELETE FROM body WHERE id = 1", /body 1 is missing/],
		["DELETE FROM chunk WHERE n = 1", /the size or checksum of body 1 does not match/],
		["DELETE FROM chunk WHERE n = 3", /body 1/],
		["DELETE FROM chunk", /body 1/],
		["UPDATE chunk SET n = 9 WHERE n = 2", /body 1/],
		["UPDATE chunk SET bytes = substr(bytes, 1, 100) WHERE n = 0", /body 1/],
		["UPDATE chunk SET bytes = zeroblob(length(bytes)) WHERE n = 0", /body 1/],
		["UPDATE body SET size = size - 1 WHERE id = 1", /body 1/],
	];
	for (const [index, [sql, message]] of damages.entries()) {
		const path = join(folder, `${index}.tape`);
		await storeWith(path, [
			httpFlow({ id: "one", response: { body: large } }),
			httpFlow({ id: "two", response: { body: "two ".repeat(200) } }),
		]);
		const db = new TapeDatabase(path, "append", false);
		db.exec(sql);
		db.close();
		const reported: string[] = [];
		const store = storeAt(path, "read", { report: (_code, what) => reported.push(what) });
		const reading = new TapeDatabase(path, "read", false);
		const body = new BodyTable(reading).read(1, large.length);
		t.throws(() => bodyBytes(body), { code: "FT_STORE", message }, sql);
		let had = 0;
		t.throws(
			() => {
				for (const piece of bodyChunks(body)) had += piece.length;
			},
			{ code: "FT_STORE", message },
		);
		t.ok(had < large.length, "the last chunk is yielded only after the check");
		reading.close();
		const single = store.at(1);
		t.equal(single?.type === "http" ? single.response?.body : undefined, null, "a single flow is read without it");
		const [first, second] = await flowsOf(store, { bodies: true });
		t.equal(first?.type === "http" ? first.response?.body : undefined, null, "the flow is read without it");
		t.equal(second?.type === "http" ? second.response?.rawContent?.length : 0, 800);
		t.match(reported, [/flow 1: a body is damaged; the flow is kept without it \(id one: .*body 1/], sql);
		t.equal(store.answerAt(1), null, "it answers no request");
		t.equal(store.answerAt(2)?.id, "two");
		const copy = storeAt(join(folder, "copy.tape"), "create");
		t.throws(() => copy.takeRows(store), { code: "FT_STORE" }, "and is not copied");
		await copy.discard();
		rmSync(join(folder, "copy.tape"));
		await store.close();
	}
});

t.test("a spooled body is replaced by an equal one", async (t) => {
	t.testdir();
	const { db, table } = open(t);
	const spooled = (bytes: Buffer) => {
		const spool = table.spool();
		for (let at = 0; at < bytes.length; at += 1000) spool.write(bytes.subarray(at, at + 1000));
		return spool.end();
	};
	const [large, small] = [randomBytes(2_500_000), randomBytes(5000)];
	const first = table.adopt(spooled(large));
	t.equal(table.adopt(spooled(large)), first);
	t.equal(table.write(large), first);
	const written = table.write(small);
	t.equal(table.adopt(spooled(small)), written);
	t.equal(count(db, "body"), 2);
	t.equal(count(db, "chunk"), 2500, "those of the first");
	t.ok(table.bytesOf(first).equals(large));
	db.close();
});

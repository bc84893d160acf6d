// Tapes on which several pages point to the same one are refused before SQLite scans them.
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { bareSqlite } from "../../../../fixtures/bare-sqlite.ts";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import { rootOf, withEndlessTree, withSharedOverflow } from "../../../../fixtures/forged-trees.ts";
import { flowsOf, storeAt, storeWith } from "../../../../fixtures/stores.ts";
import type { HttpFlow } from "../../../../src/flow/flow.ts";
import { TapeDatabase } from "../../../../src/store/sqlite/database.ts";
import { treeDamage } from "../../../../src/store/sqlite/page-trees.ts";

const REFUSED = { code: "FT_STORE", status: 3, message: /the tape is damaged: its tables point to more pages/ };

async function whole(path: string, flows = 20, words = 300): Promise<string> {
	await storeWith(
		path,
		Array.from({ length: flows }, (_, n) =>
			httpFlow({ id: `id-${n}`, request: { path: `/${n}` }, response: { body: `body-${n} `.repeat(words) } }),
		),
	);
	return path;
}

t.test("the tree of each table and index, and of the schema", async (t) => {
	const folder = t.testdir();
	const good = await whole(join(folder, "good.tape"));
	const path = join(folder, "forged.tape");
	symlinkSync("forged.tape", join(folder, "link.tape"));
	const bytes = readFileSync(good);
	const names = ["flow", "chunk", "message", "connection", "certificate", "meta"];
	for (const name of [...names, "flow_facts", "flow_request_key", "sqlite_autoindex_chunk_1", "schema"]) {
		writeFileSync(path, withEndlessTree(bytes, name === "schema" ? 1 : rootOf(good, name)));
		for (const mode of ["read", "append"] as const)
			for (const file of [path, join(folder, "link.tape")])
				t.throws(() => new TapeDatabase(file, mode, false), REFUSED, `${name} ${mode}`);
	}
});

t.test("rows that share overflow pages", async (t) => {
	const folder = t.testdir();
	const [good, path] = [join(folder, "good.tape"), join(folder, "forged.tape")];
	// few bytes of the row remain on its own page
	const large = "x".repeat(8188 * 600 + 900);
	await storeWith(good, [httpFlow({ request: { headers: [["X-Large", large]] } })]);
	t.equal(treeDamage(good), null);
	const bytes = readFileSync(good);
	const root = rootOf(good, "flow");
	writeFileSync(path, withSharedOverflow(bytes, root, 1));
	t.equal(treeDamage(path), null);
	writeFileSync(path, withSharedOverflow(bytes, root, 4));
	for (const mode of ["read", "append"] as const) t.throws(() => new TapeDatabase(path, mode, false), REFUSED);
	for (const how of ["endless", "cut"]) {
		writeFileSync(path, withSharedOverflow(bytes, root, 1, { [how]: true }));
		t.equal(treeDamage(path), null);
		const store = storeAt(path, "read", { report: () => {} });
		await t.rejects(
			flowsOf(store).then(({ length }) => length),
			{ code: "FT_STORE" },
			`SQLite reports it: ${how}`,
		);
		await store.close();
	}
});

t.test("bodies that share overflow pages are read one at a time", async (t) => {
	const folder = t.testdir();
	const [good, path] = [join(folder, "good.tape"), join(folder, "forged.tape")];
	const size = 8188 * 100 + 500;
	await storeWith(
		good,
		Array.from({ length: 3 }, (_, n) => httpFlow({ response: { body: `${n}`.repeat(size) } })),
	);
	writeFileSync(path, withSharedOverflow(readFileSync(good), rootOf(good, "body"), 3));
	const store = storeAt(path, "read", { report: () => {} });
	const bodies = (await flowsOf(store, { bodies: true })).map((flow) => (flow as HttpFlow).response?.text);
	t.same(
		bodies.map((body) => [body?.length, body?.[0]]),
		Array.from({ length: 3 }, () => [size, "0"]),
	);
	await store.close();
});

t.test("rows of bodies are looked up without a scan", async (t) => {
	const folder = t.testdir();
	const good = await whole(join(folder, "good.tape"));
	const path = join(folder, "forged.tape");
	writeFileSync(path, withEndlessTree(readFileSync(good), rootOf(good, "body")));
	const store = storeAt(path, "read");
	t.equal((await flowsOf(store)).length, 20);
	await store.close();
	const db = bareSqlite(good);
	db.exec("ANALYZE");
	db.close();
	t.equal(treeDamage(good), null);
	writeFileSync(path, withEndlessTree(readFileSync(good), rootOf(good, "body")));
	t.throws(() => storeAt(path, "read"), REFUSED, "statistics can make SQLite scan them");
});

t.test("long tapes with any page size are read", async (t) => {
	const folder = t.testdir();
	const path = await whole(join(folder, "a.tape"), 2000);
	for (const size of [512, 1024, 4096, 65_536]) {
		const db = bareSqlite(path);
		db.exec(`PRAGMA page_size = ${size}; VACUUM`);
		db.close();
		t.equal(treeDamage(path), null, `${size}`);
		const store = storeAt(path, "read");
		t.equal(await store.count(), 2000);
		await store.close();
		if (size === 65_536) continue;
		writeFileSync(join(folder, "forged.tape"), withEndlessTree(readFileSync(path), rootOf(path, "meta")));
		t.throws(() => storeAt(join(folder, "forged.tape"), "read"), REFUSED, `${size}`);
	}
});

t.test("a rollback journal is applied before a tape is written to", async (t) => {
	const folder = t.testdir();
	const path = await whole(join(folder, "a.tape"));
	const forged = withEndlessTree(readFileSync(path), rootOf(path, "flow"));
	writeFileSync(`${path}-journal`, journalTo(forged));
	t.throws(() => new TapeDatabase(path, "append", false), REFUSED);
	t.same(readFileSync(path), forged);
});

/** A rollback journal that restores all pages of a file. */
function journalTo(file: Buffer): Buffer {
	const size = file.readUInt16BE(16);
	const count = file.length / size;
	const magic = Buffer.from("d9d505f920a163d7", "hex");
	const parts: Buffer[] = [Buffer.concat([magic, numbers(count, 0, count, 512, size)], 512)];
	for (let page = 1; page <= count; page++) {
		const bytes = file.subarray((page - 1) * size, page * size);
		let sum = 0;
		for (let at = size - 200; at > 0; at -= 200) sum += bytes[at] as number;
		parts.push(numbers(page), bytes, numbers(sum));
	}
	return Buffer.concat(parts);
}

function numbers(...values: number[]): Buffer {
	const bytes = Buffer.alloc(4 * values.length);
	for (const [n, value] of values.entries()) bytes.writeUInt32BE(value, 4 * n);
	return bytes;
}

t.test("pages that point to themselves", async (t) => {
	const folder = t.testdir();
	const good = await whole(join(folder, "good.tape"), 30, 2000);
	const path = join(folder, "forged.tape");
	const bytes = readFileSync(good);
	const size = bytes.readUInt16BE(16);
	for (let page = 2; page <= bytes.length / size; page++) {
		const forged = Buffer.from(bytes);
		const at = (page - 1) * size;
		// the next page of an overflow page, and the last page of an interior page
		if (forged[at] === 5 || forged[at] === 2) forged.writeUInt32BE(page, at + 8);
		else forged.writeUInt32BE(page, at);
		writeFileSync(path, forged);
		try {
			const store = storeAt(path, "read", { report: () => {} });
			await flowsOf(store);
			await store.close();
		} catch (error) {
			t.match(error, { code: "FT_STORE" }, `page ${page}`);
		}
	}
});

t.test("a free page that is followed by itself ends a recording", async (t) => {
	const path = await whole(join(t.testdir(), "a.tape"), 30, 2000);
	const db = bareSqlite(path);
	db.exec("DELETE FROM body WHERE id > 10");
	db.close();
	const bytes = readFileSync(path);
	// the first page of the list of free pages, and its length
	const first = bytes.readUInt32BE(32);
	bytes.writeUInt32BE(1_000_000, 36);
	const at = (first - 1) * bytes.readUInt16BE(16);
	bytes.writeUInt32BE(first, at);
	bytes.writeUInt32BE(0, at + 4);
	writeFileSync(path, bytes);
	const store = storeAt(path, "append", { report: () => {} });
	t.throws(
		() => {
			for (let n = 0; n < 20; n++) store.append(httpFlow({ response: { body: `${n}`.repeat(100_000) } }));
			store.flush();
		},
		{ code: "FT_STORE" },
	);
	await store.discard().catch(() => {});
});

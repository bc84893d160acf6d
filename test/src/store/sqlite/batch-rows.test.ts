// Rows of a batch are read by one query or one by one.
import { join } from "node:path";
import t, { type Test } from "tap";
import { BatchRows } from "../../../../src/store/sqlite/batch-rows.ts";
import { TapeDatabase } from "../../../../src/store/sqlite/database.ts";

/** A table of 50 rows and its reader. */
function open(t: Test) {
	const db = new TapeDatabase(join(t.testdir(), "a.tape"), "append", false);
	const ids = Array.from({ length: 50 }, (_, i) =>
		db.insert("INSERT INTO connection (bytes) VALUES (?)", Buffer.from([i])),
	);
	return { db, ids, rows: new BatchRows<[bytes: Buffer]>(db, "connection", "bytes") };
}

t.test("after most rows of a batch were read, the next batch is read by one query", async (t) => {
	const { db, ids, rows } = open(t);
	rows.expect(ids);
	t.same(
		ids.map((id) => rows.get(id)?.[0][0]),
		[...ids.keys()],
	);
	rows.expect(ids);
	t.equal(rows.get(7)?.[0][0], 6);
	db.exec("DELETE FROM connection");
	t.equal(rows.get(50)?.[0][0], 49, "read already");
	t.equal(rows.get(51), undefined);
	rows.expect(ids);
	t.equal(rows.get(50), undefined, "rows of the previous batch are dropped");
	db.close();
});

t.test("rows are read one by one if few are read, or if the batch is too large", async (t) => {
	const { db, ids, rows } = open(t);
	for (const bytes of [0, 2 ** 30]) {
		rows.expect(ids);
		for (const id of bytes === 0 ? [1, 2, 3] : ids) rows.get(id);
		rows.expect(ids, bytes);
		rows.get(7);
		db.exec("UPDATE connection SET bytes = x'ff' WHERE id = 8");
		t.equal(rows.get(8)?.[0][0], 255);
		db.exec("UPDATE connection SET bytes = x'07' WHERE id = 8");
	}
	db.close();
});

t.test("rows that do not meet the condition are read one by one", async (t) => {
	const { db, ids } = open(t);
	const rows = new BatchRows<[bytes: Buffer]>(db, "connection", "bytes", "id <> 8");
	rows.readAhead(ids);
	db.exec("UPDATE connection SET bytes = x'ff'");
	t.same([rows.get(7)?.[0][0], rows.get(8)?.[0][0]], [6, 255]);
	db.close();
});

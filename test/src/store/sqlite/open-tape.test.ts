// Opening files that are not tapes, or that are forged, newer or locked: each has its own error.
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { bareSqlite } from "../../../../fixtures/bare-sqlite.ts";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import { storeAt, storeWith } from "../../../../fixtures/stores.ts";
import { lockExclusively, type Mode, openTapeFile } from "../../../../src/store/sqlite/open-tape.ts";
import { SCHEMA_VERSION } from "../../../../src/store/sqlite/schema.ts";

const modes: readonly Mode[] = ["read", "append", "create"];

function forged(path: string, sql: string): void {
	const db = bareSqlite(path);
	db.unsafeMode(true);
	db.exec("PRAGMA writable_schema = ON");
	db.exec(sql);
	db.close();
}

t.test("other files are rejected with their kind, and left unchanged", async (t) => {
	const folder = t.testdir({
		text: "this is a text, and a long one at that, so that it is no SQLite file\n".repeat(20),
	});
	const other = join(folder, "other.db");
	forged(other, "CREATE TABLE people (name TEXT); INSERT INTO people VALUES ('Ann')");
	for (const mode of modes) {
		t.throws(() => storeAt(join(folder, "text"), mode), { code: "FT_UNKNOWN_FORMAT", message: /not a tape/ }, mode);
		const before = readFileSync(other);
		t.throws(() => storeAt(other, mode), { code: "FT_UNKNOWN_FORMAT", message: /found another SQLite database/ }, mode);
		t.ok(readFileSync(other).equals(before), "not touched");
	}
	t.throws(() => storeAt(join(folder, "absent", "a.tape"), "append"), {
		code: "FT_IO",
		message: /its folder does not exist/,
	});
	t.throws(() => storeAt(join(folder, "absent.tape"), "read"), { code: "FT_IO" });
	t.throws(() => storeAt(folder, "read"), { code: "FT_IO" });
});

t.test("a tape of a newer version says so", async (t) => {
	const path = join(t.testdir(), "newer.tape");
	await storeWith(path, [httpFlow()]);
	forged(path, `PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
	for (const mode of modes)
		t.throws(
			() => storeAt(path, mode),
			{ code: "FT_NEWER_FORMAT", status: 3, message: /version 3, and this flowtape reads up to 2: update/ },
			mode,
		);
});

t.test("SQL that would run by itself is rejected", async (t) => {
	const folder = t.testdir();
	const whole = join(folder, "whole.tape");
	await storeWith(whole, [httpFlow()]);
	for (const sql of [
		"CREATE TRIGGER boom AFTER INSERT ON flow BEGIN DELETE FROM flow; END",
		"CREATE VIEW sly AS SELECT 1",
		"CREATE TABLE more (a)",
		"CREATE INDEX more ON flow (kind)",
		"DROP TABLE message; CREATE VIEW message AS SELECT 1 AS flow, 1 AS n, 1 AS at, 1 AS from_client, 1 AS opcode, 1 AS flags, 1 AS bytes",
		"CREATE VIRTUAL TABLE words USING fts5(a)",
		"DROP TABLE message; CREATE VIRTUAL TABLE message USING fts5(flow, n)",
		"CREATE TABLE counted (a INTEGER PRIMARY KEY AUTOINCREMENT); DROP TABLE counted",
		"INSERT INTO sqlite_schema VALUES ('trigger', 'sqlite_x', 'flow', 0, 'CREATE TRIGGER sqlite_x AFTER INSERT ON flow BEGIN DELETE FROM flow; END')",
		"INSERT INTO sqlite_schema VALUES ('trigger', 'sqlite_sequence', 'connection', 0, 'CREATE TRIGGER sqlite_sequence AFTER INSERT ON connection BEGIN DELETE FROM flow; END')",
		"INSERT INTO sqlite_schema VALUES ('view', 'sqlite_v', 'sqlite_v', 0, 'CREATE VIEW sqlite_v AS SELECT 1')",
		"UPDATE sqlite_schema SET sql = 'CREATE INDEX flow_facts ON flow (status, hex(zeroblob(250000000)))' WHERE name = 'flow_facts'",
		"UPDATE sqlite_schema SET sql = replace(sql, 'head BLOB NOT NULL', 'head BLOB AS (zeroblob(300000000))') WHERE name = 'flow'",
	]) {
		const path = join(folder, "forged.tape");
		copyFileSync(whole, path);
		forged(path, sql);
		for (const mode of modes)
			t.throws(() => storeAt(path, mode), { code: "FT_STORE", status: 3, message: /not as flowtape creates it/ }, sql);
	}
});

t.test("a foreign schema is damage", async (t) => {
	const folder = t.testdir();
	const path = join(folder, "columns.tape");
	await storeWith(path, [httpFlow()]);
	forged(path, "DROP TABLE flow; CREATE TABLE flow (seq INTEGER PRIMARY KEY, id TEXT)");
	for (const mode of modes)
		t.throws(() => storeAt(path, mode), {
			code: "FT_STORE",
			message: /the table "flow" of the tape is not as flowtape creates it/,
		});
	const odd = join(folder, "number.tape");
	await storeWith(odd, [httpFlow()]);
	forged(odd, "UPDATE flow SET seq = 9223372036854775807");
	const store = storeAt(odd, "read");
	t.same(store.findByKey("k", 2 ** 53, 1), [], "ends");
	await store.close();
});

t.test("another process that holds the lock", async (t) => {
	const path = join(t.testdir(), "busy.tape");
	await storeWith(path, [httpFlow()], { mode: "append" });
	const holder = bareSqlite(path);
	holder.exec("BEGIN EXCLUSIVE");
	t.throws(() => storeAt(path, "read"), { code: "FT_IO", message: /another process is writing/ });
	t.equal(lockExclusively(path), null);
	holder.close();
	const unlock = lockExclusively(path);
	t.equal(lockExclusively(path), null, "this process holds it");
	unlock?.();
	lockExclusively(path)?.();
	const { db, from, close } = openTapeFile(path, "append", false);
	t.equal(from, null, "nothing to migrate");
	close();
	close();
	t.notOk(db.open);
});

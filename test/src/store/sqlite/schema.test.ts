// The schema of a tape: its migrations, and the rejection of foreign objects.
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { bareSqlite } from "../../../../fixtures/bare-sqlite.ts";
import { keep } from "../../../../src/store/sqlite/open-tape.ts";
import {
	foreignObject,
	indexes,
	migrateSchema,
	migrations,
	SCHEMA_VERSION,
	type SchemaObject,
} from "../../../../src/store/sqlite/schema.ts";

function objectsOf(db: ReturnType<typeof bareSqlite>): SchemaObject[] {
	return keep(db.prepare("SELECT type, name, sql FROM sqlite_schema")).all() as SchemaObject[];
}

t.test("the migrations create exactly the known objects", async (t) => {
	const db = bareSqlite(":memory:");
	for (const sql of [...migrations, ...indexes, ...indexes]) db.exec(sql);
	t.equal(SCHEMA_VERSION, migrations.length);
	t.equal(foreignObject(objectsOf(db), SCHEMA_VERSION), undefined);
	db.exec("ANALYZE; VACUUM");
	t.equal(foreignObject(objectsOf(db), SCHEMA_VERSION), undefined, "statistics of SQLite are allowed");
	const before = bareSqlite(":memory:");
	for (const sql of [migrations[0] as string, ...indexes]) before.exec(sql);
	t.equal(foreignObject(objectsOf(before), 1), undefined);
	t.equal(foreignObject(objectsOf(before), 2)?.name, "flow", "each version has its own objects");
	for (const sql of migrations.slice(1)) before.exec(sql);
	t.equal(
		foreignObject(objectsOf(before), SCHEMA_VERSION),
		undefined,
		"a migrated tape has the same schema as a new one",
	);
});

t.test("a schema that differs in more than white space is foreign", async (t) => {
	const flow =
		"CREATE TABLE body (\n\tid INTEGER PRIMARY KEY, crc INTEGER NOT NULL, size INTEGER NOT NULL, bytes BLOB ) STRICT";
	const own: SchemaObject = { type: "table", name: "body", sql: flow };
	t.equal(foreignObject([own], 2), undefined);
	for (const [what, object] of [
		["a generated column", { ...own, sql: flow.replace("bytes BLOB", "bytes BLOB AS (zeroblob(9))") }],
		["a default", { ...own, sql: flow.replace("bytes BLOB", "bytes BLOB DEFAULT (hex(zeroblob(9)))") }],
		["a check", { ...own, sql: flow.replace("bytes BLOB", "bytes BLOB CHECK (length(bytes) > 1)") }],
		["a collation", { ...own, sql: flow.replace("bytes BLOB", "bytes BLOB COLLATE NOCASE") }],
		["another case", { ...own, sql: flow.replace("bytes", "BYTES") }],
		["a table without row numbers", { ...own, sql: `${flow}, WITHOUT ROWID` }],
		["a blank that SQLite takes for a letter", { ...own, sql: flow.replace("bytes BLOB", "bytes\u00a0BLOB") }],
		["something behind a NUL", { ...own, sql: `${flow}\0` }],
		["bytes", { ...own, sql: Buffer.from(flow) }],
		[
			"a trigger with a name of SQLite's",
			{ type: "trigger", name: "sqlite_x", sql: "CREATE TRIGGER sqlite_x AFTER INSERT ON flow BEGIN SELECT 1; END" },
		],
		[
			"a trigger that claims to be a table",
			{ ...own, sql: "CREATE TRIGGER body AFTER INSERT ON flow BEGIN SELECT 1; END" },
		],
		["a view", { type: "view", name: "sqlite_v", sql: "CREATE VIEW sqlite_v AS SELECT 1" }],
		["a virtual table", { type: "table", name: "message", sql: "CREATE VIRTUAL TABLE message USING fts5(flow,n)" }],
		["counters", { type: "table", name: "sqlite_sequence", sql: "CREATE TABLE sqlite_sequence(name,seq)" }],
		["an index that no table has by itself", { type: "index", name: "sqlite_autoindex_flow_1", sql: null }],
		["a table without SQL", { type: "table", name: "sqlite_autoindex_chunk_1", sql: null }],
	] as const)
		t.equal(foreignObject([object], 2), object, what);
	t.ok(foreignObject([own, { ...own, name: "again" }], 2), "twice");
	t.ok(foreignObject([own], 0), "no version");
});

t.test("conditions and keys use the indexes", async (t) => {
	const db = bareSqlite(":memory:");
	for (const sql of [...migrations, ...indexes]) db.exec(sql);
	const plan = (sql: string) =>
		(keep(db.prepare(`EXPLAIN QUERY PLAN ${sql}`)).all() as { detail: string }[])
			.map(({ detail }) => detail)
			.join("; ");
	for (const column of ["host", "pretty_host", "status", "method", "kind", "marked", "is_replay"])
		t.match(plan(`SELECT DISTINCT ${column} FROM flow`), /COVERING INDEX flow_facts/, column);
	t.match(
		plan("SELECT seq FROM flow WHERE status = 500 AND host IN ('a', 'b') ORDER BY seq"),
		/COVERING INDEX flow_facts/,
	);
	t.match(
		plan("SELECT seq FROM flow WHERE seq >> 14 = 3 AND request_key = 'k' AND seq >= 1 ORDER BY seq LIMIT 5"),
		/SEARCH .*flow_request_key/,
	);
});

t.test("an old tape is migrated by all missing steps or none", async (t) => {
	const path = join(t.testdir(), "old.tape");
	copyFileSync("fixtures/flows/tape-1.tape", path);
	const db = bareSqlite(path);
	const column = (sql: string) => keep(db.prepare(sql)).pluck().all();
	const before = column("SELECT hex(head) FROM flow");
	const steps = [
		migrations[0] ?? "",
		"ALTER TABLE flow ADD COLUMN colour TEXT",
		"UPDATE flow SET colour = 'red' WHERE kind = 'http'",
	];
	const bring = (these: readonly string[]): void => {
		db.exec("BEGIN");
		try {
			migrateSchema(db, 1, these);
			db.exec("COMMIT");
		} finally {
			if (db.inTransaction) db.exec("ROLLBACK");
		}
	};
	t.throws(() => bring([...steps, "no SQL"]), /syntax error/);
	t.same(column("PRAGMA user_version"), [1]);
	t.throws(() => column("SELECT colour FROM flow"), /no such column/, "nothing was changed");
	bring(steps);
	t.same(column("PRAGMA user_version"), [3]);
	t.same(column("SELECT hex(head) FROM flow"), before);
	t.same(column("SELECT DISTINCT colour FROM flow ORDER BY 1"), [null, "red"]);
	migrateSchema(db, 3, steps);
	t.same(column("PRAGMA user_version"), [3], "once");
	db.close();
});

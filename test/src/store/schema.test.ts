// The schema of a tape: the steps that make it, and nothing in it that is not known.
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { bareSqlite } from "../../../fixtures/bare-sqlite.ts";
import { bringUp, indexes, knownObjects, migrations, SCHEMA_VERSION } from "../../../src/store/schema.ts";
import { keep } from "../../../src/store/sqlite-database.ts";

t.test("every step applies after the ones before, and what comes out is all that is known", async (t) => {
	const db = bareSqlite(":memory:");
	for (const sql of [...migrations, ...indexes, ...indexes]) db.exec(sql);
	const made = keep(db.prepare("SELECT name, type FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")).all() as { name: string; type: string }[];
	t.same(new Map(made.map(({ name, type }) => [name, type])), knownObjects);
	t.equal(SCHEMA_VERSION, migrations.length);
});

t.test("columns answer without a row being read, and keys are looked up", async (t) => {
	const db = bareSqlite(":memory:");
	for (const sql of [...migrations, ...indexes]) db.exec(sql);
	const plan = (sql: string) => (keep(db.prepare(`EXPLAIN QUERY PLAN ${sql}`)).all() as { detail: string }[]).map(({ detail }) => detail).join("; ");
	for (const column of ["host", "pretty_host", "status", "method", "kind", "marked", "is_replay"])
		t.match(plan(`SELECT DISTINCT ${column} FROM flow`), /COVERING INDEX flow_facts/, column);
	t.match(plan("SELECT seq FROM flow WHERE status = 500 AND host IN ('a', 'b') ORDER BY seq"), /COVERING INDEX flow_facts/);
	t.match(plan("SELECT seq FROM flow WHERE seq >> 14 = 3 AND request_key = 'k' AND seq >= 1 ORDER BY seq LIMIT 5"), /SEARCH .*flow_request_key/);
});

t.test("an old tape is brought up by the steps that it lacks, all of them or none", async (t) => {
	const path = join(t.testdir(), "old.tape");
	copyFileSync("fixtures/flows/tape-1.tape", path);
	const db = bareSqlite(path);
	const column = (sql: string) => keep(db.prepare(sql)).pluck().all();
	const before = column("SELECT hex(head) FROM flow");
	const steps = [migrations[0] ?? "", "ALTER TABLE flow ADD COLUMN colour TEXT", "UPDATE flow SET colour = 'red' WHERE kind = 'http'"];
	const bring = (these: readonly string[]): void => {
		db.exec("BEGIN");
		try {
			bringUp(db, 1, these);
			db.exec("COMMIT");
		} finally {
			if (db.inTransaction) db.exec("ROLLBACK");
		}
	};
	t.throws(() => bring([...steps, "no SQL"]), /syntax error/);
	t.same(column("PRAGMA user_version"), [1]);
	t.throws(() => column("SELECT colour FROM flow"), /no such column/, "nothing of it has happened");
	bring(steps);
	t.same(column("PRAGMA user_version"), [3]);
	t.same(column("SELECT hex(head) FROM flow"), before);
	t.same(column("SELECT DISTINCT colour FROM flow ORDER BY 1"), [null, "red"]);
	bringUp(db, 3, steps);
	t.same(column("PRAGMA user_version"), [3], "once");
	db.close();
});

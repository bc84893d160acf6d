// The schema of a tape: the steps that make it, and nothing in it that is not known.

import t from "tap";
import { bareSqlite } from "../../../fixtures/bare-sqlite.ts";
import { indexes, knownObjects, migrations, SCHEMA_VERSION } from "../../../src/store/schema.ts";
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

// The schema of a tape: the steps that make it, and nothing in it that is not known.
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import t from "tap";
import { bringUp, indexes, knownObjects, migrations, SCHEMA_VERSION } from "../../../src/store/schema.ts";

t.test("every step applies after the ones before, and what comes out is all that is known", async (t) => {
	const db = new Sqlite(":memory:");
	for (const sql of [...migrations, ...indexes, ...indexes]) db.exec(sql);
	const made = db.prepare("SELECT name, type FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'").all() as { name: string; type: string }[];
	t.same(new Map(made.map(({ name, type }) => [name, type])), knownObjects);
	t.equal(SCHEMA_VERSION, migrations.length);
});

t.test("columns answer without a row being read, and keys are looked up", async (t) => {
	const db = new Sqlite(":memory:");
	for (const sql of [...migrations, ...indexes]) db.exec(sql);
	const plan = (sql: string) => (db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[]).map(({ detail }) => detail).join("; ");
	for (const column of ["host", "pretty_host", "status", "method", "kind", "marked", "is_replay"])
		t.match(plan(`SELECT DISTINCT ${column} FROM flow`), /COVERING INDEX flow_facts/, column);
	t.match(plan("SELECT seq FROM flow WHERE status = 500 AND host IN ('a', 'b') ORDER BY seq"), /COVERING INDEX flow_facts/);
	t.match(plan("SELECT seq FROM flow WHERE seq >> 14 = 3 AND request_key = 'k' AND seq >= 1 ORDER BY seq LIMIT 5"), /SEARCH .*flow_request_key/);
});

t.test("an old tape is brought up by the steps that it lacks, all of them or none", async (t) => {
	const path = join(t.testdir(), "old.tape");
	copyFileSync("fixtures/flows/tape-1.tape", path);
	const db = new Sqlite(path);
	const version = () => db.pragma("user_version", { simple: true });
	const flows = () => db.prepare("SELECT count(*) AS n, sum(length(head)) AS bytes FROM flow").get();
	const before = flows();
	const [first = ""] = migrations;
	const steps = [first, "ALTER TABLE flow ADD COLUMN colour TEXT", "UPDATE flow SET colour = 'red' WHERE kind = 'http'"];
	const bring = db.transaction((these: readonly string[]) => bringUp(db, 1, these));
	t.throws(() => bring([...steps, "no SQL"]), /syntax error/);
	t.equal(version(), 1);
	t.throws(() => db.prepare("SELECT colour FROM flow"), /no such column/, "nothing of it has happened");
	bring(steps);
	t.equal(version(), 3);
	t.same(flows(), before);
	t.same(db.prepare("SELECT DISTINCT colour FROM flow ORDER BY 1").pluck().all(), [null, "red"]);
	bringUp(db, 3, steps);
	t.equal(version(), 3, "once");
	db.close();
});

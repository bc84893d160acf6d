// Rows are committed in groups, by time, number and size. After a rollback nothing refers to the lost rows.
import { join } from "node:path";
import t from "tap";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import { storeAt, storeWith } from "../../../../fixtures/stores.ts";
import { reports } from "../../../../fixtures/tape-files.ts";
import { type FlowRow, valuesOf } from "../../../../src/store/record/flow-row.ts";
import { TapeDatabase } from "../../../../src/store/sqlite/database.ts";
import { RowWriter } from "../../../../src/store/sqlite/row-writer.ts";

t.test("commits by time and by number of rows", async (t) => {
	const path = join(t.testdir(), "time.tape");
	const store = storeAt(path, "append");
	const reader = storeAt(path, "read");
	store.append(httpFlow());
	t.equal(await reader.count(), 0);
	while ((await reader.count()) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
	t.equal(await reader.count(), 1, "without a call");
	for (let i = 0; i < 1000; i++) store.append(httpFlow());
	t.equal(await reader.count(), 1001);
	for (let i = 0; i < 9; i++) store.append(httpFlow({ response: { body: Buffer.alloc(1_000_000, i) } }));
	t.equal(await reader.count(), 1010, "and by their size");
	await reader.close();
	await store.close();
	await store.close();
});

t.test("a rollback calls onForget", async (t) => {
	const db = new TapeDatabase(join(t.testdir(), "a.tape"), "append", false);
	let forgotten = 0;
	const rows = new RowWriter(db, reports().report, () => forgotten++);
	const { bodies } = rows;
	t.throws(() => rows.within(() => rows.addConnection(null as unknown as Buffer)), { code: "FT_STORE" });
	t.equal(forgotten, 0, "one row that fails does not affect others");
	t.throws(() => rows.within(() => db.run("INSERT OR ROLLBACK INTO connection VALUES (1, NULL)")), {
		code: "FT_STORE",
	});
	t.equal(forgotten, 1);
	t.not(rows.bodies, bodies);
	rows.flush();
	await rows.close();
});

t.test("a failed commit on the timer is reported", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const db = new TapeDatabase(path, "append", false);
	let reported: (() => void) | undefined;
	const wasTold = new Promise<void>((resolve) => (reported = resolve));
	const { list, report } = reports();
	const rows = new RowWriter(db, (...args) => {
		report(...args);
		reported?.();
	});
	db.exec(
		"PRAGMA foreign_keys = ON; CREATE TEMP TABLE a (id INTEGER PRIMARY KEY); CREATE TEMP TABLE b (a REFERENCES a DEFERRABLE INITIALLY DEFERRED)",
	);
	// a constraint that is checked on commit
	rows.within(() => db.run("INSERT INTO b VALUES (7)"));
	await wasTold;
	t.match(list, [{ code: "FT_STORE" }]);
	t.notOk(db.inTransaction);
	await rows.close();
});

t.test("a tape whose rows are reused is not locked", async (t) => {
	const folder = t.testdir();
	const [from, to] = [join(folder, "from.tape"), join(folder, "to.tape")];
	await storeWith(from, [httpFlow({ response: { body: "x".repeat(1000) } })]);
	const reader = new TapeDatabase(from, "read", false);
	reader.exec("BEGIN");
	const [flow] = reader.all<{ response_body: number; client_conn: number }>("SELECT * FROM flow");
	const db = new TapeDatabase(to, "create", false);
	const rows = new RowWriter(db, null);
	rows.reuseRows({ path: from, bodies: 1, connections: 2 });
	rows.within(() => rows.addFlow(valuesOf(flow as unknown as FlowRow)));
	rows.finish();
	t.equal(db.all("SELECT * FROM body").length, 1);
	await rows.close();
	reader.close();
});

t.test("rows with given ids, and removal of rows", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const db = new TapeDatabase(path, "create", false);
	const rows = new RowWriter(db, reports().report);
	t.ok(rows.isEmpty);
	t.equal(rows.addConnection(Buffer.from("x"), 7), 7);
	t.equal(rows.addConnection(Buffer.from("y")), 8);
	rows.addCertificate(Buffer.from("hash"), Buffer.from("pem"));
	rows.addCertificate(Buffer.from("hash"), Buffer.from("other"));
	t.same(db.all("SELECT pem FROM certificate"), [{ pem: Buffer.from("pem") }]);
	rows.addMessage(1, 0, { at: 1, from_client: 1, opcode: null, flags: 0, bytes: Buffer.from("m") });
	rows.removeFlow(1);
	t.same(db.all("SELECT * FROM message"), []);
	rows.finish();
	await rows.close();
});

// Rows of another tape are copied once each, with chunks and certificates. New rows get higher ids.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import { storeWith } from "../../../../fixtures/stores.ts";
import { TapeDatabase } from "../../../../src/store/sqlite/database.ts";
import { ReusedRows } from "../../../../src/store/sqlite/reused-rows.ts";

const ids = (db: TapeDatabase, table: string) => db.column<number>(`SELECT id FROM ${table} ORDER BY id`);

t.test("copies referenced rows before each commit", async (t) => {
	const folder = t.testdir();
	const [from, to] = [join(folder, "from.tape"), join(folder, "to.tape")];
	const flow = (text: string, size: number) =>
		httpFlow({
			response: { body: Buffer.alloc(size, text) },
			serverConn: { certificateList: [Buffer.from(`certificate ${text}`)] },
		});
	await storeWith(from, [flow("one ", 500), flow("a secret ", 600), flow("large ", 2_500_000)]);
	const db = new TapeDatabase(to, "create", false);
	const reused = new ReusedRows(db, { path: from, bodies: 3, connections: 6 });
	t.equal(db.insert("INSERT INTO body (crc, size, bytes) VALUES (1, 2, x'00')"), 5);
	reused.addReferences([1, null, 0, Buffer.from("x"), 5], [1, 2, 8]);
	reused.copyPending();
	t.same(ids(db, "body"), [1, 4, 5]);
	reused.addReferences([1, 3], [1, 6]);
	reused.finish();
	t.same(ids(db, "body"), [1, 3, 5], "each once, without the placeholder");
	t.same(ids(db, "connection"), [1, 2, 6]);
	t.equal(db.get<{ n: number }>("SELECT sum(length(bytes)) AS n FROM chunk")?.n, 2_500_000);
	t.same(db.column<Buffer>("SELECT pem FROM certificate").map(String).sort(), [
		"certificate large ",
		"certificate one ",
	]);
	db.close();
	t.notOk(readFileSync(to).includes("secret"));
});

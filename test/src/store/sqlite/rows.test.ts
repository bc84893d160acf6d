// Rows are selected by columns and by bodies, before the rest of a row is read.

import { join } from "node:path";
import { gzipSync } from "node:zlib";
import t from "tap";
import { httpFlow, tcpFlow, websocketFlow } from "../../../../fixtures/build-flow.ts";
import { storeWith } from "../../../../fixtures/stores.ts";
import { compileFilter } from "../../../../src/filter/compile.ts";
import { BodyTable } from "../../../../src/store/sqlite/bodies.ts";
import { TapeDatabase } from "../../../../src/store/sqlite/database.ts";
import { candidateRows, conditionOf, numbersOf, requestRows } from "../../../../src/store/sqlite/rows.ts";

async function open(path: string) {
	const coded = { body: gzipSync("a needle, packed"), headers: [["Content-Encoding", "gzip"]] as const };
	await storeWith(path, [
		httpFlow({ id: "short", response: { body: "a needle" } }),
		httpFlow({ id: "other", response: { body: "nothing" } }),
		httpFlow({ id: "long", response: { statusCode: 500, body: `${"x".repeat(2000)}needle` } }),
		httpFlow({
			id: "pieces",
			response: { body: Buffer.concat([Buffer.alloc(1_200_000, "y"), Buffer.from("needle")]) },
		}),
		httpFlow({ id: "asked", request: { body: "needle" }, response: null }),
		httpFlow({ id: "empty", response: { body: "" } }),
		httpFlow({ id: "missing", response: { body: null } }),
		httpFlow({ id: "coded", response: coded }),
		websocketFlow({ id: "socket" }),
		tcpFlow({ id: "stream" }),
	]);
	const db = new TapeDatabase(path, "read", false);
	const bodies = new BodyTable(db);
	const candidates = (text: string) => {
		const filter = compileFilter(text);
		return [...candidateRows(db, bodies, conditionOf(db, filter), filter)].flat().map(({ id }) => id);
	};
	return { db, candidates };
}

t.test("bodies exclude as many rows as possible", async (t) => {
	const { db, candidates } = await open(join(t.testdir(), "a.tape"));
	// the filter decides on coded bodies and on flows with other messages
	t.same(candidates("~bs needle"), ["short", "long", "pieces", "coded", "socket", "stream"]);
	t.same(candidates("~bq needle"), ["asked", "socket", "stream"]);
	t.same(candidates("~b needle & ~c 200"), ["short", "pieces", "coded"]);
	t.same(candidates("!~b needle & ~http"), ["other", "empty", "missing", "coded", "socket"]);
	t.same(candidates("~bs ^$ & !~websocket & !~tcp"), ["empty", "coded"]);
	t.same(candidates("~b needle | ~c 500"), ["short", "long", "pieces", "asked", "coded", "socket", "stream"]);
	t.same(candidates("~hq x & ~c 500"), ["long"], "without bodies, all rows that the columns select");
	db.close();
});

t.test("numbers and rows", async (t) => {
	const { db } = await open(join(t.testdir(), "a.tape"));
	t.same(
		[...requestRows(db)].flat().map(({ seq }) => seq),
		[1, 2, 3, 4, 5, 6, 7, 8, 9],
	);
	t.same([...numbersOf(db, conditionOf(db, compileFilter("~c 500 | ~tcp")))], [[3, 10]]);
	t.same([...numbersOf(db, conditionOf(db, undefined, ["long", "short"]))], [[1, 3]]);
	t.same([...numbersOf(db, conditionOf(db, compileFilter("~c 999")))], []);
	db.close();
});

t.test("more rows than one batch, while rows are added", async (t) => {
	const path = join(t.testdir(), "many.tape");
	const flows = Array.from({ length: 450 }, (_, i) =>
		httpFlow({ id: `${i}`, response: { statusCode: i % 2 ? 200 : 404, body: `body ${i}` } }),
	);
	await storeWith(path, flows, { mode: "append" });
	const writer = new TapeDatabase(path, "append", false);
	const db = new TapeDatabase(path, "read", false);
	const filter = compileFilter("~c 404 & ~b body");
	const found: string[] = [];
	for (const rows of candidateRows(db, new BodyTable(db), conditionOf(db, filter), filter)) {
		found.push(...rows.map(({ id }) => id));
		writer.exec("UPDATE flow SET marked = 'x' WHERE seq = 450");
	}
	t.same(
		found,
		flows.filter((_, i) => i % 2 === 0).map(({ id }) => id),
	);
	writer.close();
	db.close();
});

// A tape as a table of flows: rows, orders, counts, also on tapes of the first version.
import { join } from "node:path";
import t from "tap";
import { bareSqlite } from "../../../../fixtures/bare-sqlite.ts";
import { httpFlow, tcpFlow } from "../../../../fixtures/build-flow.ts";
import { storeAt, storeWith } from "../../../../fixtures/stores.ts";
import { compileFilter } from "../../../../src/filter/compile.ts";
import { defaultRequestKey } from "../../../../src/replay/match/key.ts";

const at = (started: number, parts: Parameters<typeof httpFlow>[0] = {}) =>
	httpFlow({ ...parts, request: { timestampStart: started, timestampEnd: started, ...parts.request } });

async function tableOf(path: string, flows: Parameters<typeof storeWith>[1]) {
	await storeWith(path, flows, { requestKey: defaultRequestKey });
	const store = storeAt(path, "read");
	return { store, table: store.table() };
}

t.test("rows in the order of their numbers", async (t) => {
	const { store, table } = await tableOf(join(t.testdir(), "a.tape"), [
		at(10, { marked: "x", request: { path: "/gr\xc3\xbc\xc3\x9f" }, response: { statusCode: 404, body: "1234" } }),
		at(20, { session: "one", response: null }),
		tcpFlow({}),
	]);
	const [last, first] = table.rows([3, 1, 99]);
	t.match(last, { seq: 3, kind: "tcp", method: null, path: null, status: null });
	t.match(first, { seq: 1, path: "/grüß", status: 404, size: 4, marked: "x", hasError: false, session: null });
	t.equal(table.rows([2])[0]?.session, "one");
	t.same(table.extent(), { count: 3, last: 3 });
	t.same(table.page(1, 5), [2, 3]);
	t.equal(table.placeOf(3), 2);
	await store.close();
});

t.test("orders, counts and times", async (t) => {
	const { store, table } = await tableOf(join(t.testdir(), "a.tape"), [
		at(30, { response: { statusCode: 500, timestampStart: 31, timestampEnd: 32 } }),
		at(10, { response: { statusCode: 200, timestampStart: 11, timestampEnd: 15 } }),
		at(20, { request: { method: "POST" }, response: null }),
	]);
	t.same(table.numbersBy("started", false), [2, 3, 1]);
	t.same(table.numbersBy("started", true), [1, 3, 2]);
	t.same(table.numbersBy("status", true), [1, 2, 3], "without a value last");
	t.same(table.numbersBy("duration", false), [1, 2, 3]);
	t.same(table.within(10, 20), [2, 3]);
	t.same(table.facets("method", null, 10), [
		{ value: "GET", count: 2 },
		{ value: "POST", count: 1 },
	]);
	t.same(table.facets("status", [1, 3], 1), [{ value: null, count: 1 }], "at most one");
	t.same(table.timeline(4, null), { from: 10, to: 30, counts: [1, 0, 1, 1] });
	t.same(table.timeline(4, [1]).counts, [0, 0, 0, 1]);
	t.same([...table.matching(compileFilter("~s"), 1)].flat(), [2], "after a number");
	t.same(table.sameKey(1, 10), [1, 2]);
	await store.close();
});

t.test("an empty tape", async (t) => {
	const { store, table } = await tableOf(join(t.testdir(), "a.tape"), []);
	t.same(table.extent(), { count: 0, last: 0 });
	t.same(table.page(0, 10), []);
	t.same(table.timeline(3, null), { from: null, to: null, counts: [0, 0, 0] });
	t.equal(table.flow(1), null);
	await store.close();
});

t.test("flows with gaps between their numbers", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const { store } = await tableOf(path, [at(1), at(2), at(3)]);
	await store.close();
	const db = bareSqlite(path);
	db.exec("DELETE FROM flow WHERE seq = 2");
	db.close();
	const again = storeAt(path, "read");
	t.same(again.table().page(1, 5), [3]);
	t.equal(again.table().placeOf(3), 1);
	await again.close();
});

t.test("a flow with a number that no writer gives is left out", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const { store } = await tableOf(path, [at(1), at(2)]);
	await store.close();
	const db = bareSqlite(path);
	db.exec("UPDATE flow SET seq = 9223372036854775807 WHERE seq = 2");
	db.close();
	const again = storeAt(path, "read");
	const table = again.table();
	t.equal(table.extent().last, Number.MAX_SAFE_INTEGER);
	t.same(table.page(0, 5), [1]);
	t.same(table.numbersBy("started", true), [1]);
	t.same(table.within(0, 10), [1]);
	await again.close();
});

t.test("a tape of the first version", async (t) => {
	const store = storeAt("fixtures/flows/tape-1.tape", "read");
	const table = store.table();
	t.ok(table.rows(table.page(0, 5)).every(({ duration, session }) => duration === null && session === null));
	t.equal(table.numbersBy("duration", true).length, table.extent().count);
	t.same(table.facets("session", null, 5), [{ value: null, count: table.extent().count }]);
	await store.close();
});

// Reading a tape: flows that match, the queries of a replay, and reports of damage.
import { join } from "node:path";
import t from "tap";
import { bareSqlite } from "../../../../fixtures/bare-sqlite.ts";
import { httpFlow, tcpFlow, websocketFlow } from "../../../../fixtures/build-flow.ts";
import { flowsOf, storeAt, storeWith } from "../../../../fixtures/stores.ts";
import { reports } from "../../../../fixtures/tape-files.ts";
import { variedFlows } from "../../../../fixtures/varied-flows.ts";
import { compileFilter } from "../../../../src/filter/compile.ts";
import type { HttpFlow } from "../../../../src/flow/flow.ts";
import { TapeDatabase } from "../../../../src/store/sqlite/database.ts";
import { TapeReader } from "../../../../src/store/sqlite/reader.ts";

const byPath = (flow: HttpFlow) => flow.request.path;

t.test("recordings are found by key, in order, over all blocks of the index", async (t) => {
	const path = join(t.testdir(), "keys.tape");
	const paths = Array.from({ length: 40_000 }, (_, i) => `/${i % 16_000 === 7 ? "often" : i % 1000}`);
	const shared = httpFlow();
	await storeWith(
		path,
		paths.map((target, i) =>
			httpFlow({
				id: String(i),
				clientConn: shared.clientConn,
				serverConn: shared.serverConn,
				request: { path: target },
			}),
		),
		{ requestKey: byPath },
	);
	const store = storeAt(path, "read");
	const all = store.findByKey("/often", -1, 100);
	t.same(
		all.map((place) => store.at(place)?.id),
		["7", "16007", "32007"],
	);
	t.same(store.findByKey("/often", all[0] ?? 0, 1), [all[1]]);
	t.same(store.findByKey("/often", all[2] ?? 0, 5), []);
	t.equal(store.findByKey("/5", -1, 100).length, 40);
	t.same(store.findByKey("/none", -1, 5), []);
	t.equal(store.at(1_000_000), null);
	await store.close();
});

t.test("damage is reported, and only damaged parts are left out", async (t) => {
	const path = join(t.testdir(), "damaged.tape");
	await storeWith(path, [
		httpFlow({ id: "1" }),
		httpFlow({ id: "2" }),
		httpFlow({ id: "3", metadata: { a: 1 } }),
		httpFlow({ id: "4" }),
	]);
	const db = bareSqlite(path);
	// of an older writer, without a checksum
	db.exec(
		"UPDATE flow SET head = substr(head, 6) WHERE id = '3'; UPDATE flow SET head = x'c1' WHERE id = '2'; UPDATE flow SET rest = x'91c1', client_conn = 77 WHERE id = '3'",
	);
	db.exec("UPDATE connection SET bytes = x'00' WHERE id = (SELECT server_conn FROM flow WHERE id = '3')");
	db.close();
	const { list, report } = reports();
	const store = storeAt(path, "read", { report });
	const flows = (await flowsOf(store, { filter: compileFilter("~src 127 | ~all") })) as HttpFlow[];
	t.same(
		flows.map(({ id }) => id),
		["1", "3", "4"],
	);
	t.same(flows[1]?.metadata, {});
	t.same([flows[1]?.clientConn.peername, flows[1]?.serverConn.address], [null, null]);
	t.match(list, [
		{ code: "FT_CORRUPT_FLOW", record: 2, message: /flow 2: its record cannot be decoded; the flow is left out/ },
		{ code: "FT_CORRUPT_FLOW", record: 3, message: /flow 3: its metadata is damaged; the flow is kept without it/ },
		{ code: "FT_CORRUPT_FLOW", record: 3, message: /its client connection is damaged/ },
		{ code: "FT_CORRUPT_FLOW", record: 3, message: /its server connection is damaged/ },
	]);
	t.equal(store.at(2), null);
	await store.close();
});

t.test("counting reads columns, and flows only if columns cannot decide", async (t) => {
	const path = join(t.testdir(), "count.tape");
	await storeWith(path, variedFlows());
	const store = storeAt(path, "read");
	t.equal(await store.count(compileFilter("~c 500")), 1);
	t.equal(
		await store.count(compileFilter("~b hello")),
		(await flowsOf(store, { filter: compileFilter("~b hello") })).length,
	);
	await store.close();
});
t.test("responses, summaries and counts", async (t) => {
	const path = join(t.testdir(), "answers.tape");
	const flows = [
		httpFlow({ id: "a", request: { path: "/a" } }),
		tcpFlow({ id: "stream" }),
		websocketFlow({ id: "socket", request: { path: "/b" } }),
	];
	await storeWith(path, flows, { requestKey: byPath });
	const db = new TapeDatabase(path, "read", false);
	const reader = new TapeReader(db, reports().report);
	t.same([...reader.keys()].flat(), [
		{ seq: 1, key: "/a" },
		{ seq: 3, key: "/b" },
	]);
	t.match(reader.summaries(0, 5), [{ id: "a" }, { id: "socket" }]);
	t.equal(reader.countAnswers(), 2);
	t.match(reader.answerAt(3), { id: "socket", response: { statusCode: 101 } });
	t.equal(reader.answerAt(2), null);
	t.same(
		[...reader.requests()].flat().map(({ seq, request }) => [seq, request.path]),
		[
			[1, "/a"],
			[3, "/b"],
		],
	);
	t.same([...reader.matching({})].flat(), [1, 2, 3]);
	t.same(
		[...reader.matching({ filter: compileFilter("~tcp | ~b pong") })].flat(),
		[2, 3],
		"also where flows have to be looked at",
	);
	t.equal(reader.at(3)?.type === "http" && reader.readMessages(3).length, 2);
	db.close();
});

t.test("rows can be reused if the tape is only read and has the newest version", async (t) => {
	const path = join(t.testdir(), "reusable.tape");
	await storeWith(path, [httpFlow({ response: { body: "x".repeat(500) } })]);
	const lentBy = (mode: "read" | "append") => {
		const db = new TapeDatabase(path, mode, false);
		const reusable = new TapeReader(db, reports().report).reusableRows();
		db.close();
		return reusable;
	};
	t.same(lentBy("read"), { path, bodies: 1, connections: 2 });
	t.equal(lentBy("append"), null);
	const db = new TapeDatabase(path, "append", false);
	db.exec("INSERT INTO connection VALUES (9007199254740991, x'')");
	db.close();
	t.equal(lentBy("read"), null, "not if there are no row ids left");
});

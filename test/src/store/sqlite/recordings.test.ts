// The queries of a replay.
import { join } from "node:path";
import t from "tap";
import { httpFlow, tcpFlow, websocketFlow } from "../../../../fixtures/build-flow.ts";
import { reports } from "../../../../fixtures/tape-files.ts";
import type { HttpFlow } from "../../../../src/flow/flow.ts";
import { TapeDatabase } from "../../../../src/store/sqlite/database.ts";
import { answerRow, countAnswers, findByKey, keys, summaries } from "../../../../src/store/sqlite/recordings.ts";
import { openStore } from "../../../../src/store/sqlite/store.ts";

const flows = [
	tcpFlow(),
	httpFlow({ request: { path: "/a" }, response: { statusCode: 404 } }),
	httpFlow({ request: { path: "/b", host: "Other.test", port: 81 }, response: null }),
	httpFlow({ request: { path: "/a" }, response: { statusCode: 100 } }),
	websocketFlow({ request: { path: "/ws" } }),
	httpFlow({ request: { path: "/a" } }),
];

/** The keys of the flows are their paths. */
async function tape(folder: string): Promise<string> {
	const path = join(folder, "a.tape");
	const store = openStore(path, {
		mode: "create",
		report: reports().report,
		requestKey: ({ request }: HttpFlow) => request.path,
	});
	for (const flow of flows) store.append(flow);
	await store.close();
	return path;
}

t.test("recordings by key", async (t) => {
	const db = new TapeDatabase(await tape(t.testdir()), "read", false);
	t.same(findByKey(db, "/a", -1, 10), [2, 4, 6]);
	t.same(findByKey(db, "/a", 2, 1), [4]);
	t.same(findByKey(db, "/none", -1, 10), []);
	t.same([...keys(db)], [["/a", "/b", "/a", "/ws", "/a"].map((key, n) => ({ seq: n + 2, key }))]);
	db.close();
});

t.test("columns, and flows that can answer", async (t) => {
	const db = new TapeDatabase(await tape(t.testdir()), "read", false);
	t.match(summaries(db, -1, 10), [
		{ seq: 2, id: flows[1]?.id, path: "/a", status: 404, isAnswer: true },
		{ seq: 3, host: "Other.test", port: 81, method: "GET", scheme: "http", status: null, isAnswer: false },
		{ seq: 4, status: 100, isAnswer: false },
		{ seq: 5, status: 101, isAnswer: true },
		{ seq: 6, status: 200, isAnswer: true },
	]);
	t.same(
		summaries(db, 3, 2).map(({ seq }) => seq),
		[4, 5],
	);
	t.equal(countAnswers(db), 3);
	t.same(
		[1, 2, 3, 4, 5, 6, 7].map((seq) => answerRow(db, seq)?.status ?? null),
		[null, 404, null, null, 101, 200, null],
	);
	db.close();
});

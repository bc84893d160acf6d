// Rows are copied from tape to tape with the rows that they refer to, and no others.
import { join } from "node:path";
import t from "tap";
import { httpFlow, tcpFlow, websocketFlow } from "../../../../fixtures/build-flow.ts";
import { flowsOf, startRecorder, storeAt, storeWith } from "../../../../fixtures/stores.ts";
import { comparable, variedFlows } from "../../../../fixtures/varied-flows.ts";
import type { Flow } from "../../../../src/flow/flow.ts";
import { copyRows } from "../../../../src/store/sqlite/copy.ts";
import { TapeDatabase } from "../../../../src/store/sqlite/database.ts";
import { SCHEMA_VERSION } from "../../../../src/store/sqlite/schema.ts";

const count = (db: TapeDatabase, what: string) => db.get<{ n: number }>(`SELECT count(*) AS n FROM ${what}`)?.n;

t.test("all parts of a flow are copied, and nothing of other flows", async (t) => {
	const folder = t.testdir();
	const [from, to] = [join(folder, "from.tape"), join(folder, "to.tape")];
	const secret = Buffer.alloc(5000, "a secret of another flow ");
	const secretFlow = httpFlow({
		response: { body: secret },
		serverConn: { certificateList: [Buffer.from("secret certificate")] },
	});
	const chosen = [...variedFlows(), websocketFlow(), tcpFlow()];
	await storeWith(from, [secretFlow, ...chosen]);
	const db = new TapeDatabase(to, "create", false);
	const numbers = Array.from(chosen, (_, i) => i + 2);
	t.equal(copyRows(db, from, [numbers.slice(0, 5), [], numbers.slice(5)]), chosen.length);
	t.notOk(db.inTransaction);
	t.equal(
		count(db, "certificate"),
		new Set(chosen.flatMap((flow) => flow.serverConn.certificateList.map(String))).size,
	);
	t.equal(db.get("SELECT name FROM temp.sqlite_schema"), undefined, "nothing is left");
	db.close();
	const store = storeAt(to, "read");
	t.same((await flowsOf(store)).map(comparable), chosen.map(comparable));
	await store.close();
	const { readFileSync } = await import("node:fs");
	t.notOk(readFileSync(to).includes("secret"));
});

t.test("from a tape that is being recorded", async (t) => {
	const folder = t.testdir();
	const [from, to] = [join(folder, "from.tape"), join(folder, "to.tape")];
	const recorder = startRecorder(from);
	for await (const number of recorder.safe) if (number > 50) break;
	const db = new TapeDatabase(to, "create", false);
	t.equal(copyRows(db, from, [[1, 2, 3]]), 3);
	db.close();
	t.equal(await recorder.finish(), 0);
	const store = storeAt(from, "read");
	t.ok((await store.count()) > 50);
	await store.close();
});

t.test("not from another version, and a failure leaves nothing", async (t) => {
	const folder = t.testdir();
	const [from, to] = [join(folder, "from.tape"), join(folder, "to.tape")];
	await storeWith(from, [httpFlow()]);
	const source = new TapeDatabase(from, "append", false);
	const db = new TapeDatabase(to, "create", false);
	t.throws(() => {
		copyRows(
			db,
			from,
			(function* () {
				yield [1];
				throw new Error("stopped");
			})(),
		);
	}, /stopped/);
	t.notOk(db.inTransaction);
	source.exec("PRAGMA user_version = 0");
	t.throws(() => copyRows(db, from, [[1]]), { code: "FT_STORE" }, "its objects are not those of its version");
	t.equal(copyRows(db, "fixtures/flows/tape-1.tape", [[1]]), null);
	t.throws(() => copyRows(db, join(folder, "absent", "x"), [[1]]), { code: "FT_IO" });
	source.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
	t.equal(copyRows(db, from, [[1]]), 1, "a second attempt is possible");
	source.close();
	db.close();
});

t.test("unchanged bodies and connections of rewritten flows are copied", async (t) => {
	const folder = t.testdir();
	const [from, to] = [join(folder, "from.tape"), join(folder, "to.tape")];
	const shared = Buffer.alloc(5000, "a body of many ");
	const certificateList = [Buffer.from("a certificate")];
	const flows = [
		...variedFlows(),
		httpFlow({ response: { body: Buffer.alloc(3_000_000, "large ") }, serverConn: { certificateList } }),
		websocketFlow(),
		tcpFlow(),
	];
	const dropped = httpFlow({
		response: { body: Buffer.alloc(5000, "a secret ") },
		serverConn: { certificateList: [Buffer.from("a secret too")] },
	});
	const edited = httpFlow({ response: { body: Buffer.alloc(5000, "a secret to be edited ") } });
	await storeWith(from, [dropped, edited, ...flows, httpFlow({ response: { body: shared } })]);
	const source = storeAt(from, "read");
	const store = storeAt(to, "create");
	const [, first, ...others] = await flowsOf(source);
	if (first?.type !== "http" || first.response === null) throw new Error("expected an HTTP flow");
	first.response.body = Buffer.alloc(6000, "edited ");
	first.clientConn.peername = ["192.0.2.7", 7];
	for (const flow of [first, ...others]) store.append(flow);
	await storeWith(from, [httpFlow({ id: "late", response: { body: Buffer.alloc(7000, "recorded meanwhile ") } })], {
		mode: "append",
	});
	const [late] = (await flowsOf(source)).slice(-1);
	store.append(late as Flow);
	await store.close();
	const written = storeAt(to, "read");
	const read = await flowsOf(written);
	t.same(
		read.map(comparable),
		[first, ...others, late].map((flow) => comparable(flow as Flow)),
	);
	await written.close();
	await source.close();
	const db = new TapeDatabase(to, "read", false);
	t.same(db.get("PRAGMA integrity_check"), { integrity_check: "ok" });
	t.equal(
		count(db, "body WHERE size = 0 OR id NOT IN (SELECT request_body FROM flow UNION SELECT response_body FROM flow)"),
		0,
		"nothing is left over",
	);
	t.equal(count(db, "connection WHERE length(bytes) = 0"), 0);
	db.close();
	const { readFileSync } = await import("node:fs");
	t.notOk(readFileSync(to).includes("secret"));
});

t.test("not if the checksum of a message does not match", async (t) => {
	const folder = t.testdir();
	const [from, to] = [join(folder, "from.tape"), join(folder, "to.tape")];
	const messages = Array.from({ length: 130 }, (_, i) => ({
		fromClient: true,
		content: Buffer.from(`message ${i}`),
		timestamp: i,
	}));
	await storeWith(from, [tcpFlow({ messages }), tcpFlow({ messages })]);
	const db = new TapeDatabase(to, "create", false);
	const source = new TapeDatabase(from, "append", false);
	source.run("UPDATE message SET bytes = ? WHERE flow = 2 AND n = 129", Buffer.from("something else"));
	source.close();
	t.throws(() => copyRows(db, from, [[1, 2]]), {
		code: "FT_STORE",
		message: /the checksum of a message of flow 2 does not match/,
	});
	t.equal(copyRows(db, from, [[1]]), 1);
	t.equal(count(db, "message"), 130);
	db.close();
});

t.test("not if a body is damaged", async (t) => {
	const folder = t.testdir();
	const large = Buffer.alloc(2_500_000, "large ");
	const damages: [sql: string, message: RegExp][] = [
		["UPDATE body SET bytes = zeroblob(5000) WHERE id = 1", /the checksum of body 1 does not match/],
		["UPDATE body SET bytes = x'00' WHERE id = 1", /the checksum of body 1 does not match/],
		["UPDATE body SET size = 4999 WHERE id = 1", /a body is missing or has another size/],
		["UPDATE body SET crc = 1 WHERE id = 1", /the checksum of body 1 does not match/],
		["DELETE FROM body WHERE id = 1", /a body is missing or has another size/],
		["UPDATE flow SET path = '/other' WHERE seq = 2", /the checksum of one of the flows 0 to 3 does not match/],
		["UPDATE flow SET response_size = 4999 WHERE seq = 2", /the checksum of one of the flows 0 to 3 does not match/],
		["UPDATE connection SET bytes = x'c10000000090' WHERE id = 1", /the checksum of connection 1 does not match/],
		["UPDATE certificate SET pem = x'00'", /the checksum of a certificate does not match/],
		["DELETE FROM certificate WHERE pem = CAST('leaf' AS BLOB)", /a certificate of a connection is missing/],
		["UPDATE flow SET head = substr(head, 6) WHERE seq = 2", /the checksum of one of the flows 0 to 3 does not match/],
		["UPDATE flow SET response_body = '1' WHERE seq = 1", /a body is missing or has another size/],
		["UPDATE flow SET seq = 0 WHERE seq = 1", /flows have numbers below 1/],
		["UPDATE body SET crc = 1 WHERE id = 2", /the checksum of body 2 does not match/],
		["UPDATE chunk SET bytes = zeroblob(length(bytes)) WHERE n = 1", /the checksum of body 2 does not match/],
		["UPDATE chunk SET bytes = x'' WHERE n = 1", /the checksum of body 2 does not match/],
		["UPDATE chunk SET n = 7 WHERE n = 1", /the checksum of body 2 does not match/],
		["DELETE FROM chunk WHERE n = 2", /the checksum of body 2 does not match/],
	];
	for (const [i, [sql, message]] of damages.entries()) {
		const [from, to] = [join(folder, `${i}-from.tape`), join(folder, `${i}-to.tape`)];
		const body = Buffer.alloc(5000, "a body of two ");
		await storeWith(from, [
			httpFlow({ request: { body: Buffer.from("small") }, response: { body } }),
			httpFlow({ response: { body } }),
			httpFlow({
				response: { body: large },
				serverConn: { certificateList: [Buffer.from("leaf"), Buffer.from("root")] },
			}),
		]);
		const source = new TapeDatabase(from, "append", false);
		source.exec(sql);
		source.close();
		const db = new TapeDatabase(to, "create", false);
		t.throws(() => copyRows(db, from, [[0, 1, 2, 3]]), { code: "FT_STORE", message }, sql);
		db.close();
	}
});

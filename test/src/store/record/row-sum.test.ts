// Checksums of rows: every flipped bit is found, in JavaScript and in SQL. Older rows have no checksum.
import { join } from "node:path";
import t from "tap";
import { FLOW_COLUMNS, type FlowRow, type FlowValue } from "../../../../src/store/record/flow-row.ts";
import {
	checkFlow,
	isVerifiedRecord,
	isWholeFlow,
	isWholeMessage,
	isWholeRecord,
	openRecord,
	SUMMED_FLOW,
	sealFlow,
	sealMessage,
	sealRecord,
	unsealed,
} from "../../../../src/store/record/row-sum.ts";
import { TapeDatabase } from "../../../../src/store/sqlite/database.ts";

const head = Buffer.from([0x93, 1, 2, 3]);

function row(changes: Partial<FlowRow> = {}): FlowRow {
	return {
		id: "é\u0000x",
		kind: "http",
		started: 1.5,
		method: "GET",
		scheme: "https",
		host: "a.example",
		pretty_host: "a.example",
		port: 443,
		path: "/",
		status: 200,
		content_type: null,
		request_key: null,
		is_replay: null,
		marked: "",
		has_error: 0,
		has_websocket: 0,
		coded: 0,
		request_size: 0,
		response_size: 3,
		request_body: 0,
		response_body: Buffer.from("\0\xff\n", "latin1"),
		client_conn: 1,
		server_conn: 2,
		head,
		rest: Buffer.from("rest"),
		ended: "server",
		refreshed: 1.5e9,
		session: null,
		duration: 0.1,
		first_byte: null,
		original: null,
		original_body: null,
		...changes,
	};
}

const sealedRow = (changes: Partial<FlowRow> = {}): FlowRow => {
	const whole = row(changes);
	return { ...whole, head: sealFlow(FLOW_COLUMNS.map((name): FlowValue => whole[name])) };
};

const corrupt = { code: "FT_CORRUPT_FLOW" };

t.test("the row of a flow", async (t) => {
	const whole = sealedRow();
	t.same(unsealed(whole.head), head);
	t.doesNotThrow(() => checkFlow(whole));
	t.doesNotThrow(() => checkFlow(row()), "one of an older writer");
	const changes: Partial<FlowRow>[] = [
		{ id: "other" },
		{ kind: "tcp" },
		{ method: "GEU" },
		{ scheme: "http" },
		{ host: "b.example" },
		{ port: 442 },
		{ path: "/a" },
		{ status: 201 },
		{ is_replay: "request" },
		{ marked: "x" },
		{ request_size: 1 },
		{ response_size: 2 },
		{ request_body: 1 },
		{ response_body: Buffer.from("abc") },
		{ client_conn: 2 },
		{ server_conn: 1 },
		{ rest: null },
		{ rest: Buffer.from("resu") },
		{ ended: null },
		{ refreshed: null },
		{ session: "s" },
		{ original: Buffer.from("o") },
		{ original_body: 5 },
		{ marked: null },
		{ host: Buffer.from("a.example") },
		{ head: "text" },
	] as Partial<FlowRow>[];
	for (const change of changes) t.throws(() => checkFlow({ ...whole, ...change }), corrupt, JSON.stringify(change));
	for (let at = 1; at < whole.head.length; at++) {
		const flipped = Buffer.from(whole.head);
		flipped[at] = (flipped[at] as number) ^ 4;
		t.throws(() => checkFlow({ ...whole, head: flipped }), corrupt);
	}
	t.throws(() => checkFlow({ ...whole, head: Buffer.of(0xc1, 1) }), corrupt, "too short for a checksum");
});

t.test("SQL computes the same bytes", async (t) => {
	const db = new TapeDatabase(join(t.testdir(), "a.tape"), "create", false);
	const insert = `INSERT INTO flow (${FLOW_COLUMNS.join(", ")}) VALUES (${FLOW_COLUMNS.map(() => "?").join(", ")})`;
	const rows = [
		sealedRow(),
		sealedRow({ method: null, host: null, port: null, path: null, status: null, refreshed: null, rest: null }),
		row(),
	];
	for (const each of rows)
		db.insert(
			insert,
			...FLOW_COLUMNS.map((name) =>
				/_body$/.test(name) && typeof each[name] === "number" ? BigInt(each[name] as number) : each[name],
			),
		);
	const wholes = () => db.column<Buffer>(`SELECT CAST(${SUMMED_FLOW} AS BLOB) FROM flow ORDER BY seq`).map(isWholeFlow);
	t.same(wholes(), [true, true, false], "a row without a checksum is not known to be whole");
	db.exec("UPDATE flow SET port = 444, rest = x'00'");
	t.same(wholes(), [false, false, false]);
	db.close();
});

t.test("a record that is the only data of its row", async (t) => {
	const sealed = sealRecord(head, "name");
	t.same(openRecord(sealed, "name"), head);
	t.throws(() => openRecord(sealed, "other"), corrupt);
	t.throws(() => openRecord(Buffer.of(0xc1), "name"), corrupt);
	t.same(openRecord(head, "name"), head, "one of an older writer");
	t.ok(isWholeRecord(sealRecord(head)));
	t.ok(isVerifiedRecord(sealRecord(head)));
	t.notOk(isVerifiedRecord(head));
	for (let at = 1; at < sealed.length; at++) {
		const flipped = Buffer.from(sealed);
		flipped[at] = (flipped[at] as number) ^ 0x80;
		t.notOk(isWholeRecord(flipped, "name"));
	}
});

t.test("a message", async (t) => {
	const message = { at: 1.25, from_client: 1, opcode: null, flags: 5, bytes: Buffer.from("hello") };
	const whole = sealMessage(7, 3, message);
	t.equal(whole.flags & 7, 5);
	t.ok(isWholeMessage(7, 3, whole));
	t.notOk(isWholeMessage(8, 3, whole), "of another flow");
	t.notOk(isWholeMessage(7, 2, whole), "at another position");
	for (const change of [
		{ at: 1.5 },
		{ from_client: 0 },
		{ opcode: 1 },
		{ flags: whole.flags - 1 },
		{ flags: whole.flags - 8 },
		{ bytes: Buffer.from("hellp") },
	])
		t.notOk(isWholeMessage(7, 3, { ...whole, ...change }), JSON.stringify(change));
	t.notOk(isWholeMessage(7, 3, { ...whole, bytes: "hello" as unknown as Buffer }));
	t.ok(isWholeMessage(7, 3, message), "one of an older writer");
	t.ok(
		isWholeMessage(1, 0, { ...message, flags: 0x3610a686 * 16 + 13 }),
		"one of an older writer, with a checksum of its bytes",
	);
	t.notOk(isWholeMessage(1, 0, { ...message, flags: 0x3610a687 * 16 + 13 }));
});

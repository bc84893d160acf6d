// Reads columns and flows of a record.
import t from "tap";
import { dumpOf, minimalRecord } from "../../../fixtures/dump-records.ts";
import { variedFlows } from "../../../fixtures/varied-flows.ts";
import { DumpRecord } from "../../../formats/mitm/record.ts";
import { writeFlow } from "../../../formats/mitm/write-flow.ts";
import type { Column } from "../../../src/filter/filter.ts";
import type { Flow } from "../../../src/flow/flow.ts";
import type { MetaValue } from "../../../src/flow/metadata.ts";
import { encodeFlow } from "../../../src/store/record/codec.ts";

function record(value: MetaValue): DumpRecord {
	const bytes = dumpOf(value);
	return new DumpRecord(bytes, 0, bytes.length);
}

function recordOf(flow: Flow): DumpRecord {
	const bytes = writeFlow(flow, { version: 21, reportLoss: () => {} }) as Buffer;
	return new DumpRecord(Buffer.concat([Buffer.from("before"), bytes, Buffer.from("after")]), 6, 6 + bytes.length);
}

const columns = [
	"kind",
	"method",
	"scheme",
	"host",
	"pretty_host",
	"port",
	"path",
	"status",
	"is_replay",
	"marked",
	"has_error",
	"has_websocket",
] satisfies Column[];

t.test("the columns are those of the store", async (t) => {
	const writer = { writeBody: () => null, writeClient: () => 1, writeServer: () => 1 };
	for (const flow of variedFlows()) {
		const row = encodeFlow(flow, null, writer);
		const found = recordOf(flow);
		for (const column of columns) t.equal(found.column(column), row[column], `${flow.type} ${column}`);
		t.equal(found.id, flow.id);
		t.equal(found.type, flow.type);
	}
});

t.test("a minimal flow", async (t) => {
	const flow = record(minimalRecord()).flow();
	t.match(flow, {
		id: "least",
		marked: "",
		comment: "",
		isReplay: null,
		error: null,
		response: null,
		timestampCreated: 1.5,
	});
	t.match(flow.clientConn, { peername: null, proxyMode: "regular" });
	t.match(flow.serverConn, { address: null, via: null });
	t.same({ ...flow.metadata }, {});
	t.equal(flow.backup, null);
});

t.test("the creation time in versions that did not store it", async (t) => {
	t.equal(record(minimalRecord({ timestamp_created: 7.5 })).flow().timestampCreated, 7.5);
	t.equal(
		record(minimalRecord({ type: "tcp", messages: [], client_conn: { timestamp_start: 3.5 } })).flow().timestampCreated,
		3.5,
	);
	t.equal(record(minimalRecord({ type: "tcp", messages: [] })).flow().timestampCreated, 0);
	t.equal(record(minimalRecord({ mode: "regular" })).flow().extra, undefined);
});

t.test("unknown fields are kept", async (t) => {
	t.match(record(minimalRecord({ shiny: [1, 2] })).flow().extra, { fields: { shiny: [1, 2] } });
});

t.test("the record, its values, and a field that comes twice", async (t) => {
	const bytes = dumpOf(minimalRecord());
	const found = new DumpRecord(Buffer.concat([bytes, bytes]), bytes.length, 2 * bytes.length);
	t.ok(found.bytes.equals(bytes));
	t.match(found.values(), { version: 21, request: { port: 80 } });
	t.equal(found.value("nothing"), undefined);
	const twice = Buffer.from("18:2:id;1:a;2:id;1:b;}");
	t.equal(new DumpRecord(twice, 0, twice.length).id, "b");
});

t.test("errors name missing fields and fields of another type", async (t) => {
	for (const [changes, message] of [
		[{ id: undefined }, '"id" is missing'],
		[{ id: 5 }, /"id": expected .*, found the number 5/],
		[{ type: "smtp" }, /"type": expected http, tcp, udp or dns, found the text "smtp"/],
		[{ request: null }, /"request": expected .*, found null/],
		[{ request: undefined }, '"request" is missing'],
		[{ error: { msg: 5 } }, /"error\.msg"/],
		[{ error: 5 }, /"error": expected .*, found the number 5/],
		[{ intercepted: 5 }, /"intercepted"/],
		[{ metadata: 5 }, /"metadata": expected a dictionary, found the number 5/],
		[{ timestamp_created: "x" }, /"timestamp_created"/],
		[{ type: "tcp" }, '"messages" is missing'],
		[{ type: "udp", messages: 5 }, /"messages": expected .*, found the number 5/],
		[{ type: "dns", request: { id: "x" } }, /"id": expected .*, found the text "x"/],
	] as const)
		t.throws(() => record(minimalRecord(changes as unknown as { [key: string]: MetaValue })).flow(), {
			code: "FT_CORRUPT_FLOW",
			message,
		});
	t.throws(() => record(minimalRecord({ response: { status_code: "x" } })).column("status"), {
		message: /"response\.status_code"/,
	});
	t.throws(() => record(minimalRecord({ request: {} })).column("host"), { message: '"request.host" is missing' });
	t.throws(() => record(minimalRecord({ request: 5 })).column("port"), {
		message: /"request": expected .*, found the number 5/,
	});
	t.throws(() => record([]), { code: "FT_CORRUPT_FLOW", message: /a dictionary/ });
});

t.test("optional fields of the wrong type are left out and reported", async (t) => {
	const reported: string[] = [];
	const odd = (_: string, what: string) => void reported.push(what);
	const fields = {
		error: { msg: 5, timestamp: "noon" },
		intercepted: 5,
		is_replay: 1,
		marked: true,
		comment: [],
		timestamp_created: "x",
		metadata: 5,
	};
	const bytes = dumpOf(minimalRecord({ ...fields, websocket: { messages: [], close_code: "1000" } }));
	const found = new DumpRecord(bytes, 0, bytes.length, odd);
	t.match(found.copy().flow(), {
		error: { message: "", timestamp: 0 },
		intercepted: false,
		isReplay: null,
		marked: "",
		comment: "",
		timestampCreated: 1.5,
		websocket: { closeCode: null },
	});
	t.same(reported.sort(), [
		'"comment": expected text, found a list; left out',
		'"error.msg": expected text, found the number 5; left out',
		'"error.timestamp": expected a number, found the text "noon"; left out',
		'"intercepted": expected true or false, found the number 5; left out',
		'"is_replay": expected text, found the number 1; left out',
		'"marked": expected text, found the boolean true; left out',
		'"metadata": expected a dictionary, found the number 5; left out',
		'"timestamp_created": expected a number, found the text "x"; left out',
		'"websocket.close_code": expected an integer, found the text "1000"; left out',
	]);
	t.same([found.column("marked"), found.column("is_replay"), found.column("has_error")], ["", null, 1]);
	const failed = dumpOf(minimalRecord({ error: "reset" }));
	t.equal(new DumpRecord(failed, 0, failed.length, odd).column("has_error"), 0);
	t.equal(new DumpRecord(failed, 0, failed.length, odd).flow().error, null);
	for (const changes of [
		{ id: 5 },
		{ request: null },
		{ request: {} },
		{ response: 5 },
		{ websocket: 5 },
		{ type: "tcp", messages: 5 },
	]) {
		const bytes = dumpOf(minimalRecord(changes));
		t.throws(
			() => new DumpRecord(bytes, 0, bytes.length, odd).flow(),
			{ code: "FT_CORRUPT_FLOW" },
			JSON.stringify(changes),
		);
	}
});

t.test("lazily decoded fields are checked early", async (t) => {
	const bytes = dumpOf(minimalRecord({ client_conn: { timestamp_start: 1.25 } }));
	const broken = Buffer.from(bytes.latin1Slice().replace("1.25^", "1.x5^"), "latin1");
	t.throws(() => new DumpRecord(broken, 0, broken.length).flow(), {
		code: "FT_CORRUPT_FLOW",
		message: /expected a number/,
	});
	const garbled = Buffer.from(
		dumpOf(minimalRecord({ metadata: { a: "xyz" } }))
			.latin1Slice()
			.replace("xyz", "x\xffz"),
		"latin1",
	);
	t.throws(() => new DumpRecord(garbled, 0, garbled.length).flow(), { code: "FT_CORRUPT_FLOW", message: /UTF-8/ });
	t.same({ ...record(minimalRecord({ metadata: null })).flow().metadata }, {});
});

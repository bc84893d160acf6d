// Writes records in each version. interop/dumps.mjs loads them with mitmproxy.
import t from "tap";
import { dnsFlow, httpFlow, tcpFlow, udpFlow, websocketFlow } from "../../../fixtures/build-flow.ts";
import { variedFlows } from "../../../fixtures/varied-flows.ts";
import { type Dictionary, Reader } from "../../../formats/mitm/tnetstring.ts";
import { holdsBytes, writeFlow } from "../../../formats/mitm/write-flow.ts";
import type { Flow } from "../../../src/flow/flow.ts";

function written(flow: Flow, version = 21): { record: Dictionary | null; lost: string[] } {
	const lost: string[] = [];
	const bytes = writeFlow(flow, { version, reportLoss: (what) => lost.push(what) });
	return { record: bytes === null ? null : { ...(new Reader(bytes).value(bytes.length) as Dictionary) }, lost };
}

const everyFlow = [
	"version",
	"type",
	"id",
	"error",
	"client_conn",
	"server_conn",
	"intercepted",
	"is_replay",
	"marked",
	"metadata",
	"comment",
];
const sorted = (names: Iterable<string>) => [...names].sort();
const keysOf = (flow: Flow, version: number) => sorted(Object.keys(written(flow, version).record ?? {}));

t.test("exactly the keys that loaders require", async (t) => {
	const http = ["request", "response", "websocket"];
	for (const version of [20, 21]) {
		t.same(keysOf(httpFlow(), version), sorted([...everyFlow, ...http, "timestamp_created", "backup"]));
		t.same(keysOf(udpFlow(), version), sorted([...everyFlow, "messages", "timestamp_created", "backup"]));
		t.same(keysOf(dnsFlow(), version), sorted([...everyFlow, "request", "response", "timestamp_created", "backup"]));
	}
	for (const version of [17, 18])
		t.same(keysOf(httpFlow(), version), sorted([...everyFlow, ...http, "timestamp_created"]));
	t.same(keysOf(httpFlow(), 15), sorted([...everyFlow, ...http, "mode"]));
	t.same(keysOf(tcpFlow(), 15), sorted([...everyFlow, "messages"]));
});

t.test("types of values", async (t) => {
	const { record } = written(
		httpFlow({ id: "x", request: { body: Buffer.from("hi") }, response: { statusCode: 404, trailers: [["T", "v"]] } }),
	);
	const bytes = (text: string) => Buffer.from(text);
	t.match(record, {
		version: 21,
		type: "http",
		id: "x",
		request: { method: bytes("GET"), port: 80, host: "example.com", content: bytes("hi"), trailers: null },
	});
	t.match(record, {
		response: {
			status_code: 404,
			headers: [[bytes("Content-Type"), bytes("text/plain")]],
			trailers: [[bytes("T"), bytes("v")]],
		},
	});
	t.match(written(websocketFlow()).record, {
		websocket: {
			messages: [
				[1, true, bytes("ping")],
				[1, false, bytes("pong")],
			],
			close_code: 1000,
			closed_by_client: true,
		},
	});
	t.match(written(tcpFlow()).record, {
		messages: [
			[true, bytes("hello")],
			[false, bytes("there")],
		],
	});
	t.match(written(dnsFlow()).record, {
		request: { questions: [{ name: "example.com", type: 1, class_: 1 }] },
		response: { answers: [{ ttl: 300, data: Buffer.of(192, 0, 2, 1) }] },
	});
	t.match(written(dnsFlow({ request: { timestamp: null } })).record, { request: { timestamp: { value: 0 } } });
});

t.test("version 21 can store everything", async (t) => {
	for (const flow of variedFlows()) t.same(written(flow).lost, [], flow.type);
});

t.test("flow types that a version does not have", async (t) => {
	for (const [flow, version] of [
		[udpFlow(), 17],
		[udpFlow(), 15],
		[dnsFlow(), 15],
	] as const)
		t.match(written(flow, version), { record: null, lost: [`${flow.type.toUpperCase()} flows`] });
	t.same(written(dnsFlow(), 17).lost, []);
	t.same(written(udpFlow(), 18).lost, []);
});

t.test("other fields that a version cannot store", async (t) => {
	t.same(written(httpFlow({ backup: { comment: "" } }), 18).lost, ["the state of a flow before it was edited"]);
	t.same(written(httpFlow({ timestampCreated: 5 }), 15).lost, ["the time at which a flow was created"]);
	t.same(written(httpFlow({ timestampCreated: 5, request: { timestampStart: 5 } }), 15).lost, []);
	t.same(written(tcpFlow({ timestampCreated: 5, clientConn: { timestampStart: 5 } }), 15).lost, []);
	const odd = websocketFlow({ messages: [{ opcode: 5 }, { opcode: 2 }] });
	t.match(written(odd), {
		record: { websocket: { messages: [[2]] } },
		lost: ["WebSocket messages of an unknown opcode"],
	});
	const newer = httpFlow({ extra: { fields: { shiny: 1 } } });
	newer.request.extra = { shiny: 1 };
	t.same(new Set(written(newer).lost), new Set(["unknown fields"]));
});

t.test("a body that cannot be read leaves nothing behind", async (t) => {
	const flow = httpFlow();
	flow.request.body = {
		size: 5,
		read: () => {
			throw new Error("gone");
		},
		chunks: () => [],
	};
	t.throws(() => written(flow), { message: "gone" });
	t.match(written(httpFlow({ id: "next" })).record, { id: "next", request: { port: 80 } });
});

t.test("bytes in metadata", async (t) => {
	t.ok(holdsBytes({ a: [1, { b: Buffer.of(1) }] }));
	t.notOk(holdsBytes({ a: [1, { b: "x" }], c: null }));
});

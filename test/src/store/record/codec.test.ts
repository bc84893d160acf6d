// Rows: the columns of a flow, and the parts that are read on access.
import t from "tap";
import { dnsFlow, httpFlow, STARTED, tcpFlow, udpFlow, websocketFlow } from "../../../../fixtures/build-flow.ts";
import { MemoryParts } from "../../../../fixtures/memory-parts.ts";
import { comparable, variedFlows } from "../../../../fixtures/varied-flows.ts";
import { FlowtapeError } from "../../../../src/errors.ts";
import { clientConnection } from "../../../../src/flow/connection.ts";
import type { Flow } from "../../../../src/flow/flow.ts";
import { decodeFlow, encodeFlow } from "../../../../src/store/record/codec.ts";
import type { FlowColumns } from "../../../../src/store/record/flow-row.ts";
import { encodeMessages } from "../../../../src/store/record/messages.ts";
import { pack } from "../../../../src/store/record/msgpack.ts";

function stored(flow: Flow, parts = new MemoryParts()): { row: ReturnType<typeof encodeFlow>; parts: MemoryParts } {
	const row = encodeFlow(flow, "key", parts);
	parts.messages = encodeMessages(flow);
	return { row, parts };
}

t.test("every kind of flow is restored", async (t) => {
	for (const flow of variedFlows()) {
		const { row, parts } = stored(flow);
		t.same(comparable(decodeFlow(1, row, parts)), comparable(flow), flow.type);
	}
});

t.test("columns", async (t) => {
	const { row } = stored(
		httpFlow({
			request: { host: "10.0.0.1", headers: [["Host", "example.com:81"]] },
			response: { statusCode: 404 },
			marked: "m",
		}),
	);
	t.match(row, {
		kind: "http",
		started: STARTED + 0.1,
		method: "GET",
		scheme: "http",
		host: "10.0.0.1",
		pretty_host: "example.com",
		port: 80,
		path: "/",
	});
	t.match(row, {
		status: 404,
		content_type: "text/plain",
		request_key: "key",
		is_replay: null,
		marked: "m",
		has_error: 0,
		has_websocket: 0,
		rest: null,
	});
	t.match(row, { request_size: 0, response_size: 5, coded: 0 });
	const coded = [["Content-Encoding", "br"]] as const;
	t.equal(stored(httpFlow({ request: { headers: coded } })).row.coded, 1);
	t.equal(stored(httpFlow({ request: { headers: coded }, response: { headers: coded } })).row.coded, 3);
	t.match(stored(httpFlow({ response: null, error: { message: "x", timestamp: 1 } })).row, {
		status: null,
		response_size: null,
		response_body: 2,
		has_error: 1,
	});
	t.match(stored(websocketFlow()).row, { has_websocket: 1, status: 101 });
	t.match(stored(udpFlow()).row, {
		kind: "udp",
		started: STARTED,
		method: null,
		host: null,
		status: null,
		request_size: null,
	});
	t.match(stored(dnsFlow({ clientConn: { timestampStart: null } })).row, { kind: "dns", started: STARTED + 0.05 });
});

t.test("parts are read on first access, once", async (t) => {
	for (const flow of [tcpFlow(), websocketFlow()]) {
		const { row, parts } = stored(flow);
		const back = decodeFlow(1, row, parts);
		t.same(parts.asked, []);
		const messages = () =>
			back.type === "tcp" ? back.messages : back.type === "http" ? back.websocket?.messages : undefined;
		t.equal(messages()?.length, 2);
		t.equal(messages(), messages());
		t.equal(back.clientConn, back.clientConn);
		t.same(parts.asked, ["messages", "client"]);
		if (back.type === "http" && back.websocket !== null) {
			back.websocket.messages = [];
			t.equal(messages()?.length, 0);
		}
	}
});

t.test("damage found on access is reported, and the part is left out", async (t) => {
	const { row, parts } = stored(httpFlow());
	parts.broken = new FlowtapeError("FT_CORRUPT_FLOW", "broken");
	const flow = decodeFlow(7, { ...row, rest: Buffer.of(0xc1) }, parts);
	t.match(flow.clientConn, clientConnection({ id: "" }));
	t.equal(flow.serverConn.address, null);
	t.same(flow.metadata, {});
	t.same(parts.damage, ["7: its metadata", "7: its client connection", "7: its server connection"]);
	parts.broken = new Error("the disk is gone");
	t.throws(
		() => decodeFlow(7, row, parts).clientConn,
		/the disk is gone/,
		"what is no damage is no matter of the flow",
	);
	t.same(
		decodeFlow(7, { ...row, rest: pack([5, null, null]) }, parts).metadata,
		{},
		"metadata that is not a dictionary",
	);
});

t.test("damaged heads", async (t) => {
	const { row, parts } = stored(httpFlow());
	const head = (values: unknown, kind = "http"): FlowColumns => ({ ...row, kind, head: pack(values) });
	for (const facts of [
		head(5),
		head([]),
		head(["x", "", false, null]),
		head([1, 2, false, null]),
		head([1, "", 0, null]),
		head([1, "", false, ["text"]]),
		head([1, "", false, null, null, null, null]),
		head([1, "", false, null, [], null, null]),
		head([1, "", false, null], "dns"),
		head([1, "", false, null], "smtp"),
		{ ...row, head: Buffer.alloc(0) },
	])
		t.throws(() => decodeFlow(1, facts, parts), { code: "FT_CORRUPT_FLOW" });
	t.equal(decodeFlow(1, head([1, "", false, ["why", 2]], "tcp"), parts).error?.message, "why");
	t.equal(decodeFlow(1, { ...row, is_replay: "nonsense" }, parts).isReplay, null);
	t.same(decodeFlow(1, head([1, "", false, null, 0, "new"], "udp"), parts).extra, { head: ["new"] });
});

t.test("a start of NaN is stored as 0", async (t) => {
	const flow = httpFlow();
	flow.request.timestampStart = Number.NaN;
	t.equal(encodeFlow(flow, null, new MemoryParts()).started, 0);
});

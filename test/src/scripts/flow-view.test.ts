// Flows as scripts see them.
import t from "tap";
import { httpFlow, tcpFlow } from "../../../fixtures/build-flow.ts";
import { KILLED } from "../../../src/flow/flow.ts";
import { Decision } from "../../../src/hooks/decision.ts";
import { HTTPFlow, StreamFlow } from "../../../src/scripts/flow-view.ts";
import { ResponseView } from "../../../src/scripts/message-view.ts";

t.test("setting a response: a decision before there is one, a replacement afterwards", async (t) => {
	const decision = new Decision(true);
	const flow = httpFlow({ response: null });
	const view = new HTTPFlow(flow, decision);
	t.equal(view.response, null);
	view.response = ResponseView.make(418);
	t.match(decision.verdict, { kind: "answer", response: { statusCode: 418 } });
	t.equal(view.response?.status_code, 418, "seen before it is sent");
	flow.response = (view.response as ResponseView).message;
	view.response = ResponseView.make(200);
	t.equal(flow.response.statusCode, 200);
	t.equal(view.response, view.response, "one view");
});

t.test("plain objects, and invalid values", async (t) => {
	const decision = new Decision(true);
	const flow = httpFlow({ response: null });
	const view = new HTTPFlow(flow, decision);
	view.response = { status_code: 418, content: "made up", headers: { "x-made": "1" } };
	t.match(decision.verdict, { kind: "answer", response: { statusCode: 418, reason: "I'm a teapot" } });
	t.same(
		[...(view.response?.headers ?? [])],
		[
			["x-made", "1"],
			["content-length", "7"],
		],
	);
	t.equal(view.response?.text, "made up");
	flow.response = (view.response as ResponseView).message;
	view.response = { status_code: 200, reason: "Fine", headers: [["a", "b"]], text: "é" };
	t.match(flow.response, { statusCode: 200, reason: "Fine" });
	t.equal(flow.response.rawContent?.toString(), "é");
	const wrong = (value: unknown) => () => {
		view.response = value as never;
	};
	for (const value of [null, "x", 204, [], {}, Buffer.from("x")]) t.throws(wrong(value), /^response: expected /);
	t.throws(wrong({ status: 200 }), /unknown property "status", known are status_code, reason, headers, content, text/);
	t.throws(wrong({ status_code: "200" }), /status_code: expected a whole number/);
	t.throws(wrong({ status_code: 200, content: 5 }), /content: expected bytes/);
	view.request = { method: "PUT", url: "http://other.example/x", headers: { host: "a" }, content: "hi" };
	t.match(flow.request, { method: "PUT", host: "other.example", path: "/x" });
	t.equal(flow.request.headers.get("host"), "other.example");
	t.equal(flow.request.text, "hi");
	t.throws(() => {
		view.request = { path: "/x" } as never;
	}, /request: .*unknown property "path"/);
});

t.test("killing", async (t) => {
	const decision = new Decision(true);
	const view = new HTTPFlow(httpFlow({ response: null }), decision);
	t.ok(view.killable);
	view.kill();
	t.match(decision.verdict, { kind: "abort", reason: KILLED });
	t.throws(() => view.kill(), /cannot be killed/);
	t.throws(() => new HTTPFlow(httpFlow(), new Decision(false)).kill(), /cannot be killed/);
	const answered = new HTTPFlow(httpFlow({ response: null }), new Decision(true));
	answered.response = ResponseView.make(200);
	t.ok(answered.killable, "the response is not sent yet");
});

t.test("properties of all flows", async (t) => {
	const flow = httpFlow({ id: "x", isReplay: "request", timestampCreated: 5, error: { message: "e", timestamp: 1 } });
	const view = new HTTPFlow(flow, new Decision(false));
	view.comment = "c";
	view.marked = ":x:";
	view.metadata.mine = true;
	t.match(view, {
		id: "x",
		type: "http",
		live: false,
		is_replay: "request",
		comment: "c",
		marked: ":x:",
		timestamp_created: 5,
		error: { message: "e" },
		websocket: null,
	});
	t.equal(flow.metadata.mine, true);
	t.equal(view.client_conn.id, flow.clientConn.id);
	t.equal(view.server_conn.id, flow.serverConn.id);
});

t.test("streams", async (t) => {
	const websocket = { messages: [], closedByClient: true, closeCode: 1000, closeReason: "bye", timestampEnd: null };
	const view = new HTTPFlow(httpFlow({ websocket }), new Decision(false)).websocket;
	t.match(view, { messages: [], closed_by_client: true, close_code: 1000, close_reason: "bye" });
	const tcp = tcpFlow();
	const stream = new StreamFlow(tcp, new Decision(false));
	t.match(stream.messages, [
		{ from_client: true, content: Buffer.from("hello"), timestamp: 1700000001 },
		{ from_client: false },
	]);
	const last = stream.messages.at(-1);
	if (last !== undefined) last.content = Buffer.from("changed");
	t.equal(tcp.messages.at(-1)?.content.toString(), "changed");
});

t.test("invalid values are errors", async (t) => {
	const flow = httpFlow({ error: { message: "late", timestamp: 1 } });
	const view = new HTTPFlow(flow, new Decision(true));
	t.same(view.error, { message: "late", msg: "late", timestamp: 1 });
	const set = (name: "response" | "marked" | "comment", value: unknown) => () => Reflect.set(view, name, value, view);
	for (const value of ["x", null, { status: 200 }])
		t.throws(set("response", value), { name: "TypeError", message: /ResponseView\.make/ });
	for (const name of ["marked", "comment"] as const) t.throws(set(name, null), { name: "TypeError" });
	t.equal(flow.response?.statusCode, 200);
});

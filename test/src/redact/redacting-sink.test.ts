// A sink that redacts what is recorded: flows, conversations while they are open, and earlier flows.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { httpFlow, tcpFlow, websocketFlow } from "../../../fixtures/build-flow.ts";
import { RandomTokens } from "../../../fixtures/random-tokens.ts";
import { redactorOf } from "../../../fixtures/redaction.ts";
import { flowsOf, storeAt } from "../../../fixtures/stores.ts";
import type { Flow, HttpFlow, TcpFlow } from "../../../src/flow/flow.ts";
import { FlowSink } from "../../../src/flow/sink.ts";
import { RedactingSink } from "../../../src/redact/redacting-sink.ts";

const random = new RandomTokens(3);
const TOKEN = random.text("alphanumeric", 32);
const PASSWORD = random.text("alphanumeric", 14);

const message = (text: string) => ({
	opcode: 1,
	fromClient: true,
	content: Buffer.from(text),
	timestamp: 1,
	dropped: false,
	injected: false,
});

t.test("copies are redacted, and the flow stays as it is", async (t) => {
	const written: Flow[] = [];
	const sink = new RedactingSink(FlowSink.of({ append: (flow) => void written.push(flow) }), redactorOf());
	const flow = httpFlow({
		clientConn: { peername: ["192.0.2.1", 4000] },
		request: { headers: [["Authorization", `Bearer ${TOKEN}`]] },
		response: { body: `you sent ${TOKEN}` },
	});
	t.equal(sink.copyOf(flow), null);
	void sink.append(flow);
	t.equal(sink.copyOf(flow), written[0]);
	t.equal(flow.request.headers.get("authorization"), `Bearer ${TOKEN}`);
	t.equal(flow.clientConn.peername?.[0], "192.0.2.1");
	const [copy] = written as [HttpFlow];
	t.match(copy.request.headers.get("authorization"), /^Bearer ftr_bearer_/);
	t.match(copy.response?.text, /^you sent ftr_bearer_/, "a secret that stands before its place is known");
	t.equal(copy.clientConn.peername?.[0], "0.0.0.0");
	t.equal(sink.spool(), null);
	await Promise.resolve();
	t.equal(sink.copyOf(flow), null, "it is not kept");
});

t.test("messages of open conversations, and their end", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const store = storeAt(path, "append", { erases: true });
	const sink = new RedactingSink(store, redactorOf());
	const socket = websocketFlow({ messages: [] });
	const open = sink.open(socket);
	const sent = message(`{"password":"${PASSWORD}"}`);
	open?.addMessage(sent);
	open?.addMessage(message(`again ${PASSWORD}`));
	if (socket.websocket !== null) socket.websocket.closeReason = `bye ${PASSWORD}`;
	open?.close();
	t.match(String(sent.content), PASSWORD);
	const stream = tcpFlow({ messages: [] });
	const bytes = sink.open(stream);
	bytes?.addMessage(message(`token=${PASSWORD}`));
	bytes?.close();
	const gone = sink.open(websocketFlow({ messages: [] }));
	gone?.discard();
	await sink.close();
	const reader = storeAt(path, "read");
	const [first, second] = (await flowsOf(reader)) as [HttpFlow, TcpFlow];
	t.equal(first.websocket?.messages.length, 2);
	t.match(
		first.websocket?.messages.map(({ content }) => String(content)).join(),
		/^\{"password":"ftr_\w+"\},again ftr_/,
	);
	t.match(first.websocket?.closeReason, /^bye ftr_/);
	t.match(second.messages.map(({ content }) => String(content)).join(), /^token=ftr_/);
	await reader.close();
	t.notMatch(readFileSync(path).toString("latin1"), PASSWORD);
});

t.test("a secret that is recognized late is replaced in earlier flows, and nothing of them is left", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const store = storeAt(path, "append", { erases: true });
	const sink = new RedactingSink(store, redactorOf());
	const large = `page ${TOKEN} ${"x".repeat(3000)}`;
	const early = () => httpFlow({ request: { path: `/early/${TOKEN}` }, response: { body: large } });
	await sink.append(early());
	await sink.append(early());
	const socket = websocketFlow({ messages: [] });
	const open = sink.open(socket);
	open?.addMessage(message("first"));
	open?.addMessage(message(`id ${TOKEN}`));
	store.flush();
	t.match(readFileSync(`${path}-wal`).toString("latin1"), TOKEN, "until it is known");
	await sink.append(httpFlow({ request: { headers: [["Authorization", `Bearer ${TOKEN}`]] } }));
	store.flush();
	t.equal(sink.corrected, 3);
	for (const file of [path, `${path}-wal`]) t.notMatch(readFileSync(file).toString("latin1"), TOKEN);
	open?.addMessage(message("last"));
	open?.close();
	await sink.append(early());
	await sink.close();
	const reader = storeAt(path, "read");
	const flows = (await flowsOf(reader)) as HttpFlow[];
	t.equal(flows.length, 5);
	for (const n of [0, 1, 4]) {
		t.match(flows[n]?.request.path, /^\/early\/ftr_bearer_/);
		t.match(flows[n]?.response?.text, /^page ftr_bearer_\w+ x{3000}$/);
	}
	t.match(flows[2]?.websocket?.messages.map(({ content }) => String(content)).join(), /^first,id ftr_bearer_\w+,last$/);
	await reader.close();
	t.notMatch(readFileSync(path).toString("latin1"), TOKEN);
});

t.test("an output that cannot change flows", async (t) => {
	const sink = new RedactingSink(FlowSink.of({ append() {} }), redactorOf());
	await sink.append(httpFlow({ response: { body: `early ${TOKEN}` } }));
	await sink.append(httpFlow({ request: { headers: [["X-Api-Key", TOKEN]] } }));
	t.same([sink.corrected, sink.uncorrected], [0, 1]);
});

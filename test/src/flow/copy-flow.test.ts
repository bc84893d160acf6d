// Copies of flows have all of their parts, and changing a copy leaves the flow as it is.
import t from "tap";
import { httpFlow, tcpFlow, websocketFlow } from "../../../fixtures/build-flow.ts";
import { comparable, variedFlows } from "../../../fixtures/varied-flows.ts";
import { copyFlow } from "../../../src/flow/copy-flow.ts";

t.test("every kind of flow is copied with all its parts", async (t) => {
	for (const flow of variedFlows()) t.same(comparable(copyFlow(flow)), comparable(flow), flow.type);
});

t.test("changes of a copy do not reach the flow", async (t) => {
	const flow = httpFlow({
		request: { path: "/a", headers: [["X", "1"]] },
		error: { message: "first", timestamp: 1 },
		metadata: { a: 1 },
	});
	const copy = copyFlow(flow);
	copy.request.path = "/b";
	copy.request.headers.set("x", "2");
	copy.metadata.a = 2;
	if (copy.error !== null) copy.error.message = "second";
	t.equal(flow.request.path, "/a");
	t.equal(flow.request.headers.get("x"), "1");
	t.equal(flow.metadata.a, 1);
	t.equal(flow.error?.message, "first");
	const socket = websocketFlow();
	for (const message of copyFlow(socket).websocket?.messages ?? []) message.content = Buffer.from("changed");
	t.notMatch(socket.websocket?.messages.map(String), "changed");
	const stream = tcpFlow({ messages: [{ content: Buffer.from("a") }] });
	const other = copyFlow(stream);
	other.messages.length = 0;
	t.equal(stream.messages.length, 1);
});

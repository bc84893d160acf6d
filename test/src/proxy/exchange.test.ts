// One request and its response.
import t from "tap";
import { answering, ok, startOrigin } from "../../../fixtures/origin-server.ts";
import { startTestProxy } from "../../../fixtures/running-proxy.ts";

t.test("first", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("hello")),
	);
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	client.send(`GET http://${origin.authority}/ HTTP/1.1\r\nHost: ${origin.authority}\r\n\r\n`);
	t.match(await client.message(), { body: Buffer.from("hello") });
	const flow = await proxy.flow(0);
	t.equal(flow.response?.text, "hello");
});

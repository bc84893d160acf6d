// A line may be as short as a person writes it; what is wrong is named by its path.
import t from "tap";
import { factsOf, variedFlows } from "../../../fixtures/varied-flows.ts";
import type { Json } from "../../../formats/fields.ts";
import { readObject } from "../../../formats/jsonl/read-line.ts";

import { flowObject } from "../../../formats/jsonl/write-line.ts";

t.test("reads what is written", async (t) => {
	for (const flow of variedFlows()) t.strictSame(factsOf(readObject(JSON.parse(JSON.stringify(flowObject(flow))))), factsOf(flow));
});

t.test("method and URL are enough", async (t) => {
	const flow = readObject({ request: { method: "GET", url: "https://example.com:8443/a?b" }, response: { status: 204 } });
	if (flow.type !== "http") throw new Error("HTTP was expected");
	t.match(flow.request, { scheme: "https", host: "example.com", port: 8443, path: "/a?b", httpVersion: "HTTP/1.1" });
	t.equal(flow.response?.statusCode, 204);
	t.equal(flow.response?.rawContent?.length, 0);
	t.equal(flow.id.length, 36);
});

t.test("fields of a newer writer are kept", async (t) => {
	const flow = readObject({ request: { method: "GET", url: "http://a/" }, extra: { x: 1 } });
	t.same(flow.extra, { x: 1 });
	t.match(flowObject(flow), { extra: { x: 1 } });
});

t.test("what is wrong, and where", async (t) => {
	const request = { method: "GET", url: "http://a/" };
	for (const [value, why] of [
		[null, /null was found, a JSON object was expected/],
		[{ type: "http" }, /"request" is missing, an object/],
		[{ request: { method: 1, url: "http://a/" } }, /"request.method" is 1, a string/],
		[{ request: { method: "GET", url: "/a" } }, /"request.url" is "\/a", an absolute URL/],
		[{ request: { method: "GET" } }, /"request.host" is missing/],
		[{ request: { ...request, headers: [["a"]] } }, /"request.headers\[0\]" is a list, a pair of name and value/],
		[{ request: { ...request, headers: [["a", 1]] } }, /a pair of strings/],
		[{ request: { ...request, headers: {} } }, /"request.headers" is an object, a list/],
		[{ request: { ...request, body: 1 } }, /"request.body" is 1/],
		[{ request, response: [] }, /"response" is a list, an object/],
		[{ request, is_replay: "yes" }, /"is_replay" is "yes"/],
		[{ request, marked: true }, /"marked" is true, a string/],
		[{ request, intercepted: 1 }, /"intercepted" is 1, true or false/],
		[{ request, metadata: [] }, /"metadata" is a list/],
		[{ request, client_conn: { peername: ["a"] } }, /"client_conn.peername" is a list, a list of host and port/],
		[{ request, client_conn: { transport_protocol: "sctp" } }, /"tcp" or "udp"/],
		[{ request, server_conn: { via: ["http"] } }, /a scheme and an address/],
		[{ type: "tcp", messages: [1] }, /"messages\[0\]" is 1, an object/],
		[{ type: "tcp", messages: [{ from_client: true, content: 5 }] }, /"messages\[0\].content" is 5/],
		[{ type: "dns", request: { id: "x" } }, /"request.id" is "x", a number/],
		[{ type: "dns", request: { id: 1.5 } }, /"request.id" is 1.5, an integer/],
		[{ request: { method: "GET", host: "a", port: 1e30 } }, /"request.port" is 1e\+30, an integer/],
		[{ request, response: { status: 200.5 } }, /"response.status" is 200.5, an integer/],
		[{ request, response: { status: { $float: "NaN" } } }, /"response.status" is an object, an integer/],
		[{ request, websocket: { close_code: 1e20 } }, /"websocket.close_code" is .*, an integer/],
		[{ request, websocket: { messages: [{ from_client: true, content: "", opcode: 0.5 }] } }, /opcode" is 0.5, an integer/],
		[{ request, client_conn: { peername: ["a", 1e30] } }, /a list of host and port/],
		[{ type: `${"long".repeat(50)}` }, /"type" is "long.{30,40}…/],
	] as const) {
		t.throws(() => readObject(value as unknown as Json), { code: "FT_CORRUPT_FLOW", message: why });
	}
});

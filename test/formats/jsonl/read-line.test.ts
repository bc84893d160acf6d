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

t.test("a URL beyond ASCII is its bytes in UTF-8", async (t) => {
	const flow = readObject({ request: { method: "GET", url: "http://a.test/日é?q=ü" } });
	t.match(flow, { request: { url: "http://a.test/日é?q=ü" } });
	t.match(flowObject(flow), { request: { path: "/日é?q=ü" } });
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

t.test("an odd field that a flow can do without costs itself alone", async (t) => {
	const request = { method: "GET", url: "http://a/" };
	for (const [value, facts, told] of [
		[{ request, id: 5 }, { id: "5" }, '"id" is 5, a string was expected: read as "5"'],
		[{ request, id: {} }, { id: /^[0-9a-f-]{36}$/ }, '"id" is an object, a string was expected: left out'],
		[{ request, comment: ["x"] }, { comment: "" }, '"comment" is a list, a string was expected: left out'],
		[{ request, marked: true }, { marked: "true" }, '"marked" is true, a string was expected: read as "true"'],
		[{ request, intercepted: 1 }, { intercepted: false }, '"intercepted" is 1, true or false was expected: left out'],
		[{ request, is_replay: "yes" }, { isReplay: null }, '"is_replay" is "yes", "request", "response" or null was expected: left out'],
		[{ request, metadata: [] }, { metadata: {} }, '"metadata" is a list, an object was expected: left out'],
		[{ request, session: 7 }, { session: null }, '"session" is 7, a name of at most 128 bytes was expected: left out'],
		[
			{ request, timestamp_created: "1717243200.5" },
			{ timestampCreated: 1717243200.5 },
			'"timestamp_created" is "1717243200.5", a number was expected: read as 1717243200.5',
		],
		[{ request, ended: "never" }, { ended: null }, '"ended" is "never", "server", "client", "cut" or null was expected: left out'],
		[{ request, original: { method: 5 } }, { original: null }, /"original.host" is missing, a string was expected: left out|"original.method" is 5/],
		[{ request, client_conn: "x" }, { clientConn: { peername: null } }, '"client_conn" is "x", an object was expected: left out'],
		[
			{ request, client_conn: { id: "c", peername: ["a"] } },
			{ clientConn: { id: "c", peername: null } },
			/"client_conn.peername" is a list, a list of host and port was expected: left out/,
		],
		[
			{ request, server_conn: { via: ["http"], sni: "a" } },
			{ serverConn: { via: null, sni: "a" } },
			/"server_conn.via" is a list, a scheme and an address was expected: left out/,
		],
		[{ request, server_conn: { transport_protocol: "sctp" } }, { serverConn: { transportProtocol: "tcp" } }, /"tcp" or "udp" was expected: left out/],
		[
			{ request, server_conn: { alpn_offers: ["h2", 5] } },
			{ serverConn: { alpnOffers: ["h2"] } },
			/"server_conn.alpn_offers" is 5, a list of strings was expected: left out/,
		],
		[
			{ request: { ...request, timestamp_start: "noon" } },
			{ request: { timestampStart: 0 } },
			'"request.timestamp_start" is "noon", a number was expected: left out',
		],
		[{ request: { ...request, http_version: 2 } }, { request: { httpVersion: "HTTP/1.1" } }, /"request.http_version" is 2/],
		[{ request: { ...request, headers: [["content-length", 5]] } }, { request: { headers: { fields: ["content-length", "5"] } } }, /read as "5"/],
		[{ request, response: { status: 200, trailers: 5 } }, { response: { trailers: null } }, /"response.trailers" is 5, a list was expected: left out/],
		[{ request, error: { message: "gone", timestamp: [] } }, { error: { message: "gone", timestamp: 0 } }, /"error.timestamp" is a list/],
	] as const) {
		const list: string[] = [];
		const flow = readObject(value as unknown as Json, (_, what) => list.push(what));
		t.match(flow, facts);
		t.match(list, [told]);
	}
	for (const value of [
		{ request: { ...request, method: 5 } },
		{ request, response: { status: "200" } },
		{ request: { ...request, body: 1 } },
		{ type: 5, request },
	])
		t.throws(() => readObject(value as unknown as Json, () => {}), { code: "FT_CORRUPT_FLOW" }, "without these it is another flow");
});

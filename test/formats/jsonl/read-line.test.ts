// Reads lines, also short handwritten ones; errors name the path of the field.
import t from "tap";
import { comparable, variedFlows } from "../../../fixtures/varied-flows.ts";
import type { Json } from "../../../formats/fields.ts";
import { readObject } from "../../../formats/jsonl/read-line.ts";
import { flowObject } from "../../../formats/jsonl/write-line.ts";

t.test("every flow round-trips", async (t) => {
	for (const flow of variedFlows())
		t.strictSame(comparable(readObject(JSON.parse(JSON.stringify(flowObject(flow))))), comparable(flow));
});

t.test("method and URL are enough", async (t) => {
	const flow = readObject({
		request: { method: "GET", url: "https://example.com:8443/a?b" },
		response: { status: 204 },
	});
	if (flow.type !== "http") throw new Error("expected HTTP");
	t.match(flow.request, { scheme: "https", host: "example.com", port: 8443, path: "/a?b", httpVersion: "HTTP/1.1" });
	t.equal(flow.response?.statusCode, 204);
	t.equal(flow.response?.rawContent?.length, 0);
	t.equal(flow.id.length, 36);
});

t.test("a URL with other characters than ASCII is encoded as UTF-8", async (t) => {
	const flow = readObject({ request: { method: "GET", url: "http://a.test/日é?q=ü" } });
	t.match(flow, { request: { url: "http://a.test/日é?q=ü" } });
	t.match(flowObject(flow), { request: { path: "/日é?q=ü" } });
});

t.test("fields of a newer writer are kept", async (t) => {
	const flow = readObject({ request: { method: "GET", url: "http://a/" }, extra: { x: 1 } });
	t.same(flow.extra, { x: 1 });
	t.match(flowObject(flow), { extra: { x: 1 } });
});

t.test("errors with their path", async (t) => {
	const request = { method: "GET", url: "http://a/" };
	for (const [value, why] of [
		[null, /expected a JSON object, found null/],
		[{ type: "http" }, /"request": expected an object, found nothing/],
		[{ request: { method: 1, url: "http://a/" } }, /"request.method": expected a string, found 1/],
		[{ request: { method: "GET", url: "/a" } }, /"request.url": expected an absolute URL, found "\/a"/],
		[{ request: { method: "GET" } }, /"request.host": expected .*, found nothing/],
		[
			{ request: { ...request, headers: [["a"]] } },
			/"request.headers\[0\]": expected a pair of name and value, found a list/,
		],
		[{ request: { ...request, headers: [["a", 1]] } }, /a pair of strings/],
		[{ request: { ...request, headers: {} } }, /"request.headers": expected a list, found an object/],
		[{ request: { ...request, body: 1 } }, /"request.body": expected .*, found 1/],
		[{ request, response: [] }, /"response": expected an object, found a list/],
		[{ request, is_replay: "yes" }, /"is_replay": expected .*, found "yes"/],
		[{ request, marked: true }, /"marked": expected a string, found true/],
		[{ request, intercepted: 1 }, /"intercepted": expected true or false, found 1/],
		[{ request, metadata: [] }, /"metadata": expected .*, found a list/],
		[
			{ request, client_conn: { peername: ["a"] } },
			/"client_conn.peername": expected a list of host and port, found a list/,
		],
		[{ request, client_conn: { transport_protocol: "sctp" } }, /"tcp" or "udp"/],
		[{ request, server_conn: { via: ["http"] } }, /a scheme and an address/],
		[{ type: "tcp", messages: [1] }, /"messages\[0\]": expected an object, found 1/],
		[{ type: "tcp", messages: [{ from_client: true, content: 5 }] }, /"messages\[0\].content": expected .*, found 5/],
		[{ type: "dns", request: { id: "x" } }, /"request.id": expected a number, found "x"/],
		[{ type: "dns", request: { id: 1.5 } }, /"request.id": expected an integer, found 1.5/],
		[{ request: { method: "GET", host: "a", port: 1e30 } }, /"request.port": expected an integer, found 1e\+30/],
		[{ request, response: { status: 200.5 } }, /"response.status": expected an integer, found 200.5/],
		[{ request, response: { status: { $float: "NaN" } } }, /"response.status": expected an integer, found an object/],
		[{ request, websocket: { close_code: 1e20 } }, /"websocket.close_code": expected an integer, found/],
		[
			{ request, websocket: { messages: [{ from_client: true, content: "", opcode: 0.5 }] } },
			/opcode": expected an integer, found 0.5/,
		],
		[{ request, client_conn: { peername: ["a", 1e30] } }, /a list of host and port/],
		[{ type: `${"long".repeat(50)}` }, /"type": expected .*, found "long.{30,40}…/],
	] as const) {
		t.throws(() => readObject(value as unknown as Json), { code: "FT_CORRUPT_FLOW", message: why });
	}
});

t.test("an optional field of the wrong type is reported, and the flow is kept", async (t) => {
	const request = { method: "GET", url: "http://a/" };
	for (const [value, expected, reported] of [
		[{ request, id: 5 }, { id: "5" }, '"id": expected a string, found 5; read as "5"'],
		[{ request, id: {} }, { id: /^[0-9a-f-]{36}$/ }, '"id": expected a string, found an object; left out'],
		[{ request, comment: ["x"] }, { comment: "" }, '"comment": expected a string, found a list; left out'],
		[{ request, marked: true }, { marked: "true" }, '"marked": expected a string, found true; read as "true"'],
		[{ request, intercepted: 1 }, { intercepted: false }, '"intercepted": expected true or false, found 1; left out'],
		[
			{ request, is_replay: "yes" },
			{ isReplay: null },
			'"is_replay": expected "request", "response" or null, found "yes"; left out',
		],
		[{ request, metadata: [] }, { metadata: {} }, '"metadata": expected an object, found a list; left out'],
		[{ request, session: 7 }, { session: null }, '"session": expected a name of at most 128 bytes, found 7; left out'],
		[
			{ request, timestamp_created: "1717243200.5" },
			{ timestampCreated: 1717243200.5 },
			'"timestamp_created": expected a number, found "1717243200.5"; read as 1717243200.5',
		],
		[
			{ request, ended: "never" },
			{ ended: null },
			'"ended": expected "server", "client", "cut" or null, found "never"; left out',
		],
		[
			{ request, original: { method: 5 } },
			{ original: null },
			/"original.host": expected a string, found nothing; left out|"original.method": expected .*, found 5/,
		],
		[
			{ request, client_conn: "x" },
			{ clientConn: { peername: null } },
			'"client_conn": expected an object, found "x"; left out',
		],
		[
			{ request, client_conn: { id: "c", peername: ["a"] } },
			{ clientConn: { id: "c", peername: null } },
			/"client_conn.peername": expected a list of host and port, found a list; left out/,
		],
		[
			{ request, server_conn: { via: ["http"], sni: "a" } },
			{ serverConn: { via: null, sni: "a" } },
			/"server_conn.via": expected a scheme and an address, found a list; left out/,
		],
		[
			{ request, server_conn: { transport_protocol: "sctp" } },
			{ serverConn: { transportProtocol: "tcp" } },
			/expected "tcp" or "udp", found .*; left out/,
		],
		[
			{ request, server_conn: { alpn_offers: ["h2", 5] } },
			{ serverConn: { alpnOffers: ["h2"] } },
			/"server_conn.alpn_offers": expected a list of strings, found 5; left out/,
		],
		[
			{ request: { ...request, timestamp_start: "noon" } },
			{ request: { timestampStart: 0 } },
			'"request.timestamp_start": expected a number, found "noon"; left out',
		],
		[
			{ request: { ...request, http_version: 2 } },
			{ request: { httpVersion: "HTTP/1.1" } },
			/"request.http_version": expected .*, found 2/,
		],
		[
			{ request: { ...request, headers: [["content-length", 5]] } },
			{ request: { headers: { fields: ["content-length", "5"] } } },
			/read as "5"/,
		],
		[
			{ request, response: { status: 200, trailers: 5 } },
			{ response: { trailers: null } },
			/"response.trailers": expected a list, found 5; left out/,
		],
		[
			{ request, error: { message: "gone", timestamp: [] } },
			{ error: { message: "gone", timestamp: 0 } },
			/"error.timestamp": expected .*, found a list/,
		],
	] as const) {
		const list: string[] = [];
		const flow = readObject(value as unknown as Json, (_, what) => list.push(what));
		t.match(flow, expected);
		t.match(list, [reported]);
	}
	for (const value of [
		{ request: { ...request, method: 5 } },
		{ request, response: { status: "200" } },
		{ request: { ...request, body: 1 } },
		{ type: 5, request },
	])
		t.throws(() => readObject(value as unknown as Json, () => {}), { code: "FT_CORRUPT_FLOW" }, "required fields");
});

// An entry becomes a flow, whoever wrote it; what is wrong is named by its path.
import t from "tap";
import type { JsonObject } from "../../../formats/fields.ts";
import { readEntry } from "../../../formats/har/read-entry.ts";
import type { HttpFlow } from "../../../src/flow/flow.ts";

const none = { read: () => null };

function entryOf({ request = {}, response = {}, ...entry }: { request?: JsonObject; response?: JsonObject } & JsonObject = {}): JsonObject {
	return {
		startedDateTime: "2024-05-02T08:15:30.123Z",
		time: 10,
		request: { method: "GET", url: "https://example.com/a?b=c", httpVersion: "HTTP/1.1", headers: [], ...request },
		response: { status: 200, statusText: "OK", httpVersion: "HTTP/1.1", headers: [], content: { size: 2, text: "hi" }, ...response },
		...entry,
	};
}

function flowOf(parts?: Parameters<typeof entryOf>[0], record = 1, pages = new Map<string, JsonObject>()): HttpFlow {
	const flow = readEntry(entryOf(parts), { record, pages, attachments: none });
	if (flow === null) throw new Error("a flow was expected");
	return flow;
}

t.test("request, response, times and addresses", async (t) => {
	const flow = flowOf({ serverIPAddress: "[2001:db8::1]", comment: "look", timings: { connect: 2, ssl: 1, send: 0, wait: 7, receive: 1 } });
	t.match(flow.request, { method: "GET", scheme: "https", host: "example.com", port: 443, path: "/a?b=c", authority: "", httpVersion: "HTTP/1.1" });
	t.match(flow.response, { statusCode: 200, reason: "OK", timestampEnd: 1_714_637_730.133 });
	t.equal(flow.response?.text, "hi");
	t.match(flow, { comment: "look", error: null, websocket: null, timestampCreated: 1_714_637_730.123 });
	t.match(flow.serverConn, {
		address: ["example.com", 443],
		peername: ["2001:db8::1", 443],
		tls: true,
		sni: null,
		timestampTcpSetup: 1_714_637_730.124,
	});
	t.equal(flow.clientConn.timestampStart, 1_714_637_730.123);
});

t.test("ids are the same each time, and differ between entries", async (t) => {
	t.equal(flowOf().id, flowOf().id);
	t.not(flowOf({}, 1).id, flowOf({}, 2).id);
	t.match(flowOf().id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
	t.equal(flowOf({ _id: "mine" }).id, "mine");
});

t.test("versions by any name", async (t) => {
	for (const [given, version] of [
		...[
			["HTTP/2", "HTTP/2.0"],
			["h2", "HTTP/2.0"],
			["http/2.0", "HTTP/2.0"],
			["http/2+quic/46", "HTTP/2.0"],
			["h3", "HTTP/3"],
			["h3-29", "HTTP/3"],
		],
		...[
			["http/1.0", "HTTP/1.0"],
			["HTTP/1.1", "HTTP/1.1"],
			["", "HTTP/1.1"],
			["unknown", "HTTP/1.1"],
			["HTTP/0.9", "HTTP/0.9"],
		],
	] as const)
		t.equal(flowOf({ request: { httpVersion: given } }).request.httpVersion, version, given);
});

t.test("fields of HTTP/2, of several lines, as pairs", async (t) => {
	const headers = [{ name: ":authority", value: "other.example" }, { name: ":path", value: "/a" }, ["X-Pair", "1"], { name: "set-cookie", value: "a=1\nb=2" }];
	const { request } = flowOf({ request: { httpVersion: "h2", headers } });
	t.same(request.headers.fields, ["X-Pair", "1", "set-cookie", "a=1", "set-cookie", "b=2"]);
	t.equal(request.authority, "other.example");
	t.equal(flowOf({ request: { httpVersion: "h2", url: "https://example.com:8443/" } }).request.authority, "example.com:8443");
	t.equal(flowOf({ request: { httpVersion: "h2", headers: [{ name: "Host", value: "x" }] } }).request.authority, "");
});

t.test("URLs that are not plain", async (t) => {
	const url = (text: string, method = "GET") => flowOf({ request: { url: text, method } }).request;
	t.match(url("wss://example.com/s"), { scheme: "https", port: 443 });
	t.match(url("ws://example.com/s"), { scheme: "http", port: 80 });
	t.match(url("http://[::1]:81"), { host: "::1", port: 81, path: "/" });
	t.match(url("https://example.com", "OPTIONS"), { path: "*" });
	t.match(url("https://example.com", "CONNECT"), { host: "example.com", port: 443, scheme: "", path: "", authority: "example.com:443" });
	for (const text of ["data:text/plain,hi", "blob:https://example.com/1", "chrome-extension://abc/x.js", "about:blank"])
		t.equal(readEntry(entryOf({ request: { url: text } }), { record: 1, pages: new Map(), attachments: none }), null, text);
});

t.test("cookies that stand in no header", async (t) => {
	const cookies = [{ name: "a", value: "1" }];
	t.equal(flowOf({ request: { cookies } }).request.headers.get("cookie"), "a=1");
	t.equal(flowOf({ request: { cookies, headers: [["Cookie", "b=2"]] } }).request.headers.get("cookie"), "b=2");
	t.same(flowOf({ response: { cookies } }).response?.headers.getAll("set-cookie"), ["a=1"]);
});

t.test("what failed is no answer", async (t) => {
	for (const [response, message] of [
		[{ status: 0, _error: "net::ERR_FAILED" }, "net::ERR_FAILED"],
		[{ status: -1, _failureText: "net::ERR_ABORTED" }, "net::ERR_ABORTED"],
		[{ status: 0, _error: null, statusText: null, httpVersion: null }, "there was no response"],
	] as const) {
		const flow = flowOf({ response });
		t.equal(flow.response, null);
		t.same(flow.error, { message, timestamp: 1_714_637_730.133 });
	}
	const broken = flowOf({ response: { _error: "net::ERR_INCOMPLETE_CHUNKED_ENCODING" } });
	t.equal(broken.response?.statusCode, 200);
	t.match(broken.error, { message: /INCOMPLETE/ });
});

t.test("WebSockets", async (t) => {
	const messages = [
		{ type: "send", time: 1.5, opcode: 1, data: "hé" },
		{ type: "receive", time: 2, opcode: 2, data: "AP8=" },
		{ type: "receive", time: 3, opcode: 8, data: "A+g=" },
		{ type: "error", time: 4, opcode: -1, data: "reset" },
	];
	const flow = flowOf({ response: { status: 101 }, _resourceType: "websocket", _webSocketMessages: messages });
	t.match(flow.websocket?.messages, [
		{ opcode: 1, fromClient: true, content: Buffer.from("hé"), timestamp: 1.5 },
		{ opcode: 2, fromClient: false, content: Buffer.of(0, 255), timestamp: 2 },
	]);
	t.equal(flow.websocket?.messages.length, 2);
	t.same(flow.metadata, {}, "what follows from the messages needs no note");
	t.equal(flowOf({ response: { status: 0 }, _webSocketMessages: [] }).websocket, null);
});

t.test("what no flow holds is noted", async (t) => {
	const pages = new Map([["p", { id: "p", title: "Shop" }]]);
	const parts = { pageref: "p", _priority: "High", request: { bodySize: 7 }, response: { bodySize: 40, _transferSize: 99 }, timings: { blocked: 1 } };
	t.strictSame(flowOf(parts, 1, pages).metadata, {
		har: {
			entry: { pageref: "p", _priority: "High" },
			response: { _transferSize: 99 },
			timings: { blocked: 1 },
			requestSize: { wire: 7, made: -1 },
			responseSize: { wire: 40, made: 2 },
			page: { id: "p", title: "Shop" },
		},
	});
	flowOf({ _page: { id: "q" } }, 1, pages);
	t.ok(pages.has("q"));
});

t.test("what is wrong, and where", async (t) => {
	for (const [parts, why] of [
		[{ startedDateTime: "soon" }, /"startedDateTime" is "soon", a date/],
		[{ startedDateTime: 5 }, /"startedDateTime" is 5, a string/],
		[{ time: "10" }, /"time" is "10", a number/],
		[{ request: { url: "/a" } }, /"request.url" is "\/a", an absolute URL/],
		[{ request: { url: "https://" } }, /an absolute URL/],
		[{ request: { method: null } }, /"request.method" is null, a string/],
		[{ request: { headers: [{ name: "a" }] } }, /"request.headers\[0\]" is an object, a name and a value/],
		[{ request: { headers: ["a"] } }, /"request.headers\[0\]" is "a"/],
		[{ response: { status: "200" } }, /"response.status" is "200", a number/],
		[{ response: { status: 1e9 } }, /a status of three digits/],
		[{ response: { status: 200.5 } }, /a status of three digits/],
		[{ response: { content: "hi" } }, /"response.content" is "hi", an object/],
		[{ response: null as unknown as JsonObject }, /"response" is null, an object/],
		[{ response: { status: 101 }, _webSocketMessages: [1] }, /"_webSocketMessages\[0\]" is 1/],
	] as const) {
		const entry = { ...entryOf(parts as never), ...(parts.response === null ? { response: null } : {}) };
		t.throws(() => readEntry(entry, { record: 1, pages: new Map(), attachments: none }), { code: "FT_CORRUPT_FLOW", message: why });
	}
	t.throws(() => readEntry(null, { record: 1, pages: new Map(), attachments: none }), { message: /null was found, an entry/ });
});

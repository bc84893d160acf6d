// Writes entries that follow HAR 1.2 and that Chromium and mitmproxy can read.
import { gzipSync } from "node:zlib";
import t from "tap";
import { type HttpParts, httpFlow, websocketFlow } from "../../../fixtures/build-flow.ts";
import { harViolations } from "../../../fixtures/har-checks.ts";
import { comparable, variedFlows } from "../../../fixtures/varied-flows.ts";
import type { JsonObject } from "../../../formats/fields.ts";
import { readEntry } from "../../../formats/har/read-entry.ts";
import { writeEntry } from "../../../formats/har/write-entry.ts";
import { Headers } from "../../../src/flow/headers.ts";

type Parts = { [key: string]: JsonObject & Parts };

function entryOf(parts: HttpParts = {}): Parts {
	return writeEntry(httpFlow(parts)).entry as Parts;
}

t.test("every flow gives a valid HAR 1.2", async (t) => {
	const flows = variedFlows().filter((flow) => flow.type === "http");
	const entries = flows.map((flow) => writeEntry(flow).entry);
	t.same(harViolations(JSON.stringify({ log: { version: "1.2", creator: { name: "x", version: "1" }, entries } })), []);
});

t.test("sizes: decoded, and on the wire", async (t) => {
	const body = gzipSync("hello hello hello");
	const entry = entryOf({
		response: {
			headers: [
				["Content-Encoding", "gzip"],
				["Content-Type", "text/plain"],
			],
			body,
		},
	});
	t.match(entry.response, {
		bodySize: body.length,
		content: { size: 17, compression: 17 - body.length, mimeType: "text/plain", text: "hello hello hello" },
	});
	t.equal(
		entryOf({ request: { path: "/\xc3\xa9", headers: [["Host", "a"]] } }).request?.headersSize as unknown,
		Buffer.byteLength("GET /é HTTP/1.1\r\nHost: a\r\n\r\n"),
	);
	t.match(entryOf({ request: { httpVersion: "HTTP/2.0" } }).request, { headersSize: -1, httpVersion: "HTTP/2.0" });
});

t.test("bodies that are binary, not decodable or missing", async (t) => {
	t.match(entryOf({ response: { body: Buffer.of(0, 255) } }).response?.content, {
		text: "AP8=",
		encoding: "base64",
		size: 2,
	});
	t.match(entryOf({ response: { headers: [["Content-Encoding", "br"]], body: "plain" } }).response?.content, {
		text: "plain",
		_asSent: true,
		compression: 0,
	});
	t.match(entryOf({ response: { body: null } }).response, {
		bodySize: -1,
		content: { size: 0, comment: /not recorded/ },
	});
	t.notOk("text" in (entryOf({ response: { body: null } }).response?.content ?? {}));
	t.match(entryOf({ request: { method: "POST", body: null } }).request, {
		bodySize: -1,
		postData: { text: "", comment: /not recorded/ },
	});
	t.notOk("postData" in (entryOf().request ?? {}));
	const large = { size: 2 ** 40, read: () => t.fail("is not read") as never, chunks: () => [] };
	t.match(entryOf({ response: { body: large } }).response?.content, { size: 0, comment: /too large/ });
});

t.test("forms", async (t) => {
	const request = {
		method: "POST",
		headers: [["Content-Type", "application/x-www-form-urlencoded"]] as [string, string][],
		body: "a=1&b=x+y",
	};
	t.strictSame(entryOf({ request }).request?.postData, {
		mimeType: "application/x-www-form-urlencoded",
		text: "a=1&b=x+y",
		params: [
			{ name: "a", value: "1" },
			{ name: "b", value: "x y" },
		],
	});
});

t.test("bytes that are not text", async (t) => {
	const entry = entryOf({
		request: { path: "/caf\xe9/\xc3\xa9?q=\xff", headers: new Headers(["X-\xe9", "\xff", "Host", "example.com"]) },
		response: { reason: "gr\xfcn" },
	});
	t.match(entry.request, { url: "http://example.com/caf%E9/é?q=%FF", queryString: [{ name: "q", value: "\ufffd" }] });
	t.match(entry.request?.headers, [{ name: "X-\ufffd", value: "\ufffd" }, {}]);
	t.equal(entry.response?.statusText as unknown, "grün");
});

t.test("URLs and addresses", async (t) => {
	const url = (request: HttpParts["request"]) =>
		entryOf({ request: { ...request, headers: [] } }).request?.url as unknown;
	t.equal(url({ host: "::1", port: 8080 }), "http://[::1]:8080/");
	t.equal(url({ method: "OPTIONS", path: "*" }), "http://example.com");
	t.equal(url({ method: "CONNECT", authority: "example.com:443", path: "" }), "https://example.com:443/");
	const odd = { host: "a.test", headers: [["Host", '{"@&\\\\":0}']] as [string, string][] };
	t.equal(entryOf({ request: odd }).request?.url as unknown, "http://a.test/", "a Host field that makes no URL");
	t.match(entryOf({ serverConn: { peername: ["192.0.2.1", 80] } }), { serverIPAddress: "192.0.2.1" });
	t.notOk(
		"serverIPAddress" in entryOf({ serverConn: { peername: null, address: ["192.0.2.2", 80] } }),
		"where it was to go only",
	);
});

t.test("failures, and WebSockets", async (t) => {
	t.match(entryOf({ response: null, error: { message: "reset", timestamp: 0 } }).response, {
		status: 0,
		statusText: "",
		_error: "reset",
		content: { mimeType: "x-unknown" },
	});
	t.match(entryOf({ response: null }).response, { status: 0, _error: "there was no response" });
	t.match(entryOf({ error: { message: "cut", timestamp: 0 } }).response, { status: 200, _error: "cut" });
	const { entry } = writeEntry(
		websocketFlow({
			messages: [
				{ fromClient: true, content: Buffer.from("hi"), timestamp: 1 },
				{ opcode: 2, content: Buffer.of(255), timestamp: 2 },
			],
		}),
	);
	t.match(entry, {
		_resourceType: "websocket",
		_webSocketMessages: [
			{ type: "send", time: 1, opcode: 1, data: "hi" },
			{ type: "receive", time: 2, opcode: 2, data: "/w==" },
		],
	});
});

t.test("bodies in separate files", async (t) => {
	const { entry } = writeEntry(httpFlow({ request: { body: "q" } }), { attach: (bytes, type) => `${type}:${bytes}` });
	t.match(entry, {
		response: { content: { size: 5, _file: "text/plain:hello" } },
		request: { postData: { _file: ":q" } },
	});
});

t.test("notes are written again, outdated sizes are not", async (t) => {
	const har = {
		entry: { _priority: "High", time: -5 },
		content: { _x: 1, size: 3 },
		responseSize: { wire: 90, made: 5 },
		timings: { blocked: 2, _queue: 1 },
		page: { id: "p", title: "t" },
	};
	const flow = httpFlow({ metadata: { har } });
	const { entry, page } = writeEntry(flow);
	t.match(entry, {
		_priority: "High",
		pageref: "p",
		response: { bodySize: 90, content: { _x: 1, size: 5 } },
		timings: { blocked: 2, _queue: 1 },
	});
	t.same(page, { id: "p", title: "t" });
	if (flow.response !== null) flow.response.text = "another";
	t.match(writeEntry(flow).entry, { response: { bodySize: 7, content: { size: 7 } } });
	t.ok(writeEntry(httpFlow({ metadata: { har: { entry: 5, request: "x", page: [] } } })));
});

t.test("an entry that is read again gives the same flow, except for parts that HAR cannot store", async (t) => {
	for (const flow of [
		httpFlow({ request: { method: "PUT", body: Buffer.of(1, 2, 255) }, comment: "c" }),
		httpFlow({ response: { body: null } }),
		websocketFlow(),
	]) {
		const context = { record: 1, pages: new Map(), attachments: { read: () => null } };
		const once = readEntry(writeEntry(flow).entry, context);
		const twice = once && readEntry(writeEntry(once).entry, context);
		t.strictSame(twice && comparable(twice), once && comparable(once));
		t.equal(once?.id, flow.id);
		t.same(once?.request.rawContent, flow.request.rawContent);
		t.same(once?.response?.rawContent, flow.response?.rawContent);
		t.same(once?.websocket?.messages, flow.websocket?.messages);
	}
});

// The framing of forwarded messages: as received, or derived from the actual body.
import t from "tap";
import { Headers } from "../../../../src/flow/headers.ts";
import { Request, Response } from "../../../../src/flow/message.ts";
import type { BodyLength } from "../../../../src/proxy/body/pipe.ts";
import { outgoingRequest, outgoingResponse, writeProxyRequestHead } from "../../../../src/proxy/http1/outgoing.ts";
import type { UpstreamProxy } from "../../../../src/proxy/route/destination.ts";

const request = (fields: string[], { method = "POST", httpVersion = "HTTP/1.1" } = {}) =>
	new Request({ method, httpVersion, scheme: "http", host: "a", port: 80, path: "/p", headers: new Headers(fields) });
const response = (fields: string[], { statusCode = 200, httpVersion = "HTTP/1.1" } = {}) =>
	new Response({ statusCode, httpVersion, reason: "Why", headers: new Headers(fields) });

/** Fields and coding of a request as sent. */
function sent(...parts: Parameters<typeof outgoingRequest>): [string[], string] {
	const { fields, coding } = outgoingRequest(...parts);
	return [fields, coding];
}

/** Fields and coding of a response, and whether it closes the connection. */
function answered(...parts: Parameters<typeof outgoingResponse>): [string[], string, boolean] {
	const { fields, coding, close } = outgoingResponse(...parts);
	return [fields, coding, close];
}

const length = (size: number): BodyLength => ({ framing: { kind: "length", length: size } });
const none: BodyLength = { framing: { kind: "none" } };
const chunked: BodyLength = { framing: { kind: "chunked" } };
const close: BodyLength = { framing: { kind: "close" } };

t.test("unchanged messages are sent as received", async (t) => {
	for (const [fields, body, coding] of [
		[["hOST", "a", "X", "1", "x", "2", "Content-Length", "3"], length(3), "plain"],
		[["Transfer-Encoding", "Chunked", "Trailer", "X"], chunked, "chunked"],
		[[], none, "none"],
		[["Content-Length", "3", "Content-Length", "3"], length(3), "plain"],
	] as [string[], BodyLength, string][]) {
		t.strictSame(sent(request(fields), body, false), [fields, coding]);
		t.strictSame(answered(response(fields), request([]), body, false), [fields, coding, false]);
	}
	t.equal(outgoingRequest(request(["A", "b"]), none, false).head, "POST /p HTTP/1.1\r\nA: b\r\n\r\n");
	t.equal(
		outgoingResponse(response(["A", "b"]), request([]), length(0), false).head,
		"HTTP/1.1 200 Why\r\nA: b\r\n\r\n",
	);
	t.strictSame(answered(response([]), request([]), close, false), [[], "plain", true]);
	t.match(outgoingRequest(request([], { httpVersion: "HTTP/1.0" }), none, false), { version: "HTTP/1.0" });
});

t.test("the connection is closed after a response that announces it", async (t) => {
	t.equal(outgoingResponse(response(["Connection", "close"]), request([]), length(0), false).close, true);
	t.equal(outgoingResponse(response([], { httpVersion: "HTTP/1.0" }), request([]), length(0), false).close, true);
	t.equal(
		outgoingResponse(response(["Connection", "keep-alive"], { httpVersion: "HTTP/1.0" }), request([]), length(0), false)
			.close,
		false,
	);
});

t.test("the framing of a touched request matches its body", async (t) => {
	for (const [fields, body, want, coding] of [
		[["Content-Length", "3"], { size: 5 }, ["Content-Length", "5"], "plain"],
		[["Content-Length", "3"], { size: 0 }, ["Content-Length", "0"], "plain"],
		[["A", "b"], { size: 5 }, ["A", "b", "content-length", "5"], "plain"],
		[["A", "b"], { size: 0 }, ["A", "b"], "none"],
		[["A", "b"], none, ["A", "b"], "none"],
		[["Transfer-Encoding", "chunked"], { size: 5 }, ["Transfer-Encoding", "chunked"], "chunked"],
		[["Transfer-Encoding", "chunked"], { size: 0 }, ["Transfer-Encoding", "chunked"], "chunked"],
		[["A", "b"], chunked, ["A", "b", "transfer-encoding", "chunked"], "chunked"],
		[["Content-Length", "9"], chunked, ["transfer-encoding", "chunked"], "chunked"],
		[["Content-Length", "9"], length(3), ["Content-Length", "3"], "plain"],
		[
			["Content-Length", "1", "A", "b", "content-length", "2", "Transfer-Encoding", "chunked"],
			{ size: 5 },
			["Content-Length", "5", "A", "b"],
			"plain",
		],
		[["Content-Length", "x"], { size: 5 }, ["Content-Length", "5"], "plain"],
	] as [string[], BodyLength, string[], string][])
		t.strictSame(sent(request(fields), body, true), [want, coding], `${fields} ${JSON.stringify(body)}`);
	t.strictSame(sent(request(["Transfer-Encoding", "chunked"], { httpVersion: "HTTP/1.0" }), { size: 5 }, true), [
		["content-length", "5"],
		"plain",
	]);
});

t.test("the framing of a touched response matches its body", async (t) => {
	for (const [fields, body, want, coding, closes] of [
		[["Content-Length", "3"], { size: 5 }, ["Content-Length", "5"], "plain", false],
		[[], { size: 5 }, ["content-length", "5"], "plain", false],
		[[], { size: 0 }, ["content-length", "0"], "plain", false],
		[["Transfer-Encoding", "chunked"], { size: 5 }, ["Transfer-Encoding", "chunked"], "chunked", false],
		[["Content-Length", "9"], close, [], "plain", true],
		[["Content-Length", "9"], length(9), ["Content-Length", "9"], "plain", false],
	] as [string[], BodyLength, string[], string, boolean][])
		t.strictSame(
			answered(response(fields), request([]), body, true),
			[want, coding, closes],
			`${fields} ${JSON.stringify(body)}`,
		);
});

t.test("an HTTP/1.0 client gets no chunks", async (t) => {
	const old = request([], { httpVersion: "HTTP/1.0" });
	t.strictSame(answered(response(["Transfer-Encoding", "chunked"]), old, chunked, false), [[], "plain", true]);
	t.strictSame(answered(response(["Transfer-Encoding", "chunked"]), old, { size: 5 }, true), [
		["content-length", "5"],
		"plain",
		false,
	]);
});

t.test("messages without a body have none, even if a hook set one", async (t) => {
	const sizing = ["Content-Length", "5"];
	t.strictSame(answered(response(sizing), request([], { method: "HEAD" }), { size: 5 }, true), [sizing, "none", false]);
	t.strictSame(answered(response(sizing, { statusCode: 304 }), request([]), { size: 5 }, true), [
		sizing,
		"none",
		false,
	]);
	t.strictSame(answered(response(sizing, { statusCode: 204 }), request([]), { size: 5 }, true), [[], "none", false]);
	t.strictSame(answered(response(["A", "b"], { statusCode: 204 }), request([]), { size: 0 }, true), [
		["A", "b"],
		"none",
		false,
	]);
});

t.test("the message itself is unchanged", async (t) => {
	const made = request(["Content-Length", "3"]);
	outgoingRequest(made, { size: 5 }, true);
	t.strictSame(made.headers.fields, ["Content-Length", "3"]);
});

t.test("requests in absolute form for a proxy", async (t) => {
	const proxyAt = (authorization: string | null = null): UpstreamProxy => ({
		scheme: "http",
		host: "127.0.0.1",
		port: 1,
		authorization,
	});
	const request = (path: string, host = "example.com", port = 80) =>
		new Request({ method: "GET", scheme: "http", host, port, path, headers: Headers.of(["Host", "a"]) });
	const head = (of: Request, fields: string[] = ["Host", "a"], via = proxyAt()) =>
		writeProxyRequestHead(of, "HTTP/1.1", fields, via);
	t.equal(head(request("/a?b")), "GET http://example.com/a?b HTTP/1.1\r\nHost: a\r\n\r\n");
	t.equal(head(request("*", "::1", 8080)), "GET http://[::1]:8080 HTTP/1.1\r\nHost: a\r\n\r\n");
	const fields = ["Host", "a", "proxy-authorization", "the client's"];
	t.equal(
		head(request("/"), fields, proxyAt("Basic dTpw")),
		"GET http://example.com/ HTTP/1.1\r\nHost: a\r\nproxy-authorization: Basic dTpw\r\n\r\n",
	);
	t.strictSame(fields.length, 4, "the flow's own stay");
});

// Messages as HTTP/1.1.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { piecesOf } from "../../../src/export/pieces.ts";
import * as raw from "../../../src/export/raw.ts";
import type { HttpFlow } from "../../../src/flow/flow.ts";

type Note = (text: string) => void;
const text = (exported: Parameters<typeof piecesOf>[0]) => Buffer.concat([...piecesOf(exported)]).toString();
const rawFlow = (flow: HttpFlow, note?: Note) => text(raw.rawFlow(flow, note));
const rawRequest = (flow: HttpFlow) => text(raw.rawRequest(flow));
const rawResponse = (flow: HttpFlow) => text(raw.rawResponse(flow));

t.test("messages as on the wire", async (t) => {
	const flow = httpFlow({
		request: { method: "POST", path: "/x", headers: [["HOST", "example.com"]], body: "hi" },
		response: { headers: [["A", "1"]], body: "yo" },
	});
	t.equal(rawRequest(flow), "POST /x HTTP/1.1\r\nHOST: example.com\r\ncontent-length: 2\r\n\r\nhi");
	t.equal(rawResponse(flow), "HTTP/1.1 200 OK\r\nA: 1\r\n\r\nyo");
	t.equal(rawFlow(flow), `${rawRequest(flow)}\r\n\r\n${rawResponse(flow)}`);
});

t.test("a chunked body is chunked again, with its trailers", async (t) => {
	const flow = httpFlow({
		response: { headers: [["Transfer-Encoding", "chunked"]], trailers: [["T", "1"]], body: "0123456789" },
	});
	t.match(rawResponse(flow), /\r\n\r\na\r\n0123456789\r\n0\r\nT: 1\r\n\r\n$/);
	const empty = httpFlow({ request: { headers: [["Transfer-Encoding", "chunked"]] } });
	t.match(rawRequest(empty), /\r\n\r\n0\r\n\r\n$/);
});

t.test("request targets and versions", async (t) => {
	t.match(
		rawRequest(httpFlow({ request: { authority: "example.com" } })),
		/^GET http:\/\/example\.com\/ HTTP\/1\.1\r\n/,
	);
	t.match(
		rawRequest(httpFlow({ request: { method: "CONNECT", authority: "example.com:443" } })),
		/^CONNECT example\.com:443 /,
	);
	t.match(rawResponse(httpFlow({ response: { httpVersion: "HTTP/2.0", reason: "" } })), /^HTTP\/1\.1 200 \r\n/);
});

t.test("missing parts", async (t) => {
	t.throws(() => rawResponse(httpFlow({ response: null })), { code: "FT_LOSS", message: /no response/ });
	t.throws(() => rawRequest(httpFlow({ request: { body: null } })), { code: "FT_LOSS", message: /not recorded/ });
	const notes: string[] = [];
	const note = (text: string) => void notes.push(text);
	t.match(rawFlow(httpFlow({ request: { body: null } }), note), /^HTTP\/1\.1 200/);
	t.match(rawFlow(httpFlow({ response: { body: null } }), note), /^GET/);
	t.match(notes, [/request is left out/, /response is left out/]);
	t.match(rawFlow(httpFlow({ response: null })), /^GET/);
});

t.test("the framing matches the body, and exactly one message is written", async (t) => {
	const both = httpFlow({
		response: {
			headers: [
				["Transfer-Encoding", "chunked"],
				["Content-Length", "99"],
			],
			body: "hi",
			trailers: [
				["T", "a\r\n\r\nHTTP/1.1 200 Smuggled\r\n\r\n"],
				["U", "fine"],
			],
		},
	});
	t.equal(rawResponse(both), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nU: fine\r\n\r\n");
	t.match(
		rawResponse(httpFlow({ response: { headers: [["Content-Length", "99"]], body: "hi" } })),
		/Content-Length: 2\r\n\r\nhi$/,
	);
	t.match(
		rawResponse(httpFlow({ request: { method: "HEAD" }, response: { headers: [["Content-Length", "99"]], body: "" } })),
		/Content-Length: 99/,
	);
	t.match(
		rawResponse(httpFlow({ response: { reason: "a\r\nb: c", headers: [["X", "a\r\n\r\nb"]], body: "" } })),
		/^HTTP\/1\.1 200 a {2}b: c\r\n\r\n$/,
	);
	t.match(rawResponse(httpFlow({ response: { httpVersion: "HTTP/1.1\r\nX: y", body: "" } })), /^HTTP\/1\.1 200 OK\r\n/);
	for (const request of [{ method: "A B" }, { path: "/x HTTP/1.1\r\nA: b" }, { authority: "a b" }])
		t.throws(() => rawRequest(httpFlow({ request })), { code: "FT_LOSS" });
	t.throws(() => rawResponse(httpFlow({ response: { statusCode: 1000 } })), { code: "FT_LOSS" });
});

t.test("a request has one Host and no fragment", async (t) => {
	const ofRequest = (request: NonNullable<Parameters<typeof httpFlow>[0]>["request"]) =>
		rawRequest(httpFlow({ request: { headers: [], ...request } }));
	t.equal(ofRequest({ path: "/a?x=1#frag" }), "GET /a?x=1 HTTP/1.1\r\nHost: example.com\r\n\r\n");
	t.equal(ofRequest({ host: "::1", port: 81 }), "GET / HTTP/1.1\r\nHost: [::1]:81\r\n\r\n");
	t.equal(
		ofRequest({ httpVersion: "HTTP/2.0", authority: "shop.example" }),
		"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n",
		"in origin form",
	);
});

t.test("an incomplete message stays incomplete", async (t) => {
	const response = (headers: [string, string][], init: object = {}) =>
		rawResponse(httpFlow({ ended: "cut", response: { headers, body: "hello", ...init } }));
	t.equal(response([["Content-Length", "99"]]), "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhello");
	t.equal(
		response([["Transfer-Encoding", "chunked"]], { trailers: [["T", "1"]] }),
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	);
	t.equal(
		response([], { httpVersion: "HTTP/2.0", reason: "" }),
		"HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"without a length",
	);
	t.equal(response([], { httpVersion: "HTTP/1.0" }), "HTTP/1.0 200 OK\r\n\r\nhello", "HTTP/1.0 cannot express it");
	t.equal(
		response([["Content-Length", "5"]]),
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"all that was announced",
	);
	t.match(response([["Content-Length", "3"]]), /Content-Length: 5\r\n\r\nhello$/, "more bytes than announced");
	const request = (init: object) =>
		rawRequest(
			httpFlow({
				request: { method: "POST", headers: [["Host", "a.example"]], body: "hello", timestampEnd: null, ...init },
				response: null,
				error: { message: "Client disconnected.", timestamp: 1 },
			}),
		);
	const headers = [
		["Host", "a.example"],
		["Content-Length", "99"],
	];
	t.equal(request({ headers }), "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 99\r\n\r\nhello");
	t.match(request({ headers, body: "" }), /Content-Length: 99\r\n\r\n$/);
	t.match(request({ httpVersion: "HTTP/2.0" }), /transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n$/);
});

t.test("a stored body is not read whole", async (t) => {
	const stored = {
		size: 5,
		read: () => {
			throw new Error("read");
		},
		chunks: () => [Buffer.from("hel"), Buffer.from("lo")],
	};
	const headers = [["Content-Length", "5"]] as const;
	const flow = httpFlow({
		request: { method: "POST", headers, body: stored },
		response: { headers: [["Transfer-Encoding", "chunked"]], body: stored },
	});
	t.ok(raw.rawFlow(flow).includes(stored));
	t.match(
		rawFlow(flow),
		/Content-Length: 5\r\n(?:.*\r\n)*\r\nhello\r\n\r\nHTTP\/1\.1 200 OK\r\n.*\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/,
	);
});

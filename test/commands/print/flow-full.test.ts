// Flows of every type in full.
import t from "tap";
import { flowFull } from "../../../commands/print/flow-full.ts";
import { coloured, plain } from "../../../commands/print/text.ts";
import { dnsFlow, httpFlow, tcpFlow, websocketFlow } from "../../../fixtures/build-flow.ts";
import { variedFlows } from "../../../fixtures/varied-flows.ts";
import { Headers } from "../../../src/flow/headers.ts";

const id = "a1b2c3d4-1";

t.test("HTTP: details, both heads unchanged, bodies, trailers", async (t) => {
	const flow = httpFlow({
		id,
		request: {
			method: "POST",
			path: "/caf\xc3\xa9",
			headers: [
				["HOST", "example.com"],
				["x-two", "a"],
				["X-Two", "\xff"],
			],
			body: "a=1",
		},
		response: { statusCode: 404, reason: "", headers: [], body: "gone", trailers: Headers.of(["X-Sum", "1"]) },
		serverConn: { tls: true, tlsVersion: "TLSv1.3", cipher: "AES", alpn: "h2", peername: ["2001:db8::1", 443, 0, 0] },
	});
	t.equal(
		flowFull(flow, plain),
		`a1b2c3d4 POST http://example.com/café 404 4b 300ms
id      a1b2c3d4-1
started 2023-11-14T22:13:20.100Z
client  127.0.0.1:50000
server  2001:db8::1:443
tls     TLSv1.3 AES h2

POST /café HTTP/1.1
HOST: example.com
x-two: a
X-Two: ÿ

a=1

HTTP/1.1 404

gone

X-Sum: 1
`,
	);
});

t.test("unknown values are left out", async (t) => {
	const text = flowFull(
		httpFlow({
			id,
			request: { timestampStart: 0 },
			response: null,
			clientConn: { peername: null },
			serverConn: { peername: null, address: null },
		}),
		plain,
	);
	t.equal(text, "a1b2c3d4 GET http://example.com/\nid      a1b2c3d4-1\n\nGET / HTTP/1.1\nHost: example.com\n");
});

t.test("WebSocket messages with their direction, and the close code", async (t) => {
	const text = flowFull(
		websocketFlow({
			messages: [
				{ fromClient: true, content: Buffer.from("pi\x1bng") },
				{ opcode: 2, content: Buffer.of(1, 2) },
			],
		}),
		plain,
	);
	t.match(text, /\n→ pi␛ng\n← \n00000000 {2}01 02 [^\n]*\nclosed 1000 bye\n$/);
});

t.test("TCP and DNS", async (t) => {
	t.match(
		flowFull(tcpFlow(), plain),
		/\n\n→\n00000000 {2}68 65 6c 6c 6f [^\n]* hello\n\n←\n00000000 {2}74 68 65 72 65 [^\n]* there\n$/,
	);
	t.match(
		flowFull(dnsFlow(), plain),
		/\n\nquery\nexample.com type 1\n\nresponse\nexample.com type 1\nexample.com type 1 ttl 300 c0000201\n$/,
	);
	t.match(flowFull(dnsFlow({ response: null }), plain), /\nquery\nexample.com type 1\n$/);
});

t.test("control characters of a flow do not reach the terminal; colours change nothing else", async (t) => {
	for (const flow of variedFlows()) {
		const text = flowFull(flow, plain);
		t.notMatch(text, /(?![\t\n])\p{Cc}/u, flow.type);
		t.equal(flowFull(flow, coloured).replace(/\p{Cc}\[\d+m/gu, ""), text);
	}
});

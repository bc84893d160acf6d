// Flows of every type on one line.
import t from "tap";
import { flowLine } from "../../../commands/print/flow-line.ts";
import { coloured, plain } from "../../../commands/print/text.ts";
import { dnsFlow, httpFlow, tcpFlow, udpFlow, websocketFlow } from "../../../fixtures/build-flow.ts";
import type { Flow } from "../../../src/flow/flow.ts";

const id = "a1b2c3d4-0000-4000-8000-000000000001";

t.test("request, response, size and duration", async (t) => {
	for (const [flow, line] of [
		[httpFlow({ id }), "a1b2c3d4 GET http://example.com/ 200 text/plain 5b 300ms"],
		[
			httpFlow({ id, request: { method: "POST", path: "/x?y" }, response: { statusCode: 503, headers: [], body: "" } }),
			"a1b2c3d4 POST http://example.com/x?y 503 0b 300ms",
		],
		[
			httpFlow({ id, response: { headers: [["Content-Type", "text/html ; charset=x"]], body: null } }),
			"a1b2c3d4 GET http://example.com/ 200 text/html (no body kept) 300ms",
		],
		[httpFlow({ id, response: { timestampEnd: null } }), "a1b2c3d4 GET http://example.com/ 200 text/plain 5b"],
		[
			httpFlow({ id, request: { timestampStart: 2_000_000_000 } }),
			"a1b2c3d4 GET http://example.com/ 200 text/plain 5b 0ms",
		],
		[
			httpFlow({ id, response: null, error: { message: "it broke\noff", timestamp: 1 } }),
			"a1b2c3d4 GET http://example.com/ it broke off",
		],
		[httpFlow({ id, ended: "cut" }), "a1b2c3d4 GET http://example.com/ 200 text/plain 5b 300ms incomplete"],
		[
			httpFlow({ id, ended: "client", error: { message: "gone", timestamp: 1 } }),
			"a1b2c3d4 GET http://example.com/ 200 text/plain 5b 300ms incomplete gone",
		],
		[
			httpFlow({ id, ended: "server", error: { message: "late", timestamp: 1 } }),
			"a1b2c3d4 GET http://example.com/ 200 text/plain 5b 300ms late",
		],
		[
			httpFlow({ id, marked: ":star:", isReplay: "response", comment: "why not" }),
			"a1b2c3d4 *↻ GET http://example.com/ 200 text/plain 5b 300ms # why not",
		],
		[
			httpFlow({ id: "short", request: { path: "/\u001b[2J" } }),
			"short GET http://example.com/␛[2J 200 text/plain 5b 300ms",
		],
		[websocketFlow({ id }), "a1b2c3d4 GET http://example.com/ 101 0b 300ms 2 messages"],
		[tcpFlow({ id }), "a1b2c3d4 TCP example.com:80 2 messages 10b"],
		[udpFlow({ id, serverConn: { address: null, peername: null } }), "a1b2c3d4 UDP ?:0 2 messages 10b"],
		[dnsFlow({ id }), "a1b2c3d4 DNS example.com 1 answers"],
		[dnsFlow({ id, response: null }), "a1b2c3d4 DNS example.com"],
	] satisfies [Flow, string][])
		t.equal(flowLine(flow, plain), line);
});

t.test("the colour of a status", async (t) => {
	for (const [statusCode, code] of [
		[204, 32],
		[304, 36],
		[404, 33],
		[500, 31],
	] as const)
		t.match(flowLine(httpFlow({ response: { statusCode } }), coloured), `\u001b[${code}m${statusCode}\u001b[39m`);
});

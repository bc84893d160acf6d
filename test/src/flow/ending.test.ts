// How flows ended, as recorded or as derived from the error.
import t from "tap";
import { httpFlow, tcpFlow, websocketFlow } from "../../../fixtures/build-flow.ts";
import { endOf, incompleteParts, isRequestCut, responseCut, toEnd } from "../../../src/flow/ending.ts";

t.test("the recorded end, or else the one derived from response and error", async (t) => {
	const failed = (message: string) => ({ error: { message, timestamp: 1 } });
	t.equal(endOf(httpFlow()), "server");
	t.equal(endOf(httpFlow({ response: null })), null);
	t.equal(
		endOf(httpFlow({ response: null, ...failed("Client disconnected.") })),
		null,
		"nothing came that could be cut",
	);
	t.equal(endOf(httpFlow(failed("Client disconnected."))), "client");
	for (const message of ["client disconnected.", "Client disconnected. ", "Client disconnected (CANCEL).", ""])
		t.equal(endOf(httpFlow(failed(message))), "cut", message);
	t.equal(endOf(httpFlow({ ...failed("Client disconnected (CANCEL)."), ended: "client" })), "client");
	t.equal(endOf(httpFlow({ ended: "cut" })), "cut");
});

t.test("ends read from files", async (t) => {
	for (const end of ["server", "client", "cut"]) t.equal(toEnd(end), end);
	for (const other of ["Server", "", null, undefined, 1]) t.equal(toEnd(other), undefined);
});

t.test("a request that was cut off, and one that was complete when its exchange failed", async (t) => {
	const error = { message: "Client disconnected.", timestamp: 1 };
	const length = (value: string): [string, string][] => [["Content-Length", value]];
	t.ok(
		isRequestCut(
			httpFlow({ error, response: null, request: { timestampEnd: null, headers: length("9"), body: "half" } }),
		),
	);
	t.ok(
		isRequestCut(
			httpFlow({ error, response: null, request: { timestampEnd: null, headers: [["Transfer-Encoding", "chunked"]] } }),
		),
	);
	t.ok(
		isRequestCut(httpFlow({ error, request: { timestampEnd: null, headers: [], body: "half" } })),
		"HTTP/2, answered early",
	);
	t.notOk(
		isRequestCut(httpFlow({ error, response: null, request: { headers: length("4"), body: "half" } })),
		"it had come to its end",
	);
	t.notOk(
		isRequestCut(httpFlow({ error, response: null, request: { timestampEnd: null, headers: length("0") } })),
		"a head alone",
	);
	t.notOk(
		isRequestCut(httpFlow({ request: { timestampEnd: null, headers: length("9"), body: "half" } })),
		"files without times",
	);
});

t.test("incomplete parts of a flow", async (t) => {
	const error = { message: "reset", timestamp: 1 };
	t.same(incompleteParts(httpFlow()), {});
	t.same(incompleteParts(httpFlow({ response: null, error })), {}, "it failed, and nothing came");
	t.same(incompleteParts(tcpFlow({ error })), {});
	t.equal(responseCut(httpFlow({ ended: "server", error })), null);
	t.equal(responseCut(websocketFlow({ error })), null);
	t.equal(responseCut(httpFlow({ ended: "client" })), "client");
	t.match(incompleteParts(httpFlow({ error, request: { timestampEnd: null, body: "half" } })), {
		request: /cut off/,
		response: /it was cut off/,
	});
});

import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { rawFlow, rawRequest, rawResponse } from "../../../src/export/raw.ts";

t.test("messages as they go over the wire", async (t) => {
	const flow = httpFlow({
		request: { method: "POST", path: "/x", headers: [["HOST", "example.com"]], body: "hi" },
		response: { headers: [["A", "1"]], body: "yo" },
	});
	t.equal(rawRequest(flow).toString(), "POST /x HTTP/1.1\r\nHOST: example.com\r\n\r\nhi");
	t.equal(rawResponse(flow).toString(), "HTTP/1.1 200 OK\r\nA: 1\r\n\r\nyo");
	t.equal(rawFlow(flow).toString(), `${rawRequest(flow)}\r\n\r\n${rawResponse(flow)}`);
});

t.test("a chunked body is chunked again, with its trailers", async (t) => {
	const flow = httpFlow({ response: { headers: [["Transfer-Encoding", "chunked"]], trailers: [["T", "1"]], body: "0123456789" } });
	t.match(rawResponse(flow).toString(), /\r\n\r\na\r\n0123456789\r\n0\r\nT: 1\r\n\r\n$/);
	const empty = httpFlow({ request: { headers: [["Transfer-Encoding", "chunked"]] } });
	t.match(rawRequest(empty).toString(), /\r\n\r\n0\r\n\r\n$/);
});

t.test("request targets and versions", async (t) => {
	t.match(rawRequest(httpFlow({ request: { authority: "example.com" } })).toString(), /^GET http:\/\/example\.com\/ HTTP\/1\.1\r\n/);
	t.match(rawRequest(httpFlow({ request: { method: "CONNECT", authority: "example.com:443" } })).toString(), /^CONNECT example\.com:443 /);
	t.match(rawResponse(httpFlow({ response: { httpVersion: "HTTP/2.0", reason: "" } })).toString(), /^HTTP\/1\.1 200 \r\n/);
});

t.test("what is not there", async (t) => {
	t.throws(() => rawResponse(httpFlow({ response: null })), { code: "FT_LOSS", message: /no response/ });
	t.throws(() => rawRequest(httpFlow({ request: { body: null } })), { code: "FT_LOSS", message: /not recorded/ });
	t.match(rawFlow(httpFlow({ request: { body: null } })).toString(), /^HTTP\/1\.1 200/);
	t.match(rawFlow(httpFlow({ response: null })).toString(), /^GET/);
});

// Flows of requests that were not sent.
import t from "tap";
import { httpRequest } from "../../../fixtures/build-flow.ts";
import { compileFilter } from "../../../src/filter/compile.ts";
import { requestFlow } from "../../../src/flow/request-flow.ts";

t.test("it has the request, and neither a response nor connections", (t) => {
	const request = httpRequest({ path: "/a" });
	const flow = requestFlow(request);
	t.equal(flow.request, request);
	t.equal(flow.response, null);
	t.throws(() => flow.clientConn, /has no connection/);
	t.ok(compileFilter("~u /a & ~q").matches(flow));
	t.end();
});

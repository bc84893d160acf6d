// Response bodies that were not recorded are distinguished from responses without a body.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { isKept } from "../../../src/flow/kept-body.ts";

t.test("a body that was not recorded, and responses that have none", async (t) => {
	const kept = (response: object, init: object = {}) =>
		isKept(httpFlow({ response: { headers: [], body: null, ...response }, ...init }));
	t.notOk(kept({}));
	t.notOk(kept({ headers: [["Content-Length", "5"]] }));
	t.notOk(kept({ headers: [["Content-Type", "text/plain"]] }));
	t.ok(kept({ body: "" }));
	t.ok(kept({ headers: [["Content-Length", " 0"]] }));
	for (const statusCode of [101, 204, 304]) t.ok(kept({ statusCode }), `${statusCode}`);
	t.ok(kept({}, { request: { method: "HEAD" } }));
	t.ok(kept({}, { error: { message: "cut", timestamp: 1 } }), "it may have ended after its head");
	t.ok(isKept(httpFlow({ response: null })));
});

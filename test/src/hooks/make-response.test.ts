// Responses of hooks: the standard reason, and a length.
import t from "tap";
import { makeResponse } from "../../../src/hooks/make-response.ts";

t.test("status, reason, fields, length, time", async (t) => {
	t.match(makeResponse(404, [["X-Why", "so"]], Buffer.from("gone"), 12.5), {
		statusCode: 404,
		reason: "Not Found",
		httpVersion: "HTTP/1.1",
		timestampStart: 12.5,
		timestampEnd: 12.5,
		headers: { fields: ["X-Why", "so", "content-length", "4"] },
		body: Buffer.from("gone"),
	});
	t.equal(makeResponse(799, [], Buffer.alloc(0), 0).reason, "", "a status without a name");
});

t.test("204 has neither body nor length", async (t) => {
	const { headers, body } = makeResponse(204, [], Buffer.from("lost"), 0);
	t.same(headers.fields, []);
	t.same(body, Buffer.alloc(0));
});

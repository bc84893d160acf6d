// The similarity of requests.
import t from "tap";
import { httpRequest } from "../../../../fixtures/build-flow.ts";
import { similarity } from "../../../../src/replay/match/similarity.ts";

const sent = httpRequest({
	path: "/?a=1&b=2",
	headers: [
		["Host", "x"],
		["Accept", "text/html"],
		["A", "1"],
	],
});

t.test("headers by name and value, ignoring the case of names", (t) => {
	const same = httpRequest({
		path: "/",
		headers: [
			["host", "x"],
			["accept", "text/html"],
			["a", "1"],
		],
	});
	const near = httpRequest({
		headers: [
			["Host", "x"],
			["Accept", "text/html"],
		],
	});
	const far = httpRequest({
		headers: [
			["Host", "x"],
			["Accept", "image/png"],
		],
	});
	t.equal(similarity("headers", sent, same), 1);
	t.ok(similarity("headers", sent, near) > similarity("headers", sent, far));
	t.equal(similarity("headers", httpRequest({ headers: [] }), httpRequest({ headers: [] })), 1);
	t.end();
});

t.test("the query has precedence over headers", (t) => {
	const otherHeaders = httpRequest({ path: "/?b=2&a=1", headers: [["Host", "y"]] });
	const otherQuery = httpRequest({ path: "/?a=1&b=3", headers: sent.headers });
	const noQuery = httpRequest({ path: "/", headers: sent.headers });
	t.ok(similarity("query", sent, sent) > similarity("query", sent, otherHeaders));
	t.ok(similarity("query", sent, otherHeaders) > similarity("query", sent, otherQuery));
	t.ok(similarity("query", sent, otherQuery) > similarity("query", sent, noQuery));
	t.equal(similarity("first", sent, noQuery), 0);
	t.end();
});

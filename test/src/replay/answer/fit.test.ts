// Whether a recorded response can answer a request with ranges or conditions.
import t from "tap";
import { type HttpParts, httpFlow, httpRequest } from "../../../../fixtures/build-flow.ts";
import type { FlowEnd } from "../../../../src/flow/flow.ts";
import type { Response } from "../../../../src/flow/message.ts";
import { fitOf, isConditional, isIncomplete } from "../../../../src/replay/answer/fit.ts";
import { conditionsOf, NO_CONDITIONS } from "../../../../src/replay/match/conditions.ts";

type Fields = [string, string][];

const ETAG: Fields = [["ETag", '"e1"']];
const bytes = "0123456789";

/** Rank, and status, Content-Range and body of the response; null: it cannot answer. */
function answer(
	sent: Fields,
	asked: Fields,
	response: NonNullable<HttpParts["response"]>,
	{ method = "GET", end = "server" as FlowEnd } = {},
) {
	const recorded = httpFlow({ request: { headers: asked }, response }).response as Response;
	const request = httpRequest({ headers: sent });
	const fit = fitOf(
		{ method, conditions: conditionsOf(request) ?? NO_CONDITIONS, accept: request.headers.raw("accept-encoding") },
		{ conditions: conditionsOf(httpRequest({ headers: asked })), response: recorded, end },
	);
	if (fit === null) return null;
	const { statusCode, headers, text } = fit.derive?.() ?? recorded;
	return [fit.rank, statusCode, headers.get("content-range"), text];
}

const range = (value: string): Fields => [["Range", value]];
const whole: NonNullable<HttpParts["response"]> = { headers: ETAG, body: bytes };
const part: NonNullable<HttpParts["response"]> = {
	statusCode: 206,
	headers: [["Content-Range", "bytes 2-5/10"], ...ETAG],
	body: "2345",
};

t.test("parts of a complete recording", (t) => {
	t.same(answer([], [], whole), [1, 200, null, bytes]);
	t.same(answer(range("bytes=2-4"), [], whole), [2, 206, "bytes 2-4/10", "234"]);
	t.same(answer(range("bytes=-2"), [], whole), [2, 206, "bytes 8-9/10", "89"]);
	t.same(answer(range("bytes=8-"), [], whole), [2, 206, "bytes 8-9/10", "89"]);
	t.same(answer(range("bytes=10-"), [], whole), [2, 416, "bytes */10", ""]);
	t.same(
		answer(range("bytes=0-1,4-5"), [], whole),
		[2, 200, null, bytes],
		"several ranges are answered with the whole representation",
	);
	t.same(answer(range("items=0-1"), [], whole), [1, 200, null, bytes], "another unit");
	t.same(
		answer(range("bytes=0-1"), range("bytes=0-1"), whole),
		[0, 200, null, bytes],
		"the server had no mind for ranges",
	);
	t.same(answer(range("bytes=5-6"), range("bytes=0-1"), whole), [1, 200, null, bytes]);
	t.same(answer(range("bytes=0-1"), [], { headers: [["Accept-Ranges", "none"]], body: bytes }), [1, 200, null, bytes]);
	t.same(answer(range("bytes=0-1"), [], whole, { method: "HEAD" }), [1, 200, null, bytes]);
	t.same(answer(range("bytes=0-1"), [], { statusCode: 404, body: "no" }), [1, 404, null, "no"]);
	const gzip: NonNullable<HttpParts["response"]> = {
		headers: [["Content-Encoding", "gzip"]],
		body: Buffer.from("no gzip at all"),
	};
	t.match(
		answer([...range("bytes=0-1"), ["Accept-Encoding", "identity"]], [], gzip),
		[2, 200],
		"a part could not be decoded",
	);
	t.match(answer([...range("bytes=0-1"), ["Accept-Encoding", "gzip"]], [], gzip), [2, 206, "bytes 0-1/14"]);
	t.end();
});

t.test("If-Range", (t) => {
	const ifRange = (value: string): Fields => [...range("bytes=0-1"), ["If-Range", value]];
	t.match(answer(ifRange('"e1"'), [], whole), [2, 206]);
	t.match(answer(ifRange('"e2"'), [], whole), [2, 200]);
	t.match(answer(ifRange('W/"e1"'), [], whole), [2, 200], "a weak tag never matches");
	const dated: NonNullable<HttpParts["response"]> = {
		headers: [["Last-Modified", "Wed, 01 Jan 2020 00:00:00 GMT"]],
		body: bytes,
	};
	t.match(answer(ifRange("Wed, 01 Jan 2020 00:00:00 GMT"), [], dated), [2, 206]);
	t.match(answer(ifRange("Tue, 31 Dec 2019 00:00:00 GMT"), [], dated), [2, 200]);
	t.match(answer([...range("bytes=2-5"), ["If-Range", '"e1"']], range("bytes=2-5"), part), [0, 206]);
	t.equal(answer([...range("bytes=2-5"), ["If-Range", '"e2"']], range("bytes=2-5"), part), null);
	t.end();
});

t.test("a partial recording answers requests for bytes that it contains", (t) => {
	const asked = range("bytes=2-5");
	t.same(answer(range("bytes=2-5"), asked, part), [0, 206, "bytes 2-5/10", "2345"]);
	t.same(answer(range("bytes=3-4"), asked, part), [2, 206, "bytes 3-4/10", "34"]);
	t.equal(answer([], asked, part), null);
	t.equal(answer(range("bytes=0-3"), asked, part), null);
	t.equal(answer(range("bytes=2-3,4-5"), asked, part), null);
	t.same(answer(range("bytes=99-"), asked, part), [2, 416, "bytes */10", ""]);
	t.equal(answer(range("bytes=3-4"), asked, { ...part, body: "23" }), null, "the body does not match Content-Range");
	t.same(answer([], [], part), [0, 206, "bytes 2-5/10", "2345"], "a server that sends parts without a Range header");
	const all: NonNullable<HttpParts["response"]> = {
		statusCode: 206,
		headers: [["Content-Range", "bytes 0-9/10"]],
		body: bytes,
	};
	t.same(answer([], range("bytes=0-"), all), [2, 200, null, bytes]);
	const unknown: NonNullable<HttpParts["response"]> = {
		statusCode: 206,
		headers: [["Content-Range", "bytes 0-9/*"]],
		body: bytes,
	};
	t.same(answer(range("bytes=3-4"), range("bytes=0-"), unknown), [2, 206, "bytes 3-4/*", "34"]);
	t.equal(answer(range("bytes=3-"), range("bytes=0-"), unknown), null);
	t.end();
});

t.test("ranges that are not satisfiable", (t) => {
	const response: NonNullable<HttpParts["response"]> = {
		statusCode: 416,
		headers: [["Content-Range", "bytes */10"]],
		body: "",
	};
	t.match(answer(range("bytes=50-"), range("bytes=50-"), response), [0, 416]);
	t.match(answer(range("bytes=70-"), range("bytes=50-"), response), [2, 416]);
	t.equal(answer(range("bytes=0-"), range("bytes=50-"), response), null);
	t.equal(answer([], range("bytes=50-"), response), null);
	t.end();
});

t.test("a 304 answers clients with the same copy", (t) => {
	const none = (value: string): Fields => [["If-None-Match", value]];
	const since = (value: string): Fields => [["If-Modified-Since", value]];
	const response: NonNullable<HttpParts["response"]> = { statusCode: 304, headers: ETAG, body: "" };
	t.match(answer(none('"e1"'), none('"e1"'), response), [0, 304]);
	t.match(answer(none('"e0", W/"e1"'), none('"e1"'), response), [0, 304]);
	t.match(answer(none("*"), none('"e1"'), response), [0, 304]);
	t.equal(answer(none('"e2"'), none('"e1"'), response), null);
	t.equal(answer([], none('"e1"'), response), null);
	const bare: NonNullable<HttpParts["response"]> = { statusCode: 304, headers: [], body: "" };
	t.match(answer(none('"a", "b"'), none('"b"'), bare), [0, 304]);
	t.equal(answer(none('"a"'), none('"a", "b"'), bare), null);
	const [early, late] = ["Wed, 01 Jan 2020 00:00:00 GMT", "Thu, 02 Jan 2020 00:00:00 GMT"];
	t.match(answer(since(late), since(early), bare), [0, 304], "the refreshed date");
	t.equal(answer(since(early), since(late), bare), null);
	t.equal(answer([], since(early), bare), null);
	t.match(answer([], [], response), [3, 304], "a 304 to a request without recorded conditions");
	const warm: NonNullable<HttpParts["response"]> = { ...response, body: "cached();" };
	t.same(answer([], [], warm), [1, 200, null, "cached();"]);
	t.match(answer(none('"e1"'), [], warm), [0, 304]);
	t.same(answer(none('"e2"'), [], warm), [1, 200, null, "cached();"]);
	t.match(answer(none('"e9"'), none('"e1"'), whole), [1, 200], "a complete response answers all requests");
	t.end();
});

t.test("412 and 428", (t) => {
	const response: NonNullable<HttpParts["response"]> = { statusCode: 412, body: "" };
	const match: Fields = [["If-Match", '"e1"']];
	t.match(answer(match, match, response), [0, 412]);
	t.equal(answer([], match, response), null);
	t.equal(answer([["If-Match", '"e2"']], match, response), null);
	t.end();
});

t.test("incomplete responses come last", (t) => {
	const long: NonNullable<HttpParts["response"]> = { headers: [["Content-Length", "99"]], body: bytes };
	t.match(answer([], [], long, { end: "cut" }), [5, 200]);
	t.match(answer([], [], long, { end: "client" }), [5, 200]);
	t.match(answer([], [], whole, { end: "client" }), [1, 200], "a stream that the client closed");
	t.match(answer(range("bytes=0-1"), [], whole, { end: "client" }), [1, 200]);
	t.equal(isIncomplete({ response: httpFlow({ response: long }).response as Response, end: "server" }), false);
	t.same([200, 206, 304, 404, 412, 416, 428].map(isConditional), [false, true, true, false, true, true, true]);
	t.end();
});

t.test("parts of an incomplete recording: complete if all their bytes were received, otherwise cut off", (t) => {
	const left = { end: "client" as const };
	const long = (...more: Fields): NonNullable<HttpParts["response"]> => ({
		headers: [["Content-Length", "20"], ...more],
		body: bytes,
	});
	t.same(answer(range("bytes=2-4"), [], long(), left), [2, 206, "bytes 2-4/20", "234"]);
	t.same(answer(range("bytes=2-4"), [], long(), { end: "cut" }), [2, 206, "bytes 2-4/20", "234"]);
	t.same(answer(range("bytes=20-"), [], long(), left), [2, 416, "bytes */20", ""]);
	t.same(answer(range("bytes=5-14"), [], long(), left), [6.5, 206, "bytes 5-14/20", "56789"]);
	t.match(answer(range("bytes=10-"), [], long(), left), [5, 200], "none of its bytes was received");
	const half: NonNullable<HttpParts["response"]> = {
		statusCode: 206,
		headers: [["Content-Range", "bytes 100-199/300"], ...ETAG],
		body: bytes,
	};
	t.same(answer(range("bytes=103-104"), range("bytes=100-"), half, left), [2, 206, "bytes 103-104/300", "34"]);
	t.same(answer(range("bytes=105-114"), range("bytes=100-199"), half, left), [6.5, 206, "bytes 105-114/300", "56789"]);
	t.match(answer(range("bytes=100-199"), range("bytes=100-199"), half, left), [4, 206]);
	t.equal(answer(range("bytes=110-"), range("bytes=100-199"), half, left), null, "bytes that were not received");
	t.equal(answer(range("bytes=98-101"), range("bytes=100-199"), half, left), null, "before it");
	t.equal(answer([], range("bytes=0-"), { ...half, headers: [["Content-Range", "bytes 0-19/20"]] }, left), null);
	t.equal(
		answer(range("bytes=103-104"), range("bytes=100-"), half),
		null,
		"a body that no longer has the announced length",
	);
	const digests: Fields = [
		["Content-MD5", "x"],
		["Content-Digest", "x"],
		["Repr-Digest", "y"],
	];
	const response = httpFlow({ response: long(...digests) }).response as Response;
	const made = fitOf(
		{ method: "GET", conditions: { ...NO_CONDITIONS, range: "bytes=5-14" }, accept: null },
		{ conditions: null, response, end: "client" },
	)?.derive?.();
	t.same(made?.headers.fields, ["Content-Length", "10", "Repr-Digest", "y", "content-range", "bytes 5-14/20"]);
	t.end();
});

t.test("a preflight is answered by its own recording, or by that of another preflight that allows it", (t) => {
	const ask = (method: string, headers = "", origin = "http://a.test"): Fields => [
		["Origin", origin],
		["Access-Control-Request-Method", method],
		["Access-Control-Request-Headers", headers],
	];
	const allowed = (methods: string, headers: string): NonNullable<HttpParts["response"]> => ({
		statusCode: 204,
		headers: [
			["Access-Control-Allow-Methods", methods],
			["Access-Control-Allow-Headers", headers],
		],
	});
	const rank = (sent: Fields, asked: Fields, response: NonNullable<HttpParts["response"]>) =>
		answer(sent, asked, response, { method: "OPTIONS" })?.[0] ?? null;
	t.equal(rank(ask("PUT", "X-A, x-b"), ask("PUT", "x-b,x-a"), { statusCode: 403 }), 0, "the same one");
	t.equal(rank(ask("DELETE"), ask("PUT"), allowed("PUT", "")), null);
	t.equal(rank(ask("DELETE"), ask("PUT"), allowed("PUT, DELETE", "")), 1);
	t.equal(rank(ask("POST", "x-a"), ask("POST"), allowed("", "")), null);
	t.equal(rank(ask("POST", "x-a"), ask("POST"), allowed("", "X-A, x-b")), 1);
	t.equal(rank(ask("PATCH", "x-a"), ask("PUT"), allowed("*", "*")), 1);
	t.equal(
		rank(ask("PUT"), ask("PUT", "", "http://b.test"), allowed("PUT", "")),
		1,
		"the recording of its own origin comes first",
	);
	t.equal(rank(ask("PUT"), [], allowed("", "")), 1, "of a request without CORS headers");
	t.equal(answer([], ask("PUT"), allowed("PUT", ""), { method: "OPTIONS" })?.[0], 1);
	t.end();
});

t.test("a 428 does not answer requests with a condition", (t) => {
	const wanted: NonNullable<HttpParts["response"]> = { statusCode: 428, body: "" };
	t.match(answer([], [], wanted, { method: "PUT" }), [0, 428]);
	t.equal(answer([["If-Match", '"e1"']], [], wanted, { method: "PUT" }), null);
	t.end();
});

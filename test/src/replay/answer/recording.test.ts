// Prepares recorded responses for sending.
import { gzipSync } from "node:zlib";
import t from "tap";
import { httpResponse, STARTED } from "../../../../fixtures/build-flow.ts";
import { parseJsonPath } from "../../../../src/json/path.ts";
import { Recording } from "../../../../src/replay/answer/recording.ts";
import { usualDates } from "../../../../src/replay/answer/refresh.ts";

const recording = (parts: Parameters<typeof httpResponse>[0] = {}) =>
	new Recording({ id: "r", response: httpResponse(parts) });

t.test("a response is a copy", (t) => {
	const source = recording({ trailers: [["t", "1"]] });
	const answer = source.answer(5, null);
	answer.headers.set("content-type", "changed");
	answer.trailers?.set("t", "2");
	t.equal(answer.timestampStart, 5);
	const again = source.answer(6, usualDates);
	t.equal(again.headers.get("content-type"), "text/plain");
	t.equal(again.trailers?.get("t"), "1");
	t.end();
});

t.test("recorded in HTTP/2, answered in HTTP/1.1", (t) => {
	t.match(recording({ httpVersion: "HTTP/2.0", reason: "", statusCode: 404 }).answer(0, null), {
		httpVersion: "HTTP/1.1",
		reason: "Not Found",
	});
	t.match(recording({ httpVersion: "HTTP/1.0", reason: "Fine" }).answer(0, null), {
		httpVersion: "HTTP/1.0",
		reason: "Fine",
	});
	t.equal(recording({ body: null }).answer(0, null).bodySize, 0);
	const headers = [":status", "200", "a", "b", ":x", "y"];
	const pairs = [0, 2, 4].map((at) => headers.slice(at, at + 2) as [string, string]);
	t.same(
		recording({ httpVersion: "HTTP/2", headers: [...pairs, ["x", "y\r\n\r\nHTTP/1.1 200 OK"]] }).answer(0, null).headers
			.fields,
		["a", "b"],
	);
	t.equal(recording({ reason: "OK\r\nevil: 1" }).answer(0, null).reason, "OK  evil: 1");
	t.end();
});

t.test("dates move with the time of the response", (t) => {
	const source = recording({
		headers: [
			["Date", "Tue, 14 Nov 2023 22:13:20 GMT"],
			["x", "y"],
		],
		timestampStart: STARTED,
	});
	t.equal(source.answer(STARTED + 60.9, usualDates).headers.get("date"), "Tue, 14 Nov 2023 22:14:20 GMT");
	t.equal(source.answer(STARTED + 61, usualDates).headers.get("date"), "Tue, 14 Nov 2023 22:14:21 GMT");
	t.equal(source.answer(STARTED + 61, null).headers.get("date"), "Tue, 14 Nov 2023 22:13:20 GMT");
	t.end();
});

t.test("a content coding is removed if the client does not accept it", (t) => {
	const body = gzipSync("plain text");
	const source = recording({
		body,
		headers: [
			["Content-Encoding", "gzip"],
			["Content-Length", String(body.length)],
		],
	});
	t.same(source.answer(0, null, null).rawContent, body, "no Accept-Encoding: any coding is accepted");
	t.same(source.answer(0, null, "gzip").rawContent, body);
	const plain = source.answer(0, null, "identity");
	t.equal(plain.rawContent?.toString(), "plain text");
	t.equal(plain.headers.get("content-encoding"), null);
	t.equal(plain.headers.get("content-length"), "10");
	t.equal(
		recording({ body: "not gzip", headers: [["Content-Encoding", "gzip"]] }).answer(0, null, "br").text,
		"not gzip",
		"a body that cannot be decoded stays unchanged",
	);
	t.equal(
		recording({
			body: "",
			headers: [
				["Content-Encoding", "gzip"],
				["Content-Length", "9"],
			],
		})
			.answer(0, null, "br")
			.headers.get("content-length"),
		"9",
		"as HEAD is answered",
	);
	t.end();
});

t.test("defects of recordings", (t) => {
	const length = (value: string, parts = {}) =>
		recording({ headers: [["Content-Length", value]], body: "hello", ...parts });
	t.equal(length("5").flaw("GET"), null);
	t.equal(recording().flaw("GET"), null, "no length");
	t.match(length("6").flaw("GET"), "content-length said 6, the body has 5 bytes");
	t.equal(length("6").flaw("HEAD"), null);
	t.equal(length("6", { statusCode: 304 }).flaw("GET"), null);
	t.match(length("6", { body: null }).flaw("GET"), "not recorded");
	t.equal(length("0", { body: null }).flaw("GET"), null);
	t.end();
});

t.test("how long a response stays the same", (t) => {
	const dated = recording({ headers: [["Date", "Tue, 14 Nov 2023 22:13:20 GMT"]], timestampStart: STARTED });
	t.equal(dated.staysUntil(STARTED + 60.9, usualDates), STARTED + 61);
	t.equal(dated.staysUntil(STARTED + 60.9, null), Number.POSITIVE_INFINITY);
	t.equal(recording().staysUntil(5, usualDates), Number.POSITIVE_INFINITY, "without dates");
	t.equal(
		recording().staysUntil(5, { headers: new Set(), json: [parseJsonPath("/at", "test")] }),
		5,
		"with dates in the body",
	);
	t.end();
});

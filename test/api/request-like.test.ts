// Makes requests from URLs, descriptions and flows.
import t from "tap";
import { type RequestLike, requestOf } from "../../api/request-like.ts";
import { httpFlow, httpRequest } from "../../fixtures/build-flow.ts";

t.test("a URL is a GET, its path and query as they are written", async (t) => {
	for (const like of ["https://example.com/a%2fb?x=1#part", new URL("https://example.com/a%2fb?x=1#part")]) {
		const request = requestOf(like);
		t.match(request, {
			method: "GET",
			scheme: "https",
			host: "example.com",
			port: 443,
			path: "/a%2fb?x=1",
			httpVersion: "HTTP/1.1",
		});
		t.equal(request.headers.get("host"), "example.com");
	}
});

t.test("headers by name and in pairs, and a body of text or bytes", async (t) => {
	const url = "http://example.com:8080/";
	t.same(requestOf({ url, headers: { "X-A": "ä" } }).headers.get("x-a"), "ä");
	t.same(requestOf({ url, headers: new Map([["x-a", "1"]]) }).headers.get("x-a"), "1");
	const request = requestOf({
		method: "PUT",
		url,
		headers: [
			["Host", "other"],
			["x-a", "1"],
			["x-a", "2"],
		],
		body: "ä",
	});
	t.same(request.headers.getAll("x-a"), ["1", "2"]);
	t.same(request.headers.getAll("host"), ["other"]);
	t.equal(requestOf({ url }).headers.get("host"), "example.com:8080");
	t.same(request.rawContent, Buffer.from("ä"));
	t.same(requestOf({ url, body: new Uint8Array([1, 2, 3]).subarray(1) }).rawContent, Buffer.from([2, 3]));
});

t.test("a Request, and the original request of a flow", async (t) => {
	const request = httpRequest();
	t.equal(requestOf(request), request);
	t.equal(requestOf(httpFlow({ original: request })), request);
});

t.test("invalid values", async (t) => {
	for (const like of ["", "/path", "example.com", "ftp://example.com/", { url: "mailto:a@b" }] as RequestLike[])
		t.throws(() => requestOf(like), { code: "FT_USAGE", message: /absolute URL/ });
});

// Messages as scripts see them.
import { gunzipSync, gzipSync } from "node:zlib";
import t from "tap";
import { httpRequest, httpResponse } from "../../../fixtures/build-flow.ts";
import { HeadersView } from "../../../src/scripts/headers-view.ts";
import { RequestView, ResponseView } from "../../../src/scripts/message-view.ts";

t.test("a request: its destination, and the headers that follow it", async (t) => {
	const request = new RequestView(httpRequest({ method: "get", path: "/a?x=1&y=%20", authority: "example.com" }));
	t.match(request, {
		method: "GET",
		scheme: "http",
		host: "example.com",
		port: 80,
		url: "http://example.com/a?x=1&y=%20",
		pretty_host: "example.com",
		authority: "example.com",
	});
	request.host = "other.test";
	request.port = 8080;
	t.equal(request.headers.get("host"), "other.test:8080");
	t.equal(request.authority, "other.test:8080");
	request.url = "https://third.test/b";
	t.match(request, { scheme: "https", port: 443, path: "/b", pretty_url: "https://third.test/b" });
	request.method = "POST";
	request.path = "/c";
	request.scheme = "http";
	request.authority = "";
	request.http_version = "HTTP/1.0";
	t.match(request, { method: "POST", path: "/c", scheme: "http", authority: "", http_version: "HTTP/1.0" });
});

t.test("query, cookies, forms", async (t) => {
	const request = new RequestView(
		httpRequest({
			path: "/a?x=1&x=2",
			headers: [
				["Cookie", "a=1; b=2"],
				["Cookie", "a=3; c"],
			],
		}),
	);
	t.same(request.query.getAll("x"), ["1", "2"]);
	request.query = { y: "a b" };
	t.equal(request.path, "/a?y=a+b");
	request.query = {};
	t.equal(request.path, "/a");
	t.same(
		[...request.cookies],
		[
			["a", "1"],
			["b", "2"],
			["c", ""],
		],
	);
	request.cookies = new Map([["z", "9"]]);
	t.equal(request.headers.get("cookie"), "z=9");
	t.same(request.form, []);
	request.urlencoded_form = { f: "1 2" };
	t.same(request.form, [["f", "1 2"]]);
	t.equal(request.headers.get("content-length"), "5");
});

t.test("anticache and anticomp", async (t) => {
	const request = new RequestView(
		httpRequest({
			headers: [
				["If-None-Match", "x"],
				["If-Modified-Since", "y"],
			],
		}),
	);
	request.anticache();
	request.anticomp();
	t.same([...request.headers], [["accept-encoding", "identity"]]);
});

t.test("bodies are decoded and encoded again", async (t) => {
	const response = new ResponseView(
		httpResponse({
			headers: [
				["Content-Encoding", "gzip"],
				["Content-Type", "application/json"],
			],
			body: gzipSync('{"a":1}'),
		}),
	);
	t.same(response.json(), { a: 1 });
	t.equal(response.content?.toString(), '{"a":1}');
	response.text = "new";
	t.equal(gunzipSync(response.raw_content ?? "").toString(), "new");
	response.decode();
	t.equal(response.raw_content?.toString(), "new");
	t.notOk(response.headers.has("content-encoding"));
	response.encode("gzip");
	t.equal(response.text, "new");
	response.raw_content = Buffer.from("no gzip");
	for (const read of [() => response.content, () => response.text, () => response.json()])
		t.throws(read, { code: "FT_BAD_BODY", message: /"gzip"/ });
	t.equal(response.raw_content?.toString(), "no gzip");
	t.throws(() => response.decode(), { code: "FT_BAD_BODY" });
	response.decode(false);
	t.equal(response.text, "no gzip");
	response.content = null;
	t.equal(response.text, null);
	response.decode();
});

t.test("creating a response", async (t) => {
	const response = ResponseView.make(404, "nö", { "Content-Type": "text/plain" });
	t.match(response, { status_code: 404, reason: "Not Found", http_version: "HTTP/1.1" });
	t.same(
		[...response.headers],
		[
			["Content-Type", "text/plain"],
			["content-length", "3"],
		],
	);
	response.status_code = 500;
	response.reason = "Oops";
	response.headers = [["A", "1"]];
	response.trailers = { T: "2" };
	t.match(response, { status_code: 500, reason: "Oops" });
	t.equal(response.headers.get("a"), "1");
	t.equal(response.trailers?.get("t"), "2");
	const headers = new HeadersView();
	response.headers = headers;
	response.trailers = null;
	t.equal(response.headers.headers, headers.headers);
	t.equal(response.trailers, null);
	t.ok(response.timestamp_start > 0 && response.timestamp_end !== null);
	t.equal(ResponseView.make().raw_content?.length, 0);
});

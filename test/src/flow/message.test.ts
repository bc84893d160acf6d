// Requests and responses: URLs, content and raw content, text.
import { gunzipSync, gzipSync } from "node:zlib";
import t from "tap";
import { Headers } from "../../../src/flow/headers.ts";
import { Request, Response } from "../../../src/flow/message.ts";

const request = (more = {}) =>
	new Request({ method: "GET", scheme: "http", host: "10.0.0.1", port: 80, path: "/p?q=1", ...more });

t.test("a body that decodes to more than 64 MiB counts as not decodable", async (t) => {
	const body = gzipSync(Buffer.alloc(64 * 1024 * 1024 + 1), { level: 1 });
	const response = new Response({ statusCode: 200, headers: Headers.of(["Content-Encoding", "gzip"]), body });
	t.throws(() => response.content, { code: "FT_BAD_BODY", message: /inflates beyond 67108864 bytes/ });
	t.equal(response.decodedOrRaw, body);
});

t.test("the URL of the destination, and the URL by the Host header", async (t) => {
	t.equal(request().url, "http://10.0.0.1/p?q=1");
	t.equal(request().prettyUrl, "http://10.0.0.1/p?q=1");
	const named = request({ port: 8080, headers: Headers.of(["Host", "example.com"]) });
	t.equal(named.url, "http://10.0.0.1:8080/p?q=1");
	t.equal(named.prettyUrl, "http://example.com/p?q=1", "the Host header's own port counts");
	t.equal(named.prettyHost, "example.com");
	t.equal(request({ headers: Headers.of(["Host", "[::1]:99"]) }).prettyUrl, "http://[::1]:99/p?q=1");
	t.equal(request({ headers: Headers.of(["Host", "a:b:c"]) }).prettyHost, "a:b:c");
	t.equal(request({ headers: Headers.of(["Host", "a"]), scheme: "ws" }).prettyUrl, "ws://a:443/p?q=1");
	t.equal(request({ method: "CONNECT", authority: "a:443", host: "a", port: 443 }).url, "a:443");
	t.equal(request({ method: "CONNECT", authority: "b:443", host: "a", port: 443 }).prettyUrl, "b:443");
	t.equal(request({ method: "OPTIONS", path: "*" }).url, "http://10.0.0.1");
	t.equal(request({ path: "/h\xc3\xa9" }).url, "http://10.0.0.1/hé");
});

t.test("HTTP/2 has the host in the authority", async (t) => {
	const h2 = request({ httpVersion: "HTTP/2.0", authority: "example.com", headers: Headers.of(["host", "other"]) });
	t.equal(h2.hostHeader, "example.com");
	t.equal(request({ httpVersion: "HTTP/2.0", headers: Headers.of(["host", "other"]) }).hostHeader, "other");
	t.equal(request().hostHeader, null);
});

t.test("setting the URL updates the Host header and the authority", async (t) => {
	const moved = request({ headers: Headers.of(["host", "old"]), authority: "old" });
	moved.url = "https://New.test:8443/é";
	t.same([moved.scheme, moved.host, moved.port, moved.path], ["https", "new.test", 8443, "/\xc3\xa9"]);
	t.equal(moved.headers.get("host"), "new.test:8443");
	t.equal(moved.authority, "new.test:8443");
	const bare = request();
	bare.url = "https://new.test/";
	t.equal(bare.headers.has("host"), false);
	t.throws(
		() => {
			bare.url = "nonsense";
		},
		{ code: "FT_BAD_OPTION" },
	);
});

t.test("content is decoded, and encoded with the same coding", async (t) => {
	const response = new Response({
		statusCode: 200,
		headers: Headers.of(["Content-Encoding", "gzip"]),
		body: gzipSync("abc"),
	});
	t.equal(response.content?.toString(), "abc");
	response.content = Buffer.from("longer than before");
	t.equal(gunzipSync(response.rawContent as Buffer).toString(), "longer than before");
	t.equal(response.headers.get("content-length"), String(response.bodySize));
	response.headers.set("content-encoding", "bogus");
	t.throws(() => response.content, { code: "FT_BAD_BODY" });
	t.same(response.decodedOrRaw, response.rawContent);
	response.content = Buffer.from("x");
	t.equal(response.headers.has("content-encoding"), false, "an unknown coding goes");
	t.equal(response.rawContent?.toString(), "x");
});

t.test("no Content-Length is set beside Transfer-Encoding", async (t) => {
	const response = new Response({ statusCode: 200, headers: Headers.of(["Transfer-Encoding", "chunked"]) });
	response.content = Buffer.from("x");
	t.equal(response.headers.has("content-length"), false);
});

t.test("text", async (t) => {
	const response = new Response({ statusCode: 200, headers: Headers.of(["Content-Type", "text/plain"]) });
	response.text = "世";
	t.equal(response.headers.get("content-type"), "text/plain; charset=utf-8");
	t.equal(response.text, "世");
	response.text = null;
	t.equal(response.text, null);
	t.equal(response.content, null);
	response.content = null;
	t.equal(response.rawContent, null);
	response.rawContent = new Uint8Array([65]);
	t.equal(response.text, "A");
	response.rawContent = null;
	t.equal(response.bodySize, null);
});

t.test("copies share no mutable state", async (t) => {
	const first = request({ headers: Headers.of(["a", "1"]), trailers: Headers.of(["t", "1"]) });
	const second = first.copy();
	second.headers.set("a", "2");
	second.trailers?.set("t", "2");
	t.equal(first.headers.get("a"), "1");
	t.equal(first.trailers?.get("t"), "1");
	t.equal(second.path, first.path);
	const answer = new Response({ statusCode: 204, reason: "No Content" });
	const again = answer.copy();
	again.headers.add("x", "y");
	t.equal(answer.headers.size, 0);
	t.equal(again.reason, "No Content");
	t.equal(again.trailers, null);
});

// Conversion of heads between HTTP/1.1 and HTTP/2.
import t from "tap";
import { Headers } from "../../../../src/flow/headers.ts";
import { Request, Response } from "../../../../src/flow/message.ts";
import {
	hasOtherHost,
	http1RequestFields,
	http2Fields,
	http2Framing,
	http2RequestHeaders,
	http2ResponseHeaders,
	isRequestedProtocol,
	isWebSocketUpgrade,
	regularFields,
	stripHttpUpgrade,
	upgradeRequestFields,
	upgradeResponseFields,
} from "../../../../src/proxy/http2/fields.ts";

const target = { method: "GET", scheme: "https", host: "example.com", port: 8443, path: "/p?q" };
const http1 = (...fields: string[]) => new Request({ ...target, headers: new Headers(fields) });
const http2 = (authority: string, ...fields: string[]) =>
	new Request({ ...target, httpVersion: "HTTP/2.0", authority, headers: new Headers(fields) });
const none = { framing: { kind: "none" } } as const;
const pseudo = { ":method": "GET", ":scheme": "https", ":path": "/p?q" };

t.test("regular fields without pseudo-header fields", async (t) => {
	t.strictSame(regularFields([":method", "GET", ":path", "/", "a", ":b", "a", "c"]), ["a", ":b", "a", "c"]);
	t.strictSame(regularFields([":status", "200"]), []);
});

t.test("a Host field that differs from the authority", async (t) => {
	for (const [host, authority, scheme] of [
		["b", "a", "https"],
		["a:8080", "a", "https"],
		["a", "a:8080", "https"],
		["", "a", "https"],
		["a:80", "a", "https"],
		["a:443", "a:80", "http"],
	] as const)
		t.ok(hasOtherHost(["host", host], authority, scheme), `${host} ${authority}`);
	for (const [host, authority, scheme] of [
		["A", "a", "https"],
		["a:443", "a", "https"],
		["a:", "a", "https"],
		["a", "a:80", "http"],
		["b", "", "https"],
	] as const)
		t.notOk(hasOtherHost(["host", host], authority, scheme), `${host} ${authority}`);
	t.notOk(hasOtherHost([], "a", "https"));
});

t.test("body framing", async (t) => {
	t.strictSame(http2Framing([], true), { kind: "none" });
	t.strictSame(http2Framing(["content-length", "0"], true), { kind: "length", length: 0 });
	t.strictSame(http2Framing(["content-length", "0"], false), { kind: "chunked" }, "trailers may follow");
	t.strictSame(http2Framing(["content-length", "12"], false), { kind: "length", length: 12 });
	t.strictSame(http2Framing([], false), { kind: "chunked" });
	t.strictSame(http2Framing(["content-length", "x"], false), { kind: "chunked" });
});

t.test(
	"an HTTP/1.1 request in HTTP/2: Host becomes the authority, cookies are split, connection fields are dropped",
	async (t) => {
		const request = http1(
			...[
				"Host",
				"Example.com:8443",
				"Connection",
				"keep-alive, X-Hop",
				"X-Hop",
				"1",
				"Keep-Alive",
				"5",
				"Cookie",
				"a=1; b=2;c=3",
			],
			...["TE", "gzip", "Transfer-Encoding", "chunked", "X-Twice", "1", "x-twice", "2", "Accept", "*/*", "accept", "b"],
		);
		t.strictSame(
			{ ...http2RequestHeaders(request, { framing: { kind: "chunked" } }, false) },
			{
				...pseudo,
				":authority": "Example.com:8443",
				cookie: ["a=1", "b=2", "c=3"],
				"x-twice": ["1", "2"],
				accept: ["*/*", "b"],
			},
		);
		t.equal(http2RequestHeaders(http1(), none, false)[":authority"], "example.com:8443", "without Host");
		t.equal(
			http2RequestHeaders(http1("TE", "gzip, Trailers"), none, false).te,
			"trailers",
			"the one thing that HTTP/2 lets TE say",
		);
		t.equal(
			http2RequestHeaders(http1("Connection", "TE", "TE", "trailers"), none, false).te,
			"trailers",
			"as HTTP/1.1 has to say it",
		);
		t.strictSame(http2RequestHeaders(http1("Cookie", "a=1; ; b=2;\t"), none, false).cookie, ["a=1", "b=2"]);
	},
);

t.test("an HTTP/2 request in HTTP/2 is unchanged", async (t) => {
	const request = http2("other:1", "cookie", "a=1", "cookie", "b=2", "host", "third", "content-length", "3");
	t.strictSame(
		{ ...http2RequestHeaders(request, { framing: { kind: "length", length: 3 } }, false) },
		{
			...pseudo,
			":authority": "other:1",
			cookie: ["a=1", "b=2"],
			host: "third",
			"content-length": "3",
		},
	);
	t.notOk(
		":authority" in http2RequestHeaders(http2("", "host", "third"), none, false),
		"a client that names its host in a field alone",
	);
	t.equal(http2RequestHeaders(http2(""), none, false)[":authority"], "example.com:8443", "or nowhere");
});

t.test("an HTTP/2 request in HTTP/1.1: with Host, and one Cookie field", async (t) => {
	t.strictSame(http1RequestFields(http2("example.com", "a", "1", "cookie", "a=1", "b", "2", "cookie", "b=2")), [
		"Host",
		"example.com",
		"a",
		"1",
		"cookie",
		"a=1; b=2",
		"b",
		"2",
	]);
	t.strictSame(http1RequestFields(http2("example.com", "host", "third", "a", "1", "http2-settings", "AA")), [
		"host",
		"third",
		"a",
		"1",
	]);
	t.strictSame(http1RequestFields(http2("")), ["Host", "example.com:8443"]);
});

t.test("a wrong length is corrected or removed", async (t) => {
	const length = (body: Parameters<typeof http2RequestHeaders>[1], touched: boolean) =>
		http2RequestHeaders(http2("a", "content-length", "99"), body, touched)["content-length"];
	t.equal(length({ size: 3 }, true), "3");
	t.equal(length({ framing: { kind: "length", length: 4 } }, true), "4");
	t.equal(length({ framing: { kind: "chunked" } }, true), undefined);
	t.equal(length({ framing: { kind: "chunked" } }, false), "99", "unchanged fields stay as the client sent them");
	t.notOk("content-length" in http2RequestHeaders(http2("a"), { size: 3 }, true), "none is added");
});

t.test("responses", async (t) => {
	const response = (statusCode: number, ...fields: string[]) =>
		new Response({ statusCode, headers: new Headers(fields) });
	const sent = (one: Response, request = http2("a")) => ({ ...http2ResponseHeaders(one, request, { size: 5 }, true) });
	t.strictSame(
		sent(response(200, "Set-Cookie", "a=1", "Set-Cookie", "b=2", "Connection", "close", "Content-Length", "4")),
		{
			":status": 200,
			"set-cookie": ["a=1", "b=2"],
			"content-length": "5",
		},
	);
	t.strictSame(
		sent(response(304, "Content-Length", "4")),
		{ ":status": 304, "content-length": "4" },
		"about a body that is not sent",
	);
	t.equal(
		sent(response(200, "Content-Length", "4"), new Request({ ...target, method: "HEAD" }))["content-length"],
		"4",
	);
	t.equal(
		sent(response(200, "Content-Type", "a", "Content-Type", "b"))["content-type"],
		"a, b",
		"what Node sends once only",
	);
});

t.test("interim responses and trailers", async (t) => {
	t.strictSame(
		{ ...http2Fields(["Link", "</a>", "link", "</b>", "__proto__", "x"]) },
		{ link: ["</a>", "</b>"], ["__proto__"]: "x" },
	);
});

t.test("fields that HTTP/2 cannot represent are left out and reported", async (t) => {
	const left: string[] = [];
	const leftOut = (name: string) => void left.push(name);
	const fields = [
		"Bad Name",
		"1",
		"x-a",
		"\x00",
		"x-b",
		"a\x7f",
		"",
		"2",
		":path",
		"/",
		"a\xe9",
		"3",
		"x-c",
		"\t a b ",
		"x-d",
		"a\tb",
	];
	t.strictSame(
		{ ...http2Fields([...fields, "te", "x", "connection", "close"], leftOut) },
		{ "x-c": "a b", "x-d": "a\tb" },
	);
	t.strictSame(left, ["bad name", "x-a", "x-b", "", ":path", "a\xe9"], "those about the connection go without a word");
	t.match(http2RequestHeaders(http2("a", ...fields), none, false, leftOut), { "x-c": "a b" });
	t.match(
		http2ResponseHeaders(
			new Response({ statusCode: 200, headers: new Headers(fields) }),
			http2("a"),
			none,
			false,
			leftOut,
		),
		{ "x-c": "a b" },
	);
	t.equal(left.length, 18);
});

t.test("a WebSocket is an extended CONNECT in HTTP/2, and a GET with an upgrade in HTTP/1.1", async (t) => {
	const request = http2("a", "sec-websocket-version", "13", ...upgradeRequestFields());
	t.ok(isWebSocketUpgrade(request));
	t.notOk(isWebSocketUpgrade(http1("upgrade", "websocket")), "without Connection");
	t.strictSame(
		{ ...http2RequestHeaders(request, none, false) },
		{
			":method": "CONNECT",
			":protocol": "websocket",
			":scheme": "https",
			":authority": "a",
			":path": "/p?q",
			"sec-websocket-version": "13",
		},
	);
	const fields = upgradeResponseFields(http1("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="));
	t.equal(
		new Headers(fields).get("sec-websocket-accept"),
		"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
		"the example of RFC 6455 section 1.3",
	);
	const response = new Response({
		statusCode: 101,
		headers: new Headers([...fields, "sec-websocket-protocol", "chat"]),
	});
	t.strictSame(
		{ ...http2ResponseHeaders(response, request, none, false) },
		{ ":status": 200, "sec-websocket-protocol": "chat" },
	);
});

t.test("an offer to upgrade to HTTP or TLS is removed, others are kept", async (t) => {
	const offer = http1(
		"Host",
		"a",
		"Connection",
		"Upgrade, HTTP2-Settings",
		"Upgrade",
		"H2C",
		"HTTP2-Settings",
		"AAMAAABk",
	);
	stripHttpUpgrade(offer);
	t.strictSame(offer.headers.fields, ["Host", "a"]);
	const one = http1(
		"Upgrade",
		"foo",
		"Upgrade",
		'h2c, "h2c" ,bar',
		"Connection",
		"close, Upgrade, HTTP2-Settings",
		"HTTP2-Settings",
		"AAMAAABk",
	);
	stripHttpUpgrade(one);
	t.strictSame(one.headers.fields, ["Upgrade", "foo, bar", "Connection", "close, Upgrade"], "one of several");
	const last = http1("Upgrade", "h2c,", "Connection", "close, Upgrade");
	stripHttpUpgrade(last);
	t.strictSame(last.headers.fields, ["Connection", "close"]);
	for (const protocol of ["TLS/1.0", "tls", "HTTP/1.1", "http/2.0", '"HTTP/3"']) {
		const inside = http1("Connection", "Upgrade", "Upgrade", `${protocol}, foo`);
		stripHttpUpgrade(inside);
		t.equal(inside.headers.get("upgrade"), "foo", protocol);
	}
	for (const protocol of ["websocket", "foo/2", "httpx", "tls-like/1"]) {
		const other = http1("Connection", "Upgrade", "Upgrade", protocol);
		stripHttpUpgrade(other);
		t.equal(other.headers.size, 2, protocol);
	}
});

t.test("a 101 may switch only to a requested protocol", async (t) => {
	const request = http1("Connection", "Upgrade", "Upgrade", "foo/2, WebSocket");
	for (const [fields, want] of [
		[["Upgrade", "websocket"], true],
		[["upgrade", "Foo/2"], true],
		[[], true],
		[["Upgrade", "h2c"], false],
		[["Upgrade", "websocket", "Upgrade", "h2c"], false],
	] as const)
		t.equal(isRequestedProtocol([...fields], request), want, String(fields));
});

// Request keys. By default, the same requests are equal as in mitmproxy.
import { createHash } from "node:crypto";
import t from "tap";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import { defaultRequestKey, requestKeyFor } from "../../../../src/replay/match/key.ts";

type Parts = NonNullable<NonNullable<Parameters<typeof httpFlow>[0]>["request"]>;

const keyOf = (request: Parts) => defaultRequestKey(httpFlow({ request }));
const form = (body: string): Parts => ({
	method: "POST",
	headers: [["Content-Type", "application/x-www-form-urlencoded"]],
	body,
});

const same: [what: string, a: Parts, b: Parts][] = [
	["the case of the method", { method: "get" }, { method: "GET" }],
	["the case of the host", { host: "EXAMPLE.com" }, { host: "example.COM" }],
	["the port in the Host header", { headers: [["Host", "example.com:81"]] }, { headers: [["Host", "example.com"]] }],
	["parameters of the last segment", { path: "/p;x=1" }, { path: "/p;x=2" }],
	["a fragment", { path: "/p#a" }, { path: "/p#b" }],
	["a missing value", { path: "/?x" }, { path: "/?x=" }],
	["an empty query", { path: "/p?" }, { path: "/p" }],
	["escapes in the query", { path: "/?a=%20b" }, { path: "/?a=+b" }],
	["empty pairs", { path: "/?a=1&&b=2&" }, { path: "/?a=1&b=2" }],
	[
		"headers",
		{
			headers: [
				["Host", "example.com"],
				["A", "1"],
			],
		},
		{ headers: [["Host", "example.com"]] },
	],
	["the version of HTTP", { httpVersion: "HTTP/2.0", authority: "example.com" }, { httpVersion: "HTTP/1.1" }],
	["OPTIONS of a server", { method: "OPTIONS", path: "*" }, { method: "options", path: "*" }],
];

const different: [what: string, a: Parts, b: Parts][] = [
	["the method", { method: "GET" }, { method: "PUT" }],
	["the scheme", { scheme: "http", port: 80 }, { scheme: "https", port: 80 }],
	["the port", { port: 80 }, { port: 81 }],
	["escapes in the path", { path: "/%41" }, { path: "/A" }],
	["a slash at the end", { path: "/p" }, { path: "/p/" }],
	["parameters of another segment", { path: "/p;x=1/z" }, { path: "/p;x=2/z" }],
	["the order of the query", { path: "/?a=1&b=2" }, { path: "/?b=2&a=1" }],
	["duplicates", { path: "/?a=1&a=1" }, { path: "/?a=1" }],
	["a semicolon separates nothing", { path: "/?a=1;b=2" }, { path: "/?a=1&b=2" }],
	["an escaped separator", { path: "/?a=1%26b=2" }, { path: "/?a=1&b=2" }],
	["bytes that are not UTF-8", { path: "/?q=%E9" }, { path: "/?q=%E8" }],
	["a byte that is not UTF-8, and the replacement character", { path: "/?q=%E9" }, { path: "/?q=%EF%BF%BD" }],
	["the body", { body: "a" }, { body: "b" }],
	["no body recorded, and an empty one", { body: null }, { body: "" }],
	["the order of a form", form("a=1&b=2"), form("b=2&a=1")],
	["large bodies", { body: "x".repeat(5000) }, { body: `${"x".repeat(4999)}y` }],
	["a line break in the query and a body", { path: "/?a=%0A=b" }, { path: "/?a=", body: "b" }],
];

for (const [what, a, b] of same) t.equal(keyOf(a), keyOf(b), `the same: ${what}`);
for (const [what, a, b] of different) t.not(keyOf(a), keyOf(b), `different: ${what}`);

t.test("a key is 16 hexadecimal digits, and the same in every version, because tapes contain it", (t) => {
	t.equal(keyOf({}), "944412f7fc36f89b");
	t.equal(keyOf({ scheme: "https", path: "/a?b=%C3%A4", method: "POST", body: "x".repeat(2000) }), "be4283a8a048d6db");
	t.end();
});

t.test("a coded body is compared decoded", async (t) => {
	const { gzipSync } = await import("node:zlib");
	const coded = (level: number): Parts => ({
		body: gzipSync("the body", { level }),
		headers: [
			["Host", "example.com"],
			["Content-Encoding", "gzip"],
		],
	});
	t.equal(keyOf(coded(1)), keyOf(coded(9)));
	t.equal(keyOf(coded(1)), keyOf({ body: "the body" }));
	t.end();
});

t.test("options change the key of a request", (t) => {
	const flow = httpFlow();
	t.equal(requestKeyFor({})(flow), defaultRequestKey(flow));
	t.not(requestKeyFor({ server_replay_use_headers: ["host"] })(flow), defaultRequestKey(flow));
	t.end();
});

t.test("a body on disk is not read if its hash is known", async (t) => {
	const bytes = Buffer.alloc(5000, "x");
	const unread = (): never => t.fail("it was read") as never;
	const elsewhere = {
		size: bytes.length,
		sha256: createHash("sha256").update(bytes).digest("hex"),
		read: unread,
		chunks: unread,
	};
	const flow = httpFlow({ request: { body: bytes } });
	const key = defaultRequestKey(flow);
	flow.request.body = elsewhere;
	t.equal(defaultRequestKey(flow), key);
});

// The parts of a flow that filter patterns are matched against.
import { gzipSync } from "node:zlib";
import t from "tap";
import {
	dnsFlow,
	httpFlow,
	httpRequest,
	httpResponse,
	tcpFlow,
	udpFlow,
	websocketFlow,
} from "../../../fixtures/build-flow.ts";
import {
	addressText,
	filteredUrl,
	headerLines,
	metadataText,
	type Sides,
	someBody,
	someContentType,
	someHost,
} from "../../../src/filter/subjects.ts";
import type { Flow } from "../../../src/flow/flow.ts";
import { Headers } from "../../../src/flow/headers.ts";
import { Float } from "../../../src/flow/metadata.ts";
import { compilePythonRegex } from "../../../src/regex/python-regex.ts";

/** All values that a function passes to its test, which rejects them. */
function offered(offer: (passes: (value: string) => boolean) => boolean): string[] {
	const seen: string[] = [];
	offer((value) => {
		seen.push(value);
		return false;
	});
	return seen;
}

t.test("content types are matched one by one", async (t) => {
	const message = httpResponse({
		headers: [
			["content-type", "a/b"],
			["X", "no"],
			["Content-Type", ""],
			["CONTENT-TYPE", "c; d"],
		],
	});
	t.same(
		offered((passes) => someContentType(message, passes)),
		["a/b", "", "c; d"],
	);
	t.notOk(someContentType(null, () => true));
	t.ok(someContentType(message, (value) => value === ""));
});

t.test("header lines are one string", async (t) => {
	const message = httpRequest({ headers: new Headers(["Host", "a", "X-Latin", "\xe9", "host", "b"]) });
	t.same(
		offered((passes) => headerLines(message, passes)),
		["Host: a\r\nX-Latin: \xe9\r\nhost: b\r\n"],
	);
	t.same(
		offered((passes) => headerLines(httpRequest({ headers: [] }), passes)),
		[""],
	);
	t.notOk(headerLines(null, () => true));
});

t.test("bodies", async (t) => {
	const [client, server, both]: Sides[] = [
		{ client: true, server: false },
		{ client: false, server: true },
		{ client: true, server: true },
	];
	const matches = (flow: Flow, text: string, sides = both as Sides) =>
		someBody(flow, sides, compilePythonRegex(text, { kind: "bytes", dotAll: true }));
	const packed = httpFlow({
		request: { body: "from the client" },
		response: { body: gzipSync("from the server"), headers: [["Content-Encoding", "gzip"]] },
	});
	t.ok(matches(packed, "the server"));
	t.ok(matches(packed, "the server", server));
	t.notOk(matches(packed, "the server", client));
	t.ok(matches(packed, "the client", client));
	t.notOk(matches(packed, "the client", server));
	packed.response?.headers.set("content-encoding", "br");
	t.ok(matches(packed, "^\\x1f\\x8b"), "as sent if they cannot be decoded");
	const none = httpFlow({ request: { body: null }, response: null });
	t.notOk(matches(none, ""));
	t.ok(
		matches(httpFlow({ request: { body: null }, response: { body: "" } }), "^$"),
		"an empty body is one, a missing one is none",
	);
	t.ok(matches(httpFlow({ response: { body: "caf\xe9" } }), "café"));
	t.notOk(
		matches(httpFlow({ response: { body: Buffer.from("caf\xe9", "latin1") } }), "café"),
		"the bytes of the pattern are UTF-8",
	);

	const socket = websocketFlow();
	t.ok(matches(socket, "ping", client));
	t.notOk(matches(socket, "ping", server));
	t.ok(matches(socket, "pong", server));
	t.notOk(matches(socket, "ping.*pong"), "message by message");
	for (const flow of [tcpFlow(), udpFlow()]) {
		t.ok(matches(flow, "hello", client));
		t.notOk(matches(flow, "hello", server));
		t.ok(matches(flow, "there"));
		t.notOk(matches(flow, "hello.*there"));
	}
	const dns = dnsFlow();
	t.ok(matches(dns, "example\\.com", client));
	t.notOk(matches(dns, "192\\.0\\.2\\.1", client));
	t.ok(matches(dns, "com\r\n192\\.0\\.2\\.1$", server));
	t.notOk(matches(dnsFlow({ response: null }), "192", server));
});

t.test("hosts, also internationalized ones", async (t) => {
	const matches = (request: Parameters<typeof httpRequest>[0], text: string) =>
		someHost(httpFlow({ request: request ?? {} }), compilePythonRegex(text, { kind: "text" }));
	const named = { host: "10.0.0.1", headers: [["Host", "example.com:8080"]] as const };
	t.ok(matches(named, "^10"));
	t.ok(matches(named, "^example\\.com$"));
	t.notOk(matches(named, "8080"));
	t.notOk(matches({ host: "a", headers: [] }, "b"));
	const international = { host: "xn--mnchen-3ya.de", headers: [] };
	t.ok(matches(international, "xn--"));
	t.notOk(matches(international, "münchen"), "in HTTP/1 names are not decoded");
	const authority = { ...international, httpVersion: "HTTP/2.0", authority: "xn--mnchen-3ya.de" };
	t.ok(matches(authority, "münchen"));
	t.ok(matches(authority, "xn--"));
});

t.test("URLs", async (t) => {
	t.equal(
		filteredUrl(
			httpFlow({
				request: { scheme: "https", host: "1.2.3.4", port: 8443, path: "/a?b", headers: [["Host", "name:99"]] },
			}),
		),
		"https://name:99/a?b",
	);
	t.equal(filteredUrl(httpFlow({ request: { method: "CONNECT", host: "a", port: 443, authority: "a:443" } })), "a:443");
	t.equal(filteredUrl(websocketFlow()), "http://example.com/");
	t.equal(
		filteredUrl(httpFlow({ request: { httpVersion: "HTTP/2.0", authority: "xn--mnchen-3ya.de", path: "/xn--x" } })),
		"http://münchen.de/xn--x",
	);
	t.equal(filteredUrl(dnsFlow()), "example.com");
	t.equal(filteredUrl(dnsFlow({ request: { questions: [] } })), null);
	t.equal(filteredUrl(tcpFlow()), null);
});

t.test("addresses and metadata", async (t) => {
	t.equal(addressText(["::1", 5, 0, 0]), "::1:5");
	t.equal(
		metadataText(httpFlow({ metadata: { user: "it's", n: new Float(1), list: [true, null] } })),
		"user: it's\nn: 1.0\nlist: [True, None]",
	);
	t.equal(metadataText(httpFlow()), "");
});

t.test("a fragment is not part of the URL that is matched", async (t) => {
	t.equal(filteredUrl(httpFlow({ request: { path: "/app.js#sha-1" } })), "http://example.com/app.js");
	t.equal(filteredUrl(httpFlow({ request: { path: "/a%23b?c" } })), "http://example.com/a%23b?c");
});

// The parts of a request that all exports need.
import t from "tap";
import { httpRequest } from "../../../fixtures/build-flow.ts";
import { namedServer, requestParts, requestUrl, textBody } from "../../../src/export/request-parts.ts";

const partsOf = (parts: Parameters<typeof httpRequest>[0]) => requestParts(httpRequest(parts), () => {});

t.test("the headers for a command", async (t) => {
	const notes: string[] = [];
	const headers = [
		["host", "example.com"],
		["Content-Length", "3"],
		[":path", "/"],
		["X-A", "1"],
		["bad name", "x"],
		["X-B", "a\r\nb"],
		["Connection", "keep-alive, X-Hop"],
		["Keep-Alive", "timeout=5"],
		["X-Hop", "1"],
		["TE", "trailers"],
		["Upgrade", "h2c"],
		["Proxy-Connection", "keep-alive"],
		["Proxy-Authorization", "Basic eDp5"],
	] as const;
	const { fields } = requestParts(httpRequest({ headers }), (note) => notes.push(note));
	t.same(fields, [
		["X-A", "1"],
		["X-B", "a  b"],
	]);
	t.match(notes, [/header "bad name" is left out/]);
	t.equal(notes.length, 1);
});

t.test("a WebSocket handshake keeps its headers", async (t) => {
	const headers = [
		["Connection", "Upgrade"],
		["Upgrade", "websocket"],
		["TE", "x"],
	] as const;
	t.same(
		partsOf({ scheme: "wss", headers }).fields.map(([name]) => name),
		["Connection", "Upgrade"],
	);
	t.equal(partsOf({ scheme: "wss", headers }).scheme, "https");
});

t.test("URLs are exported unchanged, without fragment", async (t) => {
	const url = (path: string) => requestUrl(partsOf({ path }), "example.com", 80);
	t.equal(url("/a b\n\u00e9"), "http://example.com/a%20b%0A\u00e9");
	t.equal(url("/a?x=1#frag"), "http://example.com/a?x=1");
	t.equal(url("/a%23b"), "http://example.com/a%23b");
});

t.test("the server named in the Host header", async (t) => {
	const named = (host: string) => namedServer(partsOf({ host: "10.0.0.1", port: 8080, headers: [["Host", host]] }));
	t.same(named("shop.example"), { host: "shop.example", port: 80 });
	t.same(named("[::1]:81"), { host: "::1", port: 81 });
	for (const odd of ["user:pw@shop.example", "a b", "a/b", "", "x?y"])
		t.same(named(odd), { host: "10.0.0.1", port: 8080 }, odd);
});

t.test("requests that cannot be expressed as commands", async (t) => {
	for (const parts of [
		...["--output=/tmp/x y", "", "G T", "-o/tmp/x", "CONNECT"].map((method) => ({ method })),
		...["--output=/x", "file", "ftp", ""].map((scheme) => ({ scheme })),
		...["", "a b", "a/b", "a@b", "a\nb", "-\0"].map((host) => ({ host })),
		...["x", "@evil.example/", ".evil.example/"].map((path) => ({ path })),
		{ port: 0 },
		{ port: 65536 },
		{ body: null },
	])
		t.throws(() => partsOf(parts), { code: "FT_LOSS" }, JSON.stringify(parts));
});

t.test("bodies that fit in an argument", async (t) => {
	t.equal(textBody(Buffer.from("a\tb\n")), "a\tb\n");
	for (const body of [
		Buffer.from("a\r\n"),
		Buffer.from([0x7f]),
		Buffer.from([0xff]),
		Buffer.from("a\u202eb"),
		Buffer.from("\u009b"),
		Buffer.alloc(100_000, "x"),
	])
		t.equal(textBody(body), null);
});

t.test("a body that is too large for a command", async (t) => {
	t.throws(() => partsOf({ method: "POST", body: Buffer.alloc(8 * 1024 * 1024 + 1) }), {
		code: "FT_LOSS",
		message: /its body has 8388609 bytes, too many/,
	});
});

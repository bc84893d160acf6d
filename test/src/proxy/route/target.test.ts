// The target of a request.
import t from "tap";
import { Headers } from "../../../../src/flow/headers.ts";
import { Request } from "../../../../src/flow/message.ts";
import {
	connectTarget,
	reverseTo,
	setTargetHost,
	type TunnelTarget,
	targetOf,
} from "../../../../src/proxy/route/target.ts";

const head = (target: string, fields: string[] = ["Host", "a.example"], method = "GET") => ({
	method,
	target,
	version: "HTTP/1.1",
	fields,
});

t.test("absolute form", async (t) => {
	for (const [target, scheme, host, port, path] of [
		["http://b.example/p?q", "http", "b.example", 80, "/p?q"],
		["HTTPS://B.example:8443/", "https", "B.example", 8443, "/"],
		["https://b.example", "https", "b.example", 443, "/"],
		["http://b.example?q=/x", "http", "b.example", 80, "/?q=/x"],
		["http://[::1]:81/", "http", "::1", 81, "/"],
		["http://user:p%40ss@b.example/", "http", "b.example", 80, "/"],
		["http://b.example/http://c.example/?a@b:1", "http", "b.example", 80, "/http://c.example/?a@b:1"],
		["http://b\xc3\xbccher.example/\xe4", "http", "xn--bcher-kva.example", 80, "/\xe4"],
		["http://\xef\xbd\x93hop\xc2\xad.ex\xef\xbd\x81mple:81/", "http", "shop.example", 81, "/"],
	] as const)
		t.strictSame(targetOf(head(target), null), { scheme, host, port, path }, target);
	t.equal(targetOf(head("http://b.example", [], "OPTIONS"), null).path, "*");
});

t.test("origin form: the Host field", async (t) => {
	t.strictSame(targetOf(head("/p?q"), null), { scheme: "http", host: "a.example", port: 80, path: "/p?q" });
	t.strictSame(targetOf(head("*", ["host", "a.example:81"], "OPTIONS"), null), {
		scheme: "http",
		host: "a.example",
		port: 81,
		path: "*",
	});
	t.strictSame(targetOf(head("//b.example/", ["HOST", "[::1]"]), null), {
		scheme: "http",
		host: "::1",
		port: 80,
		path: "//b.example/",
	});
});

t.test("in a tunnel, the tunnel determines the target", async (t) => {
	const tunnel: TunnelTarget = { scheme: "https", host: "t.example", port: 444, sni: "s.example" };
	for (const target of ["/p", "http://b.example/p", "https://c.example:1/p"]) {
		t.match(targetOf(head(target), tunnel), { scheme: "https", host: "t.example", port: 444, path: "/p" });
	}
});

t.test("requests without a target are rejected", async (t) => {
	for (const [target, fields, message] of [
		["/", [], /no Host header/],
		["/", ["Host", ""], /host header: expected host or host:port, found ""/],
		["/", ["Host", "a", "Host", "b"], /expected one Host header/],
		["/", ["Host", "a/b"], /host header/],
		["/", ["Host", "a:99999"], /host header/],
		["/", ["Host", "a:x"], /host header/],
		["ftp://a/", ["Host", "a"], /request target: expected \/path or http:\/\/host\/path/],
		["a.example:443", ["Host", "a"], /request target: expected/],
		["http://", ["Host", "a"], /request target: expected host or host:port, found "http:\/\/"/],
		["http:///p", ["Host", "a"], /expected host or host:port/],
		["http://a:0/", ["Host", "a"], /expected host or host:port/],
		["http://a\\b/", ["Host", "a"], /expected host or host:port/],
	] as [string, string[], RegExp][])
		t.throws(() => targetOf(head(target, fields), null), { code: "FT_PROTOCOL", message }, `${target} ${fields}`);
});

t.test("CONNECT", async (t) => {
	for (const [target, host, port] of [
		["a.example:443", "a.example", 443],
		["[2001:db8::1]:8443", "2001:db8::1", 8443],
		["10.0.0.1:80", "10.0.0.1", 80],
	] as const)
		t.match(connectTarget(head(target, [], "CONNECT")), { host, port });
	for (const target of ["a.example", "a.example:", ":443", "a:0", "a:65536", "a b:1", "http://a:1/", "a/b:1"])
		t.throws(() => connectTarget(head(target, [], "CONNECT")), { code: "FT_PROTOCOL", message: /expected/ }, target);
});

t.test("a reverse proxy sets Host to its target, unless the option keeps the client's", async (t) => {
	const server = { scheme: "https" as const, host: "s.example", port: 8443 };
	const target = reverseTo(server, false);
	t.match(targetOf(head("/p", ["Host", "c.example"]), target), {
		scheme: "https",
		host: "s.example",
		port: 8443,
		path: "/p",
	});
	const request = (fields: string[], authority = "") =>
		new Request({
			method: "GET",
			scheme: "https",
			host: "s.example",
			port: 8443,
			authority,
			headers: new Headers(fields),
		});
	for (const [fields, authority, want, to] of [
		[["hOST", "c.example"], "", ["hOST", "s.example:8443"], ""],
		[[], "", ["Host", "s.example:8443"], ""],
		[[], "c.example", [], "s.example:8443"],
		[["host", "c.example"], "c.example", ["host", "s.example:8443"], "s.example:8443"],
	] as const) {
		const named = request([...fields], authority);
		setTargetHost(named, target);
		t.strictSame([named.headers.fields, named.authority], [want, to]);
	}
	const kept = request(["Host", "c.example"]);
	setTargetHost(kept, reverseTo(server, true));
	setTargetHost(kept, { scheme: "http", host: "x", port: 1, sni: null });
	t.strictSame(kept.headers.fields, ["Host", "c.example"]);
});

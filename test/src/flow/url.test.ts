// URLs are split without being normalized.
import t from "tap";
import {
	canonicalHost,
	defaultPort,
	formatAuthority,
	formatUrl,
	parseAuthority,
	parseQuery,
	parseUrl,
	percentDecode,
	splitPath,
	splitUrl,
	withoutFragment,
} from "../../../src/flow/url.ts";

t.test("authorities", async (t) => {
	t.same(parseAuthority("example.com"), { host: "example.com", port: null });
	t.same(parseAuthority("example.com:8080"), { host: "example.com", port: 8080 });
	t.same(parseAuthority("[::1]:443"), { host: "::1", port: 443 });
	t.same(parseAuthority("[::1]"), { host: "::1", port: null });
	for (const bad of ["", ":80", "a:b", "a:99999", "a:1:2", "::1"]) t.equal(parseAuthority(bad), null, bad);
	t.equal(formatAuthority("::1", 80, "http"), "[::1]");
	t.equal(formatAuthority("a", 443, "https"), "a");
	t.equal(formatAuthority("a", 80, "https"), "a:80");
	t.equal(formatAuthority("a", 80), "a:80");
	t.equal(defaultPort("wss"), 443);
	t.equal(defaultPort("nope"), 80);
});

t.test("URLs", async (t) => {
	t.same(parseUrl("HTTP://User:pw@Example.COM/a/../b?x=|#f"), {
		scheme: "http",
		host: "example.com",
		port: 80,
		path: "/a/../b?x=|#f",
	});
	t.same(parseUrl("https://[::1]:8443"), { scheme: "https", host: "::1", port: 8443, path: "/" });
	t.same(parseUrl("http://a?q"), { scheme: "http", host: "a", port: 80, path: "/?q" });
	for (const bad of ["", "/path", "http://", "http:///x", "a b", "http://a:port/"])
		t.throws(() => parseUrl(bad), { code: "FT_BAD_OPTION" }, bad);
	t.equal(splitUrl("http://a:port/"), null);
	t.equal(formatUrl("https", "a", 443, "/x"), "https://a/x");
	t.equal(formatUrl("https", "::1", 1, "/x"), "https://[::1]:1/x");
});

t.test("paths and queries", async (t) => {
	t.same(splitPath("/a?b=1#c?d"), { path: "/a", query: "b=1" });
	t.same(splitPath("/a#b?c"), { path: "/a", query: "" });
	t.same(splitPath("*"), { path: "*", query: "" });
	t.same(parseQuery("a=1&b&&=v&a==&c=%41+%zz&d=%ff"), [
		["a", "1"],
		["b", ""],
		["", "v"],
		["a", "="],
		["c", "A %zz"],
		["d", "\udcff"],
	]);
	t.equal(percentDecode("%c3%A9%"), "é%");
	t.equal(percentDecode("plain"), "plain");
	t.not(percentDecode("%e9"), percentDecode("%e8"), "bytes that are no UTF-8 are told apart");
});

t.test("a fragment", async (t) => {
	for (const [path, wanted] of [
		["/a#b", "/a"],
		["/a?x#y?z#", "/a?x"],
		["/a%23b", "/a%23b"],
		["#", ""],
		["*", "*"],
	] as const)
		t.equal(withoutFragment(path), wanted);
});

t.test("the canonical form of a host", async (t) => {
	for (const [host, expected] of Object.entries({
		"example.com": "example.com",
		"example.com.": "example.com",
		"Example.COM": "Example.COM",
		"127.0.0.1": "127.0.0.1",
		"127.0.0.1.": "127.0.0.1",
		"127.1": "127.0.0.1",
		"2130706433": "127.0.0.1",
		"0177.0.0.1": "127.0.0.1",
		"0x7f.0.0.1": "127.0.0.1",
		"::1": "::1",
		"0:0:0:0:0:0:0:1": "::1",
		"::1%lo": "::1",
		"::ffff:127.0.0.1": "127.0.0.1",
		"::FFFF:7F00:1": "127.0.0.1",
		"2001:DB8::0001": "2001:db8::1",
		"999.1.1.1.1": "999.1.1.1.1",
		"cafe.dad": "cafe.dad",
		"CAFE.dad.": "CAFE.dad",
		"%6c": "%6c",
		"": "",
		".": "",
	}))
		t.equal(canonicalHost(host), expected, host);
});

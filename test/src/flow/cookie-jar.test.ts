// A cookie jar that works as in a browser.
import t from "tap";
import { CookieJar, cookieScope, cookieScopes } from "../../../src/flow/cookie-jar.ts";

t.test("the jar", async (t) => {
	const NOW = 1_700_000_000;
	const jar = new CookieJar();
	const origin = (host: string, path = "/", { scheme = "https", port = 443 } = {}) => ({ scheme, host, port, path });
	jar.store("a=1; Path=/", origin("www.example.com"), NOW);
	jar.store("b=2; Domain=example.com; Path=/shop", origin("www.example.com", "/shop/cart?x"), NOW);
	jar.store("s=3; Secure; Path=/", origin("www.example.com"), NOW);
	jar.store("evil=1; Domain=bank.com", origin("www.example.com"), NOW);
	jar.store("all=1; Domain=com", origin("www.example.com"), NOW);
	t.equal(jar.cookiesFor(origin("www.example.com"), NOW), "a=1; s=3");
	t.equal(jar.cookiesFor(origin("www.example.com", "/shop/item"), NOW), "b=2; a=1; s=3");
	t.equal(jar.cookiesFor(origin("www.example.com", "/shopping"), NOW), "a=1; s=3", "a path is no prefix of letters");
	t.equal(jar.cookiesFor(origin("api.example.com", "/shop"), NOW), "b=2");
	t.equal(jar.cookiesFor(origin("notexample.com", "/shop"), NOW), null);
	t.equal(jar.cookiesFor(origin("bank.com"), NOW), null);
	t.equal(jar.cookiesFor(origin("www.example.com", "/", { scheme: "http" }), NOW), "a=1", "not in the clear");
	t.equal(jar.cookiesFor(origin("www.example.com", "/", { port: 8443 }), NOW), null, "each port has its own");
	jar.store("a=; Max-Age=0; Path=/", origin("www.example.com"), NOW);
	t.equal(jar.cookiesFor(origin("www.example.com", "*"), NOW), "s=3");
	jar.store("local=1", origin("localhost", "/", { port: 80, scheme: "http" }), NOW);
	jar.store("v6=1", origin("::1", "/", { port: 80, scheme: "http" }), NOW);
	t.equal(jar.cookiesFor(origin("localhost", "/", { port: 80, scheme: "http" }), NOW), "local=1");
	t.equal(jar.cookiesFor(origin("::1", "/", { port: 80, scheme: "http" }), NOW), "v6=1");
});

t.test("expiry depends on the given time, and a cookie without name and value is ignored", async (t) => {
	const jar = new CookieJar();
	const origin = { scheme: "http", host: "a.test", port: 80, path: "/" };
	const at = 1_555_000_000;
	jar.store("a=b; Expires=Sat, 13 Apr 2019 12:00:00 GMT", origin, at);
	jar.store("=", origin, at);
	jar.store("c=d; Max-Age=60", origin, at);
	t.equal(jar.cookiesFor(origin, at + 10), "a=b; c=d");
	t.equal(jar.cookiesFor(origin, at + 61), "a=b");
	jar.store("c=e; Max-Age=60", origin, at + 100);
	t.equal(jar.cookiesFor(origin, at + 150), "a=b; c=e");
	t.equal(jar.cookiesFor(origin, at + 10 * 86_400), null);
});

t.test("limits for one site and for the whole jar", async (t) => {
	const at = 1_700_000_000;
	const origin = (host: string) => ({ scheme: "http", host, port: 80, path: "/" });
	const jar = new CookieJar();
	for (let i = 0; i < 400; i++) jar.store(`c${i}=1; Domain=a.example`, origin(`h${i % 3}.a.example`), at);
	jar.store("c300=2; Domain=a.example", origin("a.example"), at);
	const names = (jar.cookiesFor(origin("a.example"), at) ?? "").split("; ");
	t.equal(names.length, 180);
	t.ok(names.includes("c399=1") && names.includes("c220=1") && names.includes("c300=2"), "the latest stay");
	jar.store(`long=${"v".repeat(5000)}`, origin("b.example"), at);
	t.equal(jar.cookiesFor(origin("b.example"), at), null, "longer than a browser takes");
	jar.store("first=1", origin("first.example"), at);
	jar.store("second=1", origin("second.example"), at);
	jar.store("first=2", origin("first.example"), at);
	for (let i = 0; i < 9_999 - 180; i++) jar.store("a=1", origin(`h${i}.test`), at);
	t.equal(jar.cookiesFor(origin("a.example"), at), null, "the site whose latest cookie is the oldest goes");
	for (let i = 0; i < 180; i++) jar.store("b=1", origin(`i${i}.test`), at);
	t.equal(jar.cookiesFor(origin("second.example"), at), null);
	t.equal(jar.cookiesFor(origin("first.example"), at), "first=2");
});

t.test("the scope of a cookie", async (t) => {
	const origin = (url: string) => {
		const { protocol, hostname, port } = new URL(url);
		const scheme = protocol.slice(0, -1);
		return {
			scheme,
			host: hostname.replace(/[[\]]/g, ""),
			port: Number(port) || (scheme === "https" ? 443 : 80),
			path: "/",
		};
	};
	const gets = (cookie: string, from: string, to: string) =>
		cookieScopes(origin(to)).includes(cookieScope(cookie, origin(from)));
	const yes = [
		["a=1", "http://a.test/", "http://a.test/"],
		["a=1", "https://a.test/", "http://A.test/"],
		["a=1; Secure", "https://a.test/", "https://a.test/"],
		["a=1; Secure", "http://a.test/", "http://a.test/"],
		["a=1; Domain=example.com", "https://login.example.com/", "https://api.example.com/"],
		["a=1; Domain=.example.com", "https://login.example.com/", "https://example.com/"],
		["a=1; Domain=else.com", "https://login.example.com/", "https://login.example.com/"],
		["a=1", "http://localhost:3000/", "http://localhost:3000/"],
		["a=1", "http://127.0.0.1:3000/", "http://127.0.0.1:3000/"],
		["a=1; Domain=127.0.0.1", "http://[::1]/", "http://[::1]/"],
	] as const;
	for (const [cookie, from, to] of yes) t.ok(gets(cookie, from, to), `${cookie} of ${from} for ${to}`);
	const no = [
		["a=1", "http://a.test/", "http://b.test/"],
		["a=1", "http://a.test:81/", "http://a.test:82/"],
		["a=1", "http://127.0.0.1:81/", "http://localhost:81/"],
		["a=1", "https://example.com/", "https://api.example.com/"],
		["a=1; Secure", "https://a.test/", "http://a.test/"],
		["a=1; Secure; Domain=else.com", "https://a.test/", "http://a.test/"],
		["a=1; Domain=example.com", "https://login.example.com/", "https://notexample.com/"],
		["a=1; Domain=else.com", "https://login.example.com/", "https://else.com/"],
		["a=1; Domain=github.io", "https://me.github.io/", "https://you.github.io/"],
		["a=1; Domain=0.0.1", "http://127.0.0.1/", "http://126.0.0.1/"],
	] as const;
	for (const [cookie, from, to] of no) t.notOk(gets(cookie, from, to), `${cookie} of ${from} for ${to}`);
});

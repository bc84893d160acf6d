// Where the expiry stands in Set-Cookie headers, and a jar that keeps cookies as a browser does.
import t from "tap";
import { CookieJar, findExpiries } from "../../../src/flow/cookies.ts";

t.test("expiry dates, and where they stand", async (t) => {
	const dates = (text: string) => findExpiries(text).map(({ from, to, seconds }) => [text.slice(from, to), seconds]);
	const at = 1704153600;
	t.same(dates("a=1; Expires=Tue, 02 Jan 2024 00:00:00 GMT; Path=/"), [["Tue, 02 Jan 2024 00:00:00 GMT", at]]);
	t.same(dates("a=1;expires = Tue, 02-Jan-2024 00:00:00 GMT"), [["Tue, 02-Jan-2024 00:00:00 GMT", at]]);
	t.same(dates('a=1; expires="Tue, 02 Jan 2024 00:00:00 GMT"; Secure'), [["Tue, 02 Jan 2024 00:00:00 GMT", at]]);
	t.same(dates("a=1; expires=Tue, 02 Jan 2024 00:00:00 GMT, b=2; expires=Wed, 03 Jan 2024 00:00:00 GMT"), [
		["Tue, 02 Jan 2024 00:00:00 GMT", at],
		["Wed, 03 Jan 2024 00:00:00 GMT", at + 86_400],
	]);
	for (const none of [
		"a=1",
		"",
		"expires=Tue, 02 Jan 2024 00:00:00 GMT",
		"a=1; expires=",
		"a=1; expires=never; path=/",
		"a=1; my-expires=Tue, 02 Jan 2024 00:00:00 GMT",
	])
		t.same(dates(none), [], none);
});

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

t.test("the time that counts is the one that is said, and a cookie without name and value is none", async (t) => {
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

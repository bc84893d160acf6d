// Uses new values from responses in later requests.
import { gzipSync } from "node:zlib";
import t from "tap";
import { httpFlow, httpRequest } from "../../../fixtures/build-flow.ts";
import { large } from "../../../fixtures/large.ts";
import type { HttpFlow } from "../../../src/flow/flow.ts";
import { CarryOver, destinationOf } from "../../../src/replay/carry-over.ts";

/** Teaches a CarryOver an exchange whose request was sent unchanged. */
const learn = (carry: CarryOver, recorded: HttpFlow, fresh: HttpFlow) =>
	carry.learn(recorded, fresh, destinationOf(fresh.request));

const answer = (headers: [string, string][], body = "") => httpFlow({ response: { headers, body } });

t.test("new values of cookies replace recorded ones", async (t) => {
	const carry = new CarryOver(false);
	learn(
		carry,
		answer([
			["Set-Cookie", "sid=old1; Path=/"],
			["Set-Cookie", "theme=dark"],
		]),
		answer([
			["Set-Cookie", "sid=new1"],
			["Set-Cookie", "theme=dark"],
			["Set-Cookie", "more=x"],
		]),
	);
	const request = httpRequest({
		headers: [
			["Cookie", "a=1; sid=old1; theme=dark"],
			["X-Old", "old1"],
		],
	});
	carry.apply(request);
	t.same(
		[...request.headers],
		[
			["Cookie", "a=1; sid=new1; theme=dark"],
			["X-Old", "old1"],
		],
	);
	const other = httpRequest({ headers: [["Cookie", "sid=another"]] });
	carry.apply(other);
	t.equal(other.headers.get("cookie"), "sid=another", "a value that did not come from the server stays");
});

t.test("on request, values of headers and JSON are replaced too, in URLs, headers and bodies", async (t) => {
	const json: [string, string] = ["Content-Type", "application/json"];
	const carry = new CarryOver(true);
	learn(
		carry,
		answer(
			[json, ["X-Token", "token-old"], ["Date", "Mon, 01 Jan 2024 00:00:00 GMT"]],
			'{"id": "id/old&1", "n": 1, "list": [{"csrf": "csrf-old"}]}',
		),
		answer(
			[json, ["X-Token", "token-new"], ["Date", "Tue, 02 Jan 2024 00:00:00 GMT"]],
			'{"id": "id/new&1", "n": 2, "list": [{"csrf": "csrf-new"}]}',
		),
	);
	const request = httpRequest({
		method: "POST",
		path: "/items/id%2Fold%261?n=1",
		headers: [
			["Authorization", "Bearer token-old"],
			["If-Modified-Since", "Mon, 01 Jan 2024 00:00:00 GMT"],
			["Content-Length", "15"],
		],
		body: "csrf=csrf-old&n",
	});
	carry.apply(request);
	t.equal(request.path, "/items/id%2Fnew%261?n=1", "short values stay unchanged");
	t.equal(request.headers.get("authorization"), "Bearer token-new");
	t.equal(request.headers.get("if-modified-since"), "Mon, 01 Jan 2024 00:00:00 GMT");
	t.equal(request.text, "csrf=csrf-new&n");
});

t.test("a new value is encoded for the URL, form or JSON text around it", async (t) => {
	const carry = new CarryOver(true);
	const json: [string, string] = ["Content-Type", "application/json"];
	learn(carry, answer([json], '{"t":"token-old"}'), answer([json], '{"t":"a+b&c=\\"d/"}'));
	const after = (path: string, type: string, body: string) => {
		const request = httpRequest({ method: "POST", path, headers: [["Content-Type", type]], body });
		carry.apply(request);
		return [request.path, request.text];
	};
	const encoded = "a%2Bb%26c%3D%22d%2F";
	t.same(after("/i/token-old?t=token-old&z=1", "application/x-www-form-urlencoded", "t=token-old&z=1"), [
		`/i/${encoded}?t=${encoded}&z=1`,
		`t=${encoded}&z=1`,
	]);
	const [, text] = after("/", "application/json", '{"t":"token-old"}');
	t.same(JSON.parse(text ?? ""), { t: 'a+b&c="d/' });
	t.same(after("/", "text/plain", "token-old"), ["/", 'a+b&c="d/']);
});

t.test("nothing is learned from messages that cannot be compared", async (t) => {
	const carry = new CarryOver(true);
	learn(carry, httpFlow({ response: null }), answer([]));
	learn(
		carry,
		answer([["Content-Type", "application/json"]], "{broken"),
		answer([["Content-Type", "application/json"]], '{"a": "anything"}'),
	);
	const request = httpRequest({ body: "anything" });
	carry.apply(request);
	t.equal(request.text, "anything");
});

const setting = (url: string, cookie: string) => {
	const flow = answer([["Set-Cookie", cookie]]);
	flow.request.url = url;
	return flow;
};

const sentTo = (carry: CarryOver, url: string, header: [string, string]) => {
	const request = httpRequest({ headers: [["Host", "example.com"], header] });
	request.url = url;
	carry.apply(request);
	return request.headers.get(header[0]);
};

t.test("a cookie is sent only where a browser sends it", async (t) => {
	const carry = new CarryOver(false);
	const cookie: [string, string] = ["Cookie", "sid=REDACTED"];
	learn(carry, setting("https://a.test/login", "sid=REDACTED"), setting("https://a.test/login", "sid=secret-a"));
	t.equal(sentTo(carry, "https://a.test/", cookie), "sid=secret-a");
	for (const url of ["https://b.test/", "https://sub.a.test/", "https://a.test:8443/"])
		t.equal(sentTo(carry, url, cookie), "sid=REDACTED", url);
	learn(carry, setting("https://b.test/login", "sid=REDACTED"), setting("https://b.test/login", "sid=secret-b"));
	t.equal(sentTo(carry, "https://a.test/", cookie), "sid=secret-a");
	t.equal(sentTo(carry, "https://b.test/", cookie), "sid=secret-b");
	learn(
		carry,
		setting("https://login.shop.test/", "sid=REDACTED"),
		setting("https://login.shop.test/", "sid=wide; Domain=shop.test; Secure"),
	);
	t.equal(sentTo(carry, "https://api.shop.test/", cookie), "sid=wide");
	t.equal(sentTo(carry, "http://api.shop.test/", cookie), "sid=REDACTED");
});

t.test("a Host header with another host does not extend the scope of values", async (t) => {
	const carry = new CarryOver(true);
	learn(carry, setting("http://a.test/login", "sid=REDACTED"), setting("http://a.test/login", "sid=secret-a"));
	const request = httpRequest({
		host: "b.test",
		headers: [
			["Host", "a.test"],
			["Cookie", "sid=REDACTED"],
		],
	});
	carry.apply(request);
	t.equal(request.headers.get("cookie"), "sid=REDACTED");
	const shared = httpFlow({
		request: { host: "192.0.2.1", headers: [["Host", "a.test"]] },
		response: { headers: [["X-Token", "old-token"]] },
	});
	const fresh = httpFlow({
		request: { host: "192.0.2.1", headers: [["Host", "a.test"]] },
		response: { headers: [["X-Token", "new-token"]] },
	});
	learn(carry, shared, fresh);
	for (const [name, token] of [
		["a.test", "new-token"],
		["b.test", "old-token"],
	] as const) {
		const request = httpRequest({
			host: "192.0.2.1",
			headers: [
				["Host", name],
				["X-Token", "old-token"],
			],
		});
		carry.apply(request);
		t.equal(request.headers.get("x-token"), token, name);
	}
});

t.test("values belong to the requested host, not to the target of a rule", async (t) => {
	const carry = new CarryOver(false);
	const recorded = setting("http://a.test/", "sid=old");
	const fresh = setting("http://mapped.test/", "sid=new");
	carry.learn(recorded, fresh, destinationOf(recorded.request));
	t.equal(sentTo(carry, "http://a.test/", ["Cookie", "sid=old"]), "sid=new");
	t.equal(sentTo(carry, "http://mapped.test/", ["Cookie", "sid=old"]), "sid=old");
});

t.test("other values stay at their origin", async (t) => {
	const carry = new CarryOver(true);
	const flow = (token: string) =>
		httpFlow({ request: { host: "a.test" }, response: { headers: [["X-Token", token]] } });
	learn(carry, flow("REDACTED"), flow("secret-a"));
	const header: [string, string] = ["Authorization", "Bearer REDACTED"];
	t.equal(sentTo(carry, "http://a.test/", header), "Bearer secret-a");
	for (const url of ["http://b.test/", "https://a.test/", "http://a.test:81/", "http://sub.a.test/"])
		t.equal(sentTo(carry, url, header), "Bearer REDACTED", url);
});

t.test("a token is sent to another origin only if the recording sent it there", async (t) => {
	const json = (url: string, body: object) => {
		const flow = answer([["Content-Type", "application/json"]], JSON.stringify(body));
		flow.request.url = url;
		return flow;
	};
	const [old, fresh] = ["eyJhbGciOi.recorded-1234.AbCdEf", "eyJhbGciOi.brand-new-987.AbCdEf"];
	const login = (token: string) => json("https://auth.test/login?try=1", { access_token: token });
	const bearer = (token: string): [string, string] => ["Authorization", `Bearer ${token}`];
	const api = "https://api.test/items";

	const carry = new CarryOver(true);
	learn(carry, login(old), login(fresh));
	t.equal(sentTo(carry, api, bearer(old)), `Bearer ${fresh}`);
	t.equal(sentTo(carry, "https://auth.test/me", bearer(old)), `Bearer ${fresh}`);
	t.equal(sentTo(carry, api, bearer("another-value-1234567890")), "Bearer another-value-1234567890");
	const body = httpRequest({ method: "POST", host: "api.test", path: `/x?t=${old}`, body: `{"t": "${old}"}` });
	carry.apply(body);
	t.same([body.path, body.text], [`/x?t=${fresh}`, `{"t": "${fresh}"}`]);

	const elsewhere = httpRequest({ headers: [["Host", "evil.test"], bearer(old)] });
	elsewhere.url = "https://evil.test/";
	const recordedTo = httpRequest({ headers: [["Host", "api.test"]] });
	recordedTo.url = api;
	carry.apply(elsewhere, destinationOf(recordedTo));
	t.equal(elsewhere.headers.get("authorization"), `Bearer ${old}`, "the recording sent it to another host");

	learn(carry, login(old), login(`${fresh}2`));
	t.equal(sentTo(carry, api, bearer(old)), `Bearer ${fresh}2`, "the same place again");
	const other = (token: string) => json("https://other.test/login", { id: token });
	learn(carry, other(old), other("what-the-other-gave-1234"));
	t.equal(sentTo(carry, api, bearer(old)), `Bearer ${old}`, "it came from two parts");
	learn(carry, login(old), login(fresh));
	t.equal(sentTo(carry, api, bearer(old)), `Bearer ${old}`, "permanently");
	t.equal(sentTo(carry, "https://auth.test/me", bearer(old)), `Bearer ${fresh}`, "each stays at its origin");
	t.equal(sentTo(carry, "https://other.test/me", bearer(old)), "Bearer what-the-other-gave-1234");

	for (const weak of [
		"abc-1234",
		"REDACTED-REDACTED-REDACTED",
		"1234567890.0987654321",
		"x".repeat(40),
		"a b c d e f g h i 1 2 3",
	]) {
		const careful = new CarryOver(true);
		learn(careful, login(weak), login(fresh));
		t.equal(sentTo(careful, api, bearer(weak)), `Bearer ${weak}`, weak);
	}
	const unchanged = new CarryOver(true);
	learn(unchanged, other(old), other(old));
	learn(unchanged, login(old), login(fresh));
	t.equal(sentTo(unchanged, api, bearer(old)), `Bearer ${old}`, "a part that still has the value counts too");
	const off = new CarryOver(false);
	learn(off, login(old), login(fresh));
	t.equal(sentTo(off, api, bearer(old)), `Bearer ${old}`);
});

const token = (value: string) => answer([["X-Token", value]]);

t.test("inserted values are not replaced again, also in cookies", async (t) => {
	const carry = new CarryOver(true);
	learn(carry, token("100001"), token("100002"));
	learn(carry, token("100002"), token("100003"));
	learn(carry, answer([["Set-Cookie", "id=old"]]), answer([["Set-Cookie", "id=100001"]]));
	const request = httpRequest({
		path: "/items/100001/orders/1000015",
		headers: [
			["Host", "example.com"],
			["Cookie", "id=old; other=100001"],
			["Content-Length", "100001"],
		],
	});
	carry.apply(request);
	t.equal(request.path, "/items/100002/orders/1000015");
	t.equal(request.headers.get("cookie"), "id=100001; other=100002");
	t.equal(request.headers.get("content-length"), "100001");
});

t.test("bodies are decoded and encoded again; those that cannot be decoded stay unchanged", async (t) => {
	const carry = new CarryOver(true);
	learn(carry, token("old-token"), token("new-token"));
	const send = (body: Buffer, coding: string) => {
		const request = httpRequest({ method: "POST", headers: [["Content-Encoding", coding]], body });
		carry.apply(request);
		return request;
	};
	t.equal(send(gzipSync("t=old-token"), "gzip").text, "t=new-token");
	for (const coding of ["gzip", "unheard-of"]) {
		const { rawContent, headers } = send(Buffer.from("t=old-token"), coding);
		t.equal(rawContent?.toString(), "t=old-token");
		t.equal(headers.get("content-encoding"), coding);
	}
});

t.test("the oldest values are forgotten", large, async (t) => {
	const carry = new CarryOver(true);
	for (let i = 0; i <= 10_000; i++) learn(carry, token(`old-${100_000 + i}`), token(`new-${i}`));
	t.equal(sentTo(carry, "http://example.com/", ["X-A", "old-100000 old-100001"]), "old-100000 new-1");
});

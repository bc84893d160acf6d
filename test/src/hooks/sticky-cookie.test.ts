// Cookies that servers set are added to later requests without cookies.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { runLive } from "../../../fixtures/run-hooks.ts";
import type { Hook } from "../../../src/hooks/hook.ts";
import { createStickyCookie } from "../../../src/hooks/sticky-cookie.ts";

const create = (stickycookie: string | null) => createStickyCookie({ stickycookie }, {});

/** Sends a request, to which the server responds with these cookies. Returns the flow. */
async function exchange(
	hook: Hook | null,
	url: string,
	{ cookie, set = [] }: { cookie?: string; set?: string[] } = {},
) {
	const { protocol, hostname, port, pathname } = new URL(url);
	const scheme = protocol.slice(0, -1);
	const flow = httpFlow({
		request: {
			scheme,
			host: hostname,
			port: Number(port) || (scheme === "https" ? 443 : 80),
			path: pathname,
			headers: cookie === undefined ? [] : [["Cookie", cookie]],
		},
		response: { headers: set.map((value) => ["Set-Cookie", value] as const) },
	});
	await runLive(hook, flow);
	return flow;
}

const cookieOf = async (hook: Hook | null, url: string, cookie?: string) =>
	(await exchange(hook, url, cookie === undefined ? {} : { cookie })).request.headers.get("cookie");

t.test("cookies are sent by host, path and port until they expire", async (t) => {
	const hook = await create("~all");
	await exchange(hook, "http://www.example.com/", {
		set: ["a=1", "b=2; Path=/deep", "c=3; Domain=example.com", "d=4; Domain=other.example"],
	});
	t.equal(await cookieOf(hook, "http://www.example.com/"), "a=1; c=3");
	t.equal(await cookieOf(hook, "http://www.example.com/deep/er"), "b=2; a=1; c=3");
	t.equal(await cookieOf(hook, "http://www.example.com/deeper"), "a=1; c=3");
	t.equal(await cookieOf(hook, "http://api.example.com/"), "c=3");
	t.equal(await cookieOf(hook, "http://www.example.com:81/"), null);
	t.equal(await cookieOf(hook, "http://other.example/"), null);
	t.equal(await cookieOf(hook, "http://example.com.evil.test/"), null);
	await exchange(hook, "http://www.example.com/", {
		set: ["a=; Max-Age=0", "c=; Domain=example.com; Expires=Thu, 01 Jan 1970 00:00:00 GMT"],
	});
	t.equal(await cookieOf(hook, "http://www.example.com/"), null);
});

t.test("only requests without cookies get them, and only those that match", async (t) => {
	const hook = await create("~u /in");
	const first = await exchange(hook, "http://a.example/out", { set: ["a=1"] });
	t.notOk("stickycookie" in first.metadata);
	t.equal(await cookieOf(hook, "http://a.example/in", "own=1"), "own=1");
	t.equal(await cookieOf(hook, "http://a.example/out"), null);
	const flow = await exchange(hook, "http://a.example/in");
	t.same(flow.request.headers.fields, ["cookie", "a=1"]);
	t.equal(flow.metadata.stickycookie, true);
});

t.test("invalid cookies are ignored", async (t) => {
	const hook = await create("~all");
	await exchange(hook, "http://a.example/", { set: ["", "=", ";;;", "a=1; Domain", "\xff=\xff; Expires=never"] });
	t.match(await cookieOf(hook, "http://a.example/"), /a=1/);
});

t.test("secure cookies stay on TLS", async (t) => {
	const hook = await create("~all");
	await exchange(hook, "https://a.example:8443/", { set: ["s=1; Secure"] });
	t.equal(await cookieOf(hook, "https://a.example:8443/"), "s=1");
	t.equal(await cookieOf(hook, "http://a.example:8443/"), null);
});

t.test("an invalid filter, and no option", async (t) => {
	t.equal(await create(null), null);
	await t.rejects(create("~zz"), { code: "FT_BAD_FILTER" });
	t.match(await create("~bq x"), { needs: { request: "decides" } });
});

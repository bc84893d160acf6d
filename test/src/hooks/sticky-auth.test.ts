// Credentials for a server are added to later requests to it.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { runLive } from "../../../fixtures/run-hooks.ts";
import type { Hook } from "../../../src/hooks/hook.ts";
import { createStickyAuth } from "../../../src/hooks/sticky-auth.ts";

const create = (stickyauth: string | null) => createStickyAuth({ stickyauth }, {});

/** Sends a request. Returns the Authorization header that reaches the server. */
async function sent(hook: Hook | null, url: string, authorization?: string): Promise<string | null> {
	const { protocol, hostname, port, pathname } = new URL(url);
	const scheme = protocol.slice(0, -1);
	const flow = httpFlow({
		request: {
			scheme,
			host: hostname,
			port: Number(port) || (scheme === "https" ? 443 : 80),
			path: pathname,
			headers: authorization === undefined ? [] : [["Authorization", authorization]],
		},
	});
	await runLive(hook, flow);
	return flow.request.headers.get("authorization");
}

t.test("the latest credentials, for the same scheme, host and port", async (t) => {
	const hook = await create("~all");
	t.equal(await sent(hook, "https://a.example/"), null);
	t.equal(await sent(hook, "https://a.example/login", "Basic one"), "Basic one");
	t.equal(await sent(hook, "https://A.example/other"), "Basic one");
	t.equal(await sent(hook, "https://a.example/", "Basic two"), "Basic two");
	t.equal(await sent(hook, "https://a.example/"), "Basic two");
	for (const url of ["https://b.example/", "https://a.example:444/", "http://a.example:443/", "http://a.example/"])
		t.equal(await sent(hook, url), null, url);
});

t.test("the oldest credentials are forgotten when there are very many", async (t) => {
	const hook = await create("~all");
	const long = `Bearer ${"t".repeat(60_000)}`;
	await sent(hook, "https://first.example/", "Basic first");
	for (let i = 0; i < 300; i++) await sent(hook, `https://h${i}.example/`, long);
	t.equal(await sent(hook, "https://first.example/"), null);
	t.equal(await sent(hook, "https://h299.example/"), long);
});

t.test(
	"the filter selects the requests that get credentials, not those whose credentials are remembered",
	async (t) => {
		const hook = await create("~u /in");
		await sent(hook, "https://a.example/out", "Basic one");
		t.equal(await sent(hook, "https://a.example/out"), null);
		t.equal(await sent(hook, "https://a.example/in"), "Basic one");
	},
);

t.test("an invalid filter, and no option", async (t) => {
	t.equal(await create(null), null);
	await t.rejects(create("~zz"), { code: "FT_BAD_FILTER" });
	t.match(await create("~bq x"), { needs: { request: "decides" } });
});

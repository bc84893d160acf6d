// Proxy authentication of requests. Tunnels and SOCKS are in test/src/proxy/entry/acceptor.test.ts.
import t, { type Test } from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { answering, ask, ok, startOrigin } from "../../../fixtures/origin-server.ts";
import { startTestProxy } from "../../../fixtures/running-proxy.ts";
import { clientConnection } from "../../../src/flow/connection.ts";
import { Decision } from "../../../src/hooks/decision.ts";
import type { Hook } from "../../../src/hooks/hook.ts";
import { createProxyAuth, isProxyAuth, type ProxyAuth } from "../../../src/hooks/proxy-auth.ts";

const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;
const create = async (proxyauth: string | null) => (await createProxyAuth({ proxyauth }, {})) as ProxyAuth;
const hi = answering((head) => ok(head));

t.test("disabled", async (t) => {
	t.equal(await create(null), null);
	t.equal(await create(""), null);
	t.equal(isProxyAuth({ name: "anticache" }), false);
	t.equal(isProxyAuth(await create("any")), true);
});

/** The response to a request with this header, and its flow. */
async function tryOut(t: Test, { mode = "regular", field = "", hooks = [] as Hook[] }) {
	const origin = await startOrigin(t, hi);
	const proxy = await startTestProxy(t, {
		options: { mode: [mode.replace("ORIGIN", origin.authority)] },
		hooks: [await create("user:pass"), ...hooks],
	});
	const client = await proxy.connect();
	const answer = await client.send(ask("GET", origin.authority, "/x", field === "" ? [] : [field])).message();
	return { ...answer, flow: await proxy.flow(0), origin };
}

t.test("a proxy challenges with 407, a reverse proxy with 401", async (t) => {
	for (const [mode, name, status, challenge] of [
		["regular", "Proxy-Authorization", 407, "Proxy-Authenticate"],
		["Regular@127.0.0.1:0", "Proxy-Authorization", 407, "Proxy-Authenticate"],
		["reverse:http://ORIGIN", "Authorization", 401, "WWW-Authenticate"],
	] as const) {
		for (const field of [
			"",
			`${name}: ${basic("user:wrong")}`,
			`${name === "Authorization" ? "Proxy-Authorization" : "Authorization"}: ${basic("user:pass")}`,
		]) {
			const { head, body, flow, origin } = await tryOut(t, { mode, field });
			t.match(head, new RegExp(`^HTTP/1.1 ${status} `));
			t.match(head, `\r\n${challenge}: Basic realm="flowtape", charset="UTF-8"\r\n`);
			t.match(body.toString(), `<h1>${status} `);
			t.match(flow, { response: { statusCode: status }, metadata: { proxyauth: undefined } });
			t.equal(origin.connections.length, 0);
		}
		const { head, body, flow } = await tryOut(t, { mode, field: `${name}: ${basic("user:pass")}` });
		t.match(head, /^HTTP\/1\.1 200 /);
		t.notMatch(body.toString(), /authorization/i, "the credentials end here");
		t.strictSame(flow.metadata.proxyauth, "user");
	}
});

t.test("credentials for this proxy are neither forwarded nor recorded", async (t) => {
	const secret = basic("user:pass");
	for (const [mode, name, status] of [
		["regular", "Proxy-Authorization", 407],
		["reverse:http://ORIGIN", "Authorization", 401],
	] as const) {
		for (const [given, expected] of [
			[basic("user:wrong"), status],
			[secret, 200],
		] as const) {
			const sent: string[] = [];
			const origin = await startOrigin(t, async (client) => {
				await client.upTo("\r\n0\r\n");
				sent.push(await client.upTo("\r\n\r\n"));
				client.send(ok("hi"));
			});
			const changing: Hook = { name: "changing", request: ({ request }) => request.headers.set("X-New", "1") };
			const proxy = await startTestProxy(t, {
				options: { mode: [mode.replace("ORIGIN", origin.authority)] },
				hooks: [await create("user:pass"), changing],
			});
			const client = await proxy.connect();
			const head = ask("POST", origin.authority, "/x", [`${name}: ${given}`, "Transfer-Encoding: chunked"]);
			const trailers = `${name}: ${given}\r\n${name.toLowerCase()}: ${secret}\r\nX-Sum: 1\r\n`;
			t.match((await client.send(`${head}2\r\nhi\r\n0\r\n${trailers}\r\n`).message()).head, `HTTP/1.1 ${expected} `);
			const { request, original } = await proxy.flow(0);
			for (const fields of [request.headers, request.trailers, original?.headers, original?.trailers])
				t.notOk(fields?.has(name), `${mode}: ${expected}`);
			if (expected === 200) {
				t.same(request.trailers?.fields, ["X-Sum", "1"]);
				t.same(sent, ["X-Sum: 1\r\n\r\n"]);
			}
		}
	}
	const origin = await startOrigin(t, hi);
	const proxy = await startTestProxy(t, { options: { mode: [`reverse:http://${origin.authority}`] } });
	const head = ask("POST", origin.authority, "/x", ["Transfer-Encoding: chunked"]);
	const client = await proxy.connect();
	await client.send(`${head}2\r\nhi\r\n0\r\nAuthorization: ${secret}\r\nProxy-Authorization: x\r\n\r\n`).message();
	t.same((await proxy.flow(0)).request.trailers?.fields, ["Authorization", secret], "the server's stay");
});

t.test("later hooks do not run", async (t) => {
	const late = () => {
		t.fail("the first verdict stands");
	};
	const eager: Hook = { name: "eager", requestheaders: late, request: late };
	const { head } = await tryOut(t, { hooks: [eager] });
	t.match(head, /^HTTP\/1\.1 407 /);
});

t.test("the challenge does not wait for the body", async (t) => {
	const proxy = await startTestProxy(t, { hooks: [await create("user:pass")] });
	const client = await proxy.connect();
	client.send("POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1000000\r\n\r\nfirst");
	t.match(await client.head(), /^HTTP\/1\.1 407 /);
});

t.test("an admitted connection is trusted; replayed requests are not authenticated", async (t) => {
	const hook = await create("user:pass");
	const run = async (flow: ReturnType<typeof httpFlow>) => {
		const decision = new Decision(true);
		await hook.requestheaders?.(flow, decision);
		return decision.verdict?.kind ?? null;
	};
	const client = clientConnection({ id: "1" });
	const flow = httpFlow({ request: { headers: [["Proxy-Authorization", "the server's"]] } });
	flow.clientConn = client;
	t.equal(await run(flow), "answer");
	t.equal(await hook.admit(client, "user", "wrong"), false);
	t.equal(await hook.admitByHeader(client, "nonsense"), false);
	t.equal(await run(flow), "answer");
	t.equal(await hook.admitByHeader(client, basic("user:pass")), true);
	t.equal(flow.request.headers.has("proxy-authorization"), false, "what was refused is not kept");
	flow.request.headers.set("Proxy-Authorization", "the server's");
	t.equal(await run(flow), null);
	t.equal(flow.metadata.proxyauth, "user");
	t.equal(flow.request.headers.get("proxy-authorization"), "the server's", "what is not for us stays");
	t.equal(await run(httpFlow({ isReplay: "request" })), null);
	t.equal(hook.challenge().statusCode, 407);
});

t.test("an htpasswd file, whose check is asynchronous", async (t) => {
	const hook = await createProxyAuth(
		{ proxyauth: `@${t.testdir({ users: "joe:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=" })}/users` },
		{},
	);
	const proxy = await startTestProxy(t, { hooks: [hook as Hook], upstream: null });
	const client = await proxy.connect();
	for (const [password, status] of [
		["secret", 502],
		["wrong", 407],
	] as const) {
		const one = status === 407 ? client : await proxy.connect();
		t.match(
			(await one.send(ask("GET", "a.example", "/", [`Proxy-Authorization: ${basic(`joe:${password}`)}`])).message())
				.head,
			`HTTP/1.1 ${status} `,
		);
	}
});

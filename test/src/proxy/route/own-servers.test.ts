// Servers that clients run themselves: requests to them pass untouched.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import t, { type Test } from "tap";
import { answering, ask, ok, startOrigin } from "../../../../fixtures/origin-server.ts";
import { type ProxyParts, startTestProxy, type TestProxy } from "../../../../fixtures/running-proxy.ts";
import { startWebSocketOrigin } from "../../../../fixtures/websocket-peers.ts";
import type { ProxyAuthenticator } from "../../../../src/hooks/authenticator.ts";
import type { Hook } from "../../../../src/hooks/hook.ts";
import { makeResponse } from "../../../../src/hooks/make-response.ts";
import { createProxyAuth } from "../../../../src/hooks/proxy-auth.ts";

const echo = answering((head, body) => ok(head + body));

/** A proxy whose client runs the server at this port. A hook aborts every flow that it sees. */
function start(t: Test, port: number, { hooks = [], setup, ...parts }: ProxyParts = {}): Promise<TestProxy> {
	const blocking: Hook = {
		name: "blocking",
		request(_flow, decision) {
			decision.abort("seen", "blocking");
		},
	};
	return startTestProxy(t, {
		...parts,
		hooks: [...hooks, blocking],
		setup: { ...setup, own: { addressOf: (_host, asked, claim) => (asked === port ? "127.0.0.1" : claim) } },
	});
}

const connect = (authority: string) => `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;
const own = (proxy: TestProxy) => proxy.events.filter((event) => event.kind === "own");

for (const upstream of ["network", null] as const) {
	t.test(upstream === null ? "in replay" : "while recording", async (t) => {
		const origin = await startOrigin(t, echo);
		const proxy = await start(t, origin.port, { upstream });
		await t.test("requests", async (t) => {
			const client = await proxy.connect();
			for (const path of ["/1", "/2"])
				t.match(
					(await client.send(ask("GET", origin.authority, path)).message()).body.toString(),
					`GET ${path} HTTP/1.1`,
				);
			t.match(
				(await client.send(ask("POST", origin.authority, "/3", [], "body")).message()).body.toString(),
				/^POST \/3 .*body$/s,
			);
			t.equal(own(proxy).length, 3);
		});
		await t.test("tunnels with any content", async (t) => {
			const client = await proxy.connect();
			t.match(await client.send(connect(origin.authority)).head(), /^HTTP\/1\.1 200 /);
			const text = "GET /4 HTTP/1.1\r\nHost:   odd  \r\n\r\n";
			t.equal((await client.send(text).message()).body.toString(), text);
			t.equal(own(proxy).length, 4);
		});
		await t.test("they are not recorded", async (t) => {
			t.same(proxy.flows, []);
			t.same([...new Set(proxy.events.map(({ kind }) => kind))], ["listening", "own"]);
		});
		await t.test("requests to other servers are recorded", async (t) => {
			const other = await startOrigin(t, echo);
			await (await proxy.connect()).send(ask("GET", other.authority, "/")).rest();
			t.equal((await proxy.flow(0)).request.url, `http://${other.authority}/`);
			t.equal(own(proxy).length, 4);
		});
	});
}

t.test("hosts that are not on this machine are never looked up", async (t) => {
	const asked: string[] = [];
	const addressOf = (host: string) => {
		asked.push(host);
		return null;
	};
	const proxy = await startTestProxy(t, { upstream: null, setup: { own: { addressOf } } });
	for (const host of [
		"example.com",
		"10.0.0.1",
		"localhost.example.com",
		"127.0.0.1.example.com",
		"localhost",
		"app.localhost",
		"127.1.2.3",
		"[::1]",
		"0.0.0.0",
	])
		await (await proxy.connect()).send(ask("GET", `${host}:8000`, "/", ["Connection: close"])).rest();
	t.same(asked, ["localhost", "app.localhost", "127.1.2.3", "::1", "0.0.0.0"]);
});

t.test("a Node process claims its own server where the system does not show it", async (t) => {
	const origin = await startOrigin(t, echo);
	const proxy = await start(t, 0);
	const claim = (authority: string) =>
		connect(authority).replace("\r\n\r\n", "\r\nFlowtape-Own-Server: 127.0.0.1\r\n\r\n");
	const client = await proxy.connect();
	await client.send(claim(origin.authority)).head();
	t.match((await client.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n").message()).body.toString(), "GET /1 HTTP/1.1");
	t.equal(own(proxy).length, 1);
	const far = await proxy.connect();
	await far.send(claim("example.test:80")).head();
	await far.send("GET /2 HTTP/1.1\r\nHost: example.test\r\n\r\n").rest();
	t.equal((await proxy.flow(0)).request.path, "/2", "believed of this machine only");
});

t.test("the proxy connects to the address, not to the name", async (t) => {
	const origin = await startOrigin(t, echo);
	const proxy = await start(t, origin.port, { upstream: null });
	const host = `no-such-name.localhost:${origin.port}`;
	t.match((await (await proxy.connect()).send(ask("GET", host, "/1")).message()).body.toString(), `Host: ${host}`);
	const client = await proxy.connect();
	await client.send(connect(host)).head();
	t.match((await client.send("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n").message()).body.toString(), "GET /2 ");
});

t.test("the response cache does not hide a server that was started later", async (t) => {
	const origin = await startOrigin(t, echo);
	let isStarted = false;
	const hook: Hook = {
		name: "tape",
		request(_flow, decision) {
			const response = makeResponse(200, [], Buffer.from("recorded"), 0);
			const cached = {
				current: () => ({ response, until: Number.POSITIVE_INFINITY }),
				changingFields: () => [],
				currentFields: () => ({ fields: [], until: 0 }),
				isValid: () => true,
				countServed() {},
			};
			decision.answer(response, "tape", null, cached);
		},
	};
	const setup = { own: { addressOf: () => (isStarted ? "127.0.0.1" : null) }, wantsFlows: false };
	const proxy = await startTestProxy(t, { hooks: [hook], setup });
	const client = await proxy.connect();
	const asks = async () => (await client.send(ask("GET", origin.authority, "/x")).message()).body.toString();
	for (let i = 0; i < 3; i++) t.equal(await asks(), "recorded");
	isStarted = true;
	t.match(await asks(), "GET /x");
});

t.test("only in regular mode", async (t) => {
	const origin = await startOrigin(t, echo);
	const proxy = await start(t, origin.port, { options: { mode: [`reverse:http://${origin.authority}`] } });
	await (await proxy.connect()).send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").rest();
	t.equal((await proxy.flow(0)).request.port, origin.port);
	t.same(own(proxy), []);
});

t.test("proxy authentication applies", async (t) => {
	const origin = await startOrigin(t, echo);
	const hook = await createProxyAuth({ proxyauth: "u:p" }, {});
	const proxy = await start(t, origin.port, {
		hooks: hook === null ? [] : [hook],
		setup: { authenticator: hook as ProxyAuthenticator },
	});
	t.match((await (await proxy.connect()).send(ask("GET", origin.authority, "/")).message()).head, "HTTP/1.1 407 ");
	t.match(await (await proxy.connect()).send(connect(origin.authority)).head(), "HTTP/1.1 407 ");
	t.equal(origin.connections.length, 0);
	const allowed = await proxy.connect();
	t.match(
		(await allowed.send(ask("GET", origin.authority, "/", ["Proxy-Authorization: Basic dTpw"])).message()).head,
		"HTTP/1.1 200 ",
	);
});

t.test("bodies of any size are streamed", async (t) => {
	const server = createServer((request, response) => request.pipe(response)).listen(0, "127.0.0.1");
	t.teardown(() => server.close());
	await once(server, "listening");
	const { port } = server.address() as AddressInfo;
	const proxy = await start(t, port);
	const client = await proxy.connect();
	await client
		.send(ask("POST", `127.0.0.1:${port}`, "/", ["Transfer-Encoding: chunked"]))
		.send("5\r\nfirst\r\n")
		.head();
	t.equal((await client.take(10)).latin1Slice(), "5\r\nfirst\r\n", "before the rest was sent");
	client.send("0\r\n\r\n");
});

t.test("WebSockets", async (t) => {
	const { authority } = await startWebSocketOrigin(t, (socket) => socket.send("hello"));
	const proxy = await start(t, Number(authority.split(":")[1]));
	const client = await proxy.connect();
	const fields = [
		"Connection: Upgrade",
		"Upgrade: websocket",
		"Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
	];
	t.match(await client.send(ask("GET", authority, "/", fields)).head(), "HTTP/1.1 101 ");
	t.equal((await client.take(7)).latin1Slice(), "\x81\x05hello");
	t.same(proxy.flows, []);
});

// Properties of one hop: connection-bound logins, requests that must not be sent twice, headers for the proxy, and
// the host of a request.
import t, { type Test } from "tap";
import { startForwardingProxy } from "../../fixtures/forwarding-proxy.ts";
import { askHttp2, openHttp2 } from "../../fixtures/http2-peers.ts";
import { answering, ok, startOrigin } from "../../fixtures/origin-server.ts";
import type { Peer } from "../../fixtures/peer.ts";
import { startTestProxy } from "../../fixtures/running-proxy.ts";

const echo = answering((head) => ok(head));

/** A server with connection-bound logins. */
function startNtlm(t: Test, held: Promise<unknown> = Promise.resolve()) {
	return startOrigin(t, async (client) => {
		let state = "";
		for (;;) {
			const { head } = await client.message();
			const [, message] = /\r\nAuthorization: NTLM (\w+)/i.exec(head) ?? [];
			if (head.includes("/held")) await held;
			if (message === "first") state = "asked";
			else if (message === "last" && state === "asked") state = "alice";
			if (state === "alice") client.send(ok("hello alice"));
			else
				client.send(
					`HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM${state === "asked" ? " challenge" : ""}\r\nContent-Length: 0\r\n\r\n`,
				);
		}
	});
}

const get = (path: string, ...fields: string[]) =>
	`GET ${path} HTTP/1.1\r\nHost: a.test\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n`;

async function statusOf(client: Peer, bytes: string): Promise<string> {
	return (await client.send(bytes).message()).head.slice(9, 12);
}

t.test("a connection with a connection-bound login is not shared", async (t) => {
	let release = (_?: unknown): void => {};
	const held = new Promise((resolve) => {
		release = resolve;
	});
	const origin = await startNtlm(t, held);
	const proxy = await startTestProxy(t, { options: { mode: [`reverse:http://${origin.authority}`] } });
	const [alice, other] = [await proxy.connect(), await proxy.connect()];
	t.equal(await statusOf(alice, get("/a", "Authorization: NTLM first")), "401");
	const pending = statusOf(other, get("/held"));
	t.equal(await statusOf(alice, get("/a", "Authorization: NTLM last")), "200");
	release();
	t.equal(await pending, "401");
	for (let i = 0; i < 3; i++) t.equal(await statusOf(other, get("/c")), "401");
	t.equal(await statusOf(alice, get("/b")), "200");
	alice.close();
	t.equal(await statusOf(await proxy.connect(), get("/d")), "401");
});

t.test("a login in a tunnel is not used for another client's tunnel", async (t) => {
	let release = (_?: unknown): void => {};
	const held = new Promise((resolve) => {
		release = resolve;
	});
	const origin = await startNtlm(t, held);
	const proxy = await startTestProxy(t);
	const alice = await proxy.tunnel(origin.authority);
	t.equal(await statusOf(alice, get("/a", "Authorization: NTLM first")), "401");
	const other = await proxy.tunnel(origin.authority);
	const pending = statusOf(other, get("/held"));
	t.equal(await statusOf(alice, get("/a", "Authorization: NTLM last")), "200");
	release();
	t.equal(await pending, "401");
	t.equal(await statusOf(alice, get("/b")), "200");
	alice.close();
	t.equal(await statusOf(other, get("/c")), "401");
	t.equal(await statusOf(await proxy.tunnel(origin.authority), get("/d")), "401");
});

t.test("connections without such a login are shared", async (t) => {
	const origin = await startOrigin(t, echo);
	const proxy = await startTestProxy(t, { options: { mode: [`reverse:http://${origin.authority}`] } });
	for (let i = 0; i < 7; i++) {
		const client = await proxy.connect();
		for (const field of ["X: y", "Authorization: Basic dTpw", "Authorization: Bearer NTLM"])
			t.equal(await statusOf(client, get("/", field)), "200");
		client.close();
	}
	t.equal(origin.connections.length, 1);
});

/** A server that closes the connection on the first request for /order without a response. */
async function startForgetful(t: Test) {
	const orders: string[] = [];
	const origin = await startOrigin(t, async (client) => {
		for (;;) {
			const head = await client.head();
			if (head.includes("/order")) {
				orders.push(head.split(" ")[0] as string);
				if (orders.length === 1) return client.close();
			}
			client.send(ok("fine"));
		}
	});
	return { ...origin, orders };
}

t.test("non-idempotent requests are never sent twice", async (t) => {
	const order = (method: string, path: string, host: string) =>
		`${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\n\r\n`;
	for (const [method, isRepeated] of [
		["POST", false],
		["PATCH", false],
		["LOCK", false],
		["UNKNOWN", false],
		["GET", true],
		["PUT", true],
		["DELETE", true],
	] as const) {
		for (const mode of ["reverse", "tunnel", "upstream"]) {
			const origin = await startForgetful(t);
			const proxy = await startTestProxy(t, {
				options: {
					mode: [
						mode === "reverse"
							? `reverse:http://${origin.authority}`
							: mode === "upstream"
								? `upstream:http://${origin.authority}`
								: "regular",
					],
				},
			});
			const client = mode === "tunnel" ? await proxy.tunnel(origin.authority) : await proxy.connect();
			const prefix = mode === "upstream" ? "http://a.test" : "";
			t.equal(await statusOf(client, order("GET", `${prefix}/warm`, "a.test")), "200");
			t.equal(
				await statusOf(client, order(method, `${prefix}/order`, "a.test")),
				isRepeated ? "200" : "502",
				`${method}, ${mode}`,
			);
			t.equal(origin.orders.length, isRepeated ? 2 : 1, `${method}, ${mode}`);
			if (!isRepeated) t.match((await proxy.flow(1)).error, { message: /server closed the connection|broke/ });
		}
	}
});

t.test("nor are requests with a chunked body, or those received over HTTP/2", async (t) => {
	const chunked = "POST /order HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
	const first = await startForgetful(t);
	const proxy = await startTestProxy(t, { options: { mode: [`reverse:http://${first.authority}`] } });
	const client = await proxy.connect();
	t.equal(await statusOf(client, get("/warm")), "200");
	t.equal(await statusOf(client, chunked), "502");
	t.strictSame(first.orders, ["POST"]);
	for (const [method, orders] of [
		["POST", ["POST"]],
		["GET", ["GET", "GET"]],
	] as const) {
		const origin = await startForgetful(t);
		const session = await openHttp2(t, await startTestProxy(t), origin.authority);
		t.match(await askHttp2(session, { ":path": "/warm" }), { status: 200 });
		t.match(
			await askHttp2(session, { ":method": method, ":path": "/order" }, method === "POST" ? "hello" : undefined),
			{
				status: method === "POST" ? 502 : 200,
			},
		);
		t.strictSame(origin.orders, orders);
	}
});

t.test("if the server has closed the idle connection, a POST is sent on a new one", async (t) => {
	const origin = await startOrigin(t, async (client, index) => {
		do {
			await client.message();
			client.send(ok("fine"));
		} while (index > 0);
		client.close();
	});
	const proxy = await startTestProxy(t, { options: { mode: [`reverse:http://${origin.authority}`] } });
	const client = await proxy.connect();
	t.equal(await statusOf(client, get("/warm")), "200");
	await origin.connections[0]?.ended();
	t.equal(await statusOf(client, "POST /order HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"), "200");
	t.equal(origin.connections.length, 2);
});

t.test("no request is retried for a client that has disconnected", async (t) => {
	const seen: string[] = [];
	let hangUp = (): void => {};
	const origin = await startOrigin(t, async (client) => {
		for (;;) {
			const head = await client.head();
			seen.push(head);
			if (head.includes("/warm")) client.send(ok("fine"));
			else hangUp = () => client.close();
		}
	});
	const proxy = await startTestProxy(t, { options: { mode: [`reverse:http://${origin.authority}`] } });
	const client = await proxy.connect();
	t.equal(await statusOf(client, get("/warm")), "200");
	client.send(get("/order")).end();
	await new Promise<void>((resolve) => {
		const look = () => (seen.length === 2 ? setTimeout(resolve, 100) : setTimeout(look, 5));
		look();
	});
	hangUp();
	await proxy.flow(1);
	t.equal(seen.length, 2);
});

t.test("headers for the proxy are not forwarded", async (t) => {
	const origin = await startOrigin(t, echo);
	const fields = [
		"Proxy-Authorization: Basic dzE6dG9wc2VjcmV0",
		"proxy-connection: keep-alive",
		"Authorization: Basic dTpw",
	];
	for (const mode of ["regular", `reverse:http://${origin.authority}`, "tunnel"]) {
		const proxy = await startTestProxy(t, { options: { mode: [mode === "tunnel" ? "regular" : mode] } });
		const client = mode === "tunnel" ? await proxy.tunnel(origin.authority) : await proxy.connect();
		const { body } = await client
			.send(get(mode === "regular" ? `http://${origin.authority}/x` : "/x", ...fields))
			.message();
		t.notMatch(body.toString(), /proxy-/i, mode);
		t.match(body.toString(), "Authorization: Basic dTpw", mode);
		const { request } = await proxy.flow(0);
		t.equal(request.headers.has("proxy-authorization") || request.headers.has("proxy-connection"), false, mode);
	}
	await t.test("the next proxy gets them, for requests and tunnels, and no flow contains them", async (t) => {
		const next = await startForwardingProxy(t);
		const proxy = await startTestProxy(t, { options: { mode: [`upstream:http://${next.authority}`] } });
		await (await proxy.connect()).send(get("http://a.test/x", ...fields)).message();
		t.match(next.heads[0], /\r\nProxy-Authorization: Basic dzE6dG9wc2VjcmV0\r\n/);
		t.equal((await proxy.flow(0)).request.headers.has("proxy-authorization"), false);
		const client = await proxy.connect();
		await client
			.send(`CONNECT ${origin.authority} HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic dzI6eA==\r\n\r\n`)
			.head();
		client.send("\x00\x01");
		await new Promise<void>((resolve) => {
			const look = () => (next.heads.length === 2 ? resolve() : setTimeout(look, 5));
			look();
		});
		t.match(next.heads[1], /^CONNECT .*\r\nProxy-Authorization: Basic dzI6eA==\r\n/s);
	});
});

t.test("in upstream mode, the next proxy gets the client's headers for it in every kind of request", async (t) => {
	const next = await startForwardingProxy(t);
	const proxy = await startTestProxy(t, { options: { mode: [`upstream:http://${next.authority}`] } });
	const AUTH = "Proxy-Authorization: Basic dTpw";
	const WEBSOCKET = [
		"Upgrade: websocket",
		"Connection: Upgrade",
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
		"Sec-WebSocket-Version: 13",
	];
	const origin = await startOrigin(t, async (client) => {
		const head = await client.head();
		client.send(
			head.startsWith("GET /ws ")
				? "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
				: ok(head),
		);
		await client.rest();
	});
	const webSocket = await proxy.connect();
	t.match(await webSocket.send(get(`http://${origin.authority}/ws`, AUTH, ...WEBSOCKET)).head(), /^HTTP\/1\.1 101 /);
	t.match(next.heads[0], /^CONNECT .*\r\nProxy-Authorization: Basic dTpw\r\n/s);
	t.notMatch(origin.connections[0]?.seen, /proxy-/i);
	webSocket.close();
	await (await proxy.connect()).send(get(`https://${origin.authority}/x`, AUTH)).end();
	const inTunnel = await proxy.connect();
	await inTunnel.send(`CONNECT ${origin.authority} HTTP/1.1\r\nHost: a\r\n${AUTH}\r\n\r\n`).head();
	t.match((await inTunnel.send(get("/x")).message()).body.toString(), /^GET \/x HTTP\/1\.1\r\nHost: a\.test\r\n\r\n$/);
	t.equal(next.heads.filter((head) => head.includes(`\r\n${AUTH}\r\n`)).length, next.heads.length);
	t.equal(next.heads.length, 3);
});

t.test("trailers for a proxy are removed", async (t) => {
	const origin = await startOrigin(t, async (client) => {
		client.send(ok(await client.upTo("0\r\n").then(() => client.upTo("\r\n\r\n"))));
	});
	const proxy = await startTestProxy(t);
	const body = "1\r\nx\r\n0\r\nX-Sum: 1\r\nProxy-Authorization: Basic dTpw\r\n\r\n";
	const client = await proxy.connect();
	client.send(
		`POST http://${origin.authority}/ HTTP/1.1\r\nHost: ${origin.authority}\r\nTransfer-Encoding: chunked\r\n\r\n${body}`,
	);
	const seen = (await client.message()).body.toString();
	t.match(seen, "X-Sum: 1");
	t.notMatch(seen, /proxy-/i);
	t.strictSame((await proxy.flow(0)).request.trailers?.fields, ["X-Sum", "1"]);
});

t.test("the host of a request", async (t) => {
	const origin = await startOrigin(t, echo);
	const proxy = await startTestProxy(t);
	const ask = async (isTunnel: boolean, version: string, ...hosts: string[]) => {
		const client = isTunnel ? await proxy.tunnel(origin.authority) : await proxy.connect();
		return (
			await client
				.send(
					`GET ${isTunnel ? "" : `http://${origin.authority}`}/x HTTP/${version}\r\n${hosts.map((host) => `Host: ${host}\r\n`).join("")}Connection: close\r\n\r\n`,
				)
				.rest()
		).replace(/^.*?\r\n\r\n/s, "");
	};
	for (const isTunnel of [false, true]) {
		t.match(await ask(isTunnel, "1.1"), `\r\nHost: ${origin.authority}\r\n`, "none");
		t.match(await ask(isTunnel, "1.1", "a.test", "b.test"), "expected one Host header");
		t.match(await ask(isTunnel, "1.1", "a b"), "expected host or host:port");
		t.match(await ask(isTunnel, "1.1", "a.test:81"), "\r\nHost: a.test:81\r\n");
		t.notMatch(await ask(isTunnel, "1.0"), "Host:", "HTTP/1.0 has none");
	}
	t.equal(
		origin.connections.every(({ seen }) => !seen.includes("b.test")),
		true,
	);
});

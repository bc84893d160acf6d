// Connections to servers by name and address, with and without TLS, and the messages of failures.
import type { ServerHttp2Stream } from "node:http2";
import { createServer } from "node:net";
import { mock } from "node:test";
import t, { type Test } from "tap";
import { makeAuthorities } from "../../../../fixtures/authorities.ts";
import { startForwardingProxy } from "../../../../fixtures/forwarding-proxy.ts";
import { askHttp2, openHttp2, startHttp2Origin } from "../../../../fixtures/http2-peers.ts";
import { lacksIpv6 } from "../../../../fixtures/ipv6.ts";
import { answering, ask, ok, startOrigin } from "../../../../fixtures/origin-server.ts";
import { type ProxyParts, startTestProxy } from "../../../../fixtures/running-proxy.ts";

const { originFile, selfSigned, server } = await makeAuthorities(t);
const trusting = { ssl_verify_upstream_trusted_ca: originFile };
const hi = answering(() => ok("hi"));

/** The error that a client gets for a server that cannot be reached. */
async function failure(
	t: Test,
	authority: string,
	scheme = "http",
	options: ProxyParts["options"] = {},
): Promise<string> {
	const proxy = await startTestProxy(t, { options });
	const client = await proxy.connect();
	const answer = await client.send(ask("GET", authority, "/").replace("http:", `${scheme}:`)).rest();
	t.match(answer, /^HTTP\/1\.1 502 Bad Gateway\r\n/);
	const said = answer.slice(answer.indexOf("flowtape: ") + 10, -1);
	const flow = await proxy.flow(0);
	t.equal(flow.error?.message, said, "the tape says the same");
	t.match(flow, {
		response: null,
		serverConn: { address: flow.request.host ? [flow.request.host, flow.request.port] : null },
	});
	return said;
}

t.test("no server at the address", async (t) => {
	const closed = await startOrigin(t, hi);
	closed.close();
	t.equal(await failure(t, closed.authority), `${closed.authority} refused the connection (ECONNREFUSED)`);
});

t.test("unknown names", async (t) => {
	t.match(
		await failure(t, "no-such-host.invalid:80"),
		/^no-such-host\.invalid:80 cannot be (found|connected to).* \((ENOTFOUND|EAI_AGAIN|EAI_FAIL)\)$/,
	);
});

t.test("TLS handshakes that time out or are broken off", async (t) => {
	const silent = await startOrigin(t, () => {});
	t.equal(
		await failure(t, silent.authority, "https", { connect_timeout: 1 }),
		`${silent.authority} did not answer within 1 s`,
	);
	const closing = await startOrigin(t, (client) => client.close());
	t.match(
		await failure(t, closing.authority, "https"),
		/closed the connection during the TLS handshake|reset the connection|cannot be connected to/,
	);
	const plain = await startOrigin(t, (client) => void client.send("HTTP/1.1 400 Speak plainly\r\n\r\n"));
	t.match(await failure(t, plain.authority, "https"), /cannot be connected to \(.*(wrong|packet|SSL).*\)/i);
});

t.test("invalid certificates", async (t) => {
	const advice =
		/; trust its authority with ssl_verify_upstream_trusted_ca, or turn verification off with ssl_insecure$/;
	for (const [secureContext, options, says] of [
		[server({ names: ["127.0.0.1"] }), {}, /has a certificate from an (untrusted|unknown) authority \(.*\)/],
		[selfSigned({ names: ["127.0.0.1"] }), {}, /has a self-signed certificate/],
		[
			server({ names: ["other.example", "10.0.0.1"] }),
			trusting,
			/has a certificate for another name \(.*127\.0\.0\.1.*\)/,
		],
		[server({ names: ["127.0.0.1"], at: new Date("2020-01-01") }), trusting, /has an expired certificate/],
	] as const) {
		const origin = await startOrigin(t, hi, { tls: { secureContext } });
		const said = await failure(t, origin.authority, "https", options);
		t.match(said, says);
		t.match(said, advice);
		t.strictSame(
			origin.connections.map((connection) => connection.seen).join(""),
			"",
			"not a byte of the request got there",
		);
		const insecure = await startTestProxy(t, { options: { ssl_insecure: true } });
		const client = await insecure.connect();
		const { body } = await client.send(ask("GET", origin.authority, "/").replace("http:", "https:")).message();
		t.equal(body.toString(), "hi", "ssl_insecure");
	}
});

t.test("valid certificates for an address and for a name", async (t) => {
	const origin = await startOrigin(t, hi, { tls: { secureContext: server({ names: ["localhost", "127.0.0.1"] }) } });
	const proxy = await startTestProxy(t, { options: trusting });
	const client = await proxy.connect();
	for (const host of ["127.0.0.1", "localhost"]) {
		client.send(ask("GET", `${host}:${origin.port}`, "/").replace("http:", "https:"));
		t.equal((await client.message()).body.toString(), "hi");
	}
	t.match(await proxy.flow(1), {
		request: { scheme: "https" },
		serverConn: { tls: true, sni: "localhost", tlsVersion: "TLSv1.3" },
	});
	t.equal(origin.connections.length, 2, "a connection each: another name is another server");
});

t.test("IPv6", { skip: lacksIpv6 }, async (t) => {
	const origin = await startOrigin(t, hi, { host: "::1" });
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	t.equal((await client.send(ask("GET", origin.authority, "/")).message()).body.toString(), "hi");
	t.match(await proxy.flow(0), {
		request: { host: "::1", port: origin.port },
		serverConn: { peername: ["::1", origin.port] },
	});
});

t.test("the proxy does not connect to itself", async (t) => {
	for (const listen_host of ["127.0.0.1", "0.0.0.0", ...(lacksIpv6 ? [] : ["::"])]) {
		const proxy = await startTestProxy(t, { options: { listen_host } });
		for (const host of listen_host === "127.0.0.1"
			? ["127.0.0.1", "localhost"]
			: ["127.0.0.1", "localhost", "0.0.0.0"]) {
			const client = await proxy.connect();
			const answer = await client.send(ask("GET", `${host}:${proxy.port}`, "/")).rest();
			t.match(
				answer,
				/^HTTP\/1\.1 502 .*is this proxy itself: the request would loop/s,
				`${host}, listening on ${listen_host}`,
			);
			client.close();
		}
		await proxy.running.close();
		t.ok(proxy.flows.every((flow) => flow.error !== null));
	}
});

t.test("without a network, it resolves no names and opens no connections", async (t) => {
	let connections = 0;
	const origin = createServer(() => connections++).listen(0, "127.0.0.1");
	t.teardown(() => origin.close());
	const proxy = await startTestProxy(t, { upstream: null });
	const client = await proxy.connect();
	const { port } = origin.address() as { port: number };
	t.match(
		await client.send(ask("GET", `127.0.0.1:${port}`, "/")).rest(),
		/^HTTP\/1\.1 502 .*this proxy does not connect to servers/s,
	);
	t.equal(connections, 0);
});

t.test("shutdown closes idle connections and those being opened", async (t) => {
	const origin = await startOrigin(t, async (client, index) => {
		await client.head();
		if (index === 0) client.send(ok("hi"));
	});
	const silent = await startOrigin(t, () => {});
	const proxy = await startTestProxy(t);
	const [kept, asking, dialling] = [await proxy.connect(), await proxy.connect(), await proxy.connect()];
	await kept.send(ask("GET", origin.authority, "/")).message();
	asking.send(ask("GET", origin.authority, "/1") + ask("GET", origin.authority, "/2"));
	dialling.send(ask("GET", silent.authority, "/").replace("http:", "https:"));
	while (silent.connections.length === 0) await new Promise(setImmediate);
	await proxy.running.close({ graceMs: 0 });
	for (const connection of [...origin.connections, ...silent.connections]) t.ok(await connection.ended());
});

t.test("other protocols get their own connection, or none", async (t) => {
	const origin = await startOrigin(t, async (client) => void client.send(`<${await client.upTo("!")}>`));
	const proxy = await startTestProxy(t);
	const client = await proxy.tunnel(origin.authority);
	await client.send("\0\x01!").upTo("<\0\x01!>");
	origin.close();
	const refused = await proxy.tunnel(origin.authority);
	t.equal(await refused.send("\0\x01!").rest(), "");
	t.match(await proxy.event("upstream_error"), { destination: origin.authority, message: /refused the connection/ });
});

t.test("a client that disconnects during the attempt to connect", async (t) => {
	const silent = await startOrigin(t, () => {});
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	client.send(ask("GET", silent.authority, "/").replace("http:", "https:"));
	while (silent.connections.length === 0) await new Promise(setImmediate);
	client.close();
	t.match(await proxy.flow(0), { error: { message: "Client disconnected." } });
	t.ok(await silent.connections[0]?.ended(), "the connection is given up");
});

t.test("connections that are idle for half a minute are closed, others are kept", async (t) => {
	mock.timers.enable({ apis: ["setInterval"] });
	const { now } = performance;
	t.teardown(() => {
		mock.timers.reset();
		performance.now = now;
	});
	const idle = await startOrigin(t, hi);
	const busy = await startOrigin(t, hi);
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	await client.send(ask("GET", idle.authority, "/")).message();
	performance.now = () => now.call(performance) + 31_000;
	await client.send(ask("GET", busy.authority, "/")).message();
	mock.timers.tick(5_000);
	t.equal(await idle.connections[0]?.ended(), "end");
	await client.send(ask("GET", busy.authority, "/")).message();
	await client.send(ask("GET", idle.authority, "/")).message();
	t.strictSame([idle.connections.length, busy.connections.length], [2, 1]);
});

t.test("HTTP/2 is used if client and server both support it, also through a proxy's tunnel", async (t) => {
	const { proxy: authority } = await makeAuthorities(t);
	const answer = (stream: ServerHttp2Stream) => {
		stream.respond({ ":status": 200 });
		stream.end("over HTTP/2");
	};
	const modern = await startHttp2Origin(t, answer, { authority });
	const old = await startOrigin(t, hi, {
		tls: { secureContext: authority.leafFor({ sni: "localhost", host: "127.0.0.1" }).context },
	});
	const forwarding = await startForwardingProxy(t);
	for (const mode of ["regular", `upstream:http://${forwarding.authority}`]) {
		const options = { ssl_verify_upstream_trusted_ca: authority.certificateFile, mode: [mode] };
		const proxy = await startTestProxy(t, { authority, options });
		const get = async (to: string) =>
			(await askHttp2(await openHttp2(t, proxy, to, { authority }), { ":path": "/" })).body?.toString();
		t.equal(await get(modern.authority), "over HTTP/2");
		for (let i = 0; i < 2; i++) t.equal(await get(old.authority), "hi", "the server's choice is remembered");
		t.match(await proxy.flow(0), {
			serverConn: { alpn: "h2", via: mode === "regular" ? null : ["http", ["127.0.0.1", forwarding.port]] },
		});
	}
	t.equal(forwarding.heads.length > 1, true);
});

t.test("for a server that accepts only HTTP/2, an HTTP/1.1 client's request uses HTTP/2", async (t) => {
	const { proxy: authority } = await makeAuthorities(t);
	const origin = await startHttp2Origin(t, (stream) => stream.respond({ ":status": 204 }, { endStream: true }), {
		authority,
		alpn: ["h2"],
	});
	const proxy = await startTestProxy(t, { options: { ssl_verify_upstream_trusted_ca: authority.certificateFile } });
	const client = await proxy.connect();
	t.match(await client.send(ask("GET", origin.authority, "/").replace("http:", "https:")).head(), /^HTTP\/1\.1 204 /);
});

t.test("cleartext HTTP/2, and servers that do not support it", async (t) => {
	const modern = await startHttp2Origin(t, (stream) => stream.respond({ ":status": 204 }, { endStream: true }));
	const old = await startOrigin(t, hi);
	const proxy = await startTestProxy(t);
	const status = async (to: string) => (await askHttp2(await openHttp2(t, proxy, to), { ":path": "/" })).status;
	t.equal(await status(modern.authority), 204);
	for (let i = 0; i < 2; i++) t.equal(await status(old.authority), 200);
});

t.test("a cleartext WebSocket uses a tunnel of the upstream proxy, other requests are forwarded by it", async (t) => {
	const origin = await startOrigin(t, async (server) => {
		t.match(await server.head(), /^GET \/chat HTTP\/1\.1\r\n/);
		server.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
	});
	const forwarding = await startForwardingProxy(t);
	const proxy = await startTestProxy(t, { options: { mode: [`upstream:http://${forwarding.authority}`] } });
	const client = await proxy.connect();
	for (let i = 0; i < 2; i++) {
		t.match(
			(await client.send(ask("GET", origin.authority, "/plain")).message()).body.toString(),
			"forwarded GET http://",
		);
		const socket = await proxy.connect();
		const fields = [
			"Connection: Upgrade",
			"Upgrade: websocket",
			"Sec-WebSocket-Version: 13",
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
		];
		socket.send(
			[`GET http://${origin.authority}/chat HTTP/1.1`, `Host: ${origin.authority}`, ...fields, "", ""].join("\r\n"),
		);
		t.match(await socket.head(), /^HTTP\/1\.1 101 /);
		socket.close();
	}
	t.strictSame(
		forwarding.heads.map((head) => head.slice(0, head.indexOf(" ", 8))),
		Array(2)
			.fill([`GET http://${origin.authority}/plain`, `CONNECT ${origin.authority}`])
			.flat(),
	);
});

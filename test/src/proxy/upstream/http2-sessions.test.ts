// The connection that an HTTP/2 request uses, and servers without HTTP/2.
import t from "tap";
import { gate } from "../../../../fixtures/gate.ts";
import { askHttp2, openHttp2, startHttp2Origin } from "../../../../fixtures/http2-peers.ts";
import { answering, ok, startOrigin } from "../../../../fixtures/origin-server.ts";
import { Peer } from "../../../../fixtures/peer.ts";
import { startTestProxy } from "../../../../fixtures/running-proxy.ts";
import { openAuthority } from "../../../../src/ca/authority.ts";
import { newServerConnection } from "../../../../src/proxy/connection/connection-info.ts";
import { UpstreamHttp2 } from "../../../../src/proxy/upstream/http2-connection.ts";
import { UpstreamSessions } from "../../../../src/proxy/upstream/http2-sessions.ts";

t.test("concurrent requests wait for one connection", async (t) => {
	const authority = await openAuthority(t.testdir());
	const origin = await startHttp2Origin(t, (stream) => stream.respond({ ":status": 204 }, { endStream: true }), {
		authority,
	});
	const options = { ssl_verify_upstream_trusted_ca: authority.certificateFile, connection_strategy: "lazy" } as const;
	const proxy = await startTestProxy(t, { authority, options });
	const session = await openHttp2(t, proxy, origin.authority, { authority });
	const answers = await Promise.all(Array.from({ length: 10 }, () => askHttp2(session, { ":path": "/" })));
	t.ok(answers.every(({ status }) => status === 204));
	t.equal(origin.sockets.length, 1);
});

t.test("a cancelled request does not affect the others; if all are cancelled, no connection is opened", async (t) => {
	const origin = await startHttp2Origin(t, (stream) => stream.respond({ ":status": 204 }, { endStream: true }));
	const proxy = await startTestProxy(t);
	const session = await openHttp2(t, proxy, origin.authority);
	const first = askHttp2(session, { ":path": "/1" }, (stream) => setImmediate(() => stream.close(8)));
	t.match(await askHttp2(session, { ":path": "/2" }), { status: 204 });
	await first;
	t.ok(origin.sockets.length <= 2);
});

t.test("unused sessions are closed and removed", async (t) => {
	const origin = await startHttp2Origin(t, (stream) => stream.respond({ ":status": 204 }, { endStream: true }));
	const { socket } = await Peer.to(origin.port, "localhost");
	socket.removeAllListeners("data");
	const sessions = new UpstreamSessions();
	const closed = gate();
	const session = new UpstreamHttp2(socket, newServerConnection("localhost", origin.port), { timeoutMs: 0 }, (one) => {
		sessions.removeSession("key", one);
		closed.open();
	});
	sessions.addSession("key", session);
	t.notOk(sessions.openStream("key"), "not before the server has said that it speaks HTTP/2");
	await new Promise<void>((resolve) => session.confirm(1000, () => resolve()));
	sessions.sweep(0);
	t.ok(sessions.openStream("key"), "not as long as it is young");
	t.notOk(sessions.openStream("key", true), "nor for a WebSocket, which the server does not take");
	sessions.sweep(performance.now() + 1);
	await closed.opened;
	t.notOk(sessions.openStream("key"));
	sessions.rememberHttp1("key");
	t.ok(sessions.isHttp1("key"));
});

t.test("all waiting requests fail if there is no connection", async (t) => {
	const origin = await startOrigin(t, () => {});
	origin.close();
	const proxy = await startTestProxy(t);
	const session = await openHttp2(t, proxy, `localhost:${origin.port}`);
	const answers = await Promise.all(Array.from({ length: 3 }, () => askHttp2(session, { ":path": "/" })));
	t.ok(answers.every(({ status }) => status === 502));
});

t.test("over TLS, each request to an HTTP/1.1 server gets its own connection", async (t) => {
	const authority = await openAuthority(t.testdir());
	const secureContext = authority.leafFor({ sni: "localhost", host: "localhost" }).context;
	const origin = await startOrigin(
		t,
		answering(() => ok("hi")),
		{ host: "localhost", tls: { secureContext, ALPNProtocols: ["http/1.1"] } },
	);
	const options = { ssl_verify_upstream_trusted_ca: authority.certificateFile, connection_strategy: "lazy" } as const;
	const proxy = await startTestProxy(t, { authority, options });
	const session = await openHttp2(t, proxy, `localhost:${origin.port}`, { authority });
	for (const round of [1, 2]) {
		const answers = await Promise.all(Array.from({ length: 5 }, () => askHttp2(session, { ":path": "/" })));
		t.ok(
			answers.every(({ status, body }) => status === 200 && body === "hi"),
			`round ${round}`,
		);
	}
	t.ok(origin.connections.length <= 5, "and those are kept");
});

t.test("in cleartext, an HTTP/1.1 server is detected once, by its response to the preface", async (t) => {
	let prefaces = 0;
	const origin = await startOrigin(
		t,
		async (server) => {
			for (;;) {
				const head = await server.head();
				if (head.startsWith("PRI ")) {
					prefaces++;
					server.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
					return server.end();
				}
				server.send(ok(head.slice(0, head.indexOf("\r\n"))));
			}
		},
		{ host: "localhost" },
	);
	const proxy = await startTestProxy(t);
	const session = await openHttp2(t, proxy, `localhost:${origin.port}`);
	for (const path of ["/1", "/2"])
		t.match(await askHttp2(session, { ":path": path }), { status: 200, body: `GET ${path} HTTP/1.1` });
	t.equal(prefaces, 1);
	t.match((await proxy.flow(0)).response, { httpVersion: "HTTP/1.1" });
});

t.test("in cleartext, no request is sent before the server has confirmed HTTP/2", async (t) => {
	const asked = gate();
	const answer = gate();
	const origin = await startOrigin(
		t,
		async (server) => {
			for (;;) {
				const head = await server.head();
				if (head.startsWith("PRI ")) {
					asked.open();
					await answer.opened;
					server.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
					return server.end();
				}
				server.send(ok(head.slice(0, head.indexOf("\r\n"))));
			}
		},
		{ host: "localhost" },
	);
	const proxy = await startTestProxy(t);
	const session = await openHttp2(t, proxy, `localhost:${origin.port}`);
	const first = askHttp2(session, { ":path": "/first" });
	await asked.opened;
	const others = ["/a", "/b"].map((path) => askHttp2(session, { ":method": "POST", ":path": path }));
	// When the proxy has answered the PING, it has read the requests before it.
	await new Promise<void>((resolve) => session.ping(() => resolve()));
	answer.open();
	const answers = await Promise.all([first, ...others]);
	t.match(answers, [
		{ status: 200, body: "GET /first HTTP/1.1" },
		{ status: 200, body: "POST /a HTTP/1.1" },
		{ status: 200, body: "POST /b HTTP/1.1" },
	]);
});

t.test("cancelled requests do not affect those that wait; with the last one, the attempt is cancelled", async (t) => {
	const authority = await openAuthority(t.testdir());
	// It never responds to the ClientHello.
	const silent = await startOrigin(t, () => {}, { host: "localhost" });
	const proxy = await startTestProxy(t, { authority, options: { connection_strategy: "lazy" } });
	const session = await openHttp2(t, proxy, silent.authority, { authority });
	const streams = [1, 2].map((n) => session.request({ ":path": `/${n}` }).on("error", () => {}));
	while (silent.connections.length === 0) await new Promise(setImmediate);
	for (const [index, stream] of streams.entries()) {
		stream.close(8);
		t.match(await proxy.flow(index), { error: { message: /./ }, response: null });
	}
	t.ok(await silent.connections[0]?.ended());
	t.equal(silent.connections.length, 1);
});

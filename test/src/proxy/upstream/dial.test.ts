// Connections to servers: direct, through proxies, with TLS and TLS in TLS, and the messages of failures.
import type { Socket } from "node:net";
import t, { type Test } from "tap";
import { makeAuthorities } from "../../../../fixtures/authorities.ts";
import { startForwardingProxy } from "../../../../fixtures/forwarding-proxy.ts";
import { startOrigin } from "../../../../fixtures/origin-server.ts";
import type { FlowtapeError } from "../../../../src/errors.ts";
import { defaults } from "../../../../src/options.ts";
import { newServerConnection } from "../../../../src/proxy/connection/connection-info.ts";
import { options as tlsOptions, UpstreamTls } from "../../../../src/proxy/tls/upstream-options.ts";
import { type DialPlan, dial } from "../../../../src/proxy/upstream/dial.ts";

const { originFile, selfSigned, server } = await makeAuthorities(t);
const tls = new UpstreamTls({ ...defaults(tlsOptions), ssl_verify_upstream_trusted_ca: originFile });
const greeting = (client: { send(text: string): unknown }) => void client.send("hello");

type Route = Pick<DialPlan, "to"> & Partial<DialPlan>;

function planFor(t: Test, route: Route): DialPlan & { sockets: Socket[] } {
	const sockets: Socket[] = [];
	t.teardown(() => {
		for (const socket of sockets) socket.destroy();
	});
	const { to, via = null } = route;
	const onSocket = (socket: Socket) => void sockets.push(socket.on("error", () => {}));
	const serverConn = newServerConnection(to.host, to.port, via);
	return {
		via,
		tunnel: via !== null,
		protocols: ["http/1.1"],
		sendHost: true,
		tls,
		timeoutMs: 10_000,
		serverConn,
		isOwn: () => false,
		onSocket,
		...route,
		sockets,
	};
}

/** The first bytes from the server, or the error. */
async function greet(plan: DialPlan): Promise<string> {
	const socket = await new Promise<Socket | FlowtapeError>((resolve) => {
		dial(plan, (error, socket) => resolve(error ?? (socket as Socket)));
	});
	if (socket instanceof Error) return `${socket.code}: ${socket.message}`;
	return new Promise((resolve) => socket.once("data", (bytes) => resolve(bytes.toString())).resume());
}

const to = (port: number, secure = false) => ({
	tls: secure,
	host: "127.0.0.1",
	port,
	sni: secure ? "origin.example" : null,
	http2: false,
});
const through = (port: number, scheme: "http" | "https" = "http") => ({
	scheme,
	host: scheme === "http" ? "127.0.0.1" : "localhost",
	port,
	authorization: null,
});
const originTls = () => ({ tls: { secureContext: server({ names: ["origin.example"] }) } });

t.test("direct connections", async (t) => {
	const plain = await startOrigin(t, greeting);
	const plan = planFor(t, { to: to(plain.port) });
	t.equal(await greet(plan), "hello");
	t.match(plan.serverConn, {
		address: ["127.0.0.1", plain.port],
		peername: ["127.0.0.1", plain.port],
		via: null,
		tls: false,
		timestampTcpSetup: Number,
	});
	const secure = await startOrigin(t, greeting, originTls());
	const tlsPlan = planFor(t, { to: to(secure.port, true) });
	t.equal(await greet(tlsPlan), "hello");
	t.match(tlsPlan.serverConn, { sni: "origin.example", tls: true, tlsVersion: "TLSv1.3", timestampTlsSetup: Number });
	t.equal(tlsPlan.serverConn.certificateList.length, 2, "the leaf and its authority");
});

t.test("connections through a proxy", async (t) => {
	const secure = await startOrigin(t, greeting, originTls());
	const plain = await startOrigin(t, greeting);
	const http = await startForwardingProxy(t);
	const https = await startForwardingProxy(t, { tls: { secureContext: server({ names: ["localhost"] }) } });
	for (const [proxy, scheme] of [
		[http, "http"],
		[https, "https"],
	] as const) {
		const via = through(proxy.port, scheme);
		t.equal(await greet(planFor(t, { to: to(plain.port), via })), "hello", scheme);
		const plan = planFor(t, { to: to(secure.port, true), via });
		t.equal(await greet(plan), "hello", `TLS through ${scheme}`);
		t.match(plan.serverConn, {
			address: ["127.0.0.1", secure.port],
			peername: ["127.0.0.1", proxy.port],
			via: [scheme, [via.host, proxy.port]],
			sni: "origin.example",
			tls: true,
		});
		t.match(proxy.heads, [`CONNECT 127.0.0.1:${plain.port} `, `CONNECT 127.0.0.1:${secure.port} `]);
	}
	const forwarding = planFor(t, { to: to(1), via: through(plain.port), tunnel: false });
	t.equal(await greet(forwarding), "hello", "a request in absolute form needs no tunnel");
});

t.test("failures of the proxy and behind it", async (t) => {
	const closed = await startOrigin(t, greeting);
	closed.close();
	t.equal(
		await greet(planFor(t, { to: to(1), via: through(closed.port) })),
		`FT_UPSTREAM: the upstream proxy 127.0.0.1:${closed.port} refused the connection (ECONNREFUSED)`,
	);
	const refusing = await startForwardingProxy(t, { refuse: () => "HTTP/1.1 403 No\r\n\r\n" });
	t.equal(
		await greet(planFor(t, { to: to(1), via: through(refusing.port) })),
		`FT_UPSTREAM: the upstream proxy 127.0.0.1:${refusing.port} refused the tunnel: 403 No`,
	);
	const leaving = await startOrigin(t, async (client) => {
		await client.head();
		client.close();
	});
	t.match(
		await greet(planFor(t, { to: to(1), via: through(leaving.port) })),
		/the upstream proxy 127\.0\.0\.1:\d+ (closed|broke off) the connection/,
	);
	const proxy = await startForwardingProxy(t);
	const untrusted = await startOrigin(t, greeting, {
		tls: { secureContext: selfSigned({ names: ["origin.example"] }) },
	});
	const said = await greet(planFor(t, { to: to(untrusted.port, true), via: through(proxy.port) }));
	t.match(
		said,
		`127.0.0.1:${untrusted.port}, through the upstream proxy 127.0.0.1:${proxy.port}, has a self-signed certificate`,
	);
	const hasty = await startOrigin(t, (client) => client.close());
	t.match(
		await greet(planFor(t, { to: to(hasty.port, true) })),
		/closed the connection during the TLS handshake|reset the connection/,
	);
});

t.test("timeouts, connections to this proxy itself, and cancelled attempts", async (t) => {
	const silent = await startOrigin(t, () => {});
	t.equal(
		await greet(planFor(t, { to: to(silent.port, true), timeoutMs: 50 })),
		`FT_UPSTREAM: 127.0.0.1:${silent.port} did not answer within 0.05 s`,
	);
	const own = planFor(t, { to: to(silent.port), isOwn: (socket) => socket.remotePort === silent.port });
	t.equal(await greet(own), `FT_UPSTREAM: 127.0.0.1:${silent.port} is this proxy itself: the request would loop`);
	t.equal(own.sockets[0]?.destroyed, true);
	const unwanted = planFor(t, { to: to(silent.port, true) });
	const attempt = dial(unwanted, () => t.fail("no callback is expected"));
	attempt.cancel();
	t.equal(unwanted.sockets[0]?.destroyed, true);
	await new Promise((resolve) => unwanted.sockets[0]?.once("close", resolve));
});

// CONNECT requests to an upstream proxy, and the route of a mode.
import { once } from "node:events";
import { connect } from "node:net";
import t, { type Test } from "tap";
import { type Conversation, startOrigin } from "../../../../fixtures/origin-server.ts";
import type { FlowtapeError } from "../../../../src/errors.ts";
import type { UpstreamProxy } from "../../../../src/proxy/route/destination.ts";
import { nameOfProxy, requestTunnel, routeOf, tunnelRequest } from "../../../../src/proxy/upstream/proxy.ts";

const proxyAt = (port: number, authorization: string | null = null): UpstreamProxy => ({
	scheme: "http",
	host: "127.0.0.1",
	port,
	authorization,
});
const to = { tls: true, host: "example.com", port: 443, sni: null, http2: false };

/** Asks a proxy with these responses for a tunnel. Resolves to the error, or to all bytes of the tunnel. */
async function tunnel(
	t: Test,
	converse: Conversation,
	{ authorization = null as string | null, sendHost = true, host = to.host } = {},
): Promise<string> {
	const origin = await startOrigin(t, converse);
	const socket = connect(origin.port, "127.0.0.1");
	await once(socket, "connect");
	t.teardown(() => socket.destroy());
	const error = await new Promise<FlowtapeError | null>((resolve) => {
		const via = proxyAt(origin.port, authorization);
		requestTunnel(socket, via, tunnelRequest(via, { ...to, host }, sendHost), resolve);
	});
	if (error !== null) return `${error.code} ${error.message.replace(String(origin.port), "PORT")}`;
	let said = "";
	for await (const chunk of socket) said += chunk;
	return said;
}

t.test("the request, and bytes after the response", async (t) => {
	const heads: string[] = [];
	const converse: Conversation = async (client) => {
		heads.push(await client.head());
		client
			.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Connection ")
			.send("established\r\nX: 1\r\n\r\nfirst bytes")
			.end();
	};
	t.equal(await tunnel(t, converse), "first bytes");
	await tunnel(t, converse, { authorization: "Basic dTpw" });
	await tunnel(t, converse, { sendHost: false, host: "::1" });
	t.strictSame(heads, [
		"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
		"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nProxy-Authorization: Basic dTpw\r\n\r\n",
		"CONNECT [::1]:443 HTTP/1.1\r\n\r\n",
	]);
});

t.test("refusals, and responses that are not HTTP", async (t) => {
	const saying =
		(text: string): Conversation =>
		async (client) => {
			await client.head();
			client.send(text);
		};
	const who = "the upstream proxy 127.0.0.1:PORT";
	t.equal(
		await tunnel(t, saying("HTTP/1.1 403 Not that one\r\nContent-Length: 2\r\n\r\nno")),
		`FT_UPSTREAM ${who} refused the tunnel: 403 Not that one`,
	);
	t.equal(await tunnel(t, saying("HTTP/1.1 502 \r\n\r\n")), `FT_UPSTREAM ${who} refused the tunnel: 502`);
	t.match(
		await tunnel(t, saying("HTTP/1.1 407 Auth\r\n\r\n")),
		"refused the tunnel: 407 Auth; user and password for it go in upstream_auth",
	);
	t.match(await tunnel(t, saying("SSH-2.0-OpenSSH\r\n")), `FT_UPSTREAM ${who} does not speak HTTP: `);
});

t.test("the name in messages", async (t) => {
	t.equal(nameOfProxy({ ...proxyAt(3128), host: "::1" }), "the upstream proxy [::1]:3128");
});

t.test("the route of a mode", async (t) => {
	const otherwise = () => null;
	const listen = { host: "127.0.0.1", port: 0 };
	t.equal(routeOf({ text: "regular", kind: "regular", listen }, "Basic x", otherwise), otherwise);
	const server = { scheme: "https" as const, host: "proxy.example", port: 3128 };
	t.strictSame(routeOf({ text: "upstream", kind: "upstream", server, listen }, "Basic x", otherwise)(to), {
		...server,
		authorization: "Basic x",
	});
});

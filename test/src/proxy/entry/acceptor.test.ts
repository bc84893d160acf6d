// Every mode, from the client's first byte to the server and the tape, and several modes at once.
import t, { type Test } from "tap";
import { makeAuthorities } from "../../../../fixtures/authorities.ts";
import { startForwardingProxy } from "../../../../fixtures/forwarding-proxy.ts";
import { answering, ask, ok, startOrigin } from "../../../../fixtures/origin-server.ts";
import { Peer } from "../../../../fixtures/peer.ts";
import { startTestProxy, type TestProxy } from "../../../../fixtures/running-proxy.ts";
import { Response } from "../../../../src/flow/message.ts";
import type { ProxyAuthenticator } from "../../../../src/hooks/authenticator.ts";
import type { Hook } from "../../../../src/hooks/hook.ts";
import { createProxyAuth } from "../../../../src/hooks/proxy-auth.ts";
import { environmentRoute } from "../../../../src/proxy/route/environment-proxy.ts";

const { originFile, proxy: authority, server } = await makeAuthorities(t);
const trusting = { ssl_verify_upstream_trusted_ca: originFile };
const echo = answering((head) => ok(head));
const originTls = () => ({ tls: { secureContext: server({ names: ["localhost", "127.0.0.1"] }) } });
const request = (path: string, host = "client.example") => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

async function answerTo(client: Peer, bytes: string): Promise<string> {
	return (await client.send(bytes).message()).body.toString();
}

t.test("reverse", async (t) => {
	const plain = await startOrigin(t, echo);
	const secure = await startOrigin(t, echo, originTls());
	await t.test("the target gets its own name as Host, and the request in origin form", async (t) => {
		const mode = `reverse:http://${plain.authority}`;
		const proxy = await startTestProxy(t, { options: { mode: [mode] } });
		const client = await proxy.connect();
		t.equal(await answerTo(client, request("/a?b")), `GET /a?b HTTP/1.1\r\nHost: ${plain.authority}\r\n\r\n`);
		t.equal(
			await answerTo(client, request("http://elsewhere.example/c")),
			`GET /c HTTP/1.1\r\nHost: ${plain.authority}\r\n\r\n`,
		);
		t.match(await proxy.flow(0), {
			clientConn: { proxyMode: mode },
			request: { url: `http://${plain.authority}/a?b` },
		});
	});
	await t.test("keep_host_header", async (t) => {
		const proxy = await startTestProxy(t, {
			options: { mode: [`reverse:http://${plain.authority}`], keep_host_header: true },
		});
		t.match(await answerTo(await proxy.connect(), request("/")), /\r\nHost: client\.example\r\n/);
		t.match(await proxy.flow(0), { request: { host: "127.0.0.1", port: plain.port } });
	});
	await t.test("TLS on either side, on both, or on none", async (t) => {
		for (const origin of [plain, secure])
			for (const isSecure of [true, false]) {
				const scheme = origin === secure ? "https" : "http";
				const proxy = await startTestProxy(t, {
					authority,
					options: { ...trusting, mode: [`reverse:${scheme}://localhost:${origin.port}`] },
				});
				const tcp = await proxy.connect();
				const client = isSecure
					? await tcp.secure({ servername: "client.example", ca: authority.certificatePem })
					: tcp;
				t.match(await answerTo(client, request("/")), `Host: localhost:${origin.port}\r\n`);
				const flow = await proxy.flow(0);
				t.match(flow, {
					request: { url: `${scheme}://localhost:${origin.port}/` },
					clientConn: { tls: isSecure, sni: isSecure ? "client.example" : null },
				});
				t.equal(flow.serverConn.sni, origin === secure ? "localhost" : null, "the server is asked for its own name");
			}
	});
});

t.test("upstream", async (t) => {
	const secure = await startOrigin(t, echo, originTls());
	const upstream = await startForwardingProxy(t);
	const options = { ...trusting, mode: [`upstream:http://${upstream.authority}`] };
	await t.test("in absolute form, and through tunnels", async (t) => {
		const proxy = await startTestProxy(t, { authority, options, setup: { upstreamCredentials: "Basic dTpw" } });
		const client = await proxy.connect();
		t.equal(await answerTo(client, ask("GET", "a.example:81", "/x")), "forwarded GET http://a.example:81/x HTTP/1.1");
		const inner = await (await proxy.tunnel(`localhost:${secure.port}`)).secure({
			servername: "localhost",
			ca: authority.certificatePem,
		});
		t.equal(
			await answerTo(inner, request("/y")),
			request("/y"),
			"inside of the tunnel, the proxy's credentials are not sent",
		);
		t.match(upstream.heads, [
			/^GET http:\/\/a\.example:81\/x .*\r\nProxy-Authorization: Basic dTpw\r\n/is,
			`CONNECT localhost:${secure.port} HTTP/1.1\r\nHost: localhost:${secure.port}\r\nProxy-Authorization: Basic dTpw\r\n\r\n`,
		]);
		const [forwarded, tunnelled] = [await proxy.flow(0), await proxy.flow(1)];
		const via = ["http", ["127.0.0.1", upstream.port]];
		t.match(forwarded.serverConn, {
			via,
			address: ["a.example", 81],
			peername: ["127.0.0.1", upstream.port],
			tls: false,
		});
		t.match(tunnelled.serverConn, { via, address: ["localhost", secure.port], tls: true });
		t.equal(forwarded.request.headers.has("proxy-authorization"), false, "no flow has them");
	});
	await t.test("an upstream proxy that refuses", async (t) => {
		const refusing = await startForwardingProxy(t, { refuse: () => "HTTP/1.1 403 No\r\n\r\n" });
		const setup = { upstreamCredentials: "Basic dTpw" };
		const proxy = await startTestProxy(t, {
			authority,
			setup,
			options: { mode: [`upstream:http://${refusing.authority}`] },
		});
		const inner = await (await proxy.tunnel("secret.example:443")).secure({
			servername: "secret.example",
			ca: authority.certificatePem,
		});
		t.match(await answerTo(inner, request("/")), `the upstream proxy ${refusing.authority} refused the tunnel: 403 No`);
	});
	await t.test("other protocols use a tunnel too", async (t) => {
		const talk = await startOrigin(t, async (client) => {
			client.send(`${(await client.take(5)).toString()} yourself`);
		});
		const proxy = await startTestProxy(t, { options });
		const client = await proxy.tunnel(talk.authority);
		t.equal((await client.send("\x00\x01\x02\x03\x04").take(14)).latin1Slice(5), " yourself");
	});
});

t.test("proxies from environment variables", async (t) => {
	const upstream = await startForwardingProxy(t);
	const route = environmentRoute({ HTTP_PROXY: `http://u:p@${upstream.authority}`, NO_PROXY: "" }, t.fail);
	const proxy = await startTestProxy(t, { setup: { route } });
	const client = await proxy.connect();
	t.equal(await answerTo(client, ask("GET", "b.example", "/x")), "forwarded GET http://b.example/x HTTP/1.1");
	t.match(upstream.heads, [/\r\nProxy-Authorization: Basic dTpw\r\n/]);
	const origin = await startOrigin(t, echo);
	t.match(
		await answerTo(client, ask("GET", origin.authority, "/y")),
		`GET /y HTTP/1.1\r\n`,
		"this machine is reached directly",
	);
	await t.test("a proxy that is this one is ignored", async (t) => {
		const via = { scheme: "http" as const, host: "localhost", port: 0, authorization: null };
		const circular = await startTestProxy(t, { setup: { route: () => via } });
		via.port = circular.port;
		t.match(await answerTo(await circular.connect(), ask("GET", origin.authority, "/z")), `GET /z HTTP/1.1\r\n`);
	});
});

t.test("socks5", async (t) => {
	const secure = await startOrigin(t, echo, originTls());
	const proxy = await startTestProxy(t, { authority, options: { ...trusting, mode: ["socks5"] } });
	const client = await proxy.connect();
	await client
		.send(`\x05\x01\x00\x05\x01\x00\x03\x09localhost${String.fromCharCode(secure.port >> 8, secure.port & 255)}`)
		.take(12);
	const inner = await client.secure({ servername: "localhost", ca: authority.certificatePem });
	t.equal(await answerTo(inner, request("/s")), request("/s"));
	t.match(await proxy.flow(0), {
		clientConn: { proxyMode: "socks5" },
		request: { url: `https://localhost:${secure.port}/s` },
	});
	const refused = await (await proxy.connect()).send("\x05\x01\x00\x05\x02\x00\x01\x00\x00\x00\x00\x00\x50").rest();
	t.equal(refused.charCodeAt(3), 7);
	t.match((await proxy.event("client_error")).message, /SOCKS command 2 is not supported/);
});

t.test("several modes, each at its own address", async (t) => {
	const origin = await startOrigin(t, echo);
	const proxy = await startTestProxy(t, {
		options: { mode: ["regular", `reverse:http://${origin.authority}`, "socks5"] },
	});
	const [regular, reverse] = await Promise.all(proxy.running.listeners.slice(0, 2).map(({ port }) => Peer.to(port)));
	t.match(await answerTo(regular as Peer, ask("GET", origin.authority, "/1")), "GET /1 ");
	t.match(await answerTo(reverse as Peer, request("/2")), "GET /2 ");
	const reported = proxy.events.filter((event) => event.kind === "listening");
	t.match(
		reported,
		proxy.running.listeners.map(({ host, port, mode }) => ({ host, port, mode: mode.text })),
	);
	t.equal(new Set(reported.map((event) => "port" in event && event.port)).size, 3);
	const taken = `regular@${proxy.port}`;
	await t.rejects(startTestProxy(t, { options: { mode: ["socks5", taken] } }), { code: "FT_PORT" });
});

t.test("an authenticator", async (t) => {
	const origin = await startOrigin(t, echo);
	const hook = await createProxyAuth({ proxyauth: "user:pass" }, {});
	const gated = (t: Test, mode: string): Promise<TestProxy> =>
		startTestProxy(t, {
			options: { mode: [mode] },
			hooks: hook === null ? [] : [hook],
			setup: { authenticator: hook as ProxyAuthenticator },
		});
	const connect = (header: string) => `CONNECT ${origin.authority} HTTP/1.1\r\n${header}\r\n`;
	await t.test("before tunnels: once for all their content", async (t) => {
		const proxy = await gated(t, "regular");
		for (const header of [
			"",
			"Proxy-Authorization: Basic dXNlcjp3cm9uZw==\r\n",
			"Authorization: Basic dXNlcjpwYXNz\r\n",
		]) {
			const answer = await (await proxy.connect()).send(connect(header)).rest();
			t.match(answer, /^HTTP\/1\.1 407 Proxy Authentication Required\r\n/);
			t.match(answer, /\r\nProxy-Authenticate: Basic realm="flowtape".*\r\nConnection: close\r\n\r\n<html>/is);
		}
		const client = await proxy.connect();
		t.match(await client.send(connect("Proxy-Authorization: Basic dXNlcjpwYXNz\r\n")).head(), /^HTTP\/1\.1 200 /);
		t.equal(await answerTo(client, request("/in")), request("/in"));
		t.equal((await proxy.flow(0)).metadata.proxyauth, "user");
	});
	await t.test("before SOCKS tunnels", async (t) => {
		const proxy = await gated(t, "socks5");
		const address = `\x05\x01\x00\x01\x7f\x00\x00\x01${String.fromCharCode(origin.port >> 8, origin.port & 255)}`;
		const client = await proxy.connect();
		await client.send(`\x05\x01\x02\x01\x04user\x04pass${address}`).take(14);
		t.equal(await answerTo(client, request("/in")), request("/in"), "no further credentials are asked for");
		const wrong = await proxy.connect();
		t.equal(await wrong.send(`\x05\x01\x02\x01\x04user\x02no${address}`).rest(), "\x05\x02\x01\x01");
	});
	await t.test("a client that disconnects during authentication, and shutdown", async (t) => {
		const never: ProxyAuthenticator = {
			admit: () => new Promise(() => {}),
			admitByHeader: () => new Promise(() => {}),
			challenge: () => t.fail("nobody to tell") as never,
		};
		const proxy = await startTestProxy(t, { setup: { authenticator: never } });
		(await proxy.connect()).send(connect("")).close();
		const waiting = (await proxy.connect()).send(connect(""));
		await proxy.running.close({ graceMs: 0 });
		await waiting.ended();
		t.equal(waiting.seen, "");
	});
	await t.test("if it fails, no client is admitted", async (t) => {
		const broken: ProxyAuthenticator = {
			admit: async () => true,
			admitByHeader: () => Promise.reject(new Error("no directory")),
			challenge: () => (hook as ProxyAuthenticator).challenge(),
		};
		const proxy = await startTestProxy(t, { setup: { authenticator: broken } });
		t.match(await (await proxy.connect()).send(connect("")).rest(), /^HTTP\/1\.1 407 /);
	});
});

t.test("CONNECT with an invalid target", async (t) => {
	const proxy = await startTestProxy(t);
	for (const target of ["example.com", "example.com:0", "/path"]) {
		const client = await proxy.connect();
		t.match(
			await client.send(`CONNECT ${target} HTTP/1.1\r\n\r\n`).rest(),
			/^HTTP\/1\.1 400 Bad Request\r\n.*CONNECT|expected/s,
		);
	}
});

t.test("hooks delay clients, and redirect or refuse their tunnels", async (t) => {
	const origin = await startOrigin(t, echo);
	const hook: Hook = {
		name: "leading",
		async connection() {
			await new Promise(setImmediate);
		},
		connect(name, { request }, decision) {
			if (name !== "http_connect") return;
			if (request.host === "other.example") decision.answer(new Response({ statusCode: 403, reason: "No" }), "leading");
			[request.host, request.port] = ["127.0.0.1", origin.port];
		},
	};
	const proxy = await startTestProxy(t, { hooks: [hook] });
	t.equal(await answerTo(await proxy.tunnel("site.example:80"), request("/x")), request("/x"));
	const refused = await proxy.connect();
	t.match(await refused.send("CONNECT other.example:80 HTTP/1.1\r\nHost: a\r\n\r\n").head(), /^HTTP\/1.1 403 No\r\n/);
});

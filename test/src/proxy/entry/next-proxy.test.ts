// Logins at the next proxy: the client answers its challenge over one connection, and the tunnel that the login opens is
// for that client only.
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import t, { type Test } from "tap";
import { makeAuthorities } from "../../../../fixtures/authorities.ts";
import { type Refuse, startForwardingProxy } from "../../../../fixtures/forwarding-proxy.ts";
import { askHttp2, echo as echoHttp2, startHttp2Origin } from "../../../../fixtures/http2-peers.ts";
import { answering, ok, startOrigin } from "../../../../fixtures/origin-server.ts";
import type { Peer } from "../../../../fixtures/peer.ts";
import { type ProxyParts, startTestProxy } from "../../../../fixtures/running-proxy.ts";

const { originFile, proxy: authority, server } = await makeAuthorities(t);
const echo = answering((head) => ok(head));
const originTls = () => ({ tls: { secureContext: server({ names: ["localhost"] }) } });

const page = "<p>Who are you?</p>";
const challenge = (scheme: string, ...fields: string[]) =>
	[
		"HTTP/1.1 407 Who is it",
		`Proxy-Authenticate: ${scheme}`,
		"X-Squid: 1",
		"Proxy-Connection: x",
		"Connection: x-hop",
		"X-Hop: 1",
		...fields,
		`Content-Length: ${page.length}`,
		"",
		page,
	].join("\r\n");

const connect = (to: string, credentials = "", ...fields: string[]) =>
	[
		`CONNECT ${to} HTTP/1.1`,
		`Host: ${to}`,
		...(credentials === "" ? [] : [`Proxy-Authorization: ${credentials}`]),
		...fields,
		"",
		"",
	].join("\r\n");

/** Requires a login of two steps on each connection. */
function ntlm(): Refuse {
	const asked = new Map<number, string>();
	return (head, index) => {
		const [, message = ""] = /\r\nProxy-Authorization: NTLM (\S+)\r\n/.exec(head) ?? [];
		if (message === `last-${index}` && asked.get(index) === "first") return undefined;
		asked.set(index, message);
		return challenge(message === "first" ? `NTLM challenge-${index}` : "NTLM");
	};
}

async function start(t: Test, refuse: Refuse, { options = {}, ...parts }: ProxyParts = {}) {
	const next = await startForwardingProxy(t, { refuse });
	const mode = [`upstream:http://${next.authority}`];
	const proxy = await startTestProxy(t, {
		authority,
		...parts,
		options: { ssl_verify_upstream_trusted_ca: originFile, mode, ...options },
	});
	return { next, proxy };
}

const secure = (client: Peer) => client.secure({ servername: "localhost", ca: authority.certificatePem });
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

/** Authenticates as curl does, over one connection. */
async function logIn(t: Test, client: Peer, to: string): Promise<void> {
	const { head } = await client.send(connect(to, "NTLM first")).message();
	const [, index] = /\r\nProxy-Authenticate: NTLM challenge-(\d+)\r\n/.exec(head) ?? [];
	t.match(await client.send(connect(to, `NTLM last-${index}`)).head(), /^HTTP\/1\.1 200 /);
}

t.test("the challenge reaches the client, and its credentials reach the next proxy", async (t) => {
	const origin = await startOrigin(t, echo, originTls());
	const to = `localhost:${origin.port}`;
	const basic: Refuse = (head) =>
		head.includes("Proxy-Authorization: Basic dTpw\r\n") ? undefined : challenge('Basic realm="next"');
	const { next, proxy } = await start(t, basic);
	const client = await proxy.connect();
	const { head, body } = await client.send(connect(to)).message();
	t.match(
		head,
		/^HTTP\/1\.1 407 Who is it\r\nProxy-Authenticate: Basic realm="next"\r\nX-Squid: 1\r\nContent-Length: 19\r\n\r\n$/,
	);
	t.equal(body.toString(), page);
	t.match((await client.send(connect(to, "Basic d3Jvbmc=")).message()).head, /^HTTP\/1\.1 407 /, "once more");
	t.match(await client.send(connect(to, "Basic dTpw")).head(), /^HTTP\/1\.1 200 /);
	const inner = await secure(client);
	t.match((await inner.send(get("/x")).message()).body.toString(), "GET /x ");
	t.equal(next.connections.length, 1, "all over one connection, and the request through the tunnel that was opened");
	t.match(await proxy.flow(0), { request: { path: "/x" }, error: null });
	t.equal(proxy.flows.length, 1, "a question is no recording");
	t.equal(proxy.events.filter(({ kind }) => kind === "upstream_error").length, 0);
	await t.test("a second tunnel with the same credentials uses the pool's connection", async (t) => {
		const second = await proxy.connect();
		t.match(await second.send(connect(to, "Basic dTpw")).head(), /^HTTP\/1\.1 200 /);
		t.match((await (await secure(second)).send(get("/y")).message()).body.toString(), "GET /y ");
		t.equal(next.connections.length, 1);
		t.match(
			(await (await proxy.connect()).send(connect(to)).message()).head,
			/^HTTP\/1\.1 407 /,
			"and no other client gets it",
		);
	});
});

t.test("a login that authenticates the connection", async (t) => {
	const origin = await startOrigin(t, echo, originTls());
	const to = `localhost:${origin.port}`;
	const { next, proxy } = await start(t, ntlm());
	const [alice, bob] = [await proxy.connect(), await proxy.connect()];
	t.match((await alice.send(connect(to, "NTLM first")).message()).head, "NTLM challenge-0");
	t.match((await bob.send(connect(to, "NTLM last-0")).message()).head, /^HTTP\/1\.1 407 /, "of another client");
	await logIn(t, bob, to);
	t.match(await alice.send(connect(to, "NTLM last-0")).head(), /^HTTP\/1\.1 200 /);
	for (const [client, path] of [
		[alice, "/a"],
		[bob, "/b"],
	] as const)
		t.match((await (await secure(client)).send(get(path)).message()).body.toString(), `GET ${path} `);
	t.equal(next.connections.length, 2);
	t.match((await (await proxy.connect()).send(connect(to)).message()).head, /^HTTP\/1\.1 407 /);
});

t.test("cleartext requests, WebSockets and other protocols use the tunnel that the login opened", async (t) => {
	const { next, proxy } = await start(t, ntlm());
	const plain = await startOrigin(t, echo);
	const client = await proxy.connect();
	await logIn(t, client, plain.authority);
	for (const path of ["/1", "/2"]) t.match((await client.send(get(path)).message()).body.toString(), `GET ${path} `);
	const talk = await startOrigin(t, async (peer) => void peer.send(`<${await peer.upTo("!")}>`));
	const raw = await proxy.connect();
	await logIn(t, raw, talk.authority);
	t.match(await raw.send("\0\x01!").upTo(">"), "<\0\x01!>");
	t.equal(next.connections.length, 2);
	t.equal(plain.connections.length, 1);
});

t.test("when such a tunnel ends, the client's tunnel ends too, and the client must authenticate again", async (t) => {
	const origin = await startOrigin(
		t,
		answering((head) => ok(head, "Connection: close")),
		originTls(),
	);
	const to = `localhost:${origin.port}`;
	const { proxy } = await start(t, ntlm());
	const client = await proxy.connect();
	await logIn(t, client, to);
	const inner = await secure(client);
	t.match((await inner.send(get("/1")).message()).body.toString(), "GET /1 ");
	origin.connections[0]?.end();
	t.equal(await inner.ended(), "end");
});

t.test("over HTTP/2", async (t) => {
	const origin = await startHttp2Origin(t, echoHttp2, { authority });
	const { next, proxy } = await start(t, ntlm(), { options: { ssl_insecure: true } });
	const client = await proxy.connect();
	await logIn(t, client, origin.authority);
	const inner = await client.secure({ servername: "localhost", ca: authority.certificatePem, ALPNProtocols: ["h2"] });
	const session = connectHttp2(`https://${origin.authority}`, { createConnection: () => inner.socket });
	t.teardown(() => session.destroy());
	for (const text of ["one", "two"])
		t.match(await askHttp2(session, { ":method": "POST" }, text), { status: 200, body: text });
	t.equal(next.connections.length, 1);
	origin.sessions[0]?.close();
	await once(session, "goaway");
	t.equal(session.closed, true, "the client has to log in again");
});

t.test("other refusals, and further CONNECTs of the client", async (t) => {
	const refusals: Record<string, string> = {
		"a.test": "HTTP/1.1 403 Not there\r\nContent-Length: 2\r\n\r\nno",
		"b.test": "HTTP/1.1 503 Later\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nlat\r\n2\r\ner\r\n0\r\n\r\n",
		"c.test": "HTTP/1.0 502 Gone\r\n\r\nuntil the end",
		"d.test": `HTTP/1.1 407 Large\r\nProxy-Authenticate: Basic\r\nContent-Length: ${1e6}\r\n\r\n${"x".repeat(1e6)}`,
		"e.test": "HTTP/1.1 407 Close\r\nProxy-Authenticate: Basic\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno",
		"f.test": "HTTP/1.1 407 Short\r\nProxy-Authenticate: Basic\r\nConnection: close\r\nContent-Length: 20\r\n\r\nno",
	};
	const { next, proxy } = await start(t, (head) => refusals[/^CONNECT ([^:]*)/.exec(head)?.[1] ?? ""]);
	const client = await proxy.connect();
	const bodies = ["no", "later", "", "", "no", ""];
	for (const [i, host] of Object.keys(refusals).entries()) {
		const { head, body } = await client.send(connect(`${host}:443`)).message();
		t.match(head, new RegExp(`^HTTP/1\\.1 ${refusals[host]?.slice(9, 12)} `), host);
		t.notMatch(head, /transfer-encoding|connection/i);
		t.equal(body.toString(), bodies[i], host);
	}
	t.equal(next.connections.length, 4, "a new one where the last was closed or could not be used");
	t.match(
		(await client.send("GET http://a.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n").message()).body.toString(),
		"forwarded GET",
	);
	t.match(
		proxy.events.filter(({ kind }) => kind === "upstream_error"),
		[
			{ destination: "a.test:443", message: /refused the tunnel: 403 Not there/ },
			{ destination: "b.test:443" },
			{ destination: "c.test:443" },
		],
	);
	const once = await proxy.connect();
	t.match(
		await once.send(connect("a.test:443", "", "Connection: close")).rest(),
		/^HTTP\/1\.1 403 .*\r\nConnection: close\r\n\r\nno$/s,
	);
	const early = await proxy.connect();
	t.match(
		await early.send(`${connect("a.test:443")}GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n`).rest(),
		/^HTTP\/1\.1 403 .*\r\nno$/s,
		"what was meant for the tunnel is no request",
	);
});

t.test("many steps on one connection", async (t) => {
	const { next, proxy } = await start(t, () => challenge("Negotiate"));
	const client = await proxy.connect();
	const warnings: Error[] = [];
	const warn = (warning: Error) => void warnings.push(warning);
	process.on("warning", warn);
	t.teardown(() => process.removeListener("warning", warn));
	for (let i = 0; i < 30; i++)
		t.match((await client.send(connect("a.test:443", `Negotiate ${i}`)).message()).head, /^HTTP\/1\.1 407 /);
	await new Promise(setImmediate);
	t.strictSame(warnings, []);
	t.equal(next.connections.length, 1);
	client.close();
	t.ok(await next.connections[0]?.ended(), "it goes with the client");
});

t.test("the next proxy has closed the connection meanwhile", async (t) => {
	const origin = await startOrigin(t, echo, originTls());
	const to = `localhost:${origin.port}`;
	const { next, proxy } = await start(t, (head) => (head.includes("Basic dTpw") ? undefined : challenge("Basic")));
	const client = await proxy.connect();
	await client.send(connect(to)).message();
	next.connections[0]?.end();
	await next.connections[0]?.ended();
	t.match(await client.send(connect(to, "Basic dTpw")).head(), /^HTTP\/1\.1 200 /);
	t.match((await (await secure(client)).send(get("/x")).message()).body.toString(), "GET /x ");
});

t.test("the next proxy closes the connection at the second CONNECT", async (t) => {
	const next = await startOrigin(t, async (peer, index) => {
		await peer.head();
		peer.send(index === 0 ? challenge("Basic") : "HTTP/1.1 200 OK\r\n\r\n");
		await peer.head();
		if (index === 0) peer.close();
		else peer.send(ok("through"));
	});
	const proxy = await startTestProxy(t, { options: { mode: [`upstream:http://${next.authority}`] } });
	const client = await proxy.connect();
	t.match((await client.send(connect("a.test:80")).message()).head, /^HTTP\/1\.1 407 /);
	t.match(await client.send(connect("a.test:80", "Basic dTpw")).head(), /^HTTP\/1\.1 200 /);
	t.equal((await client.send(get("/x")).message()).body.toString(), "through");
});

t.test("challenges that do not reach the client", async (t) => {
	const reported = "refused the tunnel: 407 Who is it";
	const of = async (parts: ProxyParts) => {
		const { proxy } = await start(t, () => challenge("Basic"), parts);
		const inner = await secure(await proxy.tunnel("localhost:1"));
		return (await inner.send(get("/")).message()).body.toString();
	};
	t.match(await of({ setup: { upstreamCredentials: "Basic dTpw" } }), reported, "credentials of our own");
	t.match(await of({ options: { connection_strategy: "lazy" } }), reported, "asked when there is a request");
	const { next, proxy } = await start(t, () => undefined);
	next.close();
	const inner = await secure(await proxy.tunnel("localhost:1"));
	t.match(
		(await inner.send(get("/")).message()).body.toString(),
		"refused the connection",
		"a missing next proxy is reported as usual",
	);
});

t.test("the client disconnects before the next proxy decides", async (t) => {
	const silent = await startOrigin(t, () => {});
	const proxy = await startTestProxy(t, { authority, options: { mode: [`upstream:http://${silent.authority}`] } });
	const client = await proxy.connect();
	client.send(connect("a.test:443"));
	while (silent.connections.length === 0) await new Promise(setImmediate);
	client.reset();
	const other = await proxy.connect();
	other.send(connect("a.test:443"));
	while (silent.connections.length === 1) await new Promise(setImmediate);
	await proxy.running.close({ graceMs: 0 });
	for (const connection of silent.connections) t.ok(await connection.ended());
});

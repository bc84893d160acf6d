// Connection events of a real proxy, as scripts see them: their order, refusals and redirections, with synchronous and
// asynchronous scripts.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { makeAuthorities } from "../../../../fixtures/authorities.ts";
import { startForwardingProxy } from "../../../../fixtures/forwarding-proxy.ts";
import { answering, ok, startOrigin } from "../../../../fixtures/origin-server.ts";
import { type ProxyParts, startTestProxy } from "../../../../fixtures/running-proxy.ts";
import { Pipeline } from "../../../../src/hooks/pipeline.ts";
import { ConnectionEvents } from "../../../../src/proxy/connection/events.ts";
import { ScriptHost } from "../../../../src/scripts/script-host.ts";

const { proxy: authority, originFile, server } = await makeAuthorities(t);
const hello = answering((head) => ok(`hello ${head.split(" ")[1]}`));

/** A proxy with a script. */
async function startScripted(t: Test, source: string, parts: ProxyParts = {}) {
	const scripts = await ScriptHost.load([join(t.testdir({ "a.mjs": source }), "a.mjs")]);
	const logged: string[] = [];
	scripts.log = (_level, message) => logged.push(message.replace(/^.*: /, ""));
	const proxy = await startTestProxy(t, { ...parts, hooks: scripts.hooks });
	return { proxy, logged };
}

const names = [
	"client_connected",
	"server_connect",
	"server_connected",
	"server_connect_error",
	"server_disconnected",
	"client_disconnected",
];

/** Script functions that record every event with its address. `first`: the code at the start of each function. */
const noting = (first = "") =>
	`${names
		.map(
			(name) => `export async function ${name}(subject, ctx) { ${first};
				ctx.log.info("${name} " + (subject.server ? [subject.server.address[1], subject.client.id === client.id] : (client ??= subject).timestampEnd !== null)); }`,
		)
		.join("\n")}\nlet client; export const request = (flow, ctx) => ctx.log.info("request");`;

/** Sends one request, and stops the proxy. */
const inTheEnd = (port: number) => [
	"client_connected false",
	"request",
	`server_connect ${port},true`,
	`server_connected ${port},true`,
	`server_disconnected ${port},true`,
	"client_disconnected true",
];

t.test("in order, for plain requests", async (t) => {
	for (const first of ["", "await new Promise(setImmediate)"]) {
		const origin = await startOrigin(t, hello);
		const { proxy, logged } = await startScripted(t, noting(first));
		const client = await proxy.connect();
		for (const path of ["/1", "/2"]) {
			client.send(`GET http://${origin.authority}${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
			t.equal((await client.message()).body.toString(), `hello ${path}`);
		}
		await proxy.running.close();
		const reported = inTheEnd(origin.port).toSpliced(4, 0, "request");
		t.strictSame([...logged].sort(), [...reported].sort());
		t.strictSame(logged.slice(0, 5), reported.slice(0, 5));
	}
});

t.test("for requests in TLS, the proxy connects to the server first", async (t) => {
	const origin = await startOrigin(t, hello, { tls: { secureContext: server({ names: ["www.example.com"] }) } });
	const { proxy, logged } = await startScripted(t, noting(), {
		authority,
		options: { ssl_verify_upstream_trusted_ca: originFile },
	});
	const client = await (await proxy.tunnel(origin.authority)).secure({
		ca: authority.certificatePem,
		servername: "www.example.com",
	});
	client.send("GET /1 HTTP/1.1\r\nHost: www.example.com\r\n\r\n");
	t.equal((await client.message()).body.toString(), "hello /1");
	await proxy.running.close();
	const [connected, request, ...server_] = inTheEnd(origin.port);
	t.strictSame(logged.slice(0, 4), [connected, ...server_.slice(0, 2), request]);
	t.strictSame([...logged].sort(), inTheEnd(origin.port).sort());
});

t.test("a script refuses clients and servers, synchronously or later", async (t) => {
	for (const first of ["", "await new Promise(setImmediate);"]) {
		const origin = await startOrigin(t, hello);
		const refused = await startScripted(
			t,
			`export ${first && "async"} function client_connected(client) { ${first} client.error = "not today"; }`,
		);
		t.ok(await (await refused.proxy.connect()).ended());
		t.match(await refused.proxy.event("client_error"), {
			message: "a script closed this client's connection: not today",
		});

		const { proxy } = await startScripted(
			t,
			`export ${first && "async"} function server_connect(data) { ${first} data.server.error = "not there"; }`,
		);
		const client = await proxy.connect();
		client.send(`GET http://${origin.authority}/ HTTP/1.1\r\nHost: a\r\n\r\n`);
		t.match((await client.message()).head, /^HTTP\/1.1 502 /);
		t.match((await proxy.flow(0)).error, { message: /a script refused the connection to the server: not there/ });
		t.equal(origin.connections.length, 0);
		t.notOk(proxy.events.some(({ kind }) => kind === "egress"));
	}
});

t.test("a connection that a script redirects, and one that fails", async (t) => {
	const origin = await startOrigin(t, hello);
	const source = `export function server_connect({ server }) { if (server.address[0] === "shop.example") server.address = ["127.0.0.1", ${origin.port}]; }
		export function server_connect_error({ server }, ctx) { ctx.log.info(server.error); }`;
	const { proxy, logged } = await startScripted(t, source);
	const client = await proxy.connect();
	client.send("GET http://shop.example/1 HTTP/1.1\r\nHost: shop.example\r\n\r\n");
	t.equal((await client.message()).body.toString(), "hello /1");
	t.match((await proxy.flow(0)).serverConn.address, ["127.0.0.1", origin.port]);
	client.send("GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: a\r\n\r\n");
	t.match((await client.message()).head, /^HTTP\/1.1 502 /);
	t.match(logged, [/refused the connection/]);
});

const tlsNames = [
	"clienthello",
	...["start", "established", "failed"].flatMap((what) => [`${what}_client`, `${what}_server`]),
].map((name) => `tls_${name}`);
const tunnelNames = ["http_connect", "http_connected", "http_connect_error", "http_connect_upstream"];

/** Script functions that record the name of every event but disconnections. `inside`: more code for some of them. */
const notingAll = (inside: Record<string, string> = {}) =>
	[...names.slice(1, -2), ...tlsNames, ...tunnelNames]
		.map(
			(name) =>
				`export async function ${name}(data, ctx) { await null; ctx.log.info("${name}"); ${inside[name] ?? ""} }`,
		)
		.join("\n");

t.test("the order of events for a tunnel with TLS on both sides", async (t) => {
	const origin = await startOrigin(t, hello, { tls: { secureContext: server({ names: ["www.example.com"] }) } });
	const source = notingAll({
		tls_clienthello: "ctx.log.info(JSON.stringify(data.client_hello) + data.context.server.address[1])",
	});
	const { proxy, logged } = await startScripted(t, source, {
		authority,
		options: { ssl_verify_upstream_trusted_ca: originFile },
	});
	const client = await (await proxy.tunnel(origin.authority)).secure({
		ca: authority.certificatePem,
		servername: "www.example.com",
		ALPNProtocols: ["http/1.1"],
	});
	t.equal(
		(await client.send("GET /1 HTTP/1.1\r\nHost: www.example.com\r\n\r\n").message()).body.toString(),
		"hello /1",
	);
	t.strictSame(logged, [
		"http_connect",
		"http_connected",
		"tls_clienthello",
		`{"sni":"www.example.com","alpn_protocols":["http/1.1"]}${origin.port}`,
		"server_connect",
		"server_connected",
		"tls_start_server",
		"tls_established_server",
		"tls_start_client",
		"tls_established_client",
	]);
	t.equal(proxy.flows.length, 1, "the CONNECT is on no tape");
});

t.test("TLS that fails, with the server and with the client", async (t) => {
	const origin = await startOrigin(t, hello, { tls: { secureContext: server({ names: ["www.example.com"] }) } });
	const telling = "ctx.log.info(data.conn.error)";
	const { proxy, logged } = await startScripted(
		t,
		notingAll({ tls_failed_server: telling, tls_failed_client: telling }),
		{ authority },
	);
	await t.rejects((await proxy.tunnel(origin.authority)).secure({ servername: "www.example.com" }));
	await proxy.event("client_error");
	await proxy.running.close();
	t.match(logged.slice(3), [
		"server_connect",
		"server_connected",
		"tls_start_server",
		"tls_failed_server",
		/certificate/,
		"tls_start_client",
		"tls_failed_client",
		/alert|closed the connection/,
	]);
});

t.test("a client that disconnects while a script handles its TLS", async (t) => {
	const origin = await startOrigin(t, hello, { tls: { secureContext: server({ names: ["www.example.com"] }) } });
	const thinking = `export const client_disconnected = (client, ctx) => ctx.log.info("gone");
		export const tls_established_client = (data, ctx) => new Promise((resolve) => { globalThis.tlsResolve = resolve; ctx.log.info("thinking"); });`;
	const { proxy, logged } = await startScripted(t, thinking, {
		authority,
		options: { ssl_verify_upstream_trusted_ca: originFile },
	});
	const secured = await (await proxy.tunnel(origin.authority)).secure({
		ca: authority.certificatePem,
		servername: "www.example.com",
	});
	while (!logged.includes("thinking")) await new Promise(setImmediate);
	secured.send("GET / HTTP/1.1\r\n").close();
	await once(secured.socket, "close");
	(globalThis as unknown as { tlsResolve: () => void }).tlsResolve();
	await proxy.running.close();
	t.strictSame(logged, ["thinking", "gone"]);
	t.equal(proxy.flows.length, 0);
});

t.test("a script ignores a TLS connection, or connects to the server first", async (t) => {
	const origin = await startOrigin(t, hello, { tls: { secureContext: server({ names: ["www.example.com"] }) } });
	const ignoring =
		"export function tls_clienthello(data) { data.ignore_connection = data.client_hello.sni === 'www.example.com'; }";
	const { proxy } = await startScripted(t, ignoring, { authority });
	const client = await (await proxy.tunnel(origin.authority)).secure({
		ca: readFileSync(originFile),
		servername: "www.example.com",
	});
	t.equal((await client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n").message()).body.toString(), "hello /1");
	t.equal(proxy.flows.length, 0);

	const options = { ssl_verify_upstream_trusted_ca: originFile, connection_strategy: "lazy" as const };
	const first = await startScripted(t, notingAll({ tls_clienthello: "data.establish_server_tls_first = true" }), {
		authority,
		options,
	});
	await (await first.proxy.tunnel(origin.authority)).secure({
		ca: authority.certificatePem,
		servername: "www.example.com",
	});
	t.equal(first.logged[3], "server_connect");
});

t.test("a script refuses, aborts and redirects tunnels", async (t) => {
	const origin = await startOrigin(t, hello);
	const source = `import { ResponseView } from ${JSON.stringify(new URL("../../../../src/scripts/message-view.js", import.meta.url).href)};
		export function http_connect(flow) {
			const { host } = flow.request;
			if (host === "no.example") flow.response = ResponseView.make(403, "not there");
			else if (host === "cut.example") flow.kill();
			else if (host === "odd.example") flow.request.port = 0;
			else { flow.request.host = "127.0.0.1"; flow.request.port = ${origin.port}; }
		}
		export const http_connected = (flow, ctx) => ctx.log.info("connected " + flow.response.status_code);
		export const http_connect_error = (flow, ctx) => ctx.log.info("error " + flow.response.status_code);`;
	const { proxy, logged } = await startScripted(t, source);
	const asking = async (host: string) =>
		(await proxy.connect()).send(`CONNECT ${host}:80 HTTP/1.1\r\nHost: ${host}:80\r\n\r\n`);
	const refused = await (await asking("no.example")).message();
	t.match(refused.head, /^HTTP\/1.1 403 Forbidden\r\n/);
	t.equal(refused.body.toString(), "not there");
	t.ok(await (await asking("cut.example")).ended());
	t.match((await (await asking("odd.example")).message()).head, /^HTTP\/1.1 400 /);
	const client = await asking("yes.example");
	t.match(await client.head(), /^HTTP\/1.1 200 Connection established\r\n/);
	t.equal((await client.send("GET /1 HTTP/1.1\r\nHost: yes.example\r\n\r\n").message()).body.toString(), "hello /1");
	t.strictSame(logged, ["error 403", "connected 200"]);
});

t.test("the CONNECT for an upstream proxy", async (t) => {
	const origin = await startOrigin(t, hello, { tls: { secureContext: server({ names: ["localhost"] }) } });
	const upstream = await startForwardingProxy(t);
	const source = `export function http_connect_upstream(flow) { flow.request.headers.set("x-from", flow.request.host); }`;
	const { proxy } = await startScripted(t, source, {
		authority,
		options: { mode: [`upstream:http://${upstream.authority}`], ssl_verify_upstream_trusted_ca: originFile },
	});
	const to = `localhost:${origin.port}`;
	await (await proxy.tunnel(to)).secure({ ca: authority.certificatePem, servername: "localhost" });
	t.strictSame(upstream.heads, [`CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\nx-from: localhost\r\n\r\n`]);
});

t.test("a client that disconnects while a script handles its server", async (t) => {
	const origin = await startOrigin(t, hello);
	const thinking = `export const client_disconnected = (client, ctx) => ctx.log.info("gone");
		export const server_connect = (data, ctx) => new Promise((resolve) => { globalThis.connectionEventsResolve = resolve; ctx.log.info("thinking"); });`;
	const { proxy, logged } = await startScripted(t, thinking);
	const client = await proxy.connect();
	client.send(`GET http://${origin.authority}/ HTTP/1.1\r\nHost: a\r\n\r\n`);
	while (!logged.includes("thinking")) await new Promise(setImmediate);
	client.reset();
	await proxy.event("flow");
	(globalThis as unknown as { connectionEventsResolve: () => void }).connectionEventsResolve();
	await proxy.running.close();
	t.strictSame(logged, ["thinking", "gone"]);
	t.equal(origin.connections.length, 0);
});

t.test("without hooks", (t) => {
	t.equal(ConnectionEvents.forPipeline(new Pipeline([{ name: "other" }])), null);
	t.equal(ConnectionEvents.forPipeline(new Pipeline([{ name: "own", connection() {} }]))?.watchesTcp, false);
	t.end();
});

// Connections as scripts hear of them, through a real proxy: in order, refused, led elsewhere, and all the same when the script takes its time.
import { join } from "node:path";
import t, { type Test } from "tap";
import { makeAuthorities } from "../../../fixtures/authorities.ts";
import { answering, ok, startOrigin } from "../../../fixtures/origin-server.ts";
import { type ProxyParts, startTestProxy } from "../../../fixtures/running-proxy.ts";
import { Pipeline } from "../../../src/hooks/pipeline.ts";
import { ConnectionEvents } from "../../../src/proxy/connection-events.ts";
import { ScriptHost } from "../../../src/scripts/script-host.ts";

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

const names = ["client_connected", "server_connect", "server_connected", "server_connect_error", "server_disconnected", "client_disconnected"];

/** Notes every event, and at whose address; `first` is what each function begins with. */
const noting = (first = "") =>
	`${names
		.map(
			(name) => `export async function ${name}(subject, ctx) { ${first};
				ctx.log.info("${name} " + (subject.server ? [subject.server.address[1], subject.client.id === client.id] : (client ??= subject).timestampEnd !== null)); }`,
		)
		.join("\n")}\nlet client; export const request = (flow, ctx) => ctx.log.info("request");`;

/** A request, answered; then the proxy ends. */
const inTheEnd = (port: number) => [
	...["client_connected false", "request", `server_connect ${port},true`, `server_connected ${port},true`],
	...[`server_disconnected ${port},true`, "client_disconnected true"],
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
		const told = inTheEnd(origin.port).toSpliced(4, 0, "request");
		t.strictSame([...logged].sort(), [...told].sort());
		t.strictSame(logged.slice(0, 5), told.slice(0, 5));
	}
});

t.test("for requests in TLS: the server is connected to first", async (t) => {
	const origin = await startOrigin(t, hello, { tls: { secureContext: server({ names: ["www.example.com"] }) } });
	const { proxy, logged } = await startScripted(t, noting(), { authority, options: { ssl_verify_upstream_trusted_ca: originFile } });
	const client = await (await proxy.tunnel(origin.authority)).secure({ ca: authority.certificatePem, servername: "www.example.com" });
	client.send("GET /1 HTTP/1.1\r\nHost: www.example.com\r\n\r\n");
	t.equal((await client.message()).body.toString(), "hello /1");
	await proxy.running.close();
	const [connected, request, ...server_] = inTheEnd(origin.port);
	t.strictSame(logged.slice(0, 4), [connected, ...server_.slice(0, 2), request]);
	t.strictSame([...logged].sort(), inTheEnd(origin.port).sort());
});

t.test("clients and servers that a script refuses, at once or later", async (t) => {
	for (const first of ["", "await new Promise(setImmediate);"]) {
		const origin = await startOrigin(t, hello);
		const refused = await startScripted(t, `export ${first && "async"} function client_connected(client) { ${first} client.error = "not today"; }`);
		t.ok(await (await refused.proxy.connect()).ended());
		t.match(await refused.proxy.event("client_error"), { message: "a script hangs up on this client: not today" });

		const { proxy } = await startScripted(t, `export ${first && "async"} function server_connect(data) { ${first} data.server.error = "not there"; }`);
		const client = await proxy.connect();
		client.send(`GET http://${origin.authority}/ HTTP/1.1\r\nHost: a\r\n\r\n`);
		t.match((await client.message()).head, /^HTTP\/1.1 502 /);
		t.match((await proxy.flow(0)).error, { message: /a script refused the connection to the server: not there/ });
		t.equal(origin.connections.length, 0);
		t.notOk(proxy.events.some(({ kind }) => kind === "egress"));
	}
});

t.test("a connection that a script leads elsewhere, and one that fails", async (t) => {
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

t.test("a client that goes while a script still thinks about its server", async (t) => {
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

t.test("nobody wants to know", (t) => {
	t.equal(ConnectionEvents.of(new Pipeline([{ name: "other" }])), null);
	t.equal(ConnectionEvents.of(new Pipeline([{ name: "own", connection() {} }]))?.watchesTcp, false);
	t.end();
});

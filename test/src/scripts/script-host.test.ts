// Scripts as hooks in a pipeline: real files, real modules.
import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { httpFlow, tcpFlow, websocketFlow } from "../../../fixtures/build-flow.ts";
import { Decision } from "../../../src/hooks/decision.ts";
import { Pipeline } from "../../../src/hooks/pipeline.ts";
import { ScriptHost } from "../../../src/scripts/script-host.ts";

async function host(t: Test, files: Record<string, string>) {
	const folder = t.testdir(files);
	const logged: string[] = [];
	const paths = Object.keys(files).map((name) => join(folder, name));
	const scripts = await ScriptHost.load(paths);
	scripts.log = (level, message) => logged.push(`${level} ${message.replaceAll(folder, "")}`);
	const pipeline = new Pipeline(scripts.hooks);
	t.teardown(() => pipeline.close());
	return { scripts, pipeline, logged, paths };
}

t.test("stored flows pass all phases in order", async (t) => {
	const names = ["requestheaders", "request", "responseheaders", "response", "error"];
	const source = names
		.map(
			(name) =>
				`export async function ${name}(flow, ctx) { ctx.log.info("${name} " + (flow.response?.status_code ?? "-") + " " + flow.live); }`,
		)
		.join("\n");
	const { pipeline, logged } = await host(t, { "a.mjs": source });
	await pipeline.runStored(httpFlow({ error: { message: "late", timestamp: 1 } }));
	t.same(
		logged,
		[
			"requestheaders - false",
			"request - false",
			"responseheaders 200 false",
			"response 200 false",
			"error 200 false",
		].map((line) => `info /a.mjs: ${line}`),
	);
});

t.test("stored conversations pass message by message", async (t) => {
	const names = ["response", "websocket_start", "websocket_message", "websocket_end"];
	const source = names.map(
		(name) =>
			`export async function ${name}(flow, ctx) { ctx.log.info("${name} " + flow.websocket.messages.map((m) => m.text)); }`,
	);
	const { pipeline, logged } = await host(t, {
		"a.mjs": `${source.join("\n")}\nexport const addons = [{ websocket_message(flow) { flow.websocket.messages.at(-1).text += "!" } }]`,
	});
	const flow = websocketFlow({ messages: [{ content: Buffer.from("a") }, { content: Buffer.from("b") }] });
	await pipeline.runStored(flow);
	t.same(
		logged.map((line) => line.slice("info /a.mjs: ".length)),
		["response a,b", "websocket_start ", "websocket_message a", "websocket_message a!,b", "websocket_end a!,b!"],
	);
});

t.test("a script changes requests and answers; later scripts see the result", async (t) => {
	const { pipeline } = await host(t, {
		"a.mjs":
			"export function request(flow) { flow.request.headers.set('x-a', '1'); flow.comment = 'a'; flow.request.stream = true }",
		"b.mjs": "export const addons = [{ response(flow) { flow.response.text = flow.comment + flow.request.stream } }];",
	});
	const flow = httpFlow();
	await pipeline.runStored(flow);
	t.equal(flow.request.headers.get("x-a"), "1");
	t.equal(flow.response?.rawContent?.toString(), "atrue");
});

t.test("a script that reads a body that cannot be decoded fails, and the flow stays unchanged", async (t) => {
	const { pipeline, logged } = await host(t, {
		"a.mjs": "export function response(flow) { flow.response.text = flow.response.text + '!' }",
	});
	const flow = httpFlow({ response: { headers: [["Content-Encoding", "gzip"]], body: "no gzip" } });
	await pipeline.runStored(flow);
	t.equal(flow.response?.rawContent?.toString(), "no gzip");
	t.equal(logged.length, 1);
	t.match(logged[0], /cannot be decoded as "gzip"/);
});

t.test("the exchange gets the stream settings", async (t) => {
	const { pipeline } = await host(t, {
		"a.mjs": "export function responseheaders(flow) { flow.response.stream = (chunk) => chunk }",
	});
	const decision = new Decision(true);
	await pipeline.run("responseheaders", httpFlow(), decision);
	t.equal(typeof decision.responseStream, "function");
	t.equal(decision.requestStream, null, "it set nothing for the request");
});

t.test("errors are reported with their line, and the flow continues", async (t) => {
	const { pipeline, logged } = await host(t, {
		"a.mjs":
			"export function request() {\n  throw new Error('oops');\n}\nexport async function response(flow) { await null; flow.none.such }",
		"b.mjs": "export function request(flow) { flow.comment = 'reached' }",
	});
	const flow = httpFlow();
	await pipeline.runStored(flow);
	t.equal(flow.comment, "reached");
	t.match(logged, [/^error error in script \/a\.mjs:2: Error: oops$/, /^error error in script \/a\.mjs:4: TypeError/]);
});

t.test("options, start and end, connection events", async (t) => {
	const { scripts, pipeline, logged } = await host(t, {
		"a.mjs": `export const load = (loader) => loader.add_option("word", "string", "x", "A word.");
			export const configure = (ctx) => ctx.log.info("configure " + ctx.options.word);
			export const running = (ctx) => ctx.log.info("running");
			export const done = (ctx) => ctx.log.warn("done");
			export const client_connected = (client, ctx) => ctx.log.info("connected " + client.id);
			export const server_connect = (data, ctx) => ctx.log.info("connect " + data.server.id + " for " + data.client.id);
			export const next_layer = () => {};`,
	});
	t.match(scripts.options, { word: { type: "string", default: "x" } });
	await scripts.start({ word: "given" });
	const { clientConn: client, serverConn: server } = httpFlow({ clientConn: { id: "c1" }, serverConn: { id: "s1" } });
	await scripts.hooks[0]?.connection?.("client_connected", client);
	await scripts.hooks[0]?.connection?.("server_connect", { server, client });
	await pipeline.close();
	t.same(
		logged,
		[
			"warning next_layer is never called, because flowtape has no such event",
			"info configure given",
			"info running",
			"info connected c1",
			"info connect s1 for c1",
			"warning done",
		].map((line) => line.replace(" ", " /a.mjs: ")),
	);
});

t.test("TCP flows grow message by message", async (t) => {
	const { pipeline, logged } = await host(t, {
		"a.mjs": ["tcp_start", "tcp_message", "tcp_end", "tcp_error"]
			.map((name) => `export const ${name} = (flow, ctx) => ctx.log.info("${name} " + flow.messages.length);`)
			.join("\n"),
	});
	const message = (text: string) => ({ fromClient: true, content: Buffer.from(text), timestamp: 1 });
	await pipeline.runStored(tcpFlow({ messages: [message("a"), message("b")] }));
	await pipeline.runStored(tcpFlow({ messages: [], error: { message: "x", timestamp: 1 } }));
	t.same(
		logged.map((line) => line.slice("info /a.mjs: ".length)),
		["tcp_start 0", "tcp_message 1", "tcp_message 2", "tcp_end 2", "tcp_start 0", "tcp_error 0"],
	);
});

t.test("a changed script is loaded again; if that fails, the previous version continues", async (t) => {
	const { scripts, pipeline, logged, paths } = await host(t, {
		"a.mjs": "export const request = (flow) => { flow.comment = 'old' };",
	});
	await scripts.start({}, { watch: true });
	const until = async (line: RegExp) => {
		while (!logged.some((entry) => line.test(entry))) await new Promise((resolve) => setTimeout(resolve, 50));
	};
	const commented = async () => {
		const flow = httpFlow();
		await pipeline.runStored(flow);
		return flow.comment;
	};
	// modification times may be too coarse for two writes in a row
	const write = (text: string, at: number) => {
		writeFileSync(paths[0] as string, text);
		utimesSync(paths[0] as string, at, at);
	};
	t.equal(await commented(), "old");
	write("export const request = (flow) => { flow.comment = 'new' };", 1);
	await until(/^info loaded .*a\.mjs again/);
	t.equal(await commented(), "new");
	write("export broken", 2);
	await until(/^error .*the previous version of the script continues/);
	t.equal(await commented(), "new");
});

t.test("an invalid value that a script sets is reported with its line; the flow continues unchanged", async (t) => {
	const { scripts, pipeline, logged } = await host(t, {
		"a.mjs": `export function request(flow) { flow.request.port = "x" }
export function response(flow) { flow.response = { status: 200 } }
export function server_connect(data) { data.server.address = { host: "b.test", port: 1 }; data.server = null }
export function tcp_message(flow) { flow.messages.at(-1).content = "text" }`,
	});
	const flow = httpFlow({ serverConn: { id: "s1", address: ["a.test", 80] } });
	await pipeline.runStored(flow);
	await scripts.hooks[0]?.connection?.("server_connect", { server: flow.serverConn, client: null });
	await pipeline.runStored(tcpFlow({ messages: [{ fromClient: true, content: Buffer.from("a"), timestamp: 1 }] }));
	t.match(logged, [
		/a\.mjs:1: TypeError: port: /,
		/a\.mjs:2: TypeError: response: /,
		/a\.mjs: TypeError: address: /,
		/a\.mjs:4: TypeError: content: /,
	]);
	t.equal(flow.request.port, 80);
	t.same(flow.serverConn.address, ["a.test", 80]);
});

t.test("if a stream function fails, the chunk passes unchanged", async (t) => {
	const { pipeline, logged } = await host(t, {
		"a.mjs":
			"export function responseheaders(flow) { flow.response.stream = (chunk) => { if (chunk.length > 1) throw new Error('long'); return 'text' } }",
		"b.mjs": "export function responseheaders() {}",
	});
	const decision = new Decision(true);
	await pipeline.run("responseheaders", httpFlow(), decision);
	const stream = decision.responseStream as (chunk: Buffer) => unknown;
	for (const chunk of [Buffer.from("ab"), Buffer.from("c")]) t.equal(stream(chunk), chunk);
	t.match(logged, [/a\.mjs:1: Error: long/, /a\.mjs: TypeError: the result of stream: /]);
});

t.test("an uncaught error is reported if it comes from a script", async (t) => {
	const { scripts, logged } = await host(t, {
		"a.mjs": "export const addons = [{ running() { globalThis.handleUncaught = new Error('late') } }]",
	});
	await scripts.start({});
	t.equal(scripts.handleUncaught(Reflect.get(globalThis, "handleUncaught")), true);
	t.equal(scripts.handleUncaught(new Error("ours")), false);
	t.equal(scripts.handleUncaught("no error"), false);
	t.match(logged, [/a\.mjs:1: Error: late/]);
	Reflect.deleteProperty(globalThis, "handleUncaught");
});

t.test("changes to event data take effect", async (t) => {
	const { scripts, logged } = await host(t, {
		"a.mjs": `export const client_connected = (client) => { client.error = "no " + client.proxy_mode };
			export const tls_clienthello = (data, ctx) => { ctx.log.info(data.context.client.proxy_mode); data.ignore_connection = true };
			export const tls_failed_server = async (data, ctx) => ctx.log.info(data.conn.address[0] + data.conn.tls_version);`,
	});
	const connection = scripts.hooks[0]?.connection;
	const { clientConn: client, serverConn: server } = httpFlow({
		clientConn: { id: "c" },
		serverConn: { id: "s", address: ["a.test", 443], tlsVersion: null },
	});
	await connection?.("client_connected", client);
	t.equal(client.error, "no regular");
	const hello = {
		client_hello: { sni: null, alpn_protocols: [] },
		context: { client, server },
		ignore_connection: false,
		establish_server_tls_first: false,
	};
	await connection?.("tls_clienthello", hello);
	t.match(hello, { ignore_connection: true, establish_server_tls_first: false });
	await connection?.("tls_failed_server", { conn: server, context: { client, server } });
	t.same(logged, ["info /a.mjs: regular", "info /a.mjs: a.testnull"]);
});

t.test("recorded changes what is written, and an error of it is thrown", async (t) => {
	const { scripts, logged } = await host(t, {
		"a.mjs": `export function recorded(flow, ctx) {
			ctx.log.info(flow.type);
			if (flow.request?.path === "/bad") throw new Error("no");
			flow.comment = "written";
		}`,
	});
	const [hook] = scripts.hooks;
	for (const flow of [httpFlow(), tcpFlow()]) {
		await hook?.recorded?.(flow);
		t.equal(flow.comment, "written");
	}
	t.throws(() => hook?.recorded?.(httpFlow({ request: { path: "/bad" } })), { code: "FT_SCRIPT" });
	t.match(logged, ["info /a.mjs: http", "info /a.mjs: tcp", "info /a.mjs: http", /^error .*no/]);
	const other = await host(t, { "b.mjs": "export function request() {}" });
	t.equal(other.scripts.hooks[0]?.recorded, undefined);
});

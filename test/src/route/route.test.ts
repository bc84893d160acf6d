// A route leads every client of this thread to its entrance: those of Node here, those of npm in interop/route.mjs.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { Worker } from "node:worker_threads";
import t from "tap";
import { WebSocket } from "ws";
import type { SeenRequest } from "../../../fixtures/route-engine.ts";
import { routed } from "../../../fixtures/routed.ts";

async function bodyOf(response: AsyncIterable<Buffer>): Promise<SeenRequest> {
	let text = "";
	for await (const chunk of response) text += chunk;
	return JSON.parse(text);
}

async function get(url: string, options: https.RequestOptions = {}): Promise<SeenRequest> {
	const request = (url.startsWith("https:") ? https : http).get(url, options);
	const [response] = (await once(request, "response")) as [http.IncomingMessage];
	return bodyOf(response);
}

t.test("clients of Node", async (t) => {
	const before = { http: new http.Agent({ keepAlive: true }), https: new https.Agent({ keepAlive: true }) };
	const { engine } = await routed(t);
	for (const scheme of ["http", "https"] as const) {
		const response = await fetch(`${scheme}://api.example.com/a?b`, { method: "POST", body: "x" });
		t.match(await response.json(), {
			method: "POST",
			url: "/a?b",
			host: "api.example.com",
			body: "x",
			target: { host: "api.example.com", port: scheme === "http" ? 80 : 443 },
			isSecure: scheme === "https",
		});
		const agents = {
			none: {},
			own: { agent: before[scheme] },
			false: { agent: false },
			ca: { ca: engine.options.authority },
		};
		for (const [name, options] of Object.entries(agents))
			t.match(
				await get(`${scheme}://api.example.com:8443/`, options as https.RequestOptions),
				{ target: { host: "api.example.com", port: 8443 }, isSecure: scheme === "https" },
				`${scheme}, agent: ${name}`,
			);
	}
	for (const origin of ["http://api.example.com", "https://api.example.com", "https://192.0.2.7"]) {
		const session = http2.connect(origin);
		const stream = session.request({ ":path": "/2" });
		t.match(await bodyOf(stream), { version: "2.0", url: "/2", target: { host: new URL(origin).hostname } });
		session.close();
	}
	const socket = new WebSocket("wss://api.example.com/socket");
	await once(socket, "open");
	socket.send("hi");
	t.equal(String((await once(socket, "message"))[0]), "echo hi");
	socket.terminate();
	t.ok(engine.messages.some(({ kind }) => kind === "closed"));
	t.same([engine.passed, engine.refused], [[], []]);
});

t.test("a TLS client of its own, with its own authorities", async (t) => {
	await routed(t);
	const { connect } = tls;
	const socket = connect({
		host: "api.example.com",
		port: 993,
		servername: "api.example.com",
		ca: [...tls.rootCertificates],
	});
	await once(socket, "secureConnect");
	t.ok(socket.authorized);
	t.equal(socket.remotePort, 993);
	socket.destroy();
	const secureContext = tls.createSecureContext({ ca: tls.rootCertificates.slice(0, 1) });
	const raw = net.connect(443, "api.example.com");
	const over = connect({ socket: raw, servername: "api.example.com", secureContext });
	await once(over, "secureConnect");
	t.ok(over.authorized, "over a socket that is routed");
	t.equal(over.remotePort, 443);
	over.destroy();
	const pinned = connect({ host: "api.example.com", port: 443, checkServerIdentity: () => new Error("not that one") });
	t.match((await once(pinned, "error"))[0], { message: "not that one" }, "checks of the client count");
});

t.test("sockets show their target", async (t) => {
	await routed(t);
	for (const [host, address, family] of [
		["192.0.2.1", "192.0.2.1", "IPv4"],
		["2001:db8::1", "2001:db8::1", "IPv6"],
		["api.example.com", /^198\.1[89]\./, "IPv4"],
	] as const) {
		const socket = new net.Socket();
		const shown = new Promise((resolve) =>
			socket.on("connect", () => resolve({ ...socket.address(), ...peer(socket) })),
		);
		socket.connect({ host, port: 81, localAddress: "127.0.0.1" });
		t.match(await shown, { remoteAddress: address, remotePort: 81, remoteFamily: family });
		socket.destroy();
	}
});

function peer({ remoteAddress, remotePort, remoteFamily }: net.Socket): object {
	return { remoteAddress, remotePort, remoteFamily };
}

t.test("what is not routed: Unix sockets, and what the callback leaves alone", async (t) => {
	const folder = mkdtempSync(join(tmpdir(), "route-"));
	t.teardown(() => rmSync(folder, { recursive: true }));
	const asked: unknown[] = [];
	const { route, engine } = await routed(t, {
		routes: (host, port) => {
			asked.push([host, port]);
			return false;
		},
	});
	const unix = net.createServer((socket) => socket.end("unix")).listen(`${folder}/s`);
	const over = net.connect(`${folder}/s`).setEncoding("utf8");
	t.equal((await over.toArray()).join(""), "unix");
	unix.close();
	const other = new Worker(
		`const { createServer } = require("node:http");
		const server = createServer((_, response) => response.end("real")).listen(0, "127.0.0.1", () =>
			require("node:worker_threads").parentPort.postMessage(server.address().port));`,
		{ eval: true },
	);
	const [port] = await once(other, "message");
	for (const host of ["localhost", "127.0.0.1"]) {
		const response = await fetch(`http://${host}:${port}/`);
		t.equal(await response.text(), "real");
	}
	await other.terminate();
	t.same(engine.seen, []);
	t.same(
		asked,
		[
			["localhost", port],
			["127.0.0.1", port],
		],
		"an address is not looked up, and localhost neither",
	);
	t.same(
		[...route.direct],
		[
			[`localhost:${port}`, 1],
			[`127.0.0.1:${port}`, 1],
		],
	);
});

t.test("an error of the callback is the connection's", async (t) => {
	await routed(t, {
		routes: () => {
			throw new Error("bad filter");
		},
	});
	const [error] = await once(net.connect(80, "api.example.com"), "error");
	t.equal(error.message, "bad filter");
	await t.rejects(fetch("http://api.example.com/"), { cause: { message: "bad filter" } });
});

t.test("sockets that are kept alive end with their route", async (t) => {
	const agent = new http.Agent({ keepAlive: true });
	const first = await routed(t);
	await get("http://api.example.com/", { agent });
	const [kept] = Object.values(agent.freeSockets).flat();
	t.notOk(kept?.destroyed);
	first.route.remove();
	t.ok(kept?.destroyed);
	await routed(t);
	t.equal((await get("http://api.example.com/", { agent })).count, 0, "the next request reaches the next route");
});

t.test("a socket can connect again", async (t) => {
	const { engine } = await routed(t);
	const socket = new net.Socket();
	for (const port of [81, 82]) {
		socket.connect(port, "api.example.com");
		await once(socket, "connect");
		t.equal(socket.remotePort, port);
		socket.destroy();
		await once(socket, "close");
	}
	t.same(
		engine.messages.flatMap((message) => (message.kind === "connected" ? [message.target.port] : [])),
		[81, 82],
	);
});

t.test("a blocked listener of a server that an earlier tape saw is not kept", async (t) => {
	const server = net.createServer();
	const count = server.listenerCount("close");
	const { route } = await routed(t);
	server.listen(0);
	route.remove();
	t.equal(server.listenerCount("close"), count);
	server.close();
});

t.test("a program with an open routed connection of an agent ends by itself", async (t) => {
	const folder = t.testdir();
	const program = `
		const { startRouteEngine } = await import(${JSON.stringify(new URL("../../../fixtures/route-engine.js", import.meta.url).href)});
		const { installRoute } = await import(${JSON.stringify(new URL("../../../src/route/route.js", import.meta.url).href)});
		const engine = await startRouteEngine(${JSON.stringify(folder)});
		installRoute({ ...engine.options, routes: () => true });
		await (await fetch("https://api.example.com/")).text();
		console.log("done");`;
	writeFileSync(join(folder, "program.mjs"), program);
	const child = spawn(process.execPath, [join(folder, "program.mjs")], { stdio: ["ignore", "pipe", "inherit"] });
	const said = await child.stdout.setEncoding("utf8").toArray();
	const [status] = child.exitCode === null ? await once(child, "exit") : [child.exitCode];
	t.same([said.join(""), status], ["done\n", 0]);
});

// Sends a request with each client through a route, and prints a line of JSON for each: whether the engine saw it, with
// its target. Arguments: the folder of the bundles, the module format of the route, the folder of the clients, and a
// folder for the authority.
import assert from "node:assert/strict";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import { createRequire } from "node:module";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { pathToFileURL } from "node:url";

const [, , bundles, format, folder, scratch] = process.argv;
const load = (path) => import(pathToFileURL(path).href);
const require = createRequire(join(folder, "program.cjs"));
const imported = async (name) => load(require.resolve(name));

const [major, minor] = process.versions.node.split(".").map(Number);
const undicis = ["undici6", "undici7", ...(major > 22 || (major === 22 && minor >= 19) ? ["undici8"] : [])];
const HTTP = "http://api.example.com/x";
const HTTPS = "https://api.example.com/x";

const { startRouteEngine } = await load(join(bundles, "route-engine.js"));
const { installRoute, installedRoute } = await load(join(bundles, `route.${format}`));
const other = await load(join(bundles, format === "mjs" ? "route.cjs" : "route.mjs"));

// every client is loaded, and every agent made, before the route
const axios = { esm: (await imported("axios")).default, cjs: require("axios") };
const { got } = await load(join(folder, "node_modules/got/dist/source/index.js"));
const { default: ky } = await load(join(folder, "node_modules/ky/distribution/index.js"));
const { default: fetch3 } = await load(join(folder, "node_modules/node-fetch3/src/index.js"));
const { EventSource } = await load(join(folder, "node_modules/eventsource/dist/index.js"));
const fetch2 = require("node-fetch2");
const superagent = require("superagent");
const supertest = require("supertest");
const { WebSocket: Ws } = require("ws");
const grpc = require("@grpc/grpc-js");
const agents = {
	"http:": new http.Agent({ keepAlive: true }),
	"https:": new https.Agent({ keepAlive: true }),
};
const ours = Object.fromEntries(
	undicis.map((name) => {
		const undici = require(name);
		return [
			name,
			{ undici, agent: new undici.Agent(), pools: [HTTP, HTTPS].map((url) => new undici.Pool(new URL(url).origin)) },
		];
	}),
);

const engine = await startRouteEngine(scratch);
let route = installRoute({ ...engine.options, offline: true, routes: () => true });

await trial("another copy of the module", () => {
	assert.equal(other.installedRoute(), route);
	assert.throws(() => other.installRoute({ ...engine.options, routes: () => true }), { code: "FT_ROUTE" });
});
for (const url of [HTTP, HTTPS]) {
	const { protocol } = new URL(url);
	const client = (name, send) => trial(`${name}, ${protocol}`, async () => checkSeen(await send(url), url));
	const node = protocol === "http:" ? http : https;
	await client("fetch", async () => (await fetch(url)).json());
	await client("node, global agent", () => viaNode(node, url, {}));
	await client("node, agent from before", () => viaNode(node, url, { agent: agents[protocol] }));
	await client("node, agent: false", () => viaNode(node, url, { agent: false }));
	for (const name of undicis) {
		const { undici, agent, pools } = ours[name];
		const pool = pools[protocol === "http:" ? 0 : 1];
		await client(`${name}, fetch`, async () => (await undici.fetch(url)).json());
		await client(`${name}, request`, async () => (await undici.request(url)).body.json());
		await client(`${name}, own Agent`, async () => (await undici.request(url, { dispatcher: agent })).body.json());
		await client(`${name}, own Pool`, async () => (await pool.request({ path: "/x", method: "GET" })).body.json());
		await client(`fetch after ${name}`, async () => (await fetch(url)).json());
	}
	await client("axios, ESM", async () => (await axios.esm.get(url)).data);
	await client("axios, CJS", async () => (await axios.cjs.get(url)).data);
	await client("axios, fetch adapter", async () => (await axios.esm.get(url, { adapter: "fetch" })).data);
	await client("got", () => got(url).json());
	if (protocol === "https:") await client("got, http2", () => got(url, { http2: true }).json());
	await client("got, dnsCache", () => got(url, { dnsCache: true }).json());
	await client("node-fetch 2", async () => (await fetch2(url)).json());
	await client("node-fetch 3", async () => (await fetch3(url)).json());
	await client("superagent", async () => (await superagent.get(url)).body);
	await client("supertest", async () => (await supertest(new URL(url).origin).get("/x")).body);
	await client("ky", () => ky(url).json());
	await client("node:http2", () => viaHttp2(url));
	await trial(`ws, ${protocol}`, () => echo(new Ws(url.replace("http", "ws"))));
	if (major > 20) await trial(`WebSocket, ${protocol}`, () => echo(new WebSocket(url.replace("http", "ws"))));
	await trial(`EventSource, ${protocol}`, async () => {
		const source = new EventSource(new URL("/events", url));
		const { data } = await new Promise((resolve, reject) => {
			source.onmessage = resolve;
			source.onerror = reject;
		}).finally(() => source.close());
		assert.equal(JSON.parse(data).target.host, "api.example.com");
	});
}
await trial("supertest, own server", async () => {
	const { text } = await supertest((_request, response) => response.end("own")).get("/");
	assert.equal(text, "own");
});
await trial("tls.connect by name", async () => {
	const socket = connectTls({ host: "api.example.com", port: 443, servername: "api.example.com" });
	await new Promise((resolve, reject) => socket.on("secureConnect", resolve).on("error", reject));
	assert.deepEqual([socket.authorized, socket.remotePort], [true, 443]);
	socket.destroy();
});
for (const host of ["192.0.2.9:50051", "grpc.example.com:50051"])
	for (const [name, credentials] of [
		["insecure", grpc.credentials.createInsecure()],
		["TLS", grpc.credentials.createSsl()],
	])
		await trial(`grpc-js, ${host}, ${name}`, () => callGrpc(host, credentials));
assert.deepEqual([engine.refused, engine.passed, [...route.direct]], [[], [], []]);
assert.deepEqual(route.remove().replaced, []);

route = installRoute({ ...engine.options, offline: true, concurrent: true, routes: () => true });
for (const name of undicis) {
	const { undici } = ours[name];
	const { origin } = new URL(HTTP);
	const one = { connections: 1 };
	const [pool, client, agent] = [new undici.Pool(origin, one), new undici.Client(origin), new undici.Agent(one)];
	for (const [kind, send] of [
		["Pool", async () => (await pool.request({ path: "/x", method: "GET" })).body.json()],
		["Client", async () => (await client.request({ path: "/x", method: "GET" })).body.json()],
		["Agent, request", async () => (await undici.request(HTTP, { dispatcher: agent })).body.json()],
		["Agent, fetch", async () => (await undici.fetch(HTTP, { dispatcher: agent })).json()],
		["stream", () => viaStream(pool)],
	])
		await trial(`${name}, ${kind} of one connection, four tests at once`, () => atOnce(send));
}
for (const [kind, send] of [
	["fetch", async () => (await fetch(HTTP)).json()],
	["axios", async () => (await axios.esm.get(HTTP)).data],
	["node-fetch 3", async () => (await fetch3(HTTP)).json()],
	["got", () => got(HTTP).json()],
	["http, one socket", () => viaNode(http, HTTP, { agent: new http.Agent({ keepAlive: true, maxSockets: 1 }) })],
])
	await trial(`${kind}, four tests at once`, () => atOnce(send));
assert.ok(route.told.handler > 0, "undici's handlers are found");
route.remove();
assert.equal(installedRoute(), null);
await engine.close();
console.log("end");
process.exit();

async function trial(client, work) {
	let error = null;
	try {
		const late = new Promise((_resolve, reject) => setTimeout(reject, 30_000, new Error("no answer")).unref());
		await Promise.race([work(), late]);
	} catch (cause) {
		error = [cause, cause?.cause].map((one) => String(one?.stack ?? one ?? "")).join("\n");
	}
	console.log(JSON.stringify({ client, error }));
}

function checkSeen({ target, host, url, isSecure }, sent) {
	const { protocol, pathname } = new URL(sent);
	const port = protocol === "http:" ? 80 : 443;
	assert.deepEqual(
		{ target, host: host.replace(/:\d+$/, ""), url, isSecure },
		{ target: { host: "api.example.com", port }, host: "api.example.com", url: pathname, isSecure: port === 443 },
	);
}

function viaNode(module, url, options) {
	return new Promise((resolve, reject) => {
		const request = module.get(url, options, async (response) => {
			const { remotePort } = response.socket;
			const seen = JSON.parse((await response.setEncoding("utf8").toArray()).join(""));
			if (remotePort === seen.target.port) resolve(seen);
			else reject(new Error(`the socket's port is ${remotePort}`));
		});
		request.on("error", reject);
	});
}

async function viaHttp2(url) {
	const session = http2.connect(new URL(url).origin);
	const failed = new Promise((_resolve, reject) => session.on("error", reject));
	const stream = session.request({ ":path": "/x" }).setEncoding("utf8");
	const body = await Promise.race([stream.toArray(), failed]);
	session.close();
	return JSON.parse(body.join(""));
}

async function viaStream(pool) {
	const chunks = [];
	const { Writable } = await import("node:stream");
	await pool.stream({ path: "/x", method: "GET" }, () => {
		return new Writable({ write: (chunk, _encoding, done) => done(void chunks.push(chunk)) });
	});
	return JSON.parse(Buffer.concat(chunks).toString());
}

/** Four tests, three requests each: every request must carry the scope of its test. */
async function atOnce(send) {
	const names = ["a", "b", "c", "d"];
	const seen = await Promise.all(
		names.flatMap((name) => [1, 2, 3].map(() => route.run(name, async () => [name, (await send()).scope]))),
	);
	assert.deepEqual(
		seen.map(([, scope]) => scope),
		seen.map(([name]) => name),
	);
}

async function echo(socket) {
	const text = await new Promise((resolve, reject) => {
		socket.addEventListener("open", () => socket.send("hi"));
		socket.addEventListener("message", ({ data }) => resolve(data));
		socket.addEventListener("error", (event) => reject(event.error ?? new Error(event.message)));
	});
	socket.close();
	assert.equal(text, "echo hi");
}

async function callGrpc(host, credentials) {
	const client = new grpc.Client(host, credentials);
	const reply = await new Promise((resolve, reject) =>
		client.makeUnaryRequest(
			"/echo.Echo/Say",
			(text) => Buffer.from(text),
			String,
			"hello",
			{ deadline: Date.now() + 20_000 },
			(error, answer) => (error ? reject(error) : resolve(answer)),
		),
	);
	client.close();
	assert.equal(reply, "hello");
	// the engine tells in another thread what it has seen
	const isSeen = () => engine.seen.some(({ target }) => `${target.host}:${target.port}` === host);
	while (!isSeen()) await new Promise((resolve) => setTimeout(resolve, 10));
}

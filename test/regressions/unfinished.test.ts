// Responses that were incomplete when recorded stay incomplete on the wire, on the tape, and for `run`.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import t, { type Test } from "tap";
import { command as run } from "../../commands/run.ts";
import { makeAuthorities } from "../../fixtures/authorities.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { askHttp2, openHttp2 } from "../../fixtures/http2-peers.ts";
import { startTestLive } from "../../fixtures/live-proxy.ts";
import { ask, ok, startOrigin } from "../../fixtures/origin-server.ts";
import { Peer } from "../../fixtures/peer.ts";
import { askThrough } from "../../fixtures/plain-site.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { startTestProxy, type TestProxy } from "../../fixtures/running-proxy.ts";
import { writeTape } from "../../fixtures/tape-files.ts";
import type { CertificateAuthority } from "../../src/ca/authority.ts";
import { endOf } from "../../src/flow/ending.ts";

type Fields = [string, string][];

const broke = { message: "the server closed the connection", timestamp: 1 };
const left = { message: "Client disconnected.", timestamp: 1 };
const EVENTS = "data: 1\n\ndata: 2\n\n";

const recorded = (path: string, headers: Fields, body: string, error: typeof broke) =>
	httpFlow({ request: { path, headers: [["Host", "example.com"]] }, response: { headers, body }, error });
const flows = () => [
	recorded("/length", [["Content-Length", "100"]], "half of it", broke),
	recorded("/chunked", [["Transfer-Encoding", "chunked"]], "half of it", broke),
	recorded("/until-close", [], "half of it", broke),
	recorded("/left", [["Content-Length", "100"]], "half of it", left),
	recorded("/events", [["Content-Type", "text/event-stream"]], EVENTS, left),
	httpFlow({ request: { path: "/whole", headers: [["Host", "example.com"]] }, response: { body: "all of it" } }),
];

async function startReplay(t: Test, name: string) {
	const tape = join(t.testdir(), name);
	await writeTape(tape, flows());
	return startTestLive(t, { recordings: [tape], values: { server_replay_reuse: true } });
}

/** Ends the held responses only after another exchange is complete. */
const isStillOpen = async (proxy: { port: number }, ended: Promise<unknown>): Promise<boolean> => {
	await askThrough(proxy, "http://example.com/whole");
	return Promise.race([
		ended.then(() => false),
		new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 50)),
	]);
};

for (const name of ["a.tape", "a.har", "a.jsonl", "a.mitm"]) {
	t.test(`HTTP/1.1: ${name}`, async (t) => {
		const proxy = await startReplay(t, name);
		const get = async (path: string) =>
			(await Peer.to(proxy.port)).send(`GET http://example.com${path} HTTP/1.1\r\nHost: example.com\r\n\r\n`);
		t.match(await (await get("/length")).rest(), /^HTTP\/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it$/);
		for (const path of ["/chunked", "/until-close"])
			t.match(
				await (await get(path)).rest(),
				/^HTTP\/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\nhalf of it\r\n$/i,
				"without a last chunk",
			);
		for (const [path, last] of [
			["/left", "half of it"],
			["/events", "data: 2\n\n"],
		] as const) {
			const peer = await get(path);
			await peer.upTo(last);
			t.ok(await isStillOpen(proxy, peer.ended()), path);
			peer.close();
		}
	});
}

/** A server that sends half of its response, and closes the connection on request. */
async function startBreaking(t: Test, authority: CertificateAuthority) {
	const breaks: (() => void)[] = [];
	const origin = await startOrigin(t, async (server) => {
		const isChunked = (await server.head()).includes("/chunked");
		server.send(`HTTP/1.1 200 OK\r\n${isChunked ? "Transfer-Encoding: chunked\r\n\r\na\r\n" : "\r\n"}half of it`);
		breaks.push(() => (isChunked ? server.close() : server.reset()));
	});
	const options = { stream_large_bodies: 1, mode: [`reverse:http://${origin.authority}`] };
	const proxy = await startTestProxy(t, { authority, options });
	return { proxy, breakOff: () => breaks.at(-1)?.() };
}

const oldRequest = (url: string) => `GET ${url} HTTP/1.0\r\nHost: example.com\r\n\r\n`;

t.test("HTTP/1.0, where the end of the connection ends the body", async (t) => {
	const { proxy: authority } = await makeAuthorities(t);
	const secure = (client: Peer) => client.secure({ servername: "example.com", ca: authority.certificatePem });
	const paths = ["/until-close", "/chunked"];
	const half = /^HTTP\/1\.1 200 OK\r\n(?!transfer)(?:connection: close\r\n)?\r\nhalf of it$/i;
	await t.test("replay", async (t) => {
		const proxy = await startReplay(t, "a.tape");
		for (const path of paths) {
			const client = await Peer.to(proxy.port);
			t.match(await client.send(oldRequest(`http://example.com${path}`)).upTo("half of it"), half);
			t.equal(await client.ended(), "reset", path);
		}
	});
	await t.test("live, also for a half-closed client", async (t) => {
		const { proxy, breakOff } = await startBreaking(t, authority);
		for (const path of paths)
			for (const isSecure of [false, true])
				for (const isHalfClosed of [false, true]) {
					const client = isSecure ? await secure(await proxy.connect()) : await proxy.connect();
					client.send(oldRequest(path));
					if (isHalfClosed) client.end();
					t.match(await client.upTo("half of it"), half);
					breakOff();
					t.equal(await client.ended(), "reset", `${path} ${isSecure} ${isHalfClosed}`);
				}
	});
	await t.test("live, when the proxy ends", async (t) => {
		for (const isSecure of [false, true]) {
			const { proxy } = await startBreaking(t, authority);
			const client = isSecure ? await secure(await proxy.connect()) : await proxy.connect();
			await client.send(oldRequest("/until-close")).upTo("half of it");
			await proxy.running.close({ graceMs: 0 });
			t.equal(await client.ended(), "reset");
		}
	});
});

t.test("HTTP/2", async (t) => {
	const proxy = await startReplay(t, "a.tape");
	const way = {
		async tunnel(to: string) {
			const peer = await Peer.to(proxy.port);
			await peer.send(`CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\n\r\n`).head();
			return peer;
		},
	} as TestProxy;
	const session = await openHttp2(t, way, "example.com:80");
	const get = (path: string) => ({ ":path": path, ":method": "GET", ":scheme": "http", ":authority": "example.com" });
	for (const path of ["/length", "/chunked", "/until-close"])
		t.match(await askHttp2(session, get(path)), { status: 200, body: "half of it", code: 2 }, path);
	t.match(await askHttp2(session, get("/whole")), { status: 200, body: "all of it", code: 0 });
	for (const [path, size] of [
		["/left", 10],
		["/events", EVENTS.length],
	] as const) {
		const stream = session.request(get(path));
		let received = 0;
		let isClosed = false;
		stream.on("error", () => {}).on("close", () => (isClosed = true));
		await new Promise<void>((resolve) => {
			stream.on("data", (chunk: Buffer) => {
				received += chunk.length;
				if (received >= size) resolve();
			});
		});
		t.equal((await askHttp2(session, get("/whole"))).body, "all of it");
		t.equal(isClosed, false, path);
		stream.close();
	}
});

t.test("the tape stores how each flow ended", async (t) => {
	const origin = await startOrigin(t, async (server) => {
		const head = await server.head();
		if (head.includes("/whole")) server.send(ok("all of it", "Connection: close")).end();
		else if (head.includes("/cut")) server.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it").end();
		else server.send(`HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n${EVENTS}`);
	});
	const proxy = await startTestProxy(t);
	const send = async (path: string) => (await proxy.connect()).send(ask("GET", origin.authority, path));
	await (await send("/whole")).upTo("all of it");
	t.equal(endOf(await proxy.flow(0)), "server");
	await (await send("/cut")).head();
	t.match(await proxy.flow(1), { ended: "cut", error: { message: /90 more bytes/ } });
	const listener = await send("/events");
	await listener.upTo("data: 2\n\n");
	listener.close();
	t.match(await proxy.flow(2), {
		ended: "client",
		error: { message: "Client disconnected." },
		response: { text: EVENTS },
	});
});

t.test("run keeps a stream that its client closed, and keeps it open in the replay", async (t) => {
	const server = createServer((_request, response) => {
		response.writeHead(200, { "content-type": "text/event-stream" }).write(EVENTS);
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.teardown(() => {
		server.closeAllConnections();
		server.close();
	});
	const { port } = server.address() as AddressInfo;
	const client = `
		const { request } = require("node:http");
		const proxy = new URL(process.env.http_proxy);
		const url = "http://127.0.0.1:${port}/events";
		request({ host: proxy.hostname, port: proxy.port, path: url, headers: { host: "127.0.0.1:${port}" } }, (response) => {
			let text = "";
			response.on("end", () => process.exit(9));
			response.on("data", (data) => (text += data).endsWith("data: 2\\n\\n") && setTimeout(() => process.exit(0), 100));
		}).end();
	`;
	for (const name of ["a.tape", "b.har"]) {
		const tape = join(t.testdir(), name);
		const again = () =>
			runCaptured(run, [tape, "-p", "0", "--", process.execPath, "-e", client], { env: { ...process.env, CI: "" } });
		t.match(await again(), { status: 0, err: /recorded 1 flow/ });
		t.match(await again(), { status: 0, err: /served 1, missed 0, unused 0/ });
	}
});

t.test("--normalize-url", async (t) => {
	const tape = join(t.testdir(), "a.tape");
	await writeTape(tape, [
		httpFlow({
			request: { host: "example.com.", path: "/%7Eme/%2fx", headers: [["Host", "example.com."]] },
			response: { body: "home" },
		}),
	]);
	const strict = await startTestLive(t, { recordings: [tape] });
	t.match(await askThrough(strict, "http://example.com/~me/%2Fx"), { status: 404, body: /--normalize-url/ });
	const proxy = await startTestLive(t, { recordings: [tape], values: { server_replay_normalize_url: true } });
	t.match(await askThrough(proxy, "http://example.com/~me/%2Fx"), { status: 200, body: "home" });
});

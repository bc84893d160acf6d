// The proxy as a whole: listening, many connections, and shutdown.
import { createServer } from "node:net";
import t from "tap";
import { gate } from "../../../fixtures/gate.ts";
import { lacksIpv6 } from "../../../fixtures/ipv6.ts";
import { answering, ask, ok, startOrigin } from "../../../fixtures/origin-server.ts";
import type { Peer } from "../../../fixtures/peer.ts";
import { startTestProxy } from "../../../fixtures/running-proxy.ts";
import type { HttpFlow } from "../../../src/flow/flow.ts";

const hi = answering(() => ok("hi"));

t.test("it reports where it listens", async (t) => {
	for (const listen_host of ["127.0.0.1", "localhost", ...(lacksIpv6 ? [] : ["::1"])]) {
		const origin = await startOrigin(t, hi);
		const proxy = await startTestProxy(t, { options: { listen_host } });
		t.match(proxy.events, [{ kind: "listening", host: proxy.running.host, port: proxy.port }]);
		t.match(proxy.running.host, listen_host === "localhost" ? /^(127\.0\.0\.1|::1)$/ : listen_host);
		const client = await proxy.connect();
		t.equal((await client.send(ask("GET", origin.authority, "/")).message()).body.toString(), "hi");
	}
});

t.test("an error says why it cannot listen", async (t) => {
	const taken = createServer().listen(0, "127.0.0.1");
	await new Promise((resolve) => taken.once("listening", resolve));
	t.teardown(() => taken.close());
	const { port } = taken.address() as { port: number };
	await t.rejects(startTestProxy(t, { options: { listen_port: port } }), {
		code: "FT_PORT",
		message: new RegExp(`^cannot listen on 127\\.0\\.0\\.1:${port}: is in use by another process; choose another port`),
	});
	await t.rejects(startTestProxy(t, { options: { listen_host: "192.0.2.1" } }), {
		code: "FT_PORT",
		message: /is not an address of this machine/,
	});
	await t.rejects(startTestProxy(t, { options: { listen_host: "no-such-host.invalid" } }), {
		code: "FT_PORT",
		message: /cannot listen on no-such-host\.invalid/,
	});
});

t.test("two thousand idle clients do not delay another one", async (t) => {
	const origin = await startOrigin(t, hi);
	const proxy = await startTestProxy(t);
	const before = process.memoryUsage().rss;
	const idle: Peer[] = [];
	for (let i = 0; i < 20; i++) idle.push(...(await Promise.all(Array.from({ length: 100 }, () => proxy.connect()))));
	const client = await proxy.connect();
	t.equal((await client.send(ask("GET", origin.authority, "/")).message()).body.toString(), "hi");
	// Both ends of each connection are in this process.
	t.ok(process.memoryUsage().rss - before < 2000 * 50_000, "50 KB each at most");
	const [last] = idle.slice(-1);
	t.equal((await last?.send(ask("GET", origin.authority, "/")).message())?.body.toString(), "hi");
	const started = performance.now();
	await proxy.running.close({ graceMs: 90_000 });
	t.ok(performance.now() - started < 60_000, "idle clients do not delay the end");
	t.equal(proxy.flows.length, 2);
});

t.test(
	"shutdown: the proxy accepts nothing new, exchanges in progress may end, and clients see that the connection closes",
	async (t) => {
		const asked = gate();
		const answered = gate();
		const origin = await startOrigin(t, async (server) => {
			await server.head();
			asked.open();
			await answered.opened;
			server.send(ok("late"));
		});
		const proxy = await startTestProxy(t);
		const client = await proxy.connect();
		const idle = await proxy.connect();
		client.send(ask("GET", origin.authority, "/1") + ask("GET", origin.authority, "/2"));
		await asked.opened;
		const closed = proxy.running.close({ graceMs: 10_000 });
		t.equal(proxy.running.close(), closed, "once");
		t.equal(await idle.rest(), "");
		await t.rejects(proxy.connect(), { code: "ECONNREFUSED" });
		answered.open();
		t.equal((await client.message()).body.toString(), "late");
		t.equal(await client.rest(), "", "the second is not begun");
		client.close();
		await closed;
		t.strictSame(
			proxy.flows.map((flow) => [(flow as HttpFlow).request.path, flow.error]),
			[["/1", null]],
		);
	},
);

t.test("flows that do not end in time are recorded as they are", async (t) => {
	const origin = await startOrigin(t, async (server) => {
		const head = await server.head();
		if (head.includes("/partly")) server.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
	});
	// So that what has come is on its way, and on the tape.
	const proxy = await startTestProxy(t, { options: { stream_large_bodies: 1, store_streamed_bodies: true } });
	const clients: Peer[] = [];
	for (const request of [
		ask("GET", origin.authority, "/silent"),
		ask("GET", origin.authority, "/partly"),
		`${ask("POST", origin.authority, "/half", ["Content-Length: 9"])}half`,
	]) {
		const client = await proxy.connect();
		clients.push(client.send(request));
	}
	await clients[1]?.upTo("hello");
	while (origin.connections.length < 3 || !origin.connections.some(({ seen }) => seen.endsWith("half")))
		await new Promise(setImmediate);
	await proxy.running.close({ graceMs: 10 });
	for (const client of clients) t.ok(await client.ended());
	const byPath = new Map(proxy.flows.map((flow) => [(flow as HttpFlow).request.path, flow as HttpFlow]));
	t.strictSame([...byPath.keys()].sort(), ["/half", "/partly", "/silent"]);
	for (const flow of byPath.values())
		t.match(flow.error?.message, "The proxy was stopped before the exchange was complete.");
	t.equal(byPath.get("/partly")?.response?.text, "hello");
	t.equal(byPath.get("/half")?.request.text, "half");
	t.equal(byPath.get("/silent")?.response, null);
});

t.test("a sink that fails loses its flow; the traffic continues", async (t) => {
	const origin = await startOrigin(t, hi);
	let count = 0;
	const proxy = await startTestProxy(t, {
		sink: {
			append() {
				count++;
				if (count === 1) throw new Error("disk full");
				if (count === 2) return Promise.reject(new Error("disk still full"));
			},
		},
	});
	const client = await proxy.connect();
	for (let i = 0; i < 3; i++)
		t.equal((await client.send(ask("GET", origin.authority, "/")).message()).body.toString(), "hi");
	await proxy.running.close();
	t.strictSame(
		proxy.events.filter(({ kind }) => kind === "sink_error").map((event) => String("error" in event && event.error)),
		["Error: disk full", "Error: disk still full"],
	);
	t.equal(count, 3);
});

t.test("a slow sink slows its client down, and shutdown waits for it", async (t) => {
	const origin = await startOrigin(t, hi);
	const taken = gate();
	let count = 0;
	const proxy = await startTestProxy(t, {
		sink: {
			async append() {
				count++;
				await taken.opened;
			},
		},
	});
	const client = await proxy.connect();
	client.send(ask("GET", origin.authority, "/") + ask("GET", origin.authority, "/"));
	t.equal((await client.message()).body.toString(), "hi", "its answer it has");
	let isClosed = false;
	const closed = proxy.running.close({ graceMs: 0 }).then(() => {
		isClosed = true;
	});
	await new Promise(setImmediate);
	t.strictSame([count, isClosed], [1, false]);
	taken.open();
	await closed;
});

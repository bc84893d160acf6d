// The groups of listeners: those of the proxy's modes and those of sessions. Flows get the session of their client.
import t from "tap";
import { answering, ask, ok, startOrigin } from "../../../../fixtures/origin-server.ts";
import { Peer } from "../../../../fixtures/peer.ts";
import { startTestProxy } from "../../../../fixtures/running-proxy.ts";
import { formatBasic } from "../../../../src/flow/basic-credentials.ts";
import { createProxyAuth } from "../../../../src/hooks/proxy-auth.ts";

const hello = answering(() => ok("hello"));
const login = (user: string, name = "Proxy-Authorization") => `${name}: ${formatBasic(`${user}:x`)}\r\n`;
const get = (url: string, fields = "") => `GET ${url} HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`;

async function anyUser() {
	const authenticator = await createProxyAuth({ proxyauth: "any" }, {});
	if (authenticator === null) throw new Error("no authenticator");
	return { hooks: [authenticator], authenticator };
}

t.test("the user of a request's proxy credentials names its session", async (t) => {
	const origin = await startOrigin(t, hello);
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	const fields = [login("worker-3"), login("Zoë ".repeat(50)), login(""), "Proxy-Authorization: Bearer abc\r\n", ""];
	for (const field of fields) await client.send(get(`http://${origin.authority}/`, field)).message();
	const names = await Promise.all(fields.map(async (_, n) => (await proxy.flow(n)).session));
	t.equal(names[0], "worker-3");
	t.match(names[1], /^Zoë Zoë .*~[0-9a-f]{16}$/);
	t.strictSame(names.slice(2), [null, null, null]);
});

t.test("the user of a tunnel's credentials names the session of its requests, and of other protocols", async (t) => {
	const origin = await startOrigin(t, hello);
	const proxy = await startTestProxy(t, { options: { record_tcp: true } });
	const tunnel = async () => {
		const client = await proxy.connect();
		const head = `CONNECT ${origin.authority} HTTP/1.1\r\nHost: ${origin.authority}\r\n${login("worker-4")}\r\n`;
		t.match(await client.send(head).head(), "200");
		return client;
	};
	const client = await tunnel();
	await client.send(get("/")).message();
	await client.send(get("/", login("worker-5"))).message();
	const other = await tunnel();
	other.send("\x01\x02 not HTTP\r\n\r\n");
	await other.upTo("hello");
	other.close();
	await proxy.running.close();
	t.strictSame(
		proxy.flows.map(({ type, session }) => [type, session]),
		[
			["http", "worker-4"],
			["http", "worker-5"],
			["tcp", "worker-4"],
		],
	);
});

t.test("with authentication, the user is the session, for a proxy, a reverse proxy and SOCKS", async (t) => {
	const origin = await startOrigin(t, hello);
	for (const [mode, session, expected] of [
		["regular", null, "worker-6"],
		["socks5", null, "worker-6"],
		[`reverse:http://${origin.authority}`, null, "worker-6"],
		["regular", "shard-1", "shard-1"],
		["socks5", "shard-1", "shard-1"],
		[`reverse:http://${origin.authority}`, "shard-1", "shard-1"],
	] as const) {
		const { hooks, authenticator } = await anyUser();
		const proxy = await startTestProxy(t, { options: { mode: [mode], session }, hooks, setup: { authenticator } });
		const client = await proxy.connect();
		if (mode === "socks5") {
			const target = String.fromCharCode(127, 0, 0, 1, origin.port >> 8, origin.port & 255);
			await client.send(`\x05\x01\x02\x01\x08worker-6\x01x\x05\x01\x00\x01${target}`).take(14);
		}
		const field = mode === "socks5" ? "" : login("worker-6", mode === "regular" ? undefined : "Authorization");
		await client.send(get(mode === "regular" ? `http://${origin.authority}/` : "/", field)).message();
		t.equal((await proxy.flow(0)).session, expected, mode);
	}
});

t.test("clients that name no session get the proxy's", async (t) => {
	const origin = await startOrigin(t, hello);
	const proxy = await startTestProxy(t, { options: { session: "shard-2" } });
	const client = await proxy.connect();
	for (const field of ["", login("worker-7")]) await client.send(get(`http://${origin.authority}/`, field)).message();
	t.strictSame([(await proxy.flow(0)).session, (await proxy.flow(1)).session], ["shard-2", "worker-7"]);
});

t.test("a session has a listener and connections of its own", async (t) => {
	const origin = await startOrigin(t, hello);
	const proxy = await startTestProxy(t, { options: { listen_host: "localhost" }, setup: { wantsFlows: false } });
	const events: string[] = [];
	const [one, two] = await Promise.all(
		["one", "two"].map((name) => proxy.running.openSession(name, (event) => events.push(`${name} ${event.kind}`))),
	);
	if (one === undefined || two === undefined) throw new Error("no sessions");
	t.equal(one.host, "127.0.0.1");
	t.equal(new Set([one.port, two.port, proxy.port]).size, 3);
	const [first, second, third] = await Promise.all(
		[one, two, proxy.running].map(({ port, host }) => Peer.to(port, host)),
	);
	for (const client of [first, second, third]) await client?.send(ask("GET", origin.authority, "/")).message();
	t.equal(origin.connections.length, 3);
	await one.close();
	t.equal(await first?.rest(), "", "its clients see the end");
	t.equal((await second?.send(ask("GET", origin.authority, "/")).message())?.body.toString(), "hello");
	await t.rejects(Peer.to(one.port, one.host), { code: "ECONNREFUSED" });
	t.strictSame(events.filter((event) => event.endsWith("egress")).sort(), ["one egress", "two egress"]);
	t.strictSame(events.filter((event) => event.endsWith("flow")).sort(), ["one flow", "two flow", "two flow"]);
	await proxy.running.close();
	t.equal(await second?.rest(), "", "the end of the proxy is that of all sessions");
	await two.close();
});

t.test("a session's listener is part of the proxy: no connection leads back to it", async (t) => {
	const proxy = await startTestProxy(t);
	const session = await proxy.running.openSession("one");
	const client = await proxy.connect();
	const { body } = await client.send(get(`http://127.0.0.1:${session.port}/`)).message();
	t.match(body.toString(), "the request would loop");
});

t.test("late watchers of flows see those of sessions too", async (t) => {
	const origin = await startOrigin(t, hello);
	const proxy = await startTestProxy(t, { setup: { wantsFlows: false } });
	await proxy.running.openSession("early");
	proxy.running.watchFlows();
	const session = await proxy.running.openSession("late");
	const client = await Peer.to(session.port, session.host);
	await client.send(ask("GET", origin.authority, "/")).message();
	t.equal((await proxy.flow(0)).session, "late");
});

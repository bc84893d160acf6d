// Tunnels of bytes on the tape.
import t from "tap";
import { startOrigin } from "../../../fixtures/origin-server.ts";
import { startTestProxy } from "../../../fixtures/running-proxy.ts";
import type { TcpFlow } from "../../../src/flow/flow.ts";

t.test("what was said, by whom and when", async (t) => {
	const origin = await startOrigin(t, async (client) => {
		await client.upTo("hello\n");
		client.send("\0welcome\xff\n");
		await client.upTo("bye\n");
		client.end();
	});
	const proxy = await startTestProxy(t, { options: { record_tcp: true } });
	const client = await proxy.tunnel(origin.authority);
	await client.send("\x01hello\n").upTo("\n");
	client.send("bye\n").end();
	t.equal(await client.rest(), "");
	await proxy.running.close();
	const [flow] = proxy.flows as TcpFlow[];
	t.match(flow, { type: "tcp", error: null, serverConn: { address: ["127.0.0.1", origin.port], peername: ["127.0.0.1", origin.port], tls: false } });
	t.strictSame(
		flow?.messages.map(({ fromClient, content }) => [fromClient, content.latin1Slice()]),
		[
			[true, "\x01hello\n"],
			[false, "\0welcome\xff\n"],
			[true, "bye\n"],
		],
	);
	const times = [flow?.timestampCreated, ...(flow?.messages ?? []).map(({ timestamp }) => timestamp), flow?.clientConn.timestampEnd];
	t.ok(times.every((time) => typeof time === "number"));
	t.strictSame([...times].sort(), times);
});

t.test("nothing of it, unless that is wanted", async (t) => {
	const origin = await startOrigin(t, async (client) => void client.send(`<${await client.upTo("!")}>`).end());
	const proxy = await startTestProxy(t);
	const client = await proxy.tunnel(origin.authority);
	client.send("\x01!").end();
	t.equal(await client.rest(), "<\x01!>");
	await proxy.running.close();
	t.strictSame(proxy.flows, []);
});

t.test("a tunnel that breaks off, and one that the end of the proxy ends", async (t) => {
	const origin = await startOrigin(t, async (client, index) => {
		await client.upTo("!");
		if (index === 0) client.reset();
		else client.send("ok");
	});
	const proxy = await startTestProxy(t, { options: { record_tcp: true } });
	const broken = await proxy.tunnel(origin.authority);
	broken.send("\x01!");
	await broken.ended();
	await proxy.event("flow");
	const open = await proxy.tunnel(origin.authority);
	await open.send("\x02!").upTo("ok");
	await proxy.running.close({ graceMs: 0 });
	t.match(proxy.flows, [{ error: { message: /ECONNRESET/ } }, { type: "tcp", messages: [{ fromClient: true }, { fromClient: false }] }]);
});

t.test("a tunnel in which nothing moves is closed", async (t) => {
	const origin = await startOrigin(t, async (client) => {
		await client.upTo("!");
		client.send("ok");
		await client.ended();
	});
	const proxy = await startTestProxy(t, { options: { record_tcp: true, tcp_timeout: 1 } });
	const client = await proxy.tunnel(origin.authority);
	await client.send("\x01!").upTo("ok");
	t.ok(await client.ended());
	t.ok(await origin.connections[0]?.ended());
	await proxy.event("flow");
});

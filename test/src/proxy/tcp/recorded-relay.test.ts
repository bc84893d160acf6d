// Recorded tunnels.
import t from "tap";
import { startOrigin } from "../../../../fixtures/origin-server.ts";
import { startTestProxy } from "../../../../fixtures/running-proxy.ts";
import type { Conversation, StreamMessage, TcpFlow } from "../../../../src/flow/flow.ts";
import type { SinkFunctions } from "../../../../src/flow/sink.ts";
import type { TcpHook } from "../../../../src/hooks/connection-hooks.ts";

t.test("chunks are recorded with sender and time", async (t) => {
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
	t.match(flow, {
		type: "tcp",
		error: null,
		serverConn: { address: ["127.0.0.1", origin.port], peername: ["127.0.0.1", origin.port], tls: false },
	});
	t.strictSame(
		flow?.messages.map(({ fromClient, content }) => [fromClient, content.latin1Slice()]),
		[
			[true, "\x01hello\n"],
			[false, "\0welcome\xff\n"],
			[true, "bye\n"],
		],
	);
	const times = [
		flow?.timestampCreated,
		...(flow?.messages ?? []).map(({ timestamp }) => timestamp),
		flow?.clientConn.timestampEnd,
	];
	t.ok(times.every((time) => typeof time === "number"));
	t.strictSame([...times].sort(), times);
});

t.test(
	"a sink that stores messages as they arrive: they do not stay in memory, and the flow exists before its end",
	async (t) => {
		const size = 20_000_000;
		for (const hooks of [[], [{ name: "looks", tcp: async () => {} }]]) {
			const stored: StreamMessage[] = [];
			let opened: Conversation | null = null;
			let closed = 0;
			const sink: SinkFunctions = {
				append: () => void t.fail("it is on the tape already"),
				open(flow) {
					opened = flow;
					return {
						addMessage: ({ content, ...rest }) => void stored.push({ ...rest, content: content.subarray(0, 1) }),
						close: () => void closed++,
						discard() {},
					};
				},
			};
			let read = 0;
			const origin = await startOrigin(t, async (client) => {
				client.socket.on("data", ({ length }: Buffer) => {
					read += length;
				});
				await client.ended();
				client.end();
			});
			const proxy = await startTestProxy(t, { options: { record_tcp: true }, sink, hooks });
			const client = await proxy.tunnel(origin.authority);
			client.send(Buffer.alloc(size, 1)).end();
			await client.rest();
			await proxy.running.close();
			const flow = opened as unknown as TcpFlow;
			t.equal(read, size);
			t.ok(stored.length > flow.messages.length, `${flow.messages.length} of ${stored.length} messages are kept`);
			t.ok(flow.messages.reduce((sum, { content }) => sum + content.length, 0) <= 4 * 1024 * 1024);
			t.equal(closed, 1);
		}
	},
);

t.test("without the option, nothing is recorded", async (t) => {
	const origin = await startOrigin(t, async (client) => void client.send(`<${await client.upTo("!")}>`).end());
	const proxy = await startTestProxy(t);
	const client = await proxy.tunnel(origin.authority);
	client.send("\x01!").end();
	t.equal(await client.rest(), "<\x01!>");
	await proxy.running.close();
	t.strictSame(proxy.flows, []);
});

t.test("a broken tunnel, and one that shutdown closes", async (t) => {
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
	t.match(proxy.flows, [
		{ error: { message: /ECONNRESET/ } },
		{ type: "tcp", messages: [{ fromClient: true }, { fromClient: false }] },
	]);
});

t.test("an idle tunnel is closed", async (t) => {
	const origin = await startOrigin(t, async (client) => {
		await client.upTo("!");
		client.send("ok");
		await client.ended();
	});
	const proxy = await startTestProxy(t, { options: { record_tcp: true, tcp_timeout: 3 } });
	const client = await proxy.tunnel(origin.authority);
	await client.send("\x01!").upTo("ok");
	t.ok(await client.ended());
	t.ok(await origin.connections[0]?.ended());
	await proxy.event("flow");
});

t.test("bytes that hooks change keep their order, however long the hooks take", async (t) => {
	const origin = await startOrigin(t, async (client) => {
		client.send(`<${await client.upTo("!")}>`);
		client.send(`<${await client.upTo("?")}>`).end();
	});
	for (const isSlow of [false, true]) {
		const reported: string[] = [];
		const change = (name: string, flow: TcpFlow) => {
			reported.push(name);
			const message = flow.messages.at(-1);
			if (message !== undefined) message.content = Buffer.from(message.content.latin1Slice().toUpperCase());
		};
		const tcp: TcpHook = (name, flow) => {
			if (!isSlow) return change(name, flow);
			return new Promise((resolve) => setImmediate(resolve)).then(() => change(name, flow));
		};
		const proxy = await startTestProxy(t, { options: { record_tcp: true }, hooks: [{ name: "upper", tcp }] });
		const client = await proxy.tunnel(origin.authority);
		await client.send("\x01hello!").upTo(">");
		client.send("why?").end();
		t.equal(await client.rest(), "<WHY?>");
		await proxy.running.close();
		const [flow] = proxy.flows as TcpFlow[];
		t.equal(flow?.messages.map(({ content }) => content.latin1Slice()).join(""), "\x01HELLO!<\x01HELLO!>WHY?<WHY?>");
		t.equal(reported[0], "tcp_start");
		t.equal(reported.at(-1), "tcp_end");
		t.equal(reported.filter((name) => name === "tcp_message").length, flow?.messages.length);
	}
});

t.test("a hook aborts a tunnel", async (t) => {
	const origin = await startOrigin(t, async (client) => void client.send(`<${await client.upTo("!")}>`));
	for (const at of ["tcp_start", "tcp_message"]) {
		const reported: string[] = [];
		const tcp: TcpHook = (name, _flow, decision) => {
			reported.push(name);
			if (name === at) decision.abort("cut off", "test");
		};
		const proxy = await startTestProxy(t, { options: { record_tcp: true }, hooks: [{ name: "cutting", tcp }] });
		const client = await proxy.tunnel(origin.authority);
		t.ok(await client.send("\x01hello!").ended());
		await proxy.event("flow");
		t.match(proxy.flows, [{ error: { message: "cut off" }, messages: { length: at === "tcp_start" ? 0 : 1 } }]);
		t.equal(reported.at(-1), "tcp_error");
		while (origin.connections.length === 0) await new Promise(setImmediate);
		t.ok(await origin.connections.pop()?.ended(), "the server is gone too");
	}
});

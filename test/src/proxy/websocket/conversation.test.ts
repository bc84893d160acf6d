// WebSockets from end to end: forwarding, recording, and hooks.
import { createHash } from "node:crypto";
import { once } from "node:events";
import t, { type Test } from "tap";
import { openHttp2, startHttp2Origin } from "../../../../fixtures/http2-peers.ts";
import { startOrigin } from "../../../../fixtures/origin-server.ts";
import type { Peer } from "../../../../fixtures/peer.ts";
import { startTestProxy, type TestProxy } from "../../../../fixtures/running-proxy.ts";
import { nextMessage, openWebSocket, startWebSocketOrigin } from "../../../../fixtures/websocket-peers.ts";
import { openAuthority } from "../../../../src/ca/authority.ts";
import type { HttpFlow, StreamMessage, WebSocketMessage } from "../../../../src/flow/flow.ts";
import type { SinkFunctions } from "../../../../src/flow/sink.ts";
import type { Hook } from "../../../../src/hooks/hook.ts";
import { writeFrame } from "../../../../src/proxy/websocket/frame.ts";

/** Answers every message with `echo:` and its content. */
const echo = (socket: import("ws").WebSocket) =>
	socket.on("message", (data: Buffer, binary: boolean) =>
		socket.send(Buffer.concat([Buffer.from("echo:"), data]), { binary }),
	);

const shown = (messages: readonly WebSocketMessage[] = []) =>
	messages.map(({ fromClient, content }) => `${fromClient ? ">" : "<"}${content}`);

t.test(
	"messages, pings and the close are forwarded and recorded, in cleartext and TLS, compressed or not",
	async (t) => {
		const authority = await openAuthority(t.testdir());
		for (const tls of [false, true])
			for (const perMessageDeflate of [
				undefined,
				{},
				{ serverNoContextTakeover: true, clientNoContextTakeover: true },
			]) {
				const origin = await startWebSocketOrigin(t, echo, {
					...(tls ? { tls: authority.leafFor({ sni: "localhost", host: "localhost" }).context } : {}),
					...(perMessageDeflate ? { perMessageDeflate } : {}),
				});
				const proxy = await startTestProxy(t, {
					authority,
					options: { ssl_verify_upstream_trusted_ca: authority.certificateFile },
				});
				const client = await openWebSocket(t, proxy, origin.authority, {
					...(tls ? { authority } : {}),
					perMessageDeflate: perMessageDeflate ?? false,
				});
				t.equal(client.extensions.startsWith("permessage-deflate"), perMessageDeflate !== undefined);
				for (const text of ["hello", "hello", "", "x".repeat(200_000)]) {
					client.send(text);
					t.ok((await nextMessage(client)) === `echo:${text}`, `${text.length} characters`);
				}
				client.ping("p");
				t.equal(String((await once(client, "pong"))[0]), "p");
				client.send(Buffer.of(1, 2), { binary: true });
				await nextMessage(client);
				client.close(4000, "done");
				await once(client, "close");
				const flow = await proxy.flow(0);
				t.match(flow, {
					request: { scheme: tls ? "https" : "http", path: "/chat" },
					response: { statusCode: 101 },
					error: null,
				});
				t.match(flow.websocket, { closedByClient: true, closeCode: 4000, closeReason: "done" });
				const messages = flow.websocket?.messages ?? [];
				t.strictSame(
					messages.map(({ opcode, fromClient, content }) => [opcode, fromClient, content.length]),
					[5, 5, 0, 200_000]
						.flatMap((size) => [
							[1, true, size],
							[1, false, size + 5],
						])
						.concat([
							[2, true, 2],
							[2, false, 7],
						]),
				);
				t.ok(messages.every(({ timestamp }, i) => timestamp >= (messages[i - 1]?.timestamp ?? 0)));
				t.ok((flow.websocket?.timestampEnd ?? 0) >= (messages.at(-1)?.timestamp ?? 0));
				client.terminate();
			}
	},
);

t.test("a server that sends first and closes", async (t) => {
	const origin = await startWebSocketOrigin(t, (socket) => {
		socket.send("welcome");
		socket.close();
	});
	const proxy = await startTestProxy(t);
	const client = await openWebSocket(t, proxy, origin.authority);
	await once(client, "close");
	const { websocket } = await proxy.flow(0);
	t.strictSame(shown(websocket?.messages), ["<welcome"]);
	t.match(websocket, { closedByClient: false, closeCode: 1005, closeReason: "" });
});

t.test("a broken conversation", async (t) => {
	const origin = await startWebSocketOrigin(t, (socket) => socket.on("message", () => socket.terminate()));
	const proxy = await startTestProxy(t);
	const client = await openWebSocket(t, proxy, origin.authority);
	client.send("x");
	await once(client, "close");
	const { websocket } = await proxy.flow(0);
	t.strictSame(shown(websocket?.messages), [">x"]);
	t.match(websocket, { closedByClient: false, closeCode: 1006 });
});

t.test("a server that resets the connection, and a client that closes without a close frame", async (t) => {
	const resets = await startOrigin(t, async (client) => {
		const key = /sec-websocket-key: (\S+)/i.exec(await client.head())?.[1];
		const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
		client.send(
			`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n\x81\x02hi`,
		);
		await client.take(1);
		client.reset();
	});
	const proxy = await startTestProxy(t);
	const cut = await openWebSocket(t, proxy, resets.authority);
	cut.send("x");
	await once(cut, "close");
	t.match((await proxy.flow(0)).websocket, { closedByClient: false, closeCode: 1006 });
	const origin = await startWebSocketOrigin(t, echo);
	(await openWebSocket(t, proxy, origin.authority)).terminate();
	t.match((await proxy.flow(1)).websocket, { closedByClient: true, closeCode: 1006 });
});

t.test("an idle conversation is closed after the time of the option", async (t) => {
	const origin = await startWebSocketOrigin(t, (socket) => socket.send("welcome"));
	const proxy = await startTestProxy(t, { options: { tcp_timeout: 3 } });
	const client = await openWebSocket(t, proxy, origin.authority);
	// Each message restarts the timeout.
	const rounds = 5;
	for (let round = 0; round < rounds; round++) {
		await new Promise((resolve) => setTimeout(resolve, 700));
		client.send("x");
	}
	t.equal(proxy.flows.length, 0, "it goes on");
	await once(client, "close");
	const { websocket } = await proxy.flow(0);
	t.equal(websocket?.messages.length, 1 + rounds);
	t.match(websocket, { closedByClient: null, closeCode: 1006 });
});

t.test("fragments are forwarded as they arrive: the first before the second is sent", async (t) => {
	const origin = await startWebSocketOrigin(t, echo);
	const proxy = await startTestProxy(t);
	const client = await openWebSocket(t, proxy, origin.authority);
	client.send("one ", { fin: false });
	client.ping();
	await once(client, "pong");
	client.send("two");
	t.equal(await nextMessage(client), "echo:one two");
	client.close();
	t.strictSame(shown((await proxy.flow(0)).websocket?.messages), [">one two", "<echo:one two"]);
});

/** A hook that runs on the client's messages. */
function looking(look: (message: WebSocketMessage) => void | Promise<void>): Hook {
	return {
		name: "test",
		websocket_message(flow) {
			const message = flow.websocket?.messages.at(-1);
			if (message?.fromClient) return look(message);
		},
	};
}

t.test("hooks see every message in order, change and drop some; compressed messages stay compressed", async (t) => {
	for (const perMessageDeflate of [undefined, {}]) {
		const hook = looking(async (message) => {
			// Later messages must wait for earlier ones.
			if (message.content.equals(Buffer.from("slow"))) await new Promise((resolve) => setTimeout(resolve, 50));
			if (message.content.equals(Buffer.from("secret"))) message.dropped = true;
			if (message.content.equals(Buffer.from("change"))) message.content = Buffer.from("changed".repeat(1000));
		});
		const origin = await startWebSocketOrigin(t, echo, perMessageDeflate ? { perMessageDeflate } : {});
		const proxy = await startTestProxy(t, { hooks: [hook] });
		const client = await openWebSocket(t, proxy, origin.authority, { perMessageDeflate: perMessageDeflate ?? false });
		const got: string[] = [];
		client.on("message", (data: Buffer) => got.push(data.toString()));
		client.send("slow");
		client.send("secret");
		client.send("in ", { fin: false });
		client.send("two");
		client.send("change");
		client.ping();
		await once(client, "pong");
		client.close(1000);
		await once(client, "close");
		t.strictSame(got, ["echo:slow", "echo:in two", `echo:${"changed".repeat(1000)}`]);
		const { websocket } = await proxy.flow(0);
		t.strictSame(
			websocket?.messages
				.filter(({ fromClient }) => fromClient)
				.map(({ content, dropped }) => [content.length, dropped]),
			[
				[4, false],
				[6, true],
				[6, false],
				[7000, false],
			],
		);
	}
});

t.test("the order of the phases", async (t) => {
	const phases: string[] = [];
	const note = (phase: string) => (flow: HttpFlow) =>
		void phases.push(`${phase} ${flow.websocket?.messages.length} ${flow.websocket?.closeCode}`);
	const hook: Hook = {
		name: "test",
		response: note("response"),
		websocket_start: async (flow) => note("start")(flow),
		websocket_message: note("message"),
		websocket_end: async (flow) => note("end")(flow),
	};
	const origin = await startWebSocketOrigin(t, echo);
	const proxy = await startTestProxy(t, { hooks: [hook] });
	const client = await openWebSocket(t, proxy, origin.authority);
	client.send("x");
	await nextMessage(client);
	client.close(1000);
	await proxy.flow(0);
	t.strictSame(phases, ["response 0 null", "start 0 null", "message 1 null", "message 2 null", "end 2 1000"]);
});

t.test("a hook that fails drops only its own message", async (t) => {
	const hook = looking((message) => {
		if (message.content.equals(Buffer.from("bad"))) throw new Error("no");
	});
	const origin = await startWebSocketOrigin(t, echo);
	const proxy = await startTestProxy(t, { hooks: [hook] });
	const client = await openWebSocket(t, proxy, origin.authority);
	client.send("bad");
	client.send("good");
	t.equal(await nextMessage(client), "echo:good");
	t.match(await proxy.event("hook_error"), { phase: "websocket_message" });
	client.close();
	t.match((await proxy.flow(0)).websocket?.messages[0], { dropped: true });
});

t.test("a hook aborts", async (t) => {
	const hook: Hook = {
		name: "test",
		websocket_message(flow, decision) {
			if (flow.websocket?.messages.at(-1)?.content.equals(Buffer.from("bad"))) decision.abort("enough", "test");
		},
	};
	const origin = await startWebSocketOrigin(t, echo);
	const proxy = await startTestProxy(t, { hooks: [hook] });
	const client = await openWebSocket(t, proxy, origin.authority);
	client.send("good");
	t.equal(await nextMessage(client), "echo:good");
	client.send("bad");
	await once(client, "close");
	t.match(await proxy.flow(0), { error: { message: "enough" }, websocket: { messages: [{}, {}, { dropped: true }] } });
});

t.test("injected messages to both sides, at once or between others", async (t) => {
	for (const holds of [false, true]) {
		let live: HttpFlow | undefined;
		const start = (flow: HttpFlow) => {
			live = flow;
		};
		const hook: Hook = { name: "test", websocket_start: start, ...(holds ? { websocket_message: () => {} } : {}) };
		const origin = await startWebSocketOrigin(t, echo, { perMessageDeflate: {} });
		const proxy = await startTestProxy(t, { hooks: [hook] });
		const client = await openWebSocket(t, proxy, origin.authority, { perMessageDeflate: {} });
		client.send("hello");
		await nextMessage(client);
		const first = nextMessage(client);
		live?.websocket?.inject?.(true, Buffer.from("to the client"));
		t.equal(await first, "to the client");
		client.send("in ", { fin: false });
		client.ping();
		await once(client, "pong");
		live?.websocket?.inject?.(false, Buffer.from("to the server"), 2);
		client.send("two");
		const got = [await nextMessage(client), await nextMessage(client)];
		t.strictSame(new Set(got), new Set(["echo:in two", "echo:to the server"]));
		client.send("hello");
		t.equal(await nextMessage(client), "echo:hello", "what is compressed has not suffered");
		client.close();
		const { websocket } = await proxy.flow(0);
		t.strictSame(shown(websocket?.messages.filter(({ injected }) => injected)), ["<to the client", ">to the server"]);
		t.equal(websocket?.inject, undefined, "it is over");
	}
});

t.test("if the tape stores messages as they come, they do not all stay in memory", async (t) => {
	const stored: StreamMessage[] = [];
	let closed = 0;
	const sink: SinkFunctions = {
		append: () => void t.fail("it is on the tape already"),
		open: () => ({
			addMessage: (message) => void stored.push(message),
			close: () => void closed++,
			discard: () => void t.fail("nothing is taken out"),
		}),
	};
	const origin = await startWebSocketOrigin(t, (socket) => {
		for (let i = 0; i < 3000; i++) socket.send(String(i));
		socket.close();
	});
	const proxy = await startTestProxy(t, { sink });
	await openWebSocket(t, proxy, origin.authority);
	const { websocket } = await proxy.flow(0);
	t.strictSame(
		shown(stored as WebSocketMessage[]),
		Array.from({ length: 3000 }, (_, i) => `<${i}`),
	);
	t.equal(websocket?.messages.length, 1000);
	t.equal(websocket?.messages.at(-1)?.content.toString(), "2999");
	t.equal(closed, 1);
});

/** Performs a handshake after which the test can send any bytes. */
async function handshake(
	t: Test,
	proxy: TestProxy,
	serve: (server: Peer) => Promise<void> | void,
	fields: string[] = [],
) {
	const origin = await startOrigin(t, async (server) => {
		await server.head();
		server.send(
			["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket", ...fields, "", ""].join("\r\n"),
		);
		await serve(server);
	});
	const client = await proxy.tunnel(origin.authority);
	client.send(
		[
			"GET /x HTTP/1.1",
			`Host: ${origin.authority}`,
			"Connection: Upgrade",
			"Upgrade: websocket",
			"Sec-WebSocket-Version: 13",
			"",
			"",
		].join("\r\n"),
	);
	t.match(await client.head(), /^HTTP\/1.1 101/);
	return client;
}

t.test("malformed messages are relayed, and the error is recorded", async (t) => {
	const proxy = await startTestProxy(t);
	for (const bytes of ["\xffno frame", "\xc1\x01x"]) {
		const client = await handshake(t, proxy, async (server) => {
			server.send(await server.take(bytes.length));
			await server.ended();
			server.end();
		});
		t.equal((await client.send(bytes).take(bytes.length)).latin1Slice(), bytes);
		client.end();
		await client.ended();
	}
	t.match((await proxy.flow(0)).error?.message, /WebSocket frame: expected/);
	t.match((await proxy.flow(1)).error?.message, /compress/);
});

t.test("with hooks on messages, nothing passes that they have not seen", async (t) => {
	const proxy = await startTestProxy(t, { hooks: [looking(() => {})] });
	const client = await handshake(t, proxy, async (server) => {
		t.equal(closeCode(await server.rest()), 1002, "but for the word that it is over");
		server.end();
	});
	t.equal(closeCode(await client.send("\xffno frame").rest()), 1002);
	client.end();
	await client.ended();
	t.match((await proxy.flow(0)).error?.message, /WebSocket frame/);
});

/** The code of the close frame in these bytes; null: they are not exactly one close frame. */
function closeCode(bytes: string): number | null {
	const frame = Buffer.from(bytes, "latin1");
	if (frame[0] !== 0x88) return null;
	const [head, mask] = (frame[1] as number) & 0x80 ? [6, frame.subarray(2, 6)] : [2, Buffer.alloc(4)];
	return frame.length === head + ((frame[1] as number) & 0x7f)
		? Buffer.of((frame[head] ?? 0) ^ (mask[0] ?? 0), (frame[head + 1] ?? 0) ^ (mask[1] ?? 0)).readUInt16BE()
		: null;
}

t.test("with hooks on messages, a protocol violation is reported to both sides", async (t) => {
	const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
	const frame =
		(opcode: number, payload: string | Buffer, more: { fin?: boolean; rsv1?: boolean } = {}) =>
		(mask: boolean) =>
			writeFrame({ opcode, ...more }, Buffer.from(payload as string, "latin1"), mask);
	const close = (code: number, reason = "") =>
		frame(8, Buffer.concat([hex(code.toString(16).padStart(4, "0")), Buffer.from(reason, "latin1")]));
	const all =
		(...frames: ((mask: boolean) => Buffer)[]) =>
		(mask: boolean) =>
			Buffer.concat(frames.map((one) => one(mask)));
	const cases: [string, (mask: boolean) => Buffer, number][] = [
		["the first reserved bit without a compression", frame(1, "y", { rsv1: true }), 1002],
		["the others", (mask) => (mask ? hex("a1 81 01 02 03 04 79") : hex("91 01 79")), 1002],
		["a reserved opcode", frame(3, "y"), 1002],
		["a reserved opcode of control frames", frame(11, ""), 1002],
		["a continuation of nothing", frame(0, ""), 1002],
		["a message within a message", all(frame(1, "a", { fin: false }), frame(1, "b")), 1002],
		["a ping in pieces", frame(9, "p", { fin: false }), 1002],
		["a ping that is too long", frame(9, "p".repeat(126)), 1002],
		["a mask where there is none to be, or none where there is", (mask) => frame(1, "y")(!mask), 1002],
		["text that is no UTF-8", frame(1, "\xce\xba\xe1\xbd\xed\xa0\x80"), 1007],
		["the same in pieces", all(frame(1, "\xce", { fin: false }), frame(0, "\xff")), 1007],
		["a close of one byte", frame(8, "x"), 1002],
		["a close whose reason is no UTF-8", close(1000, "\xff"), 1007],
		[
			"a length that cannot be",
			(mask) => Buffer.concat([Buffer.of(0x82, mask ? 0xff : 0x7f, 0xff), Buffer.alloc(11, 1)]),
			1002,
		],
		...[0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000].map(
			(code): [string, (mask: boolean) => Buffer, number] => [`a close with ${code}`, close(code), 1002],
		),
	];
	for (const [name, bytes, code] of cases) {
		for (const fromClient of [true, false]) {
			const proxy = await startTestProxy(t, { hooks: [looking(() => {})] });
			let atServer = "";
			const client = await handshake(t, proxy, async (server) => {
				server.send(writeFrame({ opcode: 2 }, Buffer.from("!"), false));
				if (!fromClient) server.send(bytes(false));
				atServer = await server.rest();
				server.end();
			});
			t.equal((await client.take(3)).toString(), "\x82\x01!".replace("\x82", Buffer.of(0x82).toString()));
			if (fromClient) client.send(bytes(true));
			const atClient = await client.rest();
			client.end();
			const { websocket, error } = await proxy.flow(0);
			t.match(
				websocket,
				{ closedByClient: fromClient, closeCode: code },
				`${name}, ${fromClient ? "from the client" : "from the server"}`,
			);
			t.ok(error !== null);
			t.strictSame([closeCode(atClient), closeCode(atServer)], [code, code]);
		}
	}
});

t.test("with hooks on messages, valid frames pass, close codes too", async (t) => {
	for (const code of [1000, 1001, 1003, 1007, 1011, 1012, 1014, 3000, 4999, null]) {
		const proxy = await startTestProxy(t, { hooks: [looking(() => {})] });
		const payload = code === null ? Buffer.alloc(0) : Buffer.from(code.toString(16).padStart(4, "0"), "hex");
		const text = Buffer.from("κόσμε");
		const client = await handshake(t, proxy, async (server) => {
			await server.take(6 + text.length + 6 + payload.length);
			server.send(writeFrame({ opcode: 8 }, payload, false)).end();
		});
		client.send(Buffer.concat([writeFrame({ opcode: 1 }, text, true), writeFrame({ opcode: 8 }, payload, true)]));
		await client.rest();
		client.end();
		t.match((await proxy.flow(0)).websocket, {
			closedByClient: true,
			closeCode: code ?? 1005,
			messages: [{ content: text }],
		});
	}
});

t.test("a damaged compressed message, with hooks on messages", async (t) => {
	const proxy = await startTestProxy(t, { hooks: [looking(() => {})] });
	const serve = async (server: Peer) => {
		await server.rest();
		server.end();
	};
	const client = await handshake(t, proxy, serve, ["Sec-WebSocket-Extensions: permessage-deflate"]);
	t.equal(
		closeCode(await client.send(writeFrame({ opcode: 1, rsv1: true }, Buffer.from("ffffffff", "hex"), true)).rest()),
		1007,
	);
	client.end();
	t.match((await proxy.flow(0)).websocket, { closeCode: 1007 });
});

t.test("a damaged compressed message", async (t) => {
	const proxy = await startTestProxy(t);
	const client = await handshake(
		t,
		proxy,
		async (server) => {
			server
				.send(writeFrame({ opcode: 1, rsv1: true }, Buffer.from("ffffffff", "hex"), false))
				.send(writeFrame({ opcode: 8 }, Buffer.alloc(0), false));
			await server.take(1);
			server.end();
		},
		["Sec-WebSocket-Extensions: permessage-deflate"],
	);
	await client.take(8);
	client.send("x").end();
	await client.ended();
	t.match(await proxy.flow(0), { error: { message: /cannot be decoded/ }, websocket: { messages: [] } });
});

t.test("a receiver that does not read applies back-pressure", async (t) => {
	for (const hooks of [[], [looking(() => new Promise(setImmediate))]]) {
		const proxy = await startTestProxy(t, { hooks });
		const client = await handshake(t, proxy, (server) => void server.socket.pause());
		const message = writeFrame({ opcode: 2 }, Buffer.alloc(100_000), true);
		for (let i = 0; i < 300; i++) client.send(message);
		t.ok((await client.stalled()) > 5_000_000);
		client.close();
	}
});

t.test("shutdown during a conversation: its messages are on the tape", async (t) => {
	const origin = await startWebSocketOrigin(t, echo);
	const proxy = await startTestProxy(t, {
		hooks: [{ name: "test", websocket_end: () => new Promise<void>((resolve) => setTimeout(resolve, 20)) }],
	});
	const client = await openWebSocket(t, proxy, origin.authority);
	client.send("x");
	await nextMessage(client);
	await proxy.running.close({ graceMs: 0 });
	t.equal(proxy.flows.length, 1);
	t.match(await proxy.flow(0), { websocket: { closeCode: 1006, messages: { length: 2 } } });
});

t.test("over HTTP/2, to servers of either version", async (t) => {
	const authority = await openAuthority(t.testdir());
	const proxy = await startTestProxy(t, {
		authority,
		options: { ssl_verify_upstream_trusted_ca: authority.certificateFile },
	});
	const one = await startWebSocketOrigin(t, echo, {
		tls: authority.leafFor({ sni: "localhost", host: "localhost" }).context,
	});
	const two = await startHttp2Origin(
		t,
		(stream) => {
			stream.respond({ ":status": 200 });
			stream
				.once("data", () => stream.write(writeFrame({ opcode: 1 }, Buffer.from("echo:hi"), false)))
				.on("end", () => stream.end());
		},
		{ authority, settings: { enableConnectProtocol: true } },
	);
	for (const origin of [one, two]) {
		const session = await openHttp2(t, proxy, origin.authority, { authority });
		await once(session, "remoteSettings");
		const stream = session.request({
			":method": "CONNECT",
			":protocol": "websocket",
			":scheme": "https",
			":path": "/ws",
			"sec-websocket-version": "13",
		});
		stream.on("error", () => {});
		const [response] = await once(stream, "response");
		t.equal(response[":status"], 200);
		stream.write(writeFrame({ opcode: 1 }, Buffer.from("hi"), true));
		const [bytes] = await once(stream, "data");
		t.equal(bytes.latin1Slice(2), "echo:hi");
		stream.end(writeFrame({ opcode: 8 }, Buffer.of(3, 232), true));
		const flow = await proxy.flow(origin === one ? 0 : 1);
		t.match(flow, { request: { method: "GET", httpVersion: "HTTP/2.0", path: "/ws" }, response: { statusCode: 101 } });
		t.strictSame(shown(flow.websocket?.messages), [">hi", "<echo:hi"]);
		t.match(flow.websocket, { closedByClient: true, closeCode: 1000 });
		t.equal(flow.response?.httpVersion, origin === one ? "HTTP/1.1" : "HTTP/2.0");
	}
});

t.test("other upgrades are relayed as bytes, and WebSockets too with --no-websocket", async (t) => {
	for (const [options, version, isRead] of [
		[{}, "13", true],
		[{ websocket: false, record_tcp: true }, "13", false],
		[{}, "8", false],
	] as const) {
		const origin = await startOrigin(t, async (server) => {
			await server.head();
			server.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n");
			server.send((await server.take(4)).latin1Slice().toUpperCase());
			server.end();
		});
		const proxy = await startTestProxy(t, { options });
		const client = await proxy.tunnel(origin.authority);
		client.send(
			`GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: ${version}\r\n\r\n`,
		);
		await client.head();
		t.equal((await client.send("abcd").take(4)).latin1Slice(), "ABCD");
		client.end();
		const flow = await proxy.flow(0);
		t.equal(flow.websocket !== null, isRead);
		if (!("record_tcp" in options)) continue;
		while (proxy.flows.length < 2) await new Promise(setImmediate);
		t.match(proxy.flows[1], { type: "tcp", messages: [{ fromClient: true }, { fromClient: false }] });
	}
});

t.test("hooks may refuse a WebSocket that the server accepted, or answer with an impossible one", async (t) => {
	const { Response } = await import("../../../../src/flow/message.ts");
	const hook: Hook = {
		name: "test",
		request(flow, decision) {
			if (flow.request.path === "/answer")
				decision.answer(new Response({ statusCode: 101, reason: "Switching Protocols" }), "test");
		},
		response(flow) {
			if (flow.request.path === "/refuse" && flow.response !== null) flow.response.statusCode = 403;
		},
	};
	let refused: Promise<string> | undefined;
	const origin = await startOrigin(t, async (server) => {
		await server.head();
		server.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
		refused = server.ended();
		await refused;
	});
	const proxy = await startTestProxy(t, { hooks: [hook] });
	for (const [path, status] of [
		["/refuse", "403"],
		["/answer", "101"],
	] as const) {
		const client = await proxy.tunnel(origin.authority);
		client.send(
			`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n`,
		);
		t.match(await client.head(), `HTTP/1.1 ${status}`);
		if (path === "/answer") await client.ended();
		else await refused;
	}
});

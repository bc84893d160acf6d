// The response of an exchange, through a running proxy: framing for old clients, early ends, slow clients, switches of protocols.
import t from "tap";
import { gate } from "../../../../fixtures/gate.ts";
import { answering, ask, ok, startOrigin } from "../../../../fixtures/origin-server.ts";
import { startTestProxy } from "../../../../fixtures/running-proxy.ts";
import type { HttpFlow } from "../../../../src/flow/flow.ts";
import { Response } from "../../../../src/flow/message.ts";
import type { Decision } from "../../../../src/hooks/decision.ts";
import type { Hook } from "../../../../src/hooks/hook.ts";

/** Bodies are streamed, and recorded all the same. */
const passing = { stream_large_bodies: 0, store_streamed_bodies: true };

t.test("the connection stays usable after responses without a body", async (t) => {
	const origin = await startOrigin(
		t,
		answering((head) => {
			if (head.startsWith("HEAD")) return "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n";
			if (head.includes("/204")) return "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n";
			if (head.includes("/304")) return "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n";
			return ok("body");
		}),
	);
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	const to = (method: string, path: string) => ask(method, origin.authority, path);
	client.send(to("HEAD", "/") + to("GET", "/204") + to("GET", "/304") + to("GET", "/"));
	t.equal(await client.head(), "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n");
	t.equal(await client.head(), "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n");
	t.equal(await client.head(), "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n");
	t.equal((await client.message()).body.toString(), "body");
	t.strictSame(
		proxy.flows.map((flow) => (flow as HttpFlow).response?.rawContent?.length),
		[0, 0, 0, 4],
	);
	t.equal(origin.connections.length, 1);
});

t.test("HTTP/1.0 servers, and bodies delimited by the close", async (t) => {
	const origin = await startOrigin(t, async (server) => {
		await server.head();
		server.send("HTTP/1.0 200 OK\r\nX: y\r\n\r\nuntil the end");
		server.end();
	});
	const proxy = await startTestProxy(t);
	for (const path of ["/1", "/2"]) {
		const client = await proxy.connect();
		t.equal(
			await client.send(ask("GET", origin.authority, path)).rest(),
			"HTTP/1.0 200 OK\r\nX: y\r\n\r\nuntil the end",
		);
		client.close();
	}
	t.match(proxy.flows, [{ error: null, response: { httpVersion: "HTTP/1.0" } }, { error: null }]);
});

t.test("an HTTP/1.0 client gets no chunks", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"),
	);
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	client.send(`GET http://${origin.authority}/ HTTP/1.0\r\n\r\n`);
	t.equal(await client.rest(), "HTTP/1.1 200 OK\r\nX: y\r\n\r\nabcdef");
	t.equal((await proxy.flow(0)).response?.headers.get("transfer-encoding"), "chunked", "the tape has it as it came");
});

t.test("interim responses are forwarded to clients that support them, except 100", async (t) => {
	const interim =
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n";
	const origin = await startOrigin(
		t,
		answering(() => interim + ok("done")),
	);
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	client.send(ask("GET", origin.authority, "/"));
	t.equal(await client.head(), "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
	t.equal(await client.head(), "HTTP/1.1 102 Processing\r\n\r\n");
	t.equal((await client.message()).body.toString(), "done");
	const old = await proxy.connect();
	t.equal(await old.send(`GET http://${origin.authority}/ HTTP/1.0\r\n\r\n`).rest(), ok("done"));
	t.match(proxy.flows, [{ response: { statusCode: 200 } }, { response: { statusCode: 200 } }]);
});

t.test("early hints arrive before the response", async (t) => {
	const hinted = gate();
	const origin = await startOrigin(t, async (server) => {
		await server.head();
		server.send("HTTP/1.1 103 Early Hints\r\n\r\n");
		await hinted.opened;
		server.send(ok("done"));
	});
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	t.match(await client.send(ask("GET", origin.authority, "/")).head(), /^HTTP\/1\.1 103 /);
	hinted.open();
	t.equal((await client.message()).body.toString(), "done");
});

t.test("an answer that cannot be read when it is sent ends only its own exchange", async (t) => {
	const gone = (): never => {
		throw new Error("gone");
	};
	const response = () => new Response({ statusCode: 200, body: { size: 5, read: gone, chunks: gone } });
	const answers: Record<string, (decision: Decision) => void | Promise<void>> = {
		"/now": (decision) => decision.answer(response(), "test"),
		"/wait": (decision) => decision.answer(response(), "test", { waitMs: 1 }),
		"/promise": async (decision) => decision.answer(response(), "test"),
	};
	const answer: Hook = { name: "answer", request: (flow, decision) => answers[flow.request.path]?.(decision) };
	for (const hooks of [
		[answer],
		[answer, { name: "other", responseheaders: async () => {}, response: async () => {} }],
	]) {
		const proxy = await startTestProxy(t, { hooks, upstream: null });
		for (const path of Object.keys(answers)) {
			const client = await proxy.connect();
			t.match((await client.send(ask("GET", "a.example", path)).message()).head, "HTTP/1.1 502 ", path);
		}
		t.match(await proxy.flow(2), { error: { message: /gone/ } });
	}
});

t.test("a response that breaks off: the client can detect it, and the flow has the reason", async (t) => {
	for (const [head, sees] of [
		["Content-Length: 100", "end"],
		["Transfer-Encoding: chunked", "end"],
	] as const) {
		const origin = await startOrigin(t, async (server) => {
			await server.head();
			server.send(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${head.startsWith("T") ? "5\r\nhello\r\n" : "hello"}`);
			server.end();
		});
		const proxy = await startTestProxy(t, { options: passing });
		const client = await proxy.connect();
		client.send(ask("GET", origin.authority, "/"));
		await client.upTo("hello");
		t.equal(await client.ended(), sees);
		const flow = await proxy.flow(0);
		t.match(flow, { error: { message: /expected .* found the end of the connection/ } });
		t.equal(flow.response?.text, "hello");
	}
});

t.test("a body delimited by the close that breaks off ends with a reset", async (t) => {
	const origin = await startOrigin(t, async (server) => {
		await server.head();
		server.send("HTTP/1.1 200 OK\r\n\r\nhello");
		await new Promise(setImmediate);
		await sent.opened;
		server.reset();
	});
	const sent = gate();
	const proxy = await startTestProxy(t, { options: { stream_large_bodies: 1, store_streamed_bodies: true } });
	const client = await proxy.connect();
	await client.send(ask("GET", origin.authority, "/")).upTo("hello");
	sent.open();
	t.equal(await client.ended(), "reset");
	t.match(await proxy.flow(0), { error: { message: /ECONNRESET/ }, response: { text: "hello" } });
});

t.test("event streams are streamed, and their times are recorded", async (t) => {
	// Too large to be joined if both arrive within one millisecond.
	const sizes = [4090, 7] as const;
	const chunk = (size: number) => `${size.toString(16)}\r\n${"x".repeat(size)}\r\n`;
	const began = Date.now();
	const origin = await startOrigin(t, async (server) => {
		await server.head();
		server.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
		for (const size of sizes) {
			server.send(chunk(size));
			// The client answers each chunk, which shows that the proxy has forwarded it.
			await server.take(1);
		}
		server.send("0\r\n\r\n");
	});
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	client.send(
		`POST http://${origin.authority}/ HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\nContent-Length: 2\r\n\r\n`,
	);
	for (const size of sizes) {
		await client.upTo(chunk(size));
		client.send("a");
	}
	await client.upTo("0\r\n\r\n");
	const flow = await proxy.flow(0);
	t.equal(flow.response?.text, "x".repeat(4097));
	const chunks = flow.metadata.response_chunks as [number, number][];
	t.strictSame(
		chunks.map(([, size]) => size),
		sizes,
	);
	const elapsed = Date.now() - began;
	t.ok(chunks.every(([age]) => Number.isInteger(age) && age >= 0 && age <= elapsed + 1));
});

/** A script's hook that transforms streamed bodies. */
t.test("a slow client applies back-pressure, and shutdown ends open exchanges", async (t) => {
	const size = 40_000_000;
	const asked = gate();
	const origin = await startOrigin(t, async (server) => {
		await server.head();
		server.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`).send(Buffer.alloc(size, "x"));
		await server.head();
		asked.open();
	});
	const proxy = await startTestProxy(t, { options: { stream_large_bodies: 1 } });
	const client = await proxy.connect();
	client.socket.pause();
	client.send(ask("GET", origin.authority, "/large"));
	while (origin.connections.length === 0) await new Promise(setImmediate);
	t.ok(((await origin.connections[0]?.stalled()) ?? 0) > size / 2);
	client.socket.resume();
	await client.head();
	await client.take(size);
	client.send(ask("GET", origin.authority, "/silent"));
	await asked.opened;
	await proxy.running.close({ graceMs: 0 });
	t.match(await proxy.flow(1), {
		request: { path: "/silent" },
		error: { message: /stopped before the exchange was complete/ },
	});
});

t.test("a switch of protocols, recorded with the bytes that follow if the option is set", async (t) => {
	const origin = await startOrigin(t, async (server) => {
		await server.head();
		server.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n").send(await server.upTo("!"));
		server.end();
	});
	const proxy = await startTestProxy(t, { options: { record_tcp: true } });
	const client = await proxy.connect();
	t.match(
		await client.send(ask("GET", origin.authority, "/", ["Connection: Upgrade", "Upgrade: x"])).head(),
		/^HTTP\/1\.1 101 /,
	);
	t.equal(await client.send("echo!").upTo("!"), "echo!");
	client.end();
	await client.ended();
	await proxy.running.close();
	t.match(proxy.flows, [
		{ type: "http", response: { statusCode: 101 } },
		{ type: "tcp", messages: [{ fromClient: true }, { fromClient: false }] },
	]);
});

// A client's HTTP/1.1 connection: requests in any chunks, and how it closes.
import { connect as connectHttp2 } from "node:http2";
import t from "tap";
import { gate } from "../../../../fixtures/gate.ts";
import { messageCases } from "../../../../fixtures/http-messages.ts";
import { answering, ask, ok, startOrigin } from "../../../../fixtures/origin-server.ts";
import { startTestProxy } from "../../../../fixtures/running-proxy.ts";
import type { HttpFlow } from "../../../../src/flow/flow.ts";

t.test("sequential and pipelined requests are answered in order", async (t) => {
	const origin = await startOrigin(
		t,
		answering((head) => ok(head.split(" ")[1] ?? "")),
	);
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	for (const path of ["/1", "/2"])
		t.equal((await client.send(ask("GET", origin.authority, path)).message()).body.toString(), path);
	const paths = Array.from({ length: 50 }, (_, i) => `/pipelined/${i}`);
	client.send(paths.map((path) => ask("POST", origin.authority, path, [], "x".repeat(5000))).join(""));
	for (const path of paths) t.equal((await client.message()).body.toString(), path);
	t.equal(origin.connections.length, 1, "over one connection to the server");
	t.strictSame(
		proxy.flows.map((flow) => (flow as HttpFlow).request.path),
		["/1", "/2", ...paths],
	);
	t.equal(new Set(proxy.flows.map((flow) => flow.clientConn.id)).size, 1);
});

t.test("requests to several servers over one connection", async (t) => {
	const one = await startOrigin(
		t,
		answering(() => ok("one")),
	);
	const two = await startOrigin(
		t,
		answering(() => ok("two")),
	);
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	client.send(ask("GET", one.authority, "/") + ask("GET", two.authority, "/") + ask("GET", one.authority, "/"));
	for (const body of ["one", "two", "one"]) t.equal((await client.message()).body.toString(), body);
});

t.test("a request byte by byte", async (t) => {
	const origin = await startOrigin(
		t,
		answering((_head, body) => ok(body.latin1Slice())),
	);
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	for (const byte of ask("PUT", origin.authority, "/", ["X: y"], "body")) {
		client.send(byte);
		await new Promise(setImmediate);
	}
	t.equal((await client.message()).body.toString(), "body");
});

t.test("the side that closes the connection", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("hi")),
	);
	const proxy = await startTestProxy(t);
	for (const [request, stays] of [
		[ask("GET", origin.authority, "/", ["Connection: close"]), false],
		[ask("GET", origin.authority, "/").replace("HTTP/1.1", "HTTP/1.0"), false],
		[ask("GET", origin.authority, "/", ["Connection: keep-alive"]).replace("HTTP/1.1", "HTTP/1.0"), true],
		[ask("GET", origin.authority, "/"), true],
	] as const) {
		const client = await proxy.connect();
		t.equal((await client.send(request).message()).body.toString(), "hi");
		if (stays) t.match(await client.send(request).message(), { body: Buffer.from("hi") }, request);
		else t.equal(await client.ended(), "end", request);
		client.close();
	}
});

t.test("nothing is read after a request that closes the connection", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("hi")),
	);
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	client.send(ask("GET", origin.authority, "/last", ["Connection: close"]) + ask("GET", origin.authority, "/more"));
	await client.message();
	t.equal(await client.rest(), "");
	client.close();
	await proxy.running.close();
	t.equal(proxy.flows.length, 1);
});

t.test("no invalid request of the corpus is forwarded, and its client gets a 400", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("hi")),
	);
	const proxy = await startTestProxy(t);
	// A TLS handshake is continued.
	const refused = messageCases.filter(
		({ side, strict, closed, bytes }) =>
			side === "request" && strict instanceof RegExp && !closed && bytes[0] !== "\x16",
	);
	t.ok(refused.length > 60);
	for (const { name, bytes } of refused) {
		const client = await proxy.connect();
		client.send(
			bytes
				.replace(/^([A-Z]+) \/(?=[ ]HTTP)/, `$1 http://${origin.authority}/`)
				.replace("Host: a\r\n", `Host: ${origin.authority}\r\n`),
		);
		const answer = await client.rest();
		t.match(
			answer,
			/^HTTP\/1\.1 400 Bad Request\r\nContent-Type: text\/plain; charset=utf-8\r\nContent-Length: \d+\r\nConnection: close\r\n\r\nflowtape: .*expected/,
			name,
		);
		client.close();
	}
	const whole = proxy.flows.filter((flow) => flow.error === null);
	t.strictSame(whole, []);
	t.equal(proxy.events.filter(({ kind }) => kind === "client_error").length, refused.length);
	const seen = origin.connections.map((connection) => connection.seen).join("");
	t.notMatch(seen, /0\r\n\r\n/, "no body of them reached the server");
});

t.test("an invalid request after a valid one does not affect the first", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("good")),
	);
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	client.send(`${ask("GET", origin.authority, "/")}GET / HTTP/1.1\r\nA : b\r\n\r\n`);
	t.equal((await client.message()).body.toString(), "good");
	t.match(await client.rest(), /^HTTP\/1\.1 400 /);
	t.match(proxy.flows, [{ error: null }]);
});

t.test("validate_inbound_headers=false accepts messages with a single meaning", async (t) => {
	const origin = await startOrigin(
		t,
		answering((_head, body) => ok(body.latin1Slice())),
	);
	const proxy = await startTestProxy(t, { options: { validate_inbound_headers: false } });
	const client = await proxy.connect();
	client.send(ask("POST", origin.authority, "/", ["A b: c", "Content-Length: 2"], "hi"));
	t.equal((await client.message()).body.toString(), "hi");
	t.match((await proxy.flow(0)).request.headers.get("a b"), "c");
});

t.test("requests with an invalid target", async (t) => {
	const proxy = await startTestProxy(t);
	for (const [head, says] of [
		["GET / HTTP/1.1\r\n\r\n", /no Host header/],
		["GET / HTTP/1.1\r\nHost: a b\r\n\r\n", /host header: expected host or host:port/],
		["GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", /expected \/path or http:\/\/host\/path/],
		["GET http://a:0/ HTTP/1.1\r\nHost: a\r\n\r\n", /expected host or host:port/],
	] as const) {
		const client = await proxy.connect();
		const answer = await client.send(head).rest();
		t.match(answer, /^HTTP\/1\.1 400 /);
		t.match(answer, says);
		client.close();
	}
});

t.test("the client disconnects", async (t) => {
	for (const [stage, before, how] of [
		["before it says a thing", "", "close"],
		["within a head", "GET http://example.com/ HT", "close"],
		["within a head, with a reset", "GET http://example.com/ HT", "reset"],
	] as const) {
		const proxy = await startTestProxy(t);
		const client = await proxy.connect();
		if (before !== "") client.send(before);
		client[how]();
		await proxy.running.close({ graceMs: 10_000 });
		t.strictSame(proxy.flows, [], `${stage}: no flow`);
	}
	for (const how of ["close", "reset", "end"] as const) {
		const origin = await startOrigin(t, () => {});
		const proxy = await startTestProxy(t, { options: { stream_large_bodies: 0, store_streamed_bodies: true } });
		const client = await proxy.connect();
		client.send(`${ask("POST", origin.authority, "/", ["Content-Length: 100"])}begun`);
		while (!origin.connections[0]?.seen.includes("\r\n\r\n")) await new Promise(setImmediate);
		client[how]();
		const flow = await proxy.flow(0);
		t.match(flow, { error: { message: "Client disconnected." }, response: null }, `within the body, ${how}`);
		t.equal(flow.request.text, "begun");
		t.ok(await origin.connections[0]?.ended(), "and the server is hung up on");
	}
});

t.test("the client disconnects before and during its response", async (t) => {
	const asked = gate();
	const origin = await startOrigin(t, async (server) => {
		const head = await server.head();
		if (head.includes("/partly")) server.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
		asked.open();
		await server.ended();
	});
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	client.send(ask("GET", origin.authority, "/awaited"));
	await asked.opened;
	client.close();
	t.match(await proxy.flow(0), {
		request: { path: "/awaited" },
		error: { message: "Client disconnected." },
		response: null,
	});
	const other = await proxy.connect();
	await other.send(ask("GET", origin.authority, "/partly")).upTo("hello");
	other.close();
	const flow = await proxy.flow(1);
	t.match(flow, { error: { message: "Client disconnected." } });
	t.equal(flow.response?.text, "hello", "what came of it is there");
});

t.test("a half-closed client still gets its responses", async (t) => {
	const closed = gate();
	const origin = await startOrigin(t, async (server) => {
		await closed.opened;
		await answering(() => ok("late"))(server, 0);
	});
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	client.send(ask("GET", origin.authority, "/1") + ask("GET", origin.authority, "/2"));
	client.socket.end(() => closed.open());
	t.equal((await client.message()).body.toString(), "late");
	t.equal((await client.message()).body.toString(), "late");
	t.equal(await client.rest(), "");
	t.match(proxy.flows, [{ error: null }, { error: null }]);
});

t.test("only for a limited time", async (t) => {
	const origin = await startOrigin(t, async (server) => {
		await server.head();
		await server.ended();
	});
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	client.send(ask("GET", origin.authority, "/"));
	client.end();
	t.equal(await client.rest(), "");
	t.match(proxy.flows, [{ error: { message: "Client disconnected." } }]);
});

t.test("a client that stops sending is disconnected: between requests, and within one", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("hi")),
	);
	const proxy = await startTestProxy(t, { options: { tcp_timeout: 3 } });
	const idle = await proxy.connect();
	idle.send(ask("GET", origin.authority, "/"));
	await idle.message();
	const stuck = await proxy.connect();
	stuck.send(ask("POST", origin.authority, "/", ["Content-Length: 5"]));
	t.equal(await idle.ended(), "end");
	await stuck.ended();
	t.match(await proxy.flow(1), { error: { message: "The client stopped in the middle of its request." } });
});

t.test("a client that does not close its side is disconnected", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("hi")),
	);
	const proxy = await startTestProxy(t, { options: { tcp_timeout: 1 } });
	const [reported, idle, refused] = [await proxy.connect(), await proxy.connect(), await proxy.connect()];
	reported.send(ask("GET", origin.authority, "/", ["Connection: close"]));
	refused.send("\0");
	for (const client of [reported, idle, refused]) await client.ended();
	// Twice the timeout: one for the end, one for the close.
	await new Promise((resolve) => setTimeout(resolve, 2500));
	for (const client of [reported, idle, refused]) {
		for (let i = 0; i < 20 && !client.socket.destroyed; i++) {
			client.send("x");
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
		t.ok(client.socket.destroyed, "a reset was the answer");
	}
});

t.test("a client that pipelines without reading gets back-pressure", async (t) => {
	const released = gate();
	const origin = await startOrigin(t, async (server) => {
		await server.head();
		await released.opened;
		server.send(ok("first"));
		await answering(() => ok("next"))(server, 0);
	});
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	const count = 4000;
	client.send(ask("GET", origin.authority, "/", [`X-Padding: ${"x".repeat(8000)}`]).repeat(count));
	t.ok(
		(await client.stalled()) > 8_000_000,
		"while the first is not answered, most of the others stay with the client",
	);
	released.open();
	for (let i = 0; i < count; i++) await client.message();
	t.equal(client.socket.writableLength, 0);
});

t.test("after a switch of protocols, bytes are relayed in both directions", async (t) => {
	const origin = await startOrigin(t, async (server) => {
		t.match(await server.head(), /^GET \/chat HTTP\/1\.1\r\nHost: .*\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n$/);
		server.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nwelcome ");
		server.send(`you said ${await server.upTo("!")}`);
		t.equal(await server.ended(), "end");
		server.send(" bye");
		server.end();
	});
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	client.send(`${ask("GET", origin.authority, "/chat", ["Connection: Upgrade", "Upgrade: echo"])}early`);
	t.match(await client.head(), /^HTTP\/1\.1 101 Switching Protocols\r\n/);
	client.send(" and late\0\xff!");
	await client.upTo("welcome you said early and late\0\xff!");
	client.end();
	t.equal(await client.rest(), " bye");
	t.match(await proxy.flow(0), { response: { statusCode: 101 }, error: null });
});

t.test("CONNECT within a tunnel is refused", async (t) => {
	const proxy = await startTestProxy(t);
	const client = await proxy.tunnel("example.com:80");
	const answer = await client.send("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n").rest();
	t.match(answer, /^HTTP\/1\.1 400 /);
	t.match(answer, /CONNECT/);
});

t.test("a client that begins with HTTP/2", async (t) => {
	const origin = await startOrigin(
		t,
		answering((head) => ok(`${head.split(" ")[1]}`)),
	);
	const proxy = await startTestProxy(t);
	const { socket } = await proxy.tunnel(origin.authority);
	const session = connectHttp2(`http://${origin.authority}`, {
		createConnection: () => socket.removeAllListeners("data"),
	});
	t.teardown(() => session.destroy());
	const stream = session.request({ ":path": "/two" });
	t.equal(String(await stream.toArray()), "/two");
	t.match(await proxy.flow(0), { request: { httpVersion: "HTTP/2.0" }, response: { httpVersion: "HTTP/1.1" } });
});

t.test("a request that arrives byte by byte and begins like HTTP/2", async (t) => {
	const origin = await startOrigin(t, async (server) => {
		await server.head();
		server.send(ok("posted"));
	});
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	for (const byte of ask("POST", origin.authority, "/", ["Content-Length: 0"])) {
		client.send(byte);
		await new Promise(setImmediate);
	}
	t.equal((await client.message()).body.toString(), "posted");
});

t.test("unfinished heads of many connections take bounded memory, and other clients are served", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("served")),
	);
	const proxy = await startTestProxy(t);
	const clients = await Promise.all(Array.from({ length: 200 }, () => proxy.connect()));
	const large = `GET http://${origin.authority}/ HTTP/1.1\r\nX: ${"a".repeat(200_000)}`;
	const { head, body } = await Promise.any(clients.map((client) => client.send(large).message()));
	t.match(head, /^HTTP\/1.1 400 /);
	t.match(body.toString(), /the request heads of all clients take too much memory/);
	const other = await proxy.connect();
	const request = ask("GET", origin.authority, "/", [`X: ${"a".repeat(4000)}`]);
	other.send(request.slice(0, -10));
	await new Promise(setImmediate);
	t.equal((await other.send(request.slice(-10)).message()).body.toString(), "served");
});

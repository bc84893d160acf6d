// Requests to servers: reuse of connections, retries, and back-pressure.
import t from "tap";
import { gate } from "../../../../fixtures/gate.ts";
import { askHttp2, openHttp2, startHttp2Origin } from "../../../../fixtures/http2-peers.ts";
import { answering, ask, ok, readingLate, startOrigin } from "../../../../fixtures/origin-server.ts";
import { startTestProxy } from "../../../../fixtures/running-proxy.ts";

t.test("a connection is reused if both sides keep it open", async (t) => {
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
	for (const [name, answer, fields, connections] of [
		["with a length", ok("hi"), [], 1],
		["chunked", chunked, [], 1],
		["the server closes", ok("hi", "Connection: close"), [], 2],
		["a server of HTTP/1.0", ok("hi").replace("1.1", "1.0"), [], 2],
		["the client's wish is passed on", ok("hi"), ["Connection: close"], 2],
	] as const) {
		const origin = await startOrigin(
			t,
			answering((head) => {
				t.equal(head.includes("Connection: close"), fields.length > 0);
				return answer;
			}),
		);
		const proxy = await startTestProxy(t);
		for (const path of ["/1", "/2"]) {
			const client = await proxy.connect();
			await client.send(ask("GET", origin.authority, path, fields)).upTo("hi");
			client.close();
			await proxy.flow(Number(path[1]) - 1);
		}
		t.equal(origin.connections.length, connections, name);
	}
});

t.test("concurrent requests use separate connections, which are then reused", async (t) => {
	const all = gate();
	let asked = 0;
	const origin = await startOrigin(t, async (server) => {
		for (;;) {
			await server.head();
			if (++asked === 5) all.open();
			await all.opened;
			server.send(ok("hi"));
		}
	});
	const proxy = await startTestProxy(t);
	const clients = await Promise.all(Array.from({ length: 5 }, () => proxy.connect()));
	for (const _ of [1, 2]) {
		for (const client of clients) client.send(ask("GET", origin.authority, "/"));
		await Promise.all(clients.map((client) => client.message()));
	}
	t.equal(origin.connections.length, 5);
	t.strictSame(new Set(proxy.flows.map(({ serverConn }) => serverConn.id)).size, 5);
});

t.test(
	"if the server has just closed the kept connection, the request is sent once more, with its whole body",
	async (t) => {
		for (const how of ["close", "reset", "end"] as const) {
			const origin = await startOrigin(t, async (server, index) => {
				const { body } = await server.message();
				server.send(ok(`${index} ${body}`));
				// When the next request arrives, the server has closed.
				await server.upTo("second");
				if (index === 0) server[how]();
				else server.send(ok(`${index} ${server.seen}`));
			});
			const proxy = await startTestProxy(t);
			const client = await proxy.connect();
			t.equal((await client.send(ask("PUT", origin.authority, "/", [], "first")).message()).body.toString(), "0 first");
			client.send(`${ask("PUT", origin.authority, "/", ["Content-Length: 6"])}sec`);
			client.send("ond");
			t.equal((await client.message()).body.toString(), "1 second", how);
			t.match(proxy.flows, [{ error: null }, { error: null, request: { text: "second" } }]);
			t.equal(origin.connections.length, 2);
		}
	},
);

t.test("it is not sent again on a new connection, or after a partial response", async (t) => {
	const origin = await startOrigin(t, async (server) => {
		if ((await server.head()).includes("/first")) return server.close();
		server.send(ok("hi"));
		await server.head();
		server.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhel");
		server.end();
	});
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	t.match(
		await client.send(ask("GET", origin.authority, "/first")).rest(),
		/^HTTP\/1\.1 502 .*closed the connection before it responded/s,
	);
	t.equal(origin.connections.length, 1);
	const other = await proxy.connect();
	await other.send(ask("GET", origin.authority, "/")).message();
	await other.send(ask("GET", origin.authority, "/partly")).ended();
	t.equal(origin.connections.length, 2);
	t.match(await proxy.flow(2), { error: { message: /7 more bytes, found the end/ } });
});

t.test("it is not sent again if the server has responded with something, or timed out", async (t) => {
	for (const first of ["HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.1 2", null]) {
		let asked = 0;
		const origin = await startOrigin(t, async (server) => {
			for (;;) {
				await server.head();
				if (++asked !== 2) server.send(ok("hi"));
				else if (first !== null) server.send(first).end();
			}
		});
		const proxy = await startTestProxy(t, { options: { tcp_timeout: 3 } });
		const client = await proxy.connect();
		await client.send(ask("POST", origin.authority, "/")).message();
		t.match(await client.send(ask("POST", origin.authority, "/")).rest(), /HTTP\/1\.1 502 /);
		t.equal(asked, 2, first ?? "nothing");
	}
});

t.test("a server that closes a second time has failed", async (t) => {
	const origin = await startOrigin(t, async (server, index) => {
		await server.head();
		if (index === 0) {
			server.send(ok("hi"));
			await server.head();
		}
		server.close();
	});
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	await client.send(ask("GET", origin.authority, "/")).message();
	t.match(await client.send(ask("GET", origin.authority, "/")).rest(), /^HTTP\/1\.1 502 /);
	t.equal(origin.connections.length, 2);
	t.match(await proxy.event("upstream_error"), { destination: origin.authority });
});

t.test("a slow server applies back-pressure to the client, and gets the whole body in the end", async (t) => {
	const size = 40_000_000;
	const drained = gate();
	const origin = await startOrigin(t, readingLate(size, drained.opened));
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	client.send(ask("PUT", origin.authority, "/", [`Content-Length: ${size}`])).send(Buffer.alloc(size, "x"));
	t.ok((await client.stalled()) > size / 2, "most of it stays with the client");
	drained.open();
	t.equal((await client.message()).body.toString(), "thanks");
	t.equal((await proxy.flow(0)).request.bodySize, size);
});

t.test("a client that sends much while the proxy connects gets back-pressure too", async (t) => {
	// It accepts connections, and never responds to the ClientHello.
	const origin = await startOrigin(t, () => {});
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	const size = 40_000_000;
	client
		.send(ask("PUT", origin.authority, "/", [`Content-Length: ${size}`]).replace("http:", "https:"))
		.send(Buffer.alloc(size));
	t.ok((await client.stalled()) > size / 2);
	await proxy.running.close({ graceMs: 0 });
	t.match(proxy.flows, [{ error: { message: /stopped before the exchange was complete/ }, response: null }]);
});

t.test("a slow client applies back-pressure to the server, and gets the whole body in the end", async (t) => {
	const size = 40_000_000;
	const asked = gate();
	const origin = await startOrigin(t, async (server) => {
		await server.head();
		server.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`).send(Buffer.alloc(size, "x"));
		asked.open();
		await server.ended();
	});
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	client.socket.pause();
	client.send(ask("GET", origin.authority, "/"));
	await asked.opened;
	t.ok(((await origin.connections[0]?.stalled()) ?? 0) > size / 2, "most of it stays with the server");
	client.socket.resume();
	await client.head();
	t.equal((await client.take(size)).length, size);
});

t.test("a connection that has switched protocols is not reused", async (t) => {
	const origin = await startOrigin(t, async (server) => {
		await server.head();
		server.send("HTTP/1.1 101 Switching Protocols\r\n\r\n");
		server.send(await server.upTo("!"));
	});
	const proxy = await startTestProxy(t);
	for (const word of ["one!", "two!"]) {
		const client = await proxy.connect();
		await client.send(ask("GET", origin.authority, "/", ["Connection: upgrade", "Upgrade: x"])).head();
		t.equal(await client.send(word).upTo("!"), word);
	}
	t.equal(origin.connections.length, 2);
});

t.test("endless interim responses: 1000 are forwarded, then the request fails", async (t) => {
	const failed = { error: { message: "the server sent more than 1000 interim responses (1xx)" }, response: null };
	const hint = "HTTP/1.1 103 Early Hints\r\n\r\n";
	const origin = await startOrigin(
		t,
		answering((head) => (head.includes("/few") ? hint.repeat(1000) + ok("hi") : hint.repeat(1001))),
	);
	const origin2 = await startHttp2Origin(t, (stream, raw) => {
		for (let n = raw.includes("/few") ? 1000 : 1001; n > 0; n--) stream.additionalHeaders({ ":status": 103 });
		if (raw.includes("/few")) stream.respond({ ":status": 200 }, { endStream: true });
	});
	const proxy = await startTestProxy(t);
	for (const [path, last] of [
		["/few", "200 OK"],
		["/many", "502 Bad Gateway"],
	] as const) {
		const client = await proxy.connect();
		const seen = await client.send(ask("GET", origin.authority, path)).upTo(last);
		t.equal(seen.split(" 103 ").length - 1, 1000);
	}
	const session = await openHttp2(t, proxy, origin2.authority);
	for (const [path, status] of [
		["/few", 200],
		["/many", 502],
	] as const) {
		const answer = await askHttp2(session, { ":path": path });
		t.match([answer.status, answer.interim.length], [status, 1000]);
	}
	t.match(await Promise.all([0, 1, 2, 3].map((n) => proxy.flow(n))), [
		{ error: null },
		failed,
		{ error: null },
		failed,
	]);
});

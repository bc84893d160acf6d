// HTTP/1.1 connections to servers, and failures of servers.
import t from "tap";
import { gate } from "../../../../fixtures/gate.ts";
import { messageCases } from "../../../../fixtures/http-messages.ts";
import { answering, ask, type Conversation, ok, readingLate, startOrigin } from "../../../../fixtures/origin-server.ts";
import { startTestProxy } from "../../../../fixtures/running-proxy.ts";

const found = "HTTP/1.1 200 OK\r\n";

t.test("a server that fails before its response has begun: 502, and an error on the tape", async (t) => {
	for (const [name, converse, says] of [
		["closes", (server) => server.head().then(() => server.close()), /closed the connection before it responded/],
		["ends", (server) => server.head().then(() => server.end()), /closed the connection before it responded/],
		[
			"breaks off",
			(server) => server.head().then(() => server.reset()),
			/the connection to the server failed: .*ECONNRESET/,
		],
		["closes at once", (server) => server.close(), /the server closed the connection|ECONNRESET|EPIPE/],
		[
			"closes within the head",
			(server) => server.head().then(() => server.send(`${found}X: `).end()),
			/breaks the rules of HTTP: response head: expected an empty line/,
		],
		[
			"closes behind an interim response",
			(server) => server.head().then(() => server.send("HTTP/1.1 103 Hints\r\n\r\n").end()),
			/closed the connection before/,
		],
		[
			"answers what is no HTTP",
			(server) => server.head().then(() => server.send("\x15\x03\x01\0\x02\x02F")),
			/breaks the rules of HTTP: status line/,
		],
		[
			"answers more than it was asked",
			(server) => server.head().then(() => server.send("220 mail\r\n")),
			/breaks the rules of HTTP: status line: expected "HTTP\/1\.1", found "2"/,
		],
	] as [string, Conversation, RegExp][]) {
		const origin = await startOrigin(t, converse);
		const proxy = await startTestProxy(t);
		const client = await proxy.connect();
		const answer = await client.send(ask("GET", origin.authority, "/")).rest();
		t.match(
			answer,
			/HTTP\/1\.1 502 Bad Gateway\r\nContent-Type: text\/plain; charset=utf-8\r\nContent-Length: \d+\r\nConnection: close\r\n\r\nflowtape: /,
			name,
		);
		t.match(answer, says, name);
		const flow = await proxy.flow(0);
		t.match(flow.error?.message, says, name);
		t.equal(flow.response, null);
		t.match(await proxy.event("upstream_error"), { destination: origin.authority, message: /./ });
	}
});

t.test("no invalid response of the corpus is forwarded", async (t) => {
	const refused = messageCases.filter(({ side, strict }) => side === "response" && strict instanceof RegExp);
	t.ok(refused.length > 20);
	const origin = await startOrigin(t, async (server) => {
		const head = await server.head();
		server.send(refused[Number(/\/(\d+) /.exec(head)?.[1])]?.bytes ?? "").end();
	});
	const proxy = await startTestProxy(t);
	for (const [i, { name, bytes }] of refused.entries()) {
		const client = await proxy.connect();
		const answer = await client.send(ask("GET", origin.authority, `/${i}`)).rest();
		client.close();
		// An error in a body is found after its head was forwarded.
		if (!answer.startsWith(found)) t.match(answer, /^HTTP\/1\.1 502 .*breaks the rules of HTTP/s, name);
		else t.match(bytes, /\r\n\r\n/, name);
		t.match((await proxy.flow(i)).error?.message, /expected/, name);
	}
});

t.test("a server that sends nothing times out", async (t) => {
	const origin = await startOrigin(t, () => {});
	const proxy = await startTestProxy(t, { options: { tcp_timeout: 1 } });
	const client = await proxy.connect();
	t.match(
		await client.send(ask("GET", origin.authority, "/")).rest(),
		/^HTTP\/1\.1 502 .*the server sent nothing for 1 s/s,
	);
	t.match(await proxy.flow(0), { error: { message: /sent nothing for 1 s/ } });
});

t.test("a kept connection is not reused after unexpected bytes, or after the server has closed it", async (t) => {
	for (const how of ["408", "close", "reset"] as const) {
		const spoken = gate();
		const origin = await startOrigin(t, async (server, index) => {
			await server.head();
			server.send(ok(`${index}`));
			if (index > 0) return;
			await spoken.opened;
			if (how === "408") server.send("HTTP/1.1 408 Too slow\r\nContent-Length: 0\r\n\r\n");
			else server[how]();
			await server.ended();
			closed.open();
		});
		const closed = gate();
		const proxy = await startTestProxy(t);
		const client = await proxy.connect();
		t.equal((await client.send(ask("GET", origin.authority, "/")).message()).body.toString(), "0");
		spoken.open();
		await closed.opened;
		t.equal((await client.send(ask("GET", origin.authority, "/")).message()).body.toString(), "1", how);
		t.match(proxy.flows, [{ error: null }, { error: null }]);
	}
});

t.test("bytes after a response do not answer the next request", async (t) => {
	const origin = await startOrigin(t, async (server, index) => {
		await server.head();
		server.send(ok(`${index}`) + (index === 0 ? ok("smuggled") : ""));
	});
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	client.send(ask("GET", origin.authority, "/1") + ask("GET", origin.authority, "/2"));
	t.equal((await client.message()).body.toString(), "0");
	t.equal((await client.message()).body.toString(), "1");
	t.equal(origin.connections.length, 2);
});

t.test("the connection is recorded", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("hi")),
	);
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	await client.send(ask("GET", origin.authority, "/")).message();
	const { serverConn } = await proxy.flow(0);
	t.match(serverConn, {
		address: ["127.0.0.1", origin.port],
		peername: ["127.0.0.1", origin.port],
		sockname: ["127.0.0.1", Number],
		tls: false,
	});
	const times = [serverConn.timestampStart, serverConn.timestampTcpSetup];
	t.ok(times.every((time) => typeof time === "number"));
	t.strictSame([...times].sort(), times);
});

t.test(
	"a slow client applies back-pressure to the server; after a switch of protocols, early bytes are forwarded",
	async (t) => {
		const size = 40_000_000;
		const asked = gate();
		const origin = await startOrigin(t, async (server) => {
			await server.head();
			server.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`).send(Buffer.alloc(size, "x"));
			asked.open();
			await server.head();
			server.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nfirst");
			server.send(await server.upTo("!"));
		});
		const proxy = await startTestProxy(t, { options: { stream_large_bodies: 1 } });
		const client = await proxy.connect();
		client.socket.pause();
		client.send(ask("GET", origin.authority, "/"));
		await asked.opened;
		t.ok(((await origin.connections[0]?.stalled()) ?? 0) > size / 2);
		client.socket.resume();
		await client.head();
		t.equal((await client.take(size)).length, size);
		const changing = await proxy.connect();
		await changing.send(ask("GET", origin.authority, "/", ["Connection: Upgrade", "Upgrade: x"])).upTo("first");
		t.equal(await changing.send("then!").upTo("!"), "then!");
	},
);

t.test("a slow server applies back-pressure to the client", async (t) => {
	const size = 40_000_000;
	const released = gate();
	const origin = await startOrigin(t, readingLate(size, released.opened));
	const proxy = await startTestProxy(t, { options: { stream_large_bodies: 1 } });
	const client = await proxy.connect();
	client.send(ask("PUT", origin.authority, "/", [`Content-Length: ${size}`])).send(Buffer.alloc(size, "x"));
	t.ok((await client.stalled()) > size / 2);
	released.open();
	t.equal((await client.message()).body.toString(), "thanks");
	t.equal((await proxy.flow(0)).request.body, null, "not kept beyond the cutoff");
});

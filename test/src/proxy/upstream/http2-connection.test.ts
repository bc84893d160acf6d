// HTTP/2 connections to servers, as exchanges use them.
import type { Socket } from "node:net";
import t, { type Test } from "tap";
import { makeAuthorities } from "../../../../fixtures/authorities.ts";
import { gate } from "../../../../fixtures/gate.ts";
import { type Answer, askHttp2, openHttp2, startHttp2Origin } from "../../../../fixtures/http2-peers.ts";
import { type ProxyParts, startTestProxy } from "../../../../fixtures/running-proxy.ts";
import { standstill } from "../../../../fixtures/standstill.ts";
import type { Hook } from "../../../../src/hooks/hook.ts";

/** A cleartext origin, and a client's session to it. */
async function world(t: Test, answer: Answer, options?: ProxyParts["options"], settings = {}) {
	const origin = await startHttp2Origin(t, answer, settings);
	const proxy = await startTestProxy(t, options === undefined ? {} : { options });
	return { origin, proxy, session: await openHttp2(t, proxy, origin.authority) };
}

t.test("all clients share one connection", async (t) => {
	const all = gate();
	let asked = 0;
	const { origin, proxy, session } = await world(t, async (stream) => {
		if (++asked === 20) all.open();
		await all.opened;
		stream.respond({ ":status": 200 });
		stream.end("hi");
	});
	const other = await openHttp2(t, proxy, origin.authority);
	const answers = await Promise.all(
		Array.from({ length: 20 }, (_, i) => askHttp2(i % 2 ? session : other, { ":path": `/${i}` })),
	);
	t.ok(answers.every(({ status, body }) => status === 200 && body === "hi"));
	t.equal(origin.sessions.length, 1);
	t.equal(new Set(proxy.flows.map(({ serverConn }) => serverConn.id)).size, 1);
	t.equal(new Set(proxy.flows.map(({ clientConn }) => clientConn.id)).size, 2);
});

t.test("a server with a low limit of streams gets another connection", async (t) => {
	const all = gate();
	let asked = 0;
	const answer: Answer = async (stream, raw) => {
		if (raw.includes("/hello")) {
			stream.respond();
			return void stream.end();
		}
		if (++asked === 4) all.open();
		await all.opened;
		stream.respond({ ":status": 200 });
		stream.end();
	};
	const { origin, session } = await world(t, answer, undefined, { settings: { maxConcurrentStreams: 2 } });
	await askHttp2(session, { ":path": "/hello" });
	const answers = await Promise.all(Array.from({ length: 4 }, () => askHttp2(session, { ":path": "/" })));
	t.ok(answers.every(({ status }) => status === 200));
	t.ok(origin.sessions.length >= 2);
});

t.test("after GOAWAY, open streams complete, and new ones use another connection", async (t) => {
	const asked = gate();
	const release = gate();
	const { origin, session } = await world(t, async (stream, raw) => {
		if (raw.includes("/slow")) {
			asked.open();
			await release.opened;
		}
		stream.respond({ ":status": 200 });
		stream.end();
	});
	const slow = askHttp2(session, { ":path": "/slow" });
	await asked.opened;
	origin.sessions[0]?.goaway(0);
	// A server answers no stream after its GOAWAY. When the proxy has answered this ping, it has read the GOAWAY.
	// ping.
	await new Promise((resolve) => origin.sessions[0]?.ping(resolve));
	t.match(await askHttp2(session, { ":path": "/next" }), { status: 200 });
	t.equal(origin.sessions.length, 2);
	release.open();
	t.match(await slow, { status: 200 });
});

t.test("a server that announces its end and disconnects fails its open streams", async (t) => {
	const { origin, session, proxy } = await world(t, async (stream) => {
		const of = origin.sessions[0];
		stream.on("error", () => {});
		stream.respond({ ":status": 200 });
		stream.write("part");
		of?.goaway(0);
		await new Promise((resolve) => of?.ping(resolve));
		of?.destroy();
	});
	t.match(await askHttp2(session, { ":path": "/" }), { status: 502, body: /closed the connection/ });
	t.match((await proxy.flow(0)).error, { message: "the server closed the connection" });
});

t.test("a request that the server refused is sent once more", async (t) => {
	let refused = 0;
	const { session, proxy } = await world(t, (stream, raw) => {
		if (raw.includes("/twice") ? refused++ < 2 : refused++ < 1) return stream.close(7);
		stream.respond({ ":status": 200 });
		stream.pipe(stream);
	});
	t.match(await askHttp2(session, { ":method": "POST", ":path": "/once" }, "body"), { status: 200, body: "body" });
	refused = 0;
	t.match(await askHttp2(session, { ":path": "/twice" }), { status: 502, body: /REFUSED_STREAM/ }, "but not for ever");
	t.match((await proxy.flow(1)).error, { message: "the server reset the stream (REFUSED_STREAM)" });
});

t.test(
	"a request that requires HTTP/1.1 is sent on the connection on which its client has authenticated",
	async (t) => {
		const { proxy: authority } = await makeAuthorities(t);
		let logins = 0;
		const onHttp1 = (socket: Socket): void => {
			let isIn = false;
			socket.on("data", (head) => {
				isIn ||= head.includes("uthorization: NTLM") && ++logins > 0;
				socket.write(
					isIn
						? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
						: "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n",
				);
			});
		};
		const origin = await startHttp2Origin(t, (stream) => stream.close(13), {
			authority,
			alpn: ["h2", "http/1.1"],
			onHttp1,
		});
		const proxy = await startTestProxy(t, { authority, options: { ssl_insecure: true } });
		const session = await openHttp2(t, proxy, origin.authority, { authority });
		t.match(await askHttp2(session, { ":path": "/" }), { status: 401 });
		t.match(await askHttp2(session, { ":path": "/", authorization: "NTLM x" }), { status: 200, body: "hi" });
		t.match(await askHttp2(session, { ":method": "POST", ":path": "/" }, "body"), { status: 200, body: "hi" });
		t.match(
			await askHttp2(await openHttp2(t, proxy, origin.authority, { authority }), { ":path": "/" }),
			{ status: 401 },
			"another client",
		);
		t.equal(logins, 1);
		t.strictSame(
			proxy.flows.map(({ error }) => error),
			[null, null, null, null],
		);
	},
);

t.test("on a kept connection that turns out to be closed, only idempotent requests are sent again", async (t) => {
	for (const [method, status] of [
		["GET", 200],
		["POST", 502],
	] as const) {
		const { origin, session } = await world(t, (stream, raw, connection) => {
			if (raw.includes("/last") && connection === origin.sessions[0]) return void origin.sockets[0]?.destroy();
			stream.respond({ ":status": 200 }, { endStream: true });
		});
		t.match(await askHttp2(session, { ":path": "/first" }), { status: 200 });
		t.match(await askHttp2(session, { ":method": method, ":path": "/last" }), { status }, method);
	}
});

t.test("a reset before the response is an error; a later one is forwarded with its code", async (t) => {
	const { session, proxy } = await world(t, (stream, raw) => {
		if (raw.includes("/before")) return stream.close(2);
		stream.respond({ ":status": 200, "content-type": "text/event-stream" }, { waitForTrailers: true });
		stream.write("half");
		stream.on("data", () => {}).on("end", () => stream.close(8));
	});
	t.match(await askHttp2(session, { ":path": "/before" }), { status: 502, body: /INTERNAL_ERROR/ });
	t.match(await askHttp2(session, { ":path": "/within" }), { status: 200, body: "half", code: 8 });
	const flow = await proxy.flow(1);
	t.match(flow, { error: { message: "the server reset the stream (CANCEL)" } });
	t.equal(flow.response?.text, "half");
});

t.test("if a server fails, all its streams fail, and the next request connects again", async (t) => {
	const asked = gate();
	let underWay = 0;
	const { origin, session } = await world(t, (stream, raw) => {
		if (raw.includes("/ok")) {
			stream.respond({ ":status": 200 });
			return void stream.end();
		}
		if (++underWay === 2) asked.open();
	});
	const answers = [askHttp2(session, { ":path": "/1" }), askHttp2(session, { ":path": "/2" })];
	await asked.opened;
	for (const socket of origin.sockets) socket.destroy();
	for (const answer of answers) t.match(await answer, { status: 502, body: /closed the connection/ });
	t.match(await askHttp2(session, { ":path": "/ok" }), { status: 200 });
});

t.test("a server that sends nothing times out", async (t) => {
	const { session, proxy } = await world(t, () => {}, { tcp_timeout: 1 });
	t.match(await askHttp2(session, { ":path": "/" }), { status: 502, body: /sent nothing for 1 s/ });
	t.equal((await proxy.flow(0)).response, null);
});

t.test("a field that HTTP/2 cannot represent is left out", async (t) => {
	const hook: Hook = { name: "test", request: (flow) => flow.request.headers.add("bad name", "x") };
	const origin = await startHttp2Origin(t, (stream, raw) => {
		t.notOk(raw.includes("bad name"));
		stream.respond({ ":status": 200 }, { endStream: true });
	});
	const proxy = await startTestProxy(t, { hooks: [hook] });
	const session = await openHttp2(t, proxy, origin.authority);
	t.match(await askHttp2(session, { ":path": "/" }), { status: 200, code: 0 });
	t.match(await proxy.event("left_out"), { field: "bad name", of: "request" });
});

t.test("trailers of a request, and back-pressure in both directions", async (t) => {
	let trailers: string[] = [];
	const { session } = await world(t, (stream) => {
		stream.on("trailers", (_trailers, _flags, raw: string[] = []) => {
			trailers = raw;
		});
		stream.respond({ ":status": 200 });
		stream.pipe(stream);
	});
	const size = 6_000_000;
	const stream = session.request({ ":method": "POST", ":path": "/" }, { waitForTrailers: true });
	stream.on("wantTrailers", () => stream.sendTrailers({ "x-t": "1" }));
	stream.end(Buffer.alloc(size));
	let got = 0;
	// Nothing is read before all buffers between the two are full.
	await standstill(() => stream.writableLength);
	for await (const chunk of stream) got += (chunk as Buffer).length;
	t.equal(got, size);
	t.strictSame(trailers, ["x-t", "1"]);
});

t.test("a WebSocket over HTTP/2 in both directions, and a refused one", async (t) => {
	let seen: string[] = [];
	const { session, proxy } = await world(
		t,
		(stream, raw) => {
			seen = raw;
			if (raw.includes("/no")) return stream.respond({ ":status": 403 }, { endStream: true });
			if (raw.includes("/hello")) return stream.respond({ ":status": 204 }, { endStream: true });
			stream.respond({ ":status": 200 });
			stream.on("data", (chunk: Buffer) => stream.write(chunk.toString().toUpperCase())).on("end", () => stream.end());
		},
		undefined,
		{ settings: { enableConnectProtocol: true } },
	);
	await askHttp2(session, { ":path": "/hello" });
	const connect = { ":method": "CONNECT", ":protocol": "websocket", ":scheme": "http", "sec-websocket-version": "13" };
	t.match(await askHttp2(session, { ...connect, ":path": "/no" }, () => {}), { status: 403 });
	const answer = await askHttp2(session, { ...connect, ":path": "/ws" }, (stream) => {
		stream.on("wantTrailers", () => stream.sendTrailers({}));
		stream.on("response", () => stream.write("abc"));
		stream.on("data", () => stream.end());
	});
	t.match(answer, { status: 200, body: "ABC" });
	t.match(seen, [":method", "CONNECT", ":protocol", "websocket"]);
	t.match(await proxy.flow(2), { request: { method: "GET", path: "/ws" }, response: { statusCode: 101 } });
});

t.test("a client that does not read applies back-pressure, and receives everything in the end", async (t) => {
	const size = 40_000_000;
	const answer: Answer = (stream) => {
		stream.respond();
		stream.end(Buffer.alloc(size, "x"));
	};
	const { session } = await world(t, answer, { stream_large_bodies: 1 });
	const stream = session.request({ ":path": "/" });
	await new Promise((resolve) => stream.once("response", resolve));
	// The windows of both connections limit the bytes in transit.
	t.ok((await standstill(() => session.socket.bytesRead)) < size / 2);
	let got = 0;
	for await (const chunk of stream) got += chunk.length;
	t.equal(got, size);
});

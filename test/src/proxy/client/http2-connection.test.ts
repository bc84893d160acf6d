// Connections of clients that speak HTTP/2: how they begin and how they end.
import { once } from "node:events";
import t from "tap";
import { gate } from "../../../../fixtures/gate.ts";
import { askHttp2, openHttp2, startHttp2Origin } from "../../../../fixtures/http2-peers.ts";
import { startTestProxy } from "../../../../fixtures/running-proxy.ts";

t.test("clear text, known by its first bytes, in whatever pieces they come", async (t) => {
	const origin = await startHttp2Origin(t, (stream) => stream.respond({ ":status": 204 }, { endStream: true }));
	const proxy = await startTestProxy(t);
	const session = await openHttp2(t, proxy, origin.authority);
	t.match(await askHttp2(session, { ":path": "/" }), { status: 204 });
	const flow = await proxy.flow(0);
	t.match(flow.request, { httpVersion: "HTTP/2.0", scheme: "http", host: "localhost", port: origin.port });
	t.match(flow.clientConn, { tls: false, alpn: null });
});

t.test("what breaks the rules ends the connection, and is told", async (t) => {
	const proxy = await startTestProxy(t);
	const peer = await proxy.tunnel("localhost:1");
	peer.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nthis is no frame, whatever else it may be");
	await peer.ended();
	t.match((await proxy.event("client_error")).client, /^127\.0\.0\.1:\d+$/);
});

t.test("the proxy ends: streams under way come to their end, new ones are not taken", async (t) => {
	const asked = gate();
	const release = gate();
	const origin = await startHttp2Origin(t, async (stream) => {
		asked.open();
		await release.opened;
		stream.respond({ ":status": 200 });
		stream.end("done");
	});
	const proxy = await startTestProxy(t);
	const session = await openHttp2(t, proxy, origin.authority);
	const answer = askHttp2(session, { ":path": "/" });
	await asked.opened;
	const goaway = once(session, "goaway");
	const closed = proxy.running.close({ graceMs: 10_000 });
	await goaway;
	release.open();
	t.match(await answer, { status: 200, body: "done" });
	await closed;
	t.match(await proxy.flow(0), { error: null });
});

t.test("or are cut off, and go to the tape as they are", async (t) => {
	const asked = gate();
	const origin = await startHttp2Origin(t, () => asked.open());
	const proxy = await startTestProxy(t);
	const session = await openHttp2(t, proxy, origin.authority);
	const answer = askHttp2(session, { ":path": "/" });
	await asked.opened;
	await proxy.running.close({ graceMs: 0 });
	t.match(await answer, { status: 0 });
	t.match((await proxy.flow(0)).error, { message: /stopped/ });
});

t.test("a client that has nothing under way is hung up on after a while", async (t) => {
	const origin = await startHttp2Origin(t, (stream) => stream.respond({ ":status": 204 }, { endStream: true }));
	const proxy = await startTestProxy(t, { options: { tcp_timeout: 3 } });
	const session = await openHttp2(t, proxy, origin.authority);
	t.match(await askHttp2(session, { ":path": "/" }), { status: 204 });
	await once(session, "close");
});

t.test("streams wait for a tape that is slower than they are", async (t) => {
	const origin = await startHttp2Origin(t, (stream) => stream.respond({ ":status": 204 }, { endStream: true }));
	const slow = gate();
	const proxy = await startTestProxy(t, { sink: { append: () => slow.opened } });
	const session = await openHttp2(t, proxy, origin.authority);
	t.match(await askHttp2(session, { ":path": "/1" }), { status: 204 });
	let isAnswered = false;
	const second = askHttp2(session, { ":path": "/2" }).then((answer) => {
		isAnswered = true;
		return answer;
	});
	await new Promise((resolve) => session.ping(resolve));
	t.notOk(isAnswered);
	slow.open();
	t.match(await second, { status: 204 });
});

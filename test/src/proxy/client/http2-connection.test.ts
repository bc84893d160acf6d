// Clients' HTTP/2 connections: their beginning and their end.
import { once } from "node:events";
import { type ClientHttp2Session, constants } from "node:http2";
import t, { type Test } from "tap";
import { gate } from "../../../../fixtures/gate.ts";
import { askHttp2, echo, openHttp2, startHttp2Origin } from "../../../../fixtures/http2-peers.ts";
import { startTestProxy } from "../../../../fixtures/running-proxy.ts";
import { openAuthority } from "../../../../src/ca/authority.ts";
import type { Hook } from "../../../../src/hooks/hook.ts";
import { makeResponse } from "../../../../src/hooks/make-response.ts";

t.test("cleartext HTTP/2 is detected by its first bytes, in any chunks", async (t) => {
	const origin = await startHttp2Origin(t, (stream) => stream.respond({ ":status": 204 }, { endStream: true }));
	const proxy = await startTestProxy(t);
	const session = await openHttp2(t, proxy, origin.authority);
	t.match(await askHttp2(session, { ":path": "/" }), { status: 204 });
	const flow = await proxy.flow(0);
	t.match(flow.request, { httpVersion: "HTTP/2.0", scheme: "http", host: "localhost", port: origin.port });
	t.match(flow.clientConn, { tls: false, alpn: null });
});

t.test("a protocol violation ends the connection and is reported", async (t) => {
	const proxy = await startTestProxy(t);
	const peer = await proxy.tunnel("localhost:1");
	peer.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nthis is no frame, whatever else it may be");
	await peer.ended();
	t.match((await proxy.event("client_error")).client, /^127\.0\.0\.1:\d+$/);
});

t.test("shutdown: open streams complete, new ones are refused", async (t) => {
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

t.test("or they are cut off, and recorded as they are", async (t) => {
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

t.test("a client that announces its end and disconnects leaves its streams", async (t) => {
	const asked = gate();
	const left = gate();
	const origin = await startHttp2Origin(t, (stream, raw) => {
		stream.once("close", left.open);
		if (raw.includes("/upload")) stream.respond({ ":status": 413 }, { endStream: true });
		else asked.open();
	});
	const proxy = await startTestProxy(t);
	const leave = async (session: ClientHttp2Session) => {
		session.goaway(0);
		await new Promise((resolve) => session.ping(resolve));
		session.destroy();
	};
	const waiting = await openHttp2(t, proxy, origin.authority);
	waiting.request({ ":path": "/", ":authority": origin.authority }).on("error", () => {});
	await asked.opened;
	await leave(waiting);
	t.match((await proxy.flow(0)).error, { message: /^Client disconnected/ });
	await left.opened;
	const uploading = await openHttp2(t, proxy, origin.authority);
	const size = 32 * 1024 * 1024;
	const upload = uploading.request({
		":method": "POST",
		":path": "/upload",
		":authority": origin.authority,
		"content-length": String(size),
	});
	upload.on("error", () => {});
	upload.write(Buffer.alloc(size));
	await once(upload, "response");
	await leave(uploading);
	t.match(await proxy.flow(1), { error: null, response: { statusCode: 413 } });
});

t.test("an idle client is disconnected after a time", async (t) => {
	const origin = await startHttp2Origin(t, (stream) => stream.respond({ ":status": 204 }, { endStream: true }));
	const proxy = await startTestProxy(t, { options: { tcp_timeout: 3 } });
	const session = await openHttp2(t, proxy, origin.authority);
	t.match(await askHttp2(session, { ":path": "/" }), { status: 204 });
	await once(session, "close");
});

t.test("streams wait for a slow sink", async (t) => {
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

t.test(
	"the heads of open requests are limited: further streams are refused, and accepted when they are sent again",
	async (t) => {
		const release = gate();
		let asked = 0;
		const hook: Hook = {
			name: "answers",
			async requestheaders(_flow, decision) {
				asked++;
				if (asked > 1) await release.opened;
				decision.answer(makeResponse(204, [], Buffer.alloc(0), 1), "answers");
			},
		};
		const proxy = await startTestProxy(t, { hooks: [hook] });
		const session = await openHttp2(t, proxy, "localhost:1", { maxSendHeaderBlockLength: 300_000 });
		const large = () => askHttp2(session, { ":path": "/", "x-large": "x".repeat(40_000) });
		await askHttp2(session, { ":path": "/" });
		const answers = Array.from({ length: 120 }, large);
		await new Promise((resolve) => session.ping(resolve));
		const refused = await Promise.all(answers.slice(-5));
		t.ok(refused.every(({ code, status }) => code === constants.NGHTTP2_REFUSED_STREAM && status === 0));
		t.ok((asked - 1) * 40_000 <= 4 * 1024 * 1024, `${asked} were taken`);
		release.open();
		t.equal((await Promise.all(answers)).filter(({ status }) => status === 204).length, asked - 1);
		t.match(await large(), { status: 204 });
	},
);

t.test("the heads of all connections are limited too, but each connection gets its share", async (t) => {
	const release = gate();
	let taken = 0;
	const hook: Hook = {
		name: "answers",
		async requestheaders({ request }, decision) {
			taken += request.headers.get("x-large")?.length ?? 0;
			if (request.path === "/wait") await release.opened;
			decision.answer(makeResponse(204, [], Buffer.alloc(0), 1), "answers");
		},
	};
	const proxy = await startTestProxy(t, { hooks: [hook] });
	const open = () => openHttp2(t, proxy, "localhost:1", { maxSendHeaderBlockLength: 300_000 });
	const waiting: Promise<unknown>[] = [];
	for (let i = 0; i < 12; i++) {
		const session = await open();
		for (let j = 0; j < 90; j++) waiting.push(askHttp2(session, { ":path": "/wait", "x-large": "x".repeat(40_000) }));
		await new Promise((resolve) => session.ping(resolve));
	}
	t.ok(taken > 30 * 1024 * 1024 && taken < 36 * 1024 * 1024, `${taken} bytes were taken`);
	const other = await open();
	t.match(await askHttp2(other, { ":path": "/", "x-large": "x".repeat(40_000) }), { status: 204 });
	release.open();
	await Promise.all(waiting);
	const both = [1, 2].map(() => askHttp2(other, { ":path": "/", "x-large": "x".repeat(40_000) }));
	t.match(await Promise.all(both), [{ status: 204 }, { status: 204 }], "more than a share, once there is room");
});

/** Counts the turns of the event loop. Returns a function that returns the number of the current one. */
function countTurns(t: Test): () => number {
	let turn = 0;
	const count = () => {
		turn++;
		next = setImmediate(count);
	};
	let next = setImmediate(count);
	t.teardown(() => clearImmediate(next));
	return () => turn;
}

t.test("many concurrent streams begin in several turns of the event loop", async (t) => {
	const proxy = await startTestProxy(t, {
		hooks: [
			{
				name: "answers",
				requestheaders(_flow, decision) {
					for (const end = performance.now() + 4; performance.now() < end; );
					turns.add(current());
					decision.answer(makeResponse(204, [], Buffer.alloc(0), 1), "answers");
				},
			} satisfies Hook,
		],
	});
	const turns = new Set<number>();
	const current = countTurns(t);
	const session = await openHttp2(t, proxy, "localhost:1");
	const answers = await Promise.all(Array.from({ length: 60 }, () => askHttp2(session, { ":path": "/" })));
	t.ok(answers.every(({ status }) => status === 204));
	t.ok(turns.size >= 10, `${turns.size} turns`);
});

for (const isSecure of [false, true])
	t.test(`a body that brings much work is read in several turns${isSecure ? ", over TLS" : ""}`, async (t) => {
		const chunksOfTurns = new Map<number, number>();
		const current = countTurns(t);
		const hook: Hook = {
			name: "slow",
			requestheaders(_flow, decision) {
				decision.requestStream = (chunk) => {
					for (const end = performance.now() + 4; performance.now() < end; );
					chunksOfTurns.set(current(), (chunksOfTurns.get(current()) ?? 0) + 1);
					return chunk;
				};
			},
		};
		const authority = await openAuthority(t.testdir());
		const options = { ssl_verify_upstream_trusted_ca: authority.certificateFile };
		const tls = isSecure ? { authority } : {};
		const origin = await startHttp2Origin(t, echo, tls);
		const proxy = await startTestProxy(t, { authority, options, hooks: [hook] });
		const session = await openHttp2(t, proxy, origin.authority, tls);
		const body = "0123456789abcdef".repeat(60 * 1024);
		t.match(await askHttp2(session, { ":path": "/", ":method": "POST" }, body), { status: 200, body });
		const most = Math.max(...chunksOfTurns.values());
		t.ok(most <= 8, `at most ${most} chunks in one turn`);
	});

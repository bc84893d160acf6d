// Limits of HTTP/2, and losses in conversions between the versions, one test per case.
import { once } from "node:events";
import { performServerHandshake, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import t, { type Test } from "tap";
import { type HttpParts, httpFlow } from "../../fixtures/build-flow.ts";
import { gate } from "../../fixtures/gate.ts";
import { askHttp2, type Http2Answer, openHttp2, startHttp2Origin } from "../../fixtures/http2-peers.ts";
import { type LiveParts, startTestLive } from "../../fixtures/live-proxy.ts";
import { startOrigin } from "../../fixtures/origin-server.ts";
import { Peer } from "../../fixtures/peer.ts";
import { startTestProxy, type TestProxy } from "../../fixtures/running-proxy.ts";
import { writeTape } from "../../fixtures/tape-files.ts";
import { openAuthority } from "../../src/ca/authority.ts";
import { FlowSink } from "../../src/flow/sink.ts";
import { Pipeline } from "../../src/hooks/pipeline.ts";
import { defaults } from "../../src/options.ts";
import type { ProxyEvent } from "../../src/proxy/context/context.ts";
import { ReplayClient, options as replayOptions } from "../../src/proxy/replay-client.ts";

/** Requests a recording from a replay, over HTTP/2 in clear text. */
async function replayed(t: Test, parts: HttpParts, live: Partial<LiveParts> = {}): Promise<Http2Answer> {
	const tape = join(t.testdir(), "a.tape");
	await writeTape(tape, [httpFlow(parts)]);
	const { port } = await startTestLive(t, { recordings: [tape], ...live });
	const session = await openHttp2(t, { tunnel: (to: string) => tunnel(port, to) } as TestProxy, "example.com:80");
	return askHttp2(session, { ":path": "/", ":method": parts.request?.method ?? "GET" });
}

async function tunnel(port: number, to: string): Promise<Peer> {
	const peer = await Peer.to(port);
	await peer.send(`CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\n\r\n`).head();
	return peer;
}

/** The response of an HTTP/1.1 server to the preface. */
const NO_HTTP2 = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";

const leftOut = ({ events }: { events: readonly ProxyEvent[] }) =>
	events.flatMap((event) => (event.kind === "left_out" ? [`${event.of}: ${event.field}`] : []));

t.test("trailers after an empty body, from a recording of either version", async (t) => {
	const trailers = [
		["grpc-status", "7"],
		["grpc-message", "not for you"],
	] as const;
	const want = ["grpc-status", "7", "grpc-message", "not for you"];
	for (const [name, response] of Object.entries({
		grpc: { httpVersion: "HTTP/2.0", reason: "", headers: [["content-type", "application/grpc"]] as const },
		"a length of 0": { httpVersion: "HTTP/2.0", reason: "", headers: [["content-length", "0"]] as const },
		chunks: { httpVersion: "HTTP/1.1", headers: [["Transfer-Encoding", "chunked"]] as const },
	})) {
		const answer = await replayed(t, { response: { ...response, body: "", trailers } });
		t.match(answer, { status: 200, body: "", trailers: want, code: 0 }, name);
	}
	t.match(await replayed(t, { response: { headers: [["grpc-status", "7"]], body: "" } }), {
		fields: ["grpc-status", "7"],
		trailers: null,
		code: 0,
	});
	const head = await replayed(t, { request: { method: "HEAD" }, response: { headers: [], body: "", trailers } });
	t.match(head, { status: 200, code: 0 }, "an answer to HEAD ends with its head");
});

t.test("trailers of an HTTP/2 recording for an HTTP/1.1 client", async (t) => {
	for (const [body, chunks] of [
		["", "0\r\n"],
		["hi", "2\r\nhi\r\n0\r\n"],
	] as const) {
		const tape = join(t.testdir(), "a.tape");
		const headers = [["content-length", String(body.length)]] as const;
		await writeTape(tape, [
			httpFlow({ response: { httpVersion: "HTTP/2.0", headers, body, trailers: [["x-t", "end"]] } }),
		]);
		const { port } = await startTestLive(t, { recordings: [tape], values: { server_replay_reuse: true } });
		for (let i = 0; i < 3; i++) {
			const peer = (await Peer.to(port)).send("GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n");
			t.match((await peer.head()).toLowerCase(), "transfer-encoding: chunked");
			t.equal(await peer.upTo("end\r\n\r\n"), `${chunks}x-t: end\r\n\r\n`);
			peer.close();
		}
		const old = (await Peer.to(port)).send("GET http://example.com/ HTTP/1.0\r\nHost: example.com\r\n\r\n");
		t.notMatch((await old.head()).toLowerCase(), "transfer-encoding", "HTTP/1.0 has no chunks");
		old.close();
	}
});

t.test("trailers after Content-Length: 0, live, for every pair of versions", async (t) => {
	const proxy = await startTestProxy(t);
	const seen: (readonly string[] | null)[] = [];
	const origin = await startHttp2Origin(t, (stream, raw) => {
		if (raw.includes("/none")) {
			stream.respond({ ":status": 200, "content-length": "0" });
			return void stream.end();
		}
		let got: string[] | null = null;
		stream.on("trailers", (_headers: unknown, _flags: unknown, raw: string[]) => {
			got = raw;
		});
		stream.resume();
		stream.on("end", () => {
			seen.push(got);
			stream.respond({ ":status": 200, "content-length": "0" }, { waitForTrailers: true });
			stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "7" }));
			stream.end();
		});
	});
	const session = await openHttp2(t, proxy, origin.authority);
	const asked = { ":method": "POST", ":path": "/x", "content-length": "0", te: "trailers" };
	const answer = await askHttp2(session, asked, (stream) => {
		stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "1" }));
		stream.end();
	});
	t.match(answer, { status: 200, trailers: ["grpc-status", "7"], code: 0 });
	t.strictSame(seen, [["x-sum", "1"]], "also in requests");
	t.match(await askHttp2(session, { ":path": "/none" }), {
		status: 200,
		fields: ["content-length", "0"],
		trailers: null,
		code: 0,
	});
	t.equal((await proxy.flow(0)).response?.trailers?.get("grpc-status"), "7");

	let head = "";
	const old = await startOrigin(t, async (server) => {
		head = await server.head();
		if (head.startsWith("PRI")) return void server.send(NO_HTTP2).close();
		t.equal(await server.upTo("x-sum: 1\r\n\r\n"), "0\r\nx-sum: 1\r\n\r\n");
		server.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-T: end\r\n\r\n");
	});
	const toOld = await openHttp2(t, await startTestProxy(t), `127.0.0.1:${old.port}`);
	const translated = await askHttp2(toOld, asked, (stream) => {
		stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "1" }));
		stream.end();
	});
	t.match(translated, { status: 200, trailers: ["x-t", "end"] });
	t.match(head.toLowerCase(), "transfer-encoding: chunked");
});

t.test("trailers of a recorded request without a body are sent again", async (t) => {
	const seen: string[][] = [];
	const origin = await startHttp2Origin(t, (stream) => {
		stream.on("trailers", (_headers: unknown, _flags: unknown, raw: string[]) => seen.push(raw));
		stream.resume().on("end", () => stream.respond({ ":status": 200 }, { endStream: true }));
	});
	const events: ProxyEvent[] = [];
	const client = new ReplayClient({
		options: defaults(replayOptions),
		pipeline: new Pipeline([]),
		sink: FlowSink.of({ append() {} }),
		onEvent: (event) => events.push(event),
	});
	t.teardown(() => client.close());
	const headers = [
		["content-type", "application/grpc"],
		["bad name", "x"],
		["x-ctl", "a\x01b"],
	] as const;
	const request = { method: "POST", host: "localhost", port: origin.port, httpVersion: "HTTP/2.0", headers, body: "" };
	const trailers = [
		["x-sum", "1"],
		["bad name too", "2"],
		["connection", "close"],
	] as const;
	const flow = await client.send(httpFlow({ request: { ...request, trailers } }));
	t.equal(flow.response?.statusCode, 200, String(flow.error?.message));
	t.strictSame(seen, [["x-sum", "1"]]);
	t.strictSame(leftOut({ events }), ["request: bad name", "request: x-ctl", "request: bad name too"]);
});

t.test("a header that HTTP/2 does not allow is left out, and the response is sent", async (t) => {
	const odd = [
		["bad name", "1"],
		["", "2"],
		["set-cookie", "___utmva=kxh\x01GjQM; path=/"],
		["x-esc", "\x1b[1m"],
		["x-del", "\x7f"],
		[":status", "500"],
		["TE", "gzip"],
		["x-tab", "a\tb"],
		["x-blanks", " a b\t"],
		["x-bytes", "\xe9"],
	] as const;
	const trailers = [
		["bad name", "x"],
		["x-fine", "y"],
		["Transfer-Encoding", "chunked"],
	] as const;
	for (const httpVersion of ["HTTP/1.1", "HTTP/2.0"]) {
		const answer = await replayed(t, { response: { httpVersion, headers: odd, body: "ok", trailers } });
		t.match(answer, { status: 200, body: "ok", code: 0, trailers: ["x-fine", "y"] }, httpVersion);
		t.strictSame(answer.fields, ["x-tab", "a\tb", "x-blanks", "a b", "x-bytes", "\xc3\xa9"]);
	}
});

t.test("the same in requests to servers, and in responses of HTTP/1.1 servers", async (t) => {
	const proxy = await startTestProxy(t, { options: { validate_inbound_headers: false } });
	const origin = await startOrigin(t, async (server) => {
		if ((await server.head()).startsWith("PRI")) return void server.send(NO_HTTP2).close();
		server.send(
			"HTTP/1.1 200 OK\r\nX-Ctl: a\x01b\r\nX-Fine: yes\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Odd: \x02\r\nX-T: 1\r\n\r\n",
		);
	});
	const session = await openHttp2(t, proxy, `127.0.0.1:${origin.port}`);
	t.match(await askHttp2(session, { ":path": "/" }), {
		status: 200,
		fields: ["x-fine", "yes"],
		trailers: ["x-t", "1"],
	});
	t.strictSame(leftOut(proxy), ["response: x-ctl", "response: x-odd"]);
	const [said] = proxy.events.filter((event) => event.kind === "left_out");
	t.match(said, { url: `http://127.0.0.1:${origin.port}/` });
});

/** A server without TLS: the first connections have the given flaws, later ones use HTTP/2. */
async function startFlawed(t: Test, ...flaws: ((socket: Socket, preface: Buffer) => void)[]): Promise<string> {
	let count = 0;
	const server = createServer((socket) => {
		socket.on("error", () => {});
		t.teardown(() => socket.destroy());
		const flaw = flaws[count++];
		if (flaw !== undefined) {
			socket.once("data", (preface) => flaw(socket, preface));
			return;
		}
		const session = performServerHandshake(socket);
		session.on("error", () => {});
		session.on("stream", (stream: ServerHttp2Stream) => {
			stream.on("error", () => {});
			stream.respond({ ":status": 200 });
			stream.end("h2");
		});
	});
	t.teardown(() => server.close());
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const frames = (hex: string) => (socket: Socket) => {
	socket.once("data", () => socket.end());
	socket.write(Buffer.from(hex, "hex"));
};
const says503 = (socket: Socket) =>
	void socket.end("HTTP/1.1 503 Not yet\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");

t.test("after one failure, a server is not treated as HTTP/1.1 forever", async (t) => {
	for (const [name, flaws, statuses] of [
		["a connection that closes", [(socket: Socket) => void socket.destroy()], [502, 200, 200]],
		["a value that SETTINGS cannot have", [frames("000006040000000000000480000000")], [502, 200, 200]],
		["a length that SETTINGS cannot have", [frames("0000050400000000000000000004")], [502, 200, 200]],
		["an answer of something in front", [says503], [502, 200, 200]],
		["two of them", [says503, says503], [503, 502, 200]],
	] as const) {
		const authority = await startFlawed(t, ...flaws);
		const session = await openHttp2(t, await startTestProxy(t), authority);
		for (const [at, status] of statuses.entries())
			t.equal((await askHttp2(session, { ":path": "/" })).status, status, `${name}: request ${at + 1}`);
	}
});

t.test("an HTTP/1.1 server is detected once, however it reacts to the preface", async (t) => {
	for (const refuse of [(socket: Socket) => void socket.end(NO_HTTP2), (socket: Socket) => void socket.destroy()]) {
		let prefaces = 0;
		const server = createServer((socket) => {
			socket.on("error", () => {});
			socket.on("data", (bytes) => {
				if (!bytes.toString("latin1").startsWith("PRI"))
					return void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh1");
				prefaces++;
				refuse(socket);
			});
			t.teardown(() => socket.destroy());
		});
		t.teardown(() => server.close());
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
		const session = await openHttp2(t, await startTestProxy(t), `127.0.0.1:${(server.address() as AddressInfo).port}`);
		for (let i = 0; i < 3; i++) t.match(await askHttp2(session, { ":path": "/" }), { status: 200, body: "h1" });
		t.equal(prefaces, 1);
	}
});

/** The frame of this type with these flags, in the first stream unless told otherwise. */
function frame(type: number, flags: number, payload: Buffer = Buffer.alloc(0), stream = 1): Buffer {
	const head = Buffer.alloc(9);
	head.writeUIntBE(payload.length, 0, 3);
	head[3] = type;
	head[4] = flags;
	head.writeUInt32BE(stream, 5);
	return Buffer.concat([head, payload]);
}

/** Whether the head of the first stream begins in these bytes: the type of its frame, its flags, its stream. */
const isHeadIn = (bytes: Buffer) => [0x04, 0x24].some((flags) => bytes.includes(Buffer.of(1, flags, 0, 0, 0, 1)));

/** `:status: 413`, as a literal. */
const TOO_LARGE = Buffer.concat([Buffer.of(0x08, 3), Buffer.from("413")]);
const RESET_WITHOUT_ERROR = frame(3, 0, Buffer.alloc(4));

t.test("a server that responds during the upload, and resets the stream with NO_ERROR", async (t) => {
	for (const [name, frames, want] of [
		[
			"whole",
			[frame(1, 4, TOO_LARGE), frame(0, 1, Buffer.from("too large")), RESET_WITHOUT_ERROR],
			{ status: 413, body: "too large", code: 0 },
		],
		["a head alone", [frame(1, 5, TOO_LARGE), RESET_WITHOUT_ERROR], { status: 413, body: "", code: 0 }],
		[
			"as long as it said",
			[
				frame(1, 4, Buffer.concat([TOO_LARGE, Buffer.of(0x0f, 0x0d, 1), Buffer.from("3")])),
				frame(0, 0, Buffer.from("too")),
				RESET_WITHOUT_ERROR,
			],
			{ status: 413, body: "too", code: 0 },
		],
		[
			"but not its end",
			[frame(1, 4, TOO_LARGE), frame(0, 0, Buffer.from("too")), RESET_WITHOUT_ERROR],
			{ status: 502, code: 0 },
		],
	] as const) {
		const server = createServer((socket) => {
			socket.on("error", () => {});
			t.teardown(() => socket.destroy());
			socket.write(frame(4, 0, undefined, 0));
			socket.write(frame(4, 1, undefined, 0));
			let isAnswered = false;
			socket.on("data", (bytes) => {
				if (isAnswered || !isHeadIn(bytes)) return;
				isAnswered = true;
				socket.write(Buffer.concat(frames));
			});
		});
		t.teardown(() => server.close());
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
		const proxy = await startTestProxy(t, { options: { stream_large_bodies: 1000 } });
		const session = await openHttp2(t, proxy, `127.0.0.1:${(server.address() as AddressInfo).port}`);
		const answer = await askHttp2(
			session,
			{ ":method": "POST", ":path": "/", "content-length": "200000" },
			(stream) => {
				stream.on("wantTrailers", () => stream.sendTrailers({}));
				stream.write(Buffer.alloc(50_000));
				// the rest is sent after the response
				stream.once("response", () => stream.end(Buffer.alloc(150_000)));
			},
		);
		t.match(answer, want, name);
		t.equal((await proxy.flow(0)).error === null, want.status === 413);
	}
});

t.test("requests that are cancelled at once cause no connections to the server", async (t) => {
	const origin = await startHttp2Origin(t, (stream) => stream.respond({ ":status": 200 }, { endStream: true }));
	const proxy = await startTestProxy(t);
	const session = await openHttp2(t, proxy, origin.authority);
	const raw = await proxy.tunnel(origin.authority);
	const head = Buffer.concat([
		Buffer.of(0x82, 0x86, 0x84, 0x41, origin.authority.length),
		Buffer.from(origin.authority),
	]);
	const asked = Array.from({ length: 100 }, (_, i) => [
		frame(1, 5, head, 2 * i + 1),
		frame(3, 0, Buffer.of(0, 0, 0, 8), 2 * i + 1),
	]).flat();
	raw.send(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(4, 0, undefined, 0), ...asked]));
	t.match((await proxy.flow(99)).error, { message: /Client disconnected/ });
	t.match(await askHttp2(session, { ":path": "/last" }), { status: 200 });
	t.ok(origin.sockets.length <= 2, `${origin.sockets.length} connections`);
});

t.test("an early response ends before its client is told not to send the rest of the request", async (t) => {
	const rest = gate();
	const origin = await startHttp2Origin(t, (stream) => {
		stream.respond({ ":status": 200, "content-type": "text/event-stream" });
		stream.write("early");
		void rest.opened.then(() => stream.end());
	});
	const proxy = await startTestProxy(t);
	const client = await proxy.tunnel(origin.authority);
	const head = Buffer.concat([
		Buffer.of(0x83, 0x86, 0x84, 0x41, origin.authority.length),
		Buffer.from(origin.authority),
		// with Expect, the head is forwarded before the body
		Buffer.of(0x0f, 0x14, "100-continue".length),
		Buffer.from("100-continue"),
	]);
	const settings = frame(4, 0, undefined, 0);
	client.send(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), settings, frame(1, 4, head, 1)]));
	await client.upTo("early");
	rest.open();
	const frames = await client.upTo(frame(3, 0, Buffer.alloc(4), 1).latin1Slice());
	t.ok(frames.includes(frame(0, 1, undefined, 1).latin1Slice()), "END_STREAM comes before RST_STREAM (NO_ERROR)");
});

t.test("ALPN offers the version that was recorded for the host", async (t) => {
	const tape = join(t.testdir(), "a.tape");
	const recorded = (host: string, httpVersion: string) =>
		httpFlow({ request: { scheme: "https", host, httpVersion }, response: { httpVersion } });
	await writeTape(tape, [
		recorded("old.example", "HTTP/1.1"),
		recorded("new.example", "HTTP/2.0"),
		recorded("both.example", "HTTP/1.1"),
		recorded("both.example", "HTTP/2.0"),
	]);
	for (const server_replay_alpn of ["any", "recorded"] as const) {
		const { port, authority } = await startTestLive(t, { recordings: [tape], values: { server_replay_alpn } });
		const chosen: unknown[] = [];
		for (const servername of ["old.example", "new.example", "both.example", "other.example"]) {
			const peer = await (await tunnel(port, `${servername}:443`)).secure({
				ca: authority.certificatePem,
				servername,
				ALPNProtocols: ["h2", "http/1.1"],
			});
			chosen.push((peer.socket as TLSSocket).alpnProtocol);
			peer.close();
		}
		t.strictSame(chosen, [server_replay_alpn === "any" ? "h2" : "http/1.1", "h2", "h2", "h2"]);
	}
});

t.test("a request with two hosts is rejected before any rule runs", async (t) => {
	const proxy = await startTestProxy(t);
	const origin = await startHttp2Origin(t, (stream) => stream.respond({ ":status": 200 }, { endStream: true }));
	const session = await openHttp2(t, proxy, origin.authority);
	t.match(await askHttp2(session, { ":path": "/", ":authority": origin.authority, host: "secret.example" }), {
		status: 400,
	});
	t.match(await askHttp2(session, { ":path": "/", ":authority": origin.authority, host: origin.authority }), {
		status: 200,
	});
	t.match(
		await askHttp2(session, { ":path": "/", ":authority": "LOCALHOST", host: "localhost:80" }),
		{ status: 200 },
		"a port that need not be named",
	);
	t.match(await askHttp2(session, { ":path": "/", ":authority": "localhost:443", host: "localhost" }), { status: 400 });
	const lenient = await openHttp2(
		t,
		await startTestProxy(t, { options: { validate_inbound_headers: false } }),
		origin.authority,
	);
	t.match(
		await askHttp2(lenient, { ":path": "/", ":authority": origin.authority, host: "secret.example" }),
		{ status: 400 },
		"that has two meanings",
	);
	t.match(
		await askHttp2(session, { ":path": "/", ":authority": `u@${origin.authority}` }),
		{ status: 400 },
		"a server of HTTP/1.1 would get it as Host",
	);
});

t.test("an invalid first frame fails immediately, also over TLS", async (t) => {
	const authority = await openAuthority(t.testdir());
	const secureContext = authority.leafFor({ sni: "localhost", host: "localhost" }).context;
	for (const bytes of ["0000050400000000000000000004", "000006040000000000000480000000", "000001070000000000ff"]) {
		const origin = await startOrigin(
			t,
			async (server) => {
				await server.take(24);
				server.send(Buffer.from(bytes, "hex"));
			},
			{ host: "localhost", tls: { secureContext, ALPNProtocols: ["h2"] } },
		);
		const proxy = await startTestProxy(t, {
			authority,
			options: { ssl_verify_upstream_trusted_ca: authority.certificateFile, connection_strategy: "lazy" },
		});
		const session = await openHttp2(t, proxy, `localhost:${origin.port}`, { authority });
		t.match(await askHttp2(session, { ":path": "/" }), { status: 502 }, bytes);
	}
});

const SETTINGS = "000000040000000000";
const SETTINGS_ACK = "000000040100000000";

/**
 * An origin in HTTP/2 that answers each request with `answer`, frames in hexadecimal digits, and takes no notice of a
 * GOAWAY.
 */
async function framesOrigin(t: Test, answer: (asked: number, stream: string) => string) {
	let asked = 0;
	return startOrigin(t, async (client) => {
		const say = (hex: string) => client.send(Buffer.from(hex, "hex"));
		await client.take(24);
		say(SETTINGS);
		for (;;) {
			const head = await client.take(9);
			if (head.readUIntBE(0, 3) > 0) await client.take(head.readUIntBE(0, 3));
			if (head[3] === 1) say(answer(++asked, head.toString("hex", 5)));
			if (head[3] === 4 && head[4] === 0) say(SETTINGS_ACK);
		}
	});
}

/** HEADERS with `:status` 200 that end the stream. */
const whole = (stream: string) => `0000010105${stream}88`;

t.test(
	"an invalid frame fails requests in progress even if the connection stays open, and the next request gets a new one",
	async (t) => {
		for (const [name, broken] of Object.entries({
			"fields that cannot be decoded": (stream: string) => `0000040105${stream}ffffffff`,
			"a PING of three bytes": () => "000003060000000000616263",
			"padding that is longer than its frame": (stream: string) => `0000010104${stream}880000030009${stream}ff6f6b`,
		})) {
			const origin = await framesOrigin(t, (asked, stream) => (asked === 2 ? broken(stream) : whole(stream)));
			const session = await openHttp2(t, await startTestProxy(t), origin.authority);
			t.match(await askHttp2(session, { ":path": "/1" }), { status: 200 }, name);
			t.match(
				await askHttp2(session, { ":path": "/2", ":method": "POST" }),
				{ status: 502, body: /invalid frame/ },
				name,
			);
			t.match(await askHttp2(session, { ":path": "/3" }), { status: 200 }, name);
			t.equal(origin.connections.length, 2);
		}
	},
);

/** SETTINGS_MAX_CONCURRENT_STREAMS of 0 and of 8. */
const NO_STREAMS = "000006040000000000000300000000";
const EIGHT_STREAMS = "000006040000000000000300000008";

t.test("a server that accepts no request fails it within the time limit", async (t) => {
	const authority = await openAuthority(t.testdir());
	const secureContext = authority.leafFor({ sni: "localhost", host: "localhost" }).context;
	const tls = { secureContext, ALPNProtocols: ["h2"] };
	for (const [first, isSecure, why] of [
		["", false, /sent no SETTINGS frame within 1 s/],
		[NO_STREAMS, false, /SETTINGS_MAX_CONCURRENT_STREAMS is 0, within 1 s/],
		["", true, /sent nothing for 1 s/],
		[NO_STREAMS, true, /sent nothing for 1 s/],
	] as const) {
		const origin = await startOrigin(
			t,
			async (server) => {
				await server.take(24);
				server.send(Buffer.from(first, "hex"));
			},
			{ host: "localhost", ...(isSecure && { tls }) },
		);
		const proxy = await startTestProxy(t, {
			authority,
			options: {
				ssl_verify_upstream_trusted_ca: authority.certificateFile,
				connection_strategy: "lazy",
				connect_timeout: 1,
				tcp_timeout: 1,
			},
		});
		const session = await openHttp2(t, proxy, `localhost:${origin.port}`, isSecure ? { authority } : {});
		const answers = await Promise.all(["/1", "/2"].map((path) => askHttp2(session, { ":path": path })));
		for (const answer of answers) t.match(answer, { status: 502, body: why });
		t.match((await proxy.flow(0)).error, { message: why });
	}
});

t.test("a request waits for a server that accepts none yet", async (t) => {
	let acknowledged = 0;
	const origin = await startOrigin(t, async (client) => {
		const say = (hex: string) => client.send(Buffer.from(hex, "hex"));
		await client.take(24);
		say(NO_STREAMS);
		for (;;) {
			const head = await client.take(9);
			if (head.readUIntBE(0, 3) > 0) await client.take(head.readUIntBE(0, 3));
			if (head[3] === 4 && head[4] === 1 && ++acknowledged === 1) say(EIGHT_STREAMS);
			if (head[3] === 1) say(acknowledged > 0 ? whole(head.toString("hex", 5)) : "");
		}
	});
	const session = await openHttp2(t, await startTestProxy(t), origin.authority);
	t.match(await askHttp2(session, { ":path": "/" }), { status: 200 });
	t.equal(origin.connections.length, 1);
});

t.test("trailers of a response without a body are recorded, although Node cannot send them", async (t) => {
	const trailers = (stream: string) => `0000070105${stream}0003782d740131`;
	const statuses = ["89", "8b", "88"];
	const origin = await framesOrigin(
		t,
		(asked, stream) => `0000010104${stream}${statuses[asked - 1]}${trailers(stream)}`,
	);
	const proxy = await startTestProxy(t);
	const session = await openHttp2(t, proxy, origin.authority);
	for (const [n, [method, status]] of [
		["GET", 204] as const,
		["GET", 304] as const,
		["HEAD", 200] as const,
	].entries()) {
		t.match(await askHttp2(session, { ":path": "/", ":method": method }), { status, trailers: null, code: 0 });
		const { response, error } = await proxy.flow(n);
		t.same(response?.trailers?.fields, ["x-t", "1"], `${method} ${status}`);
		t.equal(error, null);
	}
});

t.test("a slow response is waited for", async (t) => {
	const origin = await startHttp2Origin(t, (stream, raw) => {
		if (raw.includes("/parts")) {
			stream.respond({ ":status": 200 });
			stream.write("first, ");
		}
		setTimeout(() => {
			if (!stream.headersSent) stream.respond({ ":status": 200 });
			stream.end("late");
		}, 2500);
	});
	const session = await openHttp2(t, await startTestProxy(t), origin.authority);
	const answers = await Promise.all(["/whole", "/parts"].map((path) => askHttp2(session, { ":path": path })));
	t.match(answers, [
		{ status: 200, body: "late" },
		{ status: 200, body: "first, late" },
	]);
	t.equal(origin.sessions.length, 1);
});

t.test("a status below 100 is an error of the server", async (t) => {
	const status = (digits: string, stream: string) => `0000050104${stream}0803${Buffer.from(digits).toString("hex")}`;
	const origin = await framesOrigin(t, (asked, stream) =>
		asked < 3 ? `${asked === 2 ? status("103", stream) : ""}${status("099", stream)}` : whole(stream),
	);
	const session = await openHttp2(t, await startTestProxy(t), origin.authority);
	t.match(await askHttp2(session, { ":path": "/1" }), { status: 502, body: /status/ });
	t.match(await askHttp2(session, { ":path": "/2" }), { status: 502, body: /status/, interim: [103] });
	t.match(await askHttp2(session, { ":path": "/3" }), { status: 200 });
});

/** GOAWAY: no stream after `last` was or will be processed. */
const goAway = (last: string, code: number) => `0000080700${"00000000"}${last}${code.toString(16).padStart(8, "0")}`;

t.test("requests that were not processed according to GOAWAY are sent again", async (t) => {
	const [NONE, FIRST] = ["00000000", "00000001"];
	const [NO_ERROR, INTERNAL_ERROR, CALM] = [0, 2, 11];
	for (const method of ["POST", "GET"])
		for (const code of [NO_ERROR, INTERNAL_ERROR, CALM])
			for (const isFirst of [true, false]) {
				const away = isFirst ? 1 : 2;
				const origin = await framesOrigin(t, (asked, stream) =>
					asked === away ? goAway(isFirst ? NONE : FIRST, code) : whole(stream),
				);
				const session = await openHttp2(t, await startTestProxy(t), origin.authority);
				if (!isFirst) t.match(await askHttp2(session, { ":path": "/warm" }), { status: 200 });
				const name = `${method} ${code} ${isFirst}`;
				t.match(
					await askHttp2(session, { ":path": "/x", ":method": method }, method === "POST" ? "body" : undefined),
					{ status: 200 },
					name,
				);
				t.equal(origin.connections.length, 2, name);
			}
});

t.test("requests that may have been processed are not sent again, and none is retried forever", async (t) => {
	const acted = await framesOrigin(t, (asked, stream) => (asked === 1 ? goAway(stream, 2) : whole(stream)));
	const session = await openHttp2(t, await startTestProxy(t), acted.authority);
	t.match(await askHttp2(session, { ":path": "/x", ":method": "POST" }, "body"), {
		status: 502,
		body: /it sent GOAWAY \(INTERNAL_ERROR\)/,
	});
	t.equal(acted.connections.length, 1);
	const tired = await framesOrigin(t, () => goAway("00000000", 11));
	const other = await openHttp2(t, await startTestProxy(t), tired.authority);
	t.match(await askHttp2(other, { ":path": "/x", ":method": "POST" }, "body"), { status: 502 });
	t.equal(tired.connections.length, 2);
});

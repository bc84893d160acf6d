// Exchanges of HTTP/2 clients with servers of either version.
import { type ClientHttp2Stream, connect } from "node:http2";
import t, { type Test } from "tap";
import { gate } from "../../../../fixtures/gate.ts";
import { askHttp2, echo, openHttp2, startHttp2Origin } from "../../../../fixtures/http2-peers.ts";
import { answering, ok, readingLate, startOrigin } from "../../../../fixtures/origin-server.ts";
import { startTestProxy } from "../../../../fixtures/running-proxy.ts";
import { standstill } from "../../../../fixtures/standstill.ts";
import { type CertificateAuthority, openAuthority } from "../../../../src/ca/authority.ts";
import type { Hook } from "../../../../src/hooks/hook.ts";

const authorities = new WeakMap<Test, CertificateAuthority>();

/** A proxy that trusts `authority`, which is also its own authority. */
async function world(t: Test, hooks: readonly Hook[] = []) {
	const authority = authorities.get(t) ?? (await openAuthority(t.testdir()));
	authorities.set(t, authority);
	const options = { ssl_verify_upstream_trusted_ca: authority.certificateFile };
	return { authority, proxy: await startTestProxy(t, { authority, options, hooks }) };
}

t.test("request and response are forwarded and recorded unchanged", async (t) => {
	const { authority, proxy } = await world(t);
	let seen: string[] = [];
	const origin = await startHttp2Origin(
		t,
		(stream, raw) => {
			seen = raw;
			stream.respond({ ":status": 201, "x-b": "1", "x-a": "2", "set-cookie": ["a=1", "b=2"] }, {
				sendDate: false,
			} as object);
			stream.end("hi");
		},
		{ authority },
	);
	const session = await openHttp2(t, proxy, origin.authority, { authority });
	const answer = await askHttp2(session, { ":path": "/p?q=1", "x-b": "1", "x-a": "2", cookie: ["a=1", "b=2"] });
	t.match(answer, {
		status: 201,
		fields: ["x-b", "1", "x-a", "2", "set-cookie", "a=1", "set-cookie", "b=2"],
		body: "hi",
	});
	const fields = ["x-b", "1", "x-a", "2", "cookie", "a=1", "cookie", "b=2"];
	t.strictSame(seen, [
		":method",
		"GET",
		":scheme",
		"https",
		":authority",
		origin.authority,
		":path",
		"/p?q=1",
		...fields,
	]);
	const flow = await proxy.flow(0);
	t.match(flow.request, {
		httpVersion: "HTTP/2.0",
		method: "GET",
		scheme: "https",
		host: "localhost",
		port: origin.port,
		path: "/p?q=1",
	});
	t.equal(flow.request.authority, origin.authority);
	t.strictSame(flow.request.headers.fields, fields);
	t.match(flow.response, { httpVersion: "HTTP/2.0", statusCode: 201, reason: "" });
	t.equal(flow.response?.text, "hi");
	t.match([flow.clientConn.alpn, flow.serverConn.alpn], ["h2", "h2"]);
	t.ok(flow.error === null && (flow.response?.timestampEnd ?? 0) >= flow.request.timestampStart);
});

t.test("to an HTTP/1.1 server, which is detected before the client's handshake or afterwards", async (t) => {
	for (const connection_strategy of ["eager", "lazy"] as const) {
		const { authority } = await world(t);
		const secureContext = authority.leafFor({ sni: "localhost", host: "localhost" }).context;
		const heads: string[] = [];
		const origin = await startOrigin(
			t,
			async (server) => {
				for (;;) {
					heads.push(await server.head());
					if (heads.at(-1)?.startsWith("POST"))
						t.equal(await server.upTo("0\r\nx-t: 1\r\n\r\n"), "3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n");
					server.send(
						"HTTP/1.1 200 OK\r\nX-Case: Yes\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n2\r\nhi\r\n0\r\nX-End: 1\r\n\r\n",
					);
				}
			},
			{ host: "localhost", tls: { secureContext, ALPNProtocols: ["http/1.1"] } },
		);
		const options = { ssl_verify_upstream_trusted_ca: authority.certificateFile, connection_strategy };
		const proxy = await startTestProxy(t, { authority, options });
		const session = await openHttp2(t, proxy, `localhost:${origin.port}`, { authority });
		const asked = { ":path": "/", cookie: ["a=1", "b=2"], te: "trailers" };
		t.match(await askHttp2(session, asked), {
			status: 200,
			fields: ["x-case", "Yes"],
			body: "hi",
			trailers: ["x-end", "1"],
		});
		await askHttp2(session, { ":method": "POST", ":path": "/" }, (stream) => {
			stream.on("wantTrailers", () => stream.sendTrailers({ "x-t": "1" }));
			stream.end("abc");
		});
		t.equal(
			heads[0],
			`GET / HTTP/1.1\r\nHost: localhost:${origin.port}\r\ncookie: a=1; b=2\r\nte: trailers\r\n\r\n`,
			connection_strategy,
		);
		t.match(heads[1], "transfer-encoding: chunked");
		const flow = await proxy.flow(1);
		t.match(
			[flow.request.httpVersion, flow.response?.httpVersion, flow.response?.reason],
			["HTTP/2.0", "HTTP/1.1", "OK"],
		);
		t.strictSame(flow.request.trailers?.fields, ["x-t", "1"]);
		t.strictSame(flow.response?.trailers?.fields, ["X-End", "1"]);
	}
});

t.test("all kinds of gRPC calls, with their trailers", async (t) => {
	const { authority, proxy } = await world(t);
	const origin = await startHttp2Origin(
		t,
		(stream, raw) => {
			if (raw.includes("/only")) return stream.respond({ ":status": 200, "grpc-status": "5" }, { endStream: true });
			stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
			stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
			// Echoes everything at once.
			stream.on("data", (chunk: Buffer) => stream.write(chunk));
			stream.on("end", () => stream.end());
		},
		{ authority },
	);
	const session = await openHttp2(t, proxy, origin.authority, { authority });
	const call = { ":method": "POST", "content-type": "application/grpc", te: "trailers" };
	const unary = await askHttp2(session, { ...call, ":path": "/unary" }, "m");
	t.match(unary, { status: 200, body: "m", trailers: ["grpc-status", "0"], code: 0 });
	const both = await askHttp2(session, { ...call, ":path": "/both" }, (stream) => {
		stream.on("wantTrailers", () => stream.sendTrailers({}));
		stream.write("m0");
		let messages = 1;
		// The next message is sent only after the previous one has come back.
		stream.on("data", () => (messages === 4 ? stream.end() : stream.write(`m${messages++}`)));
	});
	t.match(both, { body: "m0m1m2m3", trailers: ["grpc-status", "0"] });
	t.match(await askHttp2(session, { ...call, ":path": "/only" }, "m"), {
		status: 200,
		fields: ["grpc-status", "5"],
		trailers: null,
		code: 0,
	});
	const flow = await proxy.flow(1);
	t.equal(flow.request.text, "m0m1m2m3");
	t.strictSame(flow.response?.trailers?.fields, ["grpc-status", "0"]);
});

t.test("bodies larger than all windows, in both directions and concurrently", async (t) => {
	const { authority, proxy } = await world(t);
	const origin = await startHttp2Origin(t, echo, { authority });
	const session = await openHttp2(t, proxy, origin.authority, { authority });
	const sizes = [3_000_000, 5_000_000, 100_000, 8_000_000];
	const answers = await Promise.all(
		sizes.map((size, i) => askHttp2(session, { ":method": "POST", ":path": "/" }, String(i).repeat(size))),
	);
	for (const [i, size] of sizes.entries())
		t.ok(answers[i]?.body === String(i).repeat(size), `${size} bytes`, {
			code: answers[i]?.code,
			size: answers[i]?.body.length,
		});
});

t.test("a client that does not read applies back-pressure to the server", async (t) => {
	const { authority, proxy } = await world(t);
	let sent = 0;
	const begun = gate();
	const origin = await startHttp2Origin(
		t,
		(stream) => {
			stream.respond({ ":status": 200 });
			const chunk = Buffer.alloc(64 * 1024);
			const more = (): void => {
				if (sent >= 200e6) return void stream.end();
				do sent += chunk.length;
				while (stream.write(chunk));
			};
			stream.on("drain", more);
			more();
			begun.open();
		},
		{ authority },
	);
	const session = await openHttp2(t, proxy, origin.authority, { authority });
	const stream = session.request({ ":path": "/" });
	stream.on("error", () => {});
	await begun.opened;
	await standstill(() => sent);
	t.ok(sent > 1e6 && sent < 20e6, `${sent} bytes are under way`);
	stream.close();
});

t.test("early hints, and Expect", async (t) => {
	const { authority, proxy } = await world(t);
	const origin = await startHttp2Origin(
		t,
		(stream, raw) => {
			if (raw.includes("expect")) stream.additionalHeaders({ ":status": 100 });
			stream.additionalHeaders({ ":status": 103, link: "</a>" });
			stream.respond({ ":status": 200 });
			stream.end();
		},
		{ authority },
	);
	const session = await openHttp2(t, proxy, origin.authority, { authority });
	t.match(await askHttp2(session, { ":path": "/" }), { interim: [103], status: 200 });
	t.match(await askHttp2(session, { ":method": "POST", ":path": "/", expect: "100-continue" }, "x"), {
		interim: [100, 103],
		status: 200,
	});
});

t.test("responses without a body", async (t) => {
	const { authority, proxy } = await world(t);
	const origin = await startHttp2Origin(
		t,
		(stream, raw) =>
			stream.respond(
				{ ":status": Number(raw[raw.indexOf(":path") + 1]?.slice(1)), "content-length": "5" },
				{ endStream: true },
			),
		{ authority },
	);
	const session = await openHttp2(t, proxy, origin.authority, { authority });
	for (const [method, status] of [
		["HEAD", 200],
		["GET", 304],
	] as const)
		t.match(await askHttp2(session, { ":method": method, ":path": `/${status}` }), {
			status,
			fields: ["content-length", "5"],
			body: "",
			code: 0,
		});
});

t.test("a client's reset is recorded, and forwarded to the server", async (t) => {
	const { authority, proxy } = await world(t);
	const asked = gate();
	const codes: number[] = [];
	const closed = gate();
	const origin = await startHttp2Origin(
		t,
		(stream) => {
			stream.on("close", () => {
				codes.push(stream.rstCode);
				closed.open();
			});
			stream.resume();
			asked.open();
		},
		{ authority },
	);
	const session = await openHttp2(t, proxy, origin.authority, { authority });
	const stream = session.request(
		{ ":method": "POST", ":path": "/", "content-type": "application/grpc" },
		{ endStream: false },
	);
	stream.on("error", () => {});
	stream.write("x");
	await asked.opened;
	stream.close(8);
	await closed.opened;
	t.strictSame(codes, [8]);
	t.match((await proxy.flow(0)).error, { message: "Client disconnected (CANCEL)." });
	t.match(
		await askHttp2(session, { ":path": "/" }, (next) => setTimeout(() => next.close(8), 50)),
		{ code: 8 },
		"the connection lives on",
	);
});

t.test("hooks answer, abort, and change messages", async (t) => {
	const { Response } = await import("../../../../src/flow/message.ts");
	const { Headers } = await import("../../../../src/flow/headers.ts");
	const hook: Hook = {
		name: "test",
		needs: { request: true, response: true },
		request(flow, decision) {
			const { path } = flow.request;
			if (path === "/answer") {
				const headers = new Headers(["Connection", "close", "X-By", "hook", "Content-Length", "99"]);
				decision.answer(
					new Response({
						statusCode: 203,
						reason: "Odd",
						headers,
						body: Buffer.from("from a hook"),
						trailers: new Headers(["X-T", "1"]),
					}),
					"test",
				);
			} else if (path === "/illegal") decision.answer(new Response({ statusCode: 700 }), "test");
			else if (path === "/abort") decision.abort("no", "test");
			else flow.request.text = flow.request.text?.toUpperCase() ?? null;
		},
		response(flow) {
			if (flow.request.path === "/change" && flow.response !== null)
				flow.response.text = `${flow.response.text} changed`;
		},
	};
	const { authority, proxy } = await world(t, [hook]);
	const origin = await startHttp2Origin(t, echo, { authority });
	const session = await openHttp2(t, proxy, origin.authority, { authority });
	const answered = await askHttp2(session, { ":path": "/answer" });
	t.match(answered, {
		status: 203,
		fields: ["x-by", "hook", "content-length", "11"],
		body: "from a hook",
		trailers: ["x-t", "1"],
	});
	t.match(await askHttp2(session, { ":method": "POST", ":path": "/change", "content-length": "1" }, "x"), {
		body: "X changed",
	});
	t.match(await askHttp2(session, { ":path": "/illegal" }), { status: 502, body: /cannot be sent over HTTP\/2/ });
	t.match(await askHttp2(session, { ":path": "/abort" }), { status: 0, code: 2 });
	t.match(await askHttp2(session, { ":method": "POST", ":path": "/" }, "y"), { body: "Y" }, "the connection lives on");
	t.match((await proxy.flow(3)).error, { message: "no" });
});

t.test("a response before the request is complete ends the stream", async (t) => {
	const { authority, proxy } = await world(t);
	const origin = await startHttp2Origin(
		t,
		(stream) => {
			stream.respond({ ":status": 413 });
			stream.end("too much");
		},
		{ authority },
	);
	const session = await openHttp2(t, proxy, origin.authority, { authority });
	const answer = await askHttp2(
		session,
		{ ":method": "POST", ":path": "/", "content-type": "application/grpc" },
		(stream) => {
			stream.write("x");
			stream.on("end", () => stream.close(0));
		},
	);
	t.match(answer, { status: 413, body: "too much" });
	t.match(await proxy.flow(0), { error: null, response: { statusCode: 413 } });
});

t.test("streams without a valid request", async (t) => {
	const { authority, proxy } = await world(t);
	const origin = await startHttp2Origin(t, () => t.fail("nothing gets through"), { authority });
	const session = await openHttp2(t, proxy, origin.authority, { authority });
	t.match(
		await askHttp2(session, { ":method": "CONNECT", ":authority": "example.com:443" }, (stream) => stream.end()),
		{ status: 400, body: /CONNECT/ },
	);
	t.equal(proxy.flows.length, 0);
});

t.test("an unreachable server causes an error response in its stream only", async (t) => {
	const { authority, proxy } = await world(t);
	const origin = await startOrigin(t, () => {});
	origin.close();
	const session = await openHttp2(t, proxy, `localhost:${origin.port}`, { authority });
	t.match(await askHttp2(session, { ":path": "/" }), { status: 502, body: /^flowtape: .*refused/ });
	t.match(await askHttp2(session, { ":path": "/", ":method": "HEAD" }), { status: 502, body: "" });
	t.match((await proxy.flow(1)).error?.message, /refused/);
});

t.test("an HTTP/1.1 client and a server that supports only HTTP/2", async (t) => {
	const { authority, proxy } = await world(t);
	let seen: string[] = [];
	const origin = await startHttp2Origin(
		t,
		(stream, raw) => {
			seen = raw;
			if (raw.includes("/reset")) {
				stream.respond({ ":status": 200 }, { waitForTrailers: true });
				stream.write("half");
				return void stream.on("data", () => {}).on("end", () => stream.close(8));
			}
			stream.respond({ ":status": 404, "x-a": "1" }, { waitForTrailers: true, sendDate: false } as object);
			stream.on("wantTrailers", () => stream.sendTrailers({ "x-end": "1" }));
			stream.end("gone");
		},
		{ authority },
	);
	const peer = await (await proxy.tunnel(origin.authority)).secure({
		ca: authority.certificatePem,
		servername: "localhost",
	});
	peer.send(
		`POST /x HTTP/1.1\r\nHost: ${origin.authority}\r\nConnection: keep-alive\r\nCookie: a=1; b=2\r\nContent-Length: 2\r\n\r\nhi`,
	);
	t.equal(await peer.upTo("\r\n\r\n"), "HTTP/1.1 404 Not Found\r\nx-a: 1\r\ntransfer-encoding: chunked\r\n\r\n");
	t.equal(await peer.upTo("\r\n\r\n"), "4\r\ngone\r\n0\r\nx-end: 1\r\n\r\n");
	const fields = ["cookie", "a=1", "cookie", "b=2", "content-length", "2"];
	t.strictSame(seen, [":method", "POST", ":scheme", "https", ":authority", origin.authority, ":path", "/x", ...fields]);
	peer.send(`GET /reset HTTP/1.1\r\nHost: ${origin.authority}\r\n\r\n`);
	t.notMatch(await peer.rest(), "0\r\n\r\n", "a body that is not whole does not look so");
	t.match((await proxy.flow(1)).error, { message: "the server reset the stream (CANCEL)" });
});

t.test("http2=false: HTTP/2 is not offered to either side", async (t) => {
	const { authority } = await world(t);
	const options = { ssl_verify_upstream_trusted_ca: authority.certificateFile, http2: false };
	const proxy = await startTestProxy(t, { authority, options });
	const secureContext = authority.leafFor({ sni: "localhost", host: "localhost" }).context;
	const origin = await startOrigin(
		t,
		answering(() => ok("hi")),
		{ host: "localhost", tls: { secureContext, ALPNProtocols: ["h2", "http/1.1"] } },
	);
	const tunnel = await proxy.tunnel(`localhost:${origin.port}`);
	const peer = await tunnel.secure({
		ca: authority.certificatePem,
		servername: "localhost",
		ALPNProtocols: ["h2", "http/1.1"],
	});
	t.equal((await peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").message()).body.toString(), "hi");
	t.match([(await proxy.flow(0)).clientConn.alpn, (await proxy.flow(0)).serverConn.alpn], ["http/1.1", "http/1.1"]);
	const { socket } = await proxy.tunnel(`localhost:${origin.port}`);
	const session = connect("http://localhost", { createConnection: () => socket });
	await new Promise<void>((resolve) => session.on("error", () => resolve()));
	t.match((await proxy.event("client_error")).message, /HTTP\/2/, "not even by those who do not ask");
});

t.test(
	"a server that does not read applies back-pressure to the client, and gets the whole body in the end",
	async (t) => {
		const size = 40_000_000;
		const released = gate();
		const origin = await startOrigin(t, readingLate(size, released.opened));
		const proxy = await startTestProxy(t, { options: { stream_large_bodies: 1 } });
		const session = await openHttp2(t, proxy, origin.authority);
		let stream: ClientHttp2Stream | undefined;
		const answer = askHttp2(session, { ":method": "PUT", ":path": "/", "content-length": size }, (opened) => {
			stream = opened;
			opened.end(Buffer.alloc(size, "x"));
		});
		const left = await standstill(() => stream?.writableLength ?? 0);
		t.ok(left > 0 || (stream?.session?.state.outboundQueueSize ?? 0) > 0, "not all of it has gone");
		released.open();
		t.match(await answer, { status: 200, body: "thanks" });
	},
);

// One request and its response: hooks and their decisions, forwarding, and the end.
import t from "tap";
import { answering, ask, type Conversation, ok, startOrigin } from "../../../../fixtures/origin-server.ts";
import { startTestProxy } from "../../../../fixtures/running-proxy.ts";
import type { HttpFlow } from "../../../../src/flow/flow.ts";
import { Headers } from "../../../../src/flow/headers.ts";
import { Response } from "../../../../src/flow/message.ts";
import type { Decision } from "../../../../src/hooks/decision.ts";
import type { Hook, Phase } from "../../../../src/hooks/hook.ts";

const phases = ["requestheaders", "request", "responseheaders", "response", "error"] as const;

/** A hook that records each phase, and the bodies at that time. */
function noting(noted: string[], needs: Hook["needs"] = { request: true, response: true }): Hook {
	const note = (phase: Phase) => (flow: HttpFlow) => {
		noted.push(`${phase} ${flow.request.text ?? "-"} ${flow.response?.text ?? "-"}`);
	};
	return { name: "noting", needs: needs ?? {}, ...Object.fromEntries(phases.map((phase) => [phase, note(phase)])) };
}

/** Bodies are streamed, and recorded all the same. */
const passing = { stream_large_bodies: 0, store_streamed_bodies: true };

t.test("head, fields and body are forwarded unchanged in both directions, and recorded", async (t) => {
	const request = [
		"User-AGENT: x",
		"X-B: 2",
		"x-a:  spaced \t",
		"X-B:",
		"x-bytes: \x80\xff",
		"Proxy-Connection: keep-alive",
		"Connection: x-b",
	];
	const response = [
		"sErVer: y",
		"Set-Cookie: a=1",
		"set-cookie: b=2",
		"X-Empty:",
		"X-Bytes: \xfe",
		"Connection: keep-alive",
		"Keep-Alive: timeout=5",
	];
	const body = Buffer.from(Array.from({ length: 256 }, (_, i) => i)).latin1Slice();
	const origin = await startOrigin(
		t,
		answering((head, sent) => {
			const lines = ["User-AGENT: x", "X-B: 2", "x-a: spaced", "X-B: ", "x-bytes: \x80\xff", "Connection: x-b"];
			t.equal(
				head,
				[`POST /p%41th?q=\xe4 HTTP/1.1`, `Host: ${origin.authority}`, ...lines, "Content-Length: 256", "", ""].join(
					"\r\n",
				),
			);
			t.equal(sent.latin1Slice(), body);
			return ok(body, ...response);
		}),
	);
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	const got = await client.send(ask("POST", origin.authority, "/p%41th?q=\xe4", request, body)).message();
	t.equal(got.head + got.body.latin1Slice(), ok(body, ...response).replace("X-Empty:", "X-Empty: "));
	const flow = await proxy.flow(0);
	t.equal(flow.request.rawContent?.latin1Slice(), body);
	t.equal(flow.response?.rawContent?.latin1Slice(), body);
	t.strictSame(flow.request.headers.getAll("x-b"), ["2", ""]);
	t.strictSame(flow.response?.headers.getAll("set-cookie"), ["a=1", "b=2"]);
	t.match(flow, {
		error: null,
		request: { method: "POST", scheme: "http", host: "127.0.0.1", port: origin.port, httpVersion: "HTTP/1.1" },
	});
	const times = [
		flow.clientConn.timestampStart,
		flow.request.timestampStart,
		flow.request.timestampEnd,
		flow.response?.timestampStart,
		flow.response?.timestampEnd,
	];
	t.strictSame([...times].sort(), times, "times in order");
	t.ok(times.every((time) => typeof time === "number" && Math.abs(time - Date.now() / 1000) < 60));
});

t.test("chunks and trailers in both directions", async (t) => {
	const coded = (words: string[], trailers: string) =>
		`${words.map((word) => `${word.length.toString(16)}\r\n${word}\r\n`).join("")}0\r\n${trailers}\r\n`;
	const chunked = "Transfer-Encoding: chunked";
	const origin = await startOrigin(t, async (server) => {
		t.match(await server.head(), /Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n/);
		// Bytes that arrived before the server was connected may be one chunk.
		t.match(await server.upTo("X-Sum: 7\r\n\r\n"), /^(8\r\nupstream|2\r\nup\r\n6\r\nstream)\r\n0\r\nX-Sum: 7\r\n\r\n$/);
		server.send(`HTTP/1.1 200 OK\r\n${chunked}\r\n\r\n${coded(["down", " stream"], "x-Done: \xe4\r\nx-Done: 2\r\n")}`);
	});
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	client.send(
		ask("POST", origin.authority, "/", [chunked, "Trailer: X-Sum"]) + coded(["up", "stream"], "X-Sum: 7\r\n"),
	);
	t.equal(await client.head(), `HTTP/1.1 200 OK\r\n${chunked}\r\n\r\n`);
	t.equal(await client.upTo("2\r\n\r\n"), coded(["down stream"], "x-Done: \xe4\r\nx-Done: 2\r\n"));
	const { request, response } = await proxy.flow(0);
	t.match([request.text, request.trailers?.fields], ["upstream", ["X-Sum", "7"]]);
	t.match([response?.text, response?.trailers?.fields], ["down stream", ["x-Done", "\xe4", "x-Done", "2"]]);
});

t.test("a GET with a body, and a head of the maximum size", async (t) => {
	const origin = await startOrigin(
		t,
		answering((head, body) => ok(`${body} ${head.length}`)),
	);
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	t.match((await client.send(ask("GET", origin.authority, "/", [], "body")).message()).body.toString(), /^body /);
	const large = (size: number) =>
		ask("GET", origin.authority, "/", [`X: ${"x".repeat(size - ask("GET", origin.authority, "/", ["X: "]).length)}`]);
	t.equal(
		(await client.send(large(256 * 1024)).message()).body.toString(),
		` ${256 * 1024 - `http://${origin.authority}`.length}`,
	);
	t.match(
		await client.send(large(256 * 1024 + 1)).rest(),
		/^HTTP\/1\.1 400 .*request head: expected at most 262144 bytes/s,
	);
});

t.test("Expect: 100-continue", async (t) => {
	const expecting = (authority: string, path = "/") =>
		ask("POST", authority, path, ["Expect: 100-continue", "Content-Length: 4"]);
	/** Sends an early hint and requests the body, or refuses it. */
	const choosy: Conversation = async (server) => {
		for (;;) {
			const head = await server.head();
			t.match(head, /\r\nExpect: 100-continue\r\n/);
			if (head.includes("/refused")) server.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno");
			else
				server
					.send(`HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Go On\r\n\r\n`)
					.send(ok((await server.take(4)).toString()));
		}
	};
	await t.test("the server decides before the body arrives, and its 100 is forwarded", async (t) => {
		const origin = await startOrigin(t, choosy);
		const proxy = await startTestProxy(t);
		const client = await proxy.connect();
		for (const body of ["body", "more"]) {
			client.send(expecting(origin.authority));
			t.equal(await client.head(), "HTTP/1.1 103 Early Hints\r\n\r\n");
			t.equal(await client.head(), "HTTP/1.1 100 Go On\r\n\r\n");
			t.equal((await client.send(body).message()).body.toString(), body);
		}
		t.equal(origin.connections.length, 1);
		const { request } = await proxy.flow(0);
		t.equal(request.headers.get("expect"), "100-continue", "it is on the tape");
		t.equal(request.body?.toString(), "body");
	});
	await t.test("a 417 is forwarded, and the proxy does not wait for the body", async (t) => {
		const origin = await startOrigin(t, choosy);
		const proxy = await startTestProxy(t);
		const client = await proxy.connect();
		t.match(
			await client.send(expecting(origin.authority, "/refused")).rest(),
			/^HTTP\/1\.1 417 Expectation Failed\r\n.*Connection: close\r\n\r\nno$/s,
			"and the client learns that it must send its next request elsewhere",
		);
		const flow = await proxy.flow(0);
		t.match(flow, { response: { statusCode: 417 }, error: null });
		t.notOk(flow.response?.headers.has("connection"), "the tape has the server's response");
		t.equal(flow.request.body, null, "no body was sent");
	});
	await t.test("a client that does not wait is served as usual", async (t) => {
		const origin = await startOrigin(
			t,
			answering((_head, body) => ok(body.toString())),
		);
		const proxy = await startTestProxy(t);
		const client = await proxy.connect();
		for (const body of ["body", "more"])
			t.equal((await client.send(expecting(origin.authority) + body).message()).body.toString(), body);
	});
	await t.test("if the body is needed first, the proxy sends 100 Continue", async (t) => {
		const origin = await startOrigin(
			t,
			answering((_head, body) => `HTTP/1.1 100 Continue\r\n\r\n${ok(body.toString())}`),
		);
		const seeing: Hook = { name: "seeing", request() {} };
		const answers: Hook = {
			name: "answers",
			request: (_flow, decision) =>
				decision.answer(new Response({ statusCode: 200, body: Buffer.from("here") }), "answers"),
		};
		for (const [parts, expected] of [
			[{ hooks: [seeing] }, "body"],
			[{ hooks: [answers] }, "here"],
			[{ hooks: [answers], upstream: null }, "here"],
		] as const) {
			const proxy = await startTestProxy(t, parts);
			const client = await proxy.connect();
			t.equal(await client.send(expecting(origin.authority)).head(), "HTTP/1.1 100 Continue\r\n\r\n");
			t.equal((await client.send("body").message()).body.toString(), expected);
		}
	});
	await t.test("a body of unknown size, if the size decides how it is handled", async (t) => {
		const proxy = await startTestProxy(t, { options: { body_size_limit: 3 } });
		const client = await proxy.connect();
		client.send(ask("POST", "127.0.0.1:1", "/", ["Expect: 100-continue", "Transfer-Encoding: chunked"]));
		t.equal(await client.head(), "HTTP/1.1 100 Continue\r\n\r\n");
		t.match(await client.send("4\r\nbody\r\n0\r\n\r\n").head(), "HTTP/1.1 413 ");
	});
	await t.test(
		"for a streamed body the server decides too, and a body over the limit is refused at once",
		async (t) => {
			const origin = await startOrigin(t, choosy);
			const proxy = await startTestProxy(t, { options: { stream_large_bodies: 1 } });
			const client = await proxy.connect();
			await client.send(expecting(origin.authority)).head();
			t.equal(await client.head(), "HTTP/1.1 100 Go On\r\n\r\n");
			t.equal((await client.send("body").message()).body.toString(), "body");
			const small = await startTestProxy(t, { options: { body_size_limit: 3 } });
			t.match(await (await small.connect()).send(expecting(origin.authority)).head(), "HTTP/1.1 413 ");
		},
	);
	await t.test("a request without a body gets no 100 Continue", async (t) => {
		const origin = await startOrigin(
			t,
			answering(() => `HTTP/1.1 100 Continue\r\n\r\n${ok("hi")}`),
		);
		const proxy = await startTestProxy(t);
		t.match(
			await (await proxy.connect()).send(ask("GET", origin.authority, "/", ["Expect: 100-continue"])).head(),
			"HTTP/1.1 200 ",
		);
	});
});

t.test("a request that is refused before its body gets no 100 Continue", async (t) => {
	const refusing: Hook = {
		name: "refusing",
		requestheaders: (_flow, decision) =>
			decision.answer(new Response({ statusCode: 417, reason: "No", body: Buffer.from("no") }), "refusing"),
	};
	const proxy = await startTestProxy(t, { hooks: [refusing] });
	const client = await proxy.connect();
	client.send(ask("POST", "example.com", "/", ["Expect: 100-continue", "Content-Length: 4"]));
	t.match(await client.rest(), /^HTTP\/1\.1 417 No\r\n.*Connection: close\r\n\r\nno$/s);
	t.match(proxy.flows, [{ response: { statusCode: 417 }, error: null }]);
});

t.test("a response before the request is complete", async (t) => {
	const origin = await startOrigin(t, async (server) => {
		await server.head();
		server.send(ok("too much", "Connection: close"));
		await server.upTo("the rest");
	});
	const proxy = await startTestProxy(t, { options: passing });
	const client = await proxy.connect();
	client.send(`${ask("POST", origin.authority, "/", ["Content-Length: 13"])}begun`);
	t.equal((await client.message()).body.toString(), "too much");
	client.send("the rest");
	t.equal(await client.rest(), "");
	const flow = await proxy.flow(0);
	t.match(flow, { error: null, response: { statusCode: 200 } });
	t.equal(flow.request.text, "begunthe rest");
});

t.test("the rest of a long request is read although the server has responded and closed", async (t) => {
	const origin = await startOrigin(t, async (server) => {
		await server.upTo("begun");
		server.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
		server.end();
	});
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	client.send(`${ask("POST", origin.authority, "/", [`Content-Length: ${5 + 20_000_000}`])}begun`);
	t.equal((await client.message()).body.toString(), "no");
	client.send("x".repeat(20_000_000));
	t.equal(await client.rest(), "");
	t.equal((await proxy.flow(0)).request.bodySize, 20_000_005);
});

t.test("hooks see the phases in order, and complete bodies if they need them", async (t) => {
	const origin = await startOrigin(
		t,
		answering((_head, body) => ok(`<${body}>`)),
	);
	const noted: string[] = [];
	const proxy = await startTestProxy(t, { hooks: [noting(noted)] });
	const client = await proxy.connect();
	client.send(ask("POST", origin.authority, "/", ["Content-Length: 4"]));
	client.send("bo");
	client.send("dy");
	t.equal((await client.message()).body.toString(), "<body>");
	t.strictSame(noted.splice(0), [
		"requestheaders - -",
		"request body -",
		"responseheaders body -",
		"response body <body>",
	]);
	client.send(ask("GET", origin.authority, "/"));
	await client.message();
	t.strictSame(
		noted.splice(0),
		["requestheaders  -", "request  -", "responseheaders  -", "response  <>"],
		"an empty body is there from the start",
	);
	client.send(ask("GET", "127.0.0.1:1", "/"));
	t.match(await client.head(), /^HTTP\/1\.1 502 /);
	t.strictSame(noted, ["requestheaders  -", "request  -", "error  -"]);
});

t.test("bodies over the cutoff are streamed, and hooks that need them run afterwards", async (t) => {
	const noted: string[] = [];
	const origin = await startOrigin(t, async (server) => {
		await server.upTo("up 1");
		server.send("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\ndown 1");
		await server.upTo("up 2");
		server.send("down 2");
	});
	const proxy = await startTestProxy(t, { options: passing, hooks: [noting(noted, { request: true })] });
	const client = await proxy.connect();
	await client.send(`${ask("POST", origin.authority, "/", ["Content-Length: 8"])}up 1`).upTo("down 1");
	client.send("up 2");
	await client.upTo("down 2");
	t.match(await proxy.flow(0), { request: { text: "up 1up 2" }, response: { text: "down 1down 2" } });
	t.strictSame(noted, [
		"requestheaders - -",
		"responseheaders - -",
		"request up 1up 2 -",
		"response up 1up 2 down 1down 2",
	]);
});

t.test("changes by synchronous and asynchronous hooks are sent with matching framing", async (t) => {
	const origin = await startOrigin(
		t,
		answering((head, body) => {
			t.match(head, /^PUT \/changed HTTP\/1\.1\r\nHost: .*\r\nContent-Length: 6\r\nX: 1\r\n\r\n$/);
			return ok(`${body}`, "ETag: 1");
		}),
	);
	const changing: Hook = {
		name: "changing",
		needs: { request: true, response: true },
		async request({ request }) {
			await new Promise(setImmediate);
			request.method = "PUT";
			request.path = "/changed";
			request.headers.add("X", "1");
			request.text = "longer";
		},
		response({ response }) {
			if (response === null) return;
			response.statusCode = 203;
			response.headers.delete("etag");
			response.text = `${response.text}!`;
		},
	};
	const proxy = await startTestProxy(t, { hooks: [changing] });
	const client = await proxy.connect();
	const { head, body } = await client.send(ask("POST", origin.authority, "/", [], "short")).message();
	t.match(head, /^HTTP\/1\.1 203 OK\r\nContent-Length: 7\r\n\r\n$/);
	t.equal(body.toString(), "longer!");
	t.match(await proxy.flow(0), {
		request: { text: "longer", method: "PUT" },
		response: { text: "longer!", statusCode: 203 },
	});
});

t.test("a hook redirects a request", async (t) => {
	const other = await startOrigin(
		t,
		answering(() => ok("other")),
	);
	const proxy = await startTestProxy(t, {
		hooks: [
			{
				name: "elsewhere",
				request: ({ request }) => {
					request.port = other.port;
				},
			},
		],
	});
	const client = await proxy.connect();
	t.equal((await client.send(ask("GET", "127.0.0.1:1", "/")).message()).body.toString(), "other");
});

t.test("a hook answers in either request phase; the response phases follow", async (t) => {
	for (const phase of ["requestheaders", "request"] as const) {
		const noted: string[] = [];
		const answer: Hook = {
			name: "answering",
			needs: { request: true },
			[phase]: (_flow: HttpFlow, decision: Parameters<NonNullable<Hook["request"]>>[1]) =>
				decision.answer(
					new Response({
						statusCode: 200,
						reason: "Mine",
						headers: new Headers(["A", "b"]),
						body: Buffer.from("mine"),
					}),
					"answering",
				),
		};
		const proxy = await startTestProxy(t, { hooks: [answer, noting(noted)], upstream: null });
		const client = await proxy.connect();
		client.send(ask("POST", "example.invalid", "/", [], "body") + ask("HEAD", "example.invalid", "/"));
		t.match(await client.message(), {
			head: "HTTP/1.1 200 Mine\r\nA: b\r\ncontent-length: 4\r\n\r\n",
			body: Buffer.from("mine"),
		});
		t.match(await client.head(), /^HTTP\/1\.1 200 Mine\r\n/);
		t.match(noted.slice(-2), ["responseheaders  mine", "response  mine"]);
		t.notMatch(noted.join(), /error/);
	}
});

t.test("h2c is not offered to the server", async (t) => {
	const origin = await startOrigin(
		t,
		answering((head) => {
			t.equal(head, `GET / HTTP/1.1\r\nHost: ${origin.authority}\r\n\r\n`);
			return ok("hi");
		}),
	);
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	client.send(
		ask("GET", origin.authority, "/", [
			"Connection: Upgrade, HTTP2-Settings",
			"Upgrade: h2c",
			"HTTP2-Settings: AAMAAABk",
		]),
	);
	t.equal((await client.message()).body.toString(), "hi");
});

function transforming(
	phase: "requestheaders" | "responseheaders",
	transform: (chunk: Buffer) => Uint8Array | Iterable<Uint8Array>,
): Hook {
	return {
		name: "transforming",
		[phase]: (_flow: HttpFlow, decision: Decision) => {
			decision[phase === "requestheaders" ? "requestStream" : "responseStream"] = transform;
		},
	};
}

t.test("streamed bodies are transformed in both directions, with new framing", async (t) => {
	const upper = (chunk: Buffer) => Buffer.from(chunk.toString().toUpperCase());
	const origin = await startOrigin(t, async (server) => {
		t.match(await server.head(), /transfer-encoding: chunked/i);
		t.equal(await server.upTo("0\r\n\r\n"), "2\r\nUP\r\n0\r\n\r\n");
		server.send(ok("down"));
	});
	const proxy = await startTestProxy(t, {
		hooks: [transforming("requestheaders", upper), transforming("responseheaders", upper)],
	});
	const client = await proxy.connect();
	client.send(ask("POST", origin.authority, "/", [], "up"));
	t.match(await client.head(), /transfer-encoding: chunked/i);
	t.equal(await client.upTo("0\r\n\r\n"), "4\r\nDOWN\r\n0\r\n\r\n");
});

t.test("a transformation that fails, at a chunk or at the end, ends only its own exchange", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("hi")),
	);
	for (const phase of ["requestheaders", "responseheaders"] as const) {
		for (const failsAtEnd of [false, true]) {
			const failing = transforming(phase, (chunk) => {
				if ((chunk.length === 0) === failsAtEnd) throw new Error("oh no");
				return chunk;
			});
			const proxy = await startTestProxy(t, { hooks: [failing] });
			const client = await proxy.connect();
			client.send(ask("POST", origin.authority, "/", ["Transfer-Encoding: chunked"])).send("2\r\nup\r\n0\r\n\r\n");
			t.notMatch(await client.rest(), /\r\n0\r\n\r\n$/, "what came of it does not look whole");
			const what = phase === "requestheaders" ? "request" : "response";
			t.match(await proxy.flow(0), { error: { message: `a hook failed at ${what}: oh no` } });
			t.match(await proxy.event("hook_error"), { phase: what, error: { message: "oh no" } });
			await proxy.running.close();
			t.equal(proxy.flows.length, 1);
		}
	}
});

// One request and its response: hooks and their decisions, forwarding, and the end.
import t from "tap";
import { gate } from "../../../../fixtures/gate.ts";
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

t.test("a hook aborts", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("hi")),
	);
	for (const phase of phases.slice(0, 4)) {
		for (const isAnswered of [false, true]) {
			const noted: string[] = [];
			const answering: Hook = {
				name: "answering",
				request: (_flow, decision) => decision.answer(new Response({ statusCode: 200 }), "answering"),
			};
			const hanging: Hook = {
				name: "hanging-up",
				[phase]: (_flow: HttpFlow, decision: Decision) => decision.abort("Connection killed.", "hanging-up"),
			};
			const proxy = await startTestProxy(t, { hooks: [hanging, ...(isAnswered ? [answering] : []), noting(noted)] });
			const client = await proxy.connect();
			t.equal(await client.send(ask("GET", origin.authority, "/")).rest(), "", phase);
			const { error, response } = await proxy.flow(0);
			t.equal(error?.message, "Connection killed.");
			t.equal(response !== null, phase.startsWith("response"));
			t.match(noted.at(-1), /^error /);
		}
	}
});

t.test("a hook that fails at any phase, synchronously or later, ends only its own exchange", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("hi")),
	);
	for (const isAsync of [false, true]) {
		for (const phase of phases.slice(0, 4)) {
			const fail = () => {
				throw new Error("oh no");
			};
			const failing: Hook = {
				name: "failing",
				[phase]: (flow: HttpFlow) =>
					flow.request.path !== "/bad" ? undefined : isAsync ? Promise.reject(new Error("oh no")) : fail(),
			};
			const proxy = await startTestProxy(t, { hooks: [failing] });
			const client = await proxy.connect();
			client.send(ask("GET", origin.authority, "/good") + ask("GET", origin.authority, "/bad"));
			t.equal((await client.message()).body.toString(), "hi");
			t.match(
				await client.rest(),
				/^HTTP\/1\.1 502 Bad Gateway\r\n.*a hook failed at \w+: oh no\n$/s,
				`${phase}${isAsync ? ", later" : ""}`,
			);
			t.match(proxy.flows, [{ error: null }, { error: { message: `a hook failed at ${phase}: oh no` } }]);
			t.match(await proxy.event("hook_error"), { phase, error: { message: "oh no" } });
		}
	}
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

t.test("a hook that fails at the error phase does not change the error", async (t) => {
	const failing: Hook = {
		name: "failing",
		error() {
			throw new Error("oh no");
		},
	};
	const proxy = await startTestProxy(t, { hooks: [failing], upstream: null });
	const client = await proxy.connect();
	t.match(
		await client.send(ask("GET", "example.invalid", "/")).rest(),
		/^HTTP\/1\.1 502 .*no hook answered this request/s,
	);
	t.match(await proxy.flow(0), { error: { message: /no hook answered/ } });
	t.match(await proxy.event("hook_error"), { phase: "error" });
});

t.test("a client that disconnects while a hook runs", async (t) => {
	const entered = gate();
	const left = gate();
	const slow: Hook = {
		name: "slow",
		async request() {
			entered.open();
			await left.opened;
		},
	};
	const proxy = await startTestProxy(t, { hooks: [slow] });
	const client = await proxy.connect();
	client.send(ask("GET", "example.invalid", "/"));
	await entered.opened;
	client.close();
	t.match(await proxy.flow(0), { error: { message: "Client disconnected." } });
	left.open();
	await proxy.running.close();
	t.equal(proxy.flows.length, 1, "is recorded once");
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

t.test("the exchange waits for hooks that run after a streamed message; they cannot break it", async (t) => {
	const origin = await startOrigin(
		t,
		answering((_head, body) => ok(body.toString())),
	);
	const looked = gate();
	const late: Hook = {
		name: "late",
		needs: { request: true },
		async request() {
			await new Promise(setImmediate);
			throw new Error("too late");
		},
		response: () => looked.opened,
	};
	const proxy = await startTestProxy(t, {
		hooks: [late],
		options: { stream_large_bodies: 1, store_streamed_bodies: true },
	});
	const client = await proxy.connect();
	t.equal((await client.send(ask("POST", origin.authority, "/", [], "body")).message()).body.toString(), "body");
	t.match(await proxy.event("hook_error"), { phase: "request", error: { message: "too late" } });
	t.equal(proxy.flows.length, 0);
	looked.open();
	t.match(await proxy.flow(0), { error: null, response: { text: "body" } });
});

t.test("bodies over the limit are refused", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("too long")),
	);
	const proxy = await startTestProxy(t, { options: { body_size_limit: 4 } });
	for (const [request, status] of [
		[ask("POST", origin.authority, "/", [], "12345"), 413],
		[`${ask("POST", origin.authority, "/", ["Transfer-Encoding: chunked"])}5\r\n12345\r\n0\r\n\r\n`, 413],
		[ask("GET", origin.authority, "/"), 502],
	] as const) {
		const client = await proxy.connect();
		t.match(await client.send(request).rest(), new RegExp(`^HTTP/1\\.1 ${status} .*body exceeds body_size_limit`, "s"));
		client.close();
	}
	const [announced, , response] = [await proxy.flow(0), await proxy.flow(1), await proxy.flow(2)];
	t.same([announced.request.body, response.response?.body], [null, null], "nothing is said of what was not read");
});

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

t.test("a full disk: streamed bodies are still forwarded, bodies that must wait on the disk are refused", async (t) => {
	const full = () => {
		throw new Error("disk full");
	};
	const origin = await startOrigin(
		t,
		answering((_head, body) => ok(`${body.length}`)),
	);
	const size = 3_000_000;
	for (const [needs, status] of [
		[undefined, 200],
		["always", 502],
	] as const) {
		const waiting: Hook = { name: "waiting", ...(needs && { needs: { request: needs } }), request: () => {} };
		const proxy = await startTestProxy(t, {
			hooks: [waiting],
			sink: { append: () => {}, spool: () => ({ write: full, end: full }) },
			options: { stream_large_bodies: 1, store_streamed_bodies: true },
		});
		const client = await proxy.connect();
		client.send(ask("PUT", origin.authority, "/", [`Content-Length: ${size}`])).send(Buffer.alloc(size));
		t.match(await client.head(), new RegExp(`^HTTP/1\\.1 ${status} `));
		t.equal((await proxy.flow(0)).request.body, null, "missing, not empty");
		t.match(await proxy.event("sink_error"), { error: { message: "disk full" } });
	}
});

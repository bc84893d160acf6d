// Bodies that are held, streamed, kept, or refused, over real sockets.
import t from "tap";
import { ask, ok, startOrigin } from "../../../../fixtures/origin-server.ts";
import { startTestProxy } from "../../../../fixtures/running-proxy.ts";
import { openFileSpool } from "../../../../src/flow/file-spool.ts";
import { Headers } from "../../../../src/flow/headers.ts";
import type { Hook } from "../../../../src/hooks/hook.ts";
import { defaults } from "../../../../src/options.ts";
import { announcedSize, BodyPolicy, isEventStream, options } from "../../../../src/proxy/body/policy.ts";

const MIB = 1024 * 1024;

t.test("decisions about sizes", async (t) => {
	const policy = (values: Partial<ReturnType<typeof defaults<typeof options>>>) =>
		new BodyPolicy({ ...defaults(options), ...values });
	const cutoff = policy({ stream_large_bodies: 3 });
	t.same([cutoff.streams(3, true), cutoff.streams(4, true), cutoff.keeps(false)], [false, true, false]);
	t.ok(policy({ stream_large_bodies: 3, store_streamed_bodies: true }).keeps(true));
	const none = policy({});
	t.same(
		[none.streams(MIB, false), none.streams(17 * MIB, false), none.streams(17 * MIB, true)],
		[false, true, false],
		"without a cutoff what is huge, unless a hook needs it",
	);
	t.same([none.keeps(false), none.keeps(true)], [true, false]);
	t.same(
		[
			policy({ body_size_limit: 3 }).exceedsLimit(3),
			policy({ body_size_limit: 3 }).exceedsLimit(4),
			none.exceedsLimit(1e12),
		],
		[false, true, false],
	);
	t.same(
		[announcedSize({ kind: "length", length: 5 }), announcedSize({ kind: "chunked" }), announcedSize(null)],
		[5, 0, 0],
	);
	t.ok(isEventStream(Headers.of(["Content-Type", "text/event-stream; charset=utf-8"])));
	t.notOk(isEventStream(Headers.of(["Content-Type", "text/event-streams"])));
});

t.test("event streams are streamed with any options, and recorded", async (t) => {
	let next = () => {};
	const origin = await startOrigin(t, async (server) => {
		await server.head();
		server.send(
			"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n",
		);
		await new Promise<void>((resolve) => {
			next = resolve;
		});
		server.send("9\r\ndata: 2\n\n\r\n0\r\n\r\n");
	});
	const proxy = await startTestProxy(t, { hooks: [{ name: "nosy", needs: { response: true }, response() {} }] });
	const client = await proxy.connect();
	await client.send(ask("GET", origin.authority, "/")).upTo("data: 1\n\n");
	next();
	await client.upTo("data: 2\n\n");
	t.equal((await proxy.flow(0)).response?.text, "data: 1\n\ndata: 2\n\n");
});

t.test("a slow response is streamed after a time", async (t) => {
	let next = () => {};
	const origin = await startOrigin(t, async (server) => {
		await server.head();
		server.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst");
		await new Promise<void>((resolve) => {
			next = resolve;
		});
		server.send("-last");
	});
	const proxy = await startTestProxy(t);
	const client = await proxy.connect();
	await client.send(ask("GET", origin.authority, "/")).upTo("first");
	next();
	await client.upTo("-last");
	t.equal((await proxy.flow(0)).response?.text, "first-last");
});

t.test("streamed bodies are kept only if requested; large ones go to the spool", async (t) => {
	const body = "x".repeat(3 * MIB);
	const origin = await startOrigin(t, async (server) => {
		await server.message();
		server.send(ok(body, "Connection: close"));
	});
	for (const [options, expected] of [
		[{ stream_large_bodies: 1000 }, null],
		[{ stream_large_bodies: 1000, store_streamed_bodies: true }, body],
	] as const) {
		let spools = 0;
		const spool = () => {
			spools++;
			return openFileSpool();
		};
		const proxy = await startTestProxy(t, { options, sink: { append() {}, spool } });
		const client = await proxy.connect();
		client.send(`${ask("POST", origin.authority, "/", [`Content-Length: ${body.length}`])}${body}`);
		t.equal((await client.message()).body.length, body.length);
		const flow = await proxy.flow(0);
		t.equal(flow.request.text, expected);
		t.equal(flow.response?.text, expected);
		t.equal(spools, expected === null ? 0 : 2);
	}
});

t.test(
	"bodies that a hook streams are kept only if requested, even if they would have been streamed anyway",
	async (t) => {
		const origin = await startOrigin(t, async (server) => {
			const { head } = await server.message();
			server.send(
				ok(
					"abc",
					`Connection: close\r\nContent-Type: ${head.includes("/events") ? "text/event-stream" : "text/plain"}`,
				),
			);
		});
		const says: Hook = {
			name: "streaming",
			requestheaders(_flow, decision) {
				decision.requestStream = true;
			},
			responseheaders(_flow, decision) {
				decision.responseStream = true;
			},
		};
		for (const store_streamed_bodies of [false, true]) {
			const proxy = await startTestProxy(t, { hooks: [says], options: { store_streamed_bodies } });
			for (const [n, path] of ["/", "/events"].entries()) {
				const client = await proxy.connect();
				client.send(`${ask("POST", origin.authority, path, ["Content-Length: 3"])}xyz`);
				t.equal(String((await client.message()).body), "abc");
				const { request, response } = await proxy.flow(n);
				t.same([request.text, response?.text], store_streamed_bodies ? ["xyz", "abc"] : [null, null], path);
			}
		}
	},
);

t.test("a function transforms a body, and the framing is adapted", async (t) => {
	const origin = await startOrigin(t, async (server) => {
		t.match(await server.head(), /transfer-encoding: chunked/i);
		await server.upTo("0\r\n\r\n");
		server.send(ok("abc"));
	});
	const seen: string[] = [];
	const hook: Hook = {
		name: "brackets",
		requestheaders(_flow, decision) {
			decision.requestStream = (chunk) =>
				chunk.length === 0 ? [Buffer.from("!")] : [Buffer.from("["), chunk, Buffer.alloc(0), Buffer.from("]")];
		},
		responseheaders(_flow, decision) {
			decision.responseStream = (chunk) => {
				seen.push(chunk.toString());
				return Buffer.from(chunk.toString().toUpperCase());
			};
		},
	};
	const proxy = await startTestProxy(t, { hooks: [hook], options: { store_streamed_bodies: true } });
	const client = await proxy.connect();
	client.send(`${ask("POST", origin.authority, "/", ["Content-Length: 3"])}xyz`);
	const head = await client.head();
	t.match(head, /transfer-encoding: chunked/i);
	t.notMatch(head, /content-length/i);
	t.match(await client.upTo("0\r\n\r\n"), "ABC");
	t.same(seen, ["abc", ""]);
	const flow = await proxy.flow(0);
	t.match([flow.request.text, flow.response?.text], ["[xyz]!", "ABC"], "what was sent is what is kept");
});

t.test("an error of the function ends the exchange", async (t) => {
	const origin = await startOrigin(t, async (server) => {
		await server.head();
		server.send(ok("abc"));
	});
	const hook: Hook = {
		name: "broken",
		responseheaders(_flow, decision) {
			decision.responseStream = () => {
				throw new Error("oops");
			};
		},
	};
	const proxy = await startTestProxy(t, { hooks: [hook] });
	const client = await proxy.connect();
	client.send(ask("GET", origin.authority, "/"));
	await client.ended();
	t.match((await proxy.flow(0)).error?.message, "oops");
});

t.test("bodies over the limit are refused, announced or not", async (t) => {
	const origin = await startOrigin(t, async (server) => {
		await server.head();
		server.send(
			server.seen.includes("/chunked")
				? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n123456\r\n"
				: ok("123456"),
		);
	});
	const proxy = await startTestProxy(t, { options: { body_size_limit: 5 } });
	const answers = async (request: string) => {
		const client = await proxy.connect();
		return (await client.send(request).message()).head.slice(9, 12);
	};
	t.equal(await answers(`${ask("POST", origin.authority, "/", ["Content-Length: 6"])}123456`), "413");
	t.equal(await answers(`${ask("POST", origin.authority, "/", ["Transfer-Encoding: chunked"])}6\r\n123456\r\n`), "413");
	t.equal(await answers(ask("GET", origin.authority, "/")), "502");
	t.equal(await answers(ask("GET", origin.authority, "/chunked")), "502");
	t.match((await proxy.flow(0)).error?.message, "request's body exceeds");
});

t.test("if an answer depends on the whole request, a large body waits in the spool and is never sent", async (t) => {
	let spools = 0;
	const hook: Hook = {
		name: "replay",
		needs: { request: "always" },
		async request(flow, decision) {
			const { makeResponse } = await import("../../../../src/hooks/make-response.ts");
			decision.answer(makeResponse(200, [], Buffer.from(String(flow.request.bodySize)), 1), "replay");
		},
	};
	const spool = () => {
		spools++;
		return openFileSpool();
	};
	const proxy = await startTestProxy(t, {
		hooks: [hook],
		upstream: null,
		options: { stream_large_bodies: 1000 },
		sink: { append() {}, spool },
	});
	const client = await proxy.connect();
	client.send(`${ask("POST", "example.com", "/", [`Content-Length: ${2 * MIB}`])}${"x".repeat(2 * MIB)}`);
	t.equal((await client.message()).body.toString(), String(2 * MIB));
	t.equal(spools, 1);
});

t.test("without a cutoff, the limit for held bodies is lower for responses than for requests", async (t) => {
	const policy = new BodyPolicy({ stream_large_bodies: null, store_streamed_bodies: false, body_size_limit: null });
	const MIB = 1024 * 1024;
	t.strictSame(
		[
			policy.streamsResponse(MIB, false),
			policy.streamsResponse(MIB + 1, false),
			policy.streamsResponse(100 * MIB, true),
		],
		[false, true, false],
	);
	t.equal(policy.streams(2 * MIB, false), false);
});

t.test("if many bodies are incomplete, further ones wait outside memory, even if hooks need them", async (t) => {
	for (const need of ["always", true] as const) {
		let spools = 0;
		const spool = () => {
			spools++;
			return openFileSpool();
		};
		const hook: Hook = {
			name: "size",
			needs: { request: need },
			async request(flow, decision) {
				const { makeResponse } = await import("../../../../src/hooks/make-response.ts");
				decision.answer(makeResponse(200, [], Buffer.from(String(flow.request.content?.lastIndexOf("x"))), 1), "size");
			},
		};
		const proxy = await startTestProxy(t, { hooks: [hook], upstream: null, sink: { append() {}, spool } });
		const clients = await Promise.all(Array.from({ length: 10 }, () => proxy.connect()));
		const size = 12 * MIB;
		const begin = `${ask("POST", "example.com", "/", ["Transfer-Encoding: chunked"])}${size.toString(16)}\r\n${"x".repeat(size)}`;
		for (const client of clients) client.send(begin);
		while (spools < 3) await new Promise((resolve) => setTimeout(resolve, 10));
		for (const client of clients) client.send("\r\n0\r\n\r\n");
		for (const client of clients) t.equal((await client.message()).body.toString(), String(size - 1));
		t.ok(spools < 10, "the first ones stay in memory");
	}
});

t.test("a large body made by hooks counts once for all its receivers, until the last has it", async (t) => {
	const policy = new BodyPolicy(defaults(options));
	const body = Buffer.alloc(70 * MIB);
	t.notOk(policy.holdHookBody(body, true), "but not if no one else receives it");
	t.ok(policy.holdHookBody(body, false));
	t.ok(policy.holdHookBody(body, false));
	for (const isOfOne of [true, false])
		t.notOk(policy.holdHookBody(Buffer.alloc(2 * MIB), isOfOne), "there is no room for another");
	t.ok(policy.holdHookBody(Buffer.alloc(1000), true), "but for a small one");
	policy.releaseHookBody(body);
	t.ok(policy.isMemoryShort(2 * MIB));
	policy.releaseHookBody(body);
	t.notOk(policy.isMemoryShort(2 * MIB));
});

// Answers from recordings, and requests without a recording.

import { join } from "node:path";
import t from "tap";
import { httpFlow, STARTED, websocketFlow } from "../../../fixtures/build-flow.ts";
import { gate } from "../../../fixtures/gate.ts";
import { startOrigin } from "../../../fixtures/origin-server.ts";
import { recorded, sourceOf, tapeOf } from "../../../fixtures/recordings.ts";
import { runStored } from "../../../fixtures/run-hooks.ts";
import { startTestProxy } from "../../../fixtures/running-proxy.ts";
import type { Flow } from "../../../src/flow/flow.ts";
import type { HookContext, Miss, Served } from "../../../src/hooks/context.ts";
import { Decision, type Verdict } from "../../../src/hooks/decision.ts";
import { createServerReplay, isServerReplay, options, type ServerReplay } from "../../../src/hooks/server-replay.ts";
import { defaults, type OptionValues } from "../../../src/options.ts";
import { writeFrame } from "../../../src/proxy/websocket/frame.ts";
import type { MatchFunction } from "../../../src/replay/recordings/index-of-tapes.ts";

async function replayOf(
	flows: readonly Flow[],
	values: Partial<OptionValues<typeof options>> = {},
	context: HookContext = {},
): Promise<ServerReplay> {
	return (await createServerReplay(
		{ ...defaults(options), ...values },
		{ recordings: [sourceOf(flows)], now: () => 1_800_000_000, ...context },
	)) as ServerReplay;
}

async function ask(replay: ServerReplay, request: NonNullable<Parameters<typeof httpFlow>[0]>["request"] = {}) {
	const flow = httpFlow({ request, response: null });
	const decision = new Decision(true);
	await replay.request?.(flow, decision);
	return { flow, verdict: decision.verdict };
}

const responseOf = (verdict: Verdict | null) => (verdict?.kind === "answer" ? verdict.response : null);

t.test("without tapes there is no hook", async (t) => {
	t.equal(await createServerReplay(defaults(options), {}), null);
	await t.rejects(createServerReplay({ ...defaults(options), server_replay_filter: "(" }, {}), {
		code: "FT_BAD_FILTER",
		option: "server_replay_filter",
	});
	await t.rejects(createServerReplay({ ...defaults(options), server_replay_delay: "soon" }, {}), {
		code: "FT_BAD_OPTION",
		option: "server_replay_delay",
	});
});

t.test("a hit: the recorded response, counted and reported", async (t) => {
	const served: Served[] = [];
	const source = recorded("hit", {}, { headers: [["content-length", "99"]] });
	const replay = await replayOf([source], {}, { onServed: (each) => served.push(each) });
	t.ok(isServerReplay(replay));
	const { flow, verdict } = await ask(replay);
	t.equal(responseOf(verdict)?.text, "hit");
	t.equal(flow.isReplay, "response");
	t.same(served, [
		{
			id: flow.id,
			method: "GET",
			url: "http://example.com/",
			session: null,
			recording: source.id,
			repaired: "content-length said 99, the body has 3 bytes",
		},
	]);
	t.same(await replay.report(), { served: 1, missed: 0, unused: 0 });
});

t.test("a field that cannot be sent is left out, with one warning for each recording", async (t) => {
	const lines: string[] = [];
	const headers: [string, string][] = [
		[":status", "200"],
		["x-odd", "a\0b"],
		["x-two", "a\nb"],
		["x-fine", "c"],
	];
	const replay = await replayOf(
		[recorded("hit", {}, { headers })],
		{ server_replay_reuse: true },
		{ log: (level, line) => lines.push(`${level}: ${line}`) },
	);
	for (const _ of [1, 2]) {
		const { verdict } = await ask(replay);
		t.same([...(responseOf(verdict)?.headers.entries() ?? [])], [["x-fine", "c"]]);
	}
	t.same(
		lines,
		["x-odd", "x-two"].map(
			(name) =>
				`warning: the field "${name}" of the response of http://example.com/ was left out: it contains a line break or NUL`,
		),
	);
});

t.test("each session has its own order of recordings", async (t) => {
	const replay = await replayOf([recorded("one"), recorded("two")]);
	const text = async (session: string | null) => {
		const flow = httpFlow({ session, response: null });
		const decision = new Decision(true);
		await replay.request?.(flow, decision);
		return responseOf(decision.verdict)?.text;
	};
	t.strictSame(
		[await text("worker-1"), await text("worker-2"), await text(null), await text("worker-1")],
		["one", "one", "one", "two"],
	);
});

t.test("an open session counts its own requests", async (t) => {
	const replay = await replayOf([recorded("one"), recorded("two")]);
	const ask = (session: string, path: string) =>
		replay.request?.(httpFlow({ session, request: { path }, response: null }), new Decision(true));
	const end = replay.openSession("a");
	await ask("a", "/");
	await ask("a", "/other");
	await ask("b", "/");
	t.strictSame(end(), { served: 1, missed: 1, unused: 1 });
	t.match(await replay.report(), { served: 2, missed: 1, unused: 1 });
});

t.test("a miss by default: 404 with an explanation, as text or JSON", async (t) => {
	const misses: Miss[] = [];
	const replay = await replayOf([recorded("a", { path: "/?t=1" })], {}, { onMiss: (each) => misses.push(each) });
	const { flow, verdict } = await ask(replay, { path: "/?t=2" });
	t.match(responseOf(verdict), { statusCode: 404 });
	t.ok(responseOf(verdict)?.headers.has("x-flowtape-miss"));
	t.match(responseOf(verdict)?.text, "would answer with --ignore-params t");
	t.equal(flow.isReplay, "response");
	t.match(misses, [
		{
			id: flow.id,
			method: "GET",
			url: "http://example.com/?t=2",
			policy: "404",
			explanation: /query field "t"/,
			nearest: [{ distance: 2 }],
		},
	]);
	const json = responseOf((await ask(replay, { headers: [["Accept", "application/json"]] })).verdict);
	t.equal(json?.headers.get("content-type"), "application/json");
	t.match(JSON.parse(json?.text ?? ""), {
		error: "no recording",
		nearest: [{ options: ["server_replay_ignore_params=t"] }],
	});
	t.same(await replay.report(), { served: 0, missed: 2, unused: 1 });
});

t.test("an answer that the response cache can keep", async (t) => {
	const isCached = async (values: Partial<OptionValues<typeof options>>) => {
		const replay = await replayOf([recorded("a"), recorded("b")], values);
		const found: boolean[] = [];
		for (let n = 0; n < 4; n++) {
			const { verdict } = await ask(replay);
			found.push(verdict?.kind === "answer" && verdict.cached !== null);
			if (verdict?.kind !== "answer" || verdict.cached === null) continue;
			const before = (await replay.report()).served;
			verdict.cached.countServed();
			t.equal((await replay.report()).served, before + 1);
			t.match(verdict.cached.current(), { response: { statusCode: 200 }, until: Number.POSITIVE_INFINITY });
		}
		return found;
	};
	t.same(await isCached({ server_replay_reuse: true }), [true, true, true, true]);
	t.same(await isCached({ server_replay_order: "sequence" }), [false, false, true, true], "the last one");
	t.same(await isCached({ server_replay_order: "cycle" }), [false, false, false, false]);
	t.same(await isCached({}), [false, false, false, false], "each once");
	t.same(await isCached({ server_replay_reuse: true, server_replay_delay: "1ms" }), [false, false, false, false]);
	t.same(await isCached({ server_replay_reuse: true, server_replay_refresh_also: ["/at"] }), [
		false,
		false,
		false,
		false,
	]);
});

t.test("other policies", async (t) => {
	const policy = async (values: Partial<OptionValues<typeof options>>) =>
		(await ask(await replayOf([], values))).verdict;
	for (const status of ["204", "400", "500"] as const)
		t.equal(responseOf(await policy({ server_replay_extra: status }))?.statusCode, Number(status));
	t.equal(responseOf(await policy({ server_replay_extra: "204" }))?.bodySize, 0);
	t.match(await policy({ server_replay_extra: "kill" }), { kind: "abort" });
	t.match(await policy({ server_replay_kill_extra: true }), { kind: "abort" });
	const misses: Miss[] = [];
	const replay = await replayOf([], { server_replay_extra: "forward" }, { onMiss: (each) => misses.push(each) });
	t.equal((await ask(replay)).verdict, null, "it goes on to its server");
	t.match(misses, [
		{ policy: "forward", nearest: null, explanation: "not recorded, forwarded: GET http://example.com/\n" },
	]);
});

t.test("the policy applies when all recordings are used", async (t) => {
	const replay = await replayOf([recorded("once")]);
	t.equal(responseOf((await ask(replay)).verdict)?.text, "once");
	t.equal(responseOf((await ask(replay)).verdict)?.statusCode, 404);
	for (const values of [{ server_replay_reuse: true }, { server_replay_nopop: true }]) {
		const reused = await replayOf([recorded("again")], values);
		for (let i = 0; i < 3; i++) t.equal(responseOf((await ask(reused)).verdict)?.text, "again");
	}
});

t.test("dates are shifted by default", async (t) => {
	const flow = () =>
		recorded("", {}, { headers: [["date", "Tue, 14 Nov 2023 22:13:20 GMT"]], timestampStart: 1_700_000_000 });
	const dateOf = async (values: Partial<OptionValues<typeof options>>) =>
		responseOf((await ask(await replayOf([flow()], values))).verdict)?.headers.get("date");
	t.equal(await dateOf({}), "Fri, 15 Jan 2027 08:00:00 GMT");
	t.equal(await dateOf({ server_replay_refresh: false }), "Tue, 14 Nov 2023 22:13:20 GMT");
});

t.test("a coding that the client does not accept is decoded", async (t) => {
	const body = (await import("node:zlib")).gzipSync("plain");
	const replay = await replayOf([recorded("", {}, { body, headers: [["content-encoding", "gzip"]] })], {
		server_replay_reuse: true,
	});
	t.equal(
		responseOf((await ask(replay, { headers: [["Accept-Encoding", "br"]] })).verdict)?.rawContent?.toString(),
		"plain",
	);
	t.same(responseOf((await ask(replay)).verdict)?.rawContent, body);
});

t.test("patterns for bodies are Python's; an error names the option", async (t) => {
	const post = (body: string) => ({ method: "POST", body });
	const replay = await replayOf([recorded("hit", post("at 10:00"))], {
		server_replay_ignore_body: ["(?P<h>\\d+):\\d+"],
	});
	t.equal(responseOf((await ask(replay, post("at 9:30"))).verdict)?.text, "hit");
	await t.rejects(replayOf([], { server_replay_ignore_body: ["(a"] }), {
		code: "FT_BAD_PATTERN",
		option: "server_replay_ignore_body",
	});
});

t.test("a match function of a configuration file", async (t) => {
	const match: MatchFunction = (request, other) => request.headers.get("x-a") === other.headers.get("x-a");
	const replay = await replayOf(
		[recorded("1", { headers: [["x-a", "1"]] }), recorded("2", { headers: [["x-a", "2"]] })],
		{ server_replay_match: match },
	);
	t.equal(responseOf((await ask(replay, { headers: [["X-A", "2"]] })).verdict)?.text, "2");
});

t.test("unused recordings are reported at the end", async (t) => {
	const unused: string[] = [];
	const flows = [recorded("a", { path: "/a" }), recorded("b", { path: "/b" })];
	const replay = await replayOf(flows, {}, { onUnused: ({ id }) => unused.push(id) });
	await ask(replay, { path: "/a" });
	await replay.report();
	t.same(unused, [flows[1]?.id]);
});

t.test("a recording without its body is a miss that names the option to record it", async (t) => {
	for (const headers of [
		[["Content-Length", "99"]],
		[["Content-Type", "video/mp4"]],
		[["Transfer-Encoding", "chunked"]],
		[["X", "1"]],
	] as [string, string][][]) {
		const flow = recorded("", {}, { headers, body: null });
		for (const tape of [sourceOf([flow]), await tapeOf(join(t.testdir(), "a.tape"), [flow])]) {
			const replay = await replayOf([], {}, { recordings: [tape] });
			const { verdict } = await ask(replay);
			t.match(responseOf(verdict)?.text, /its body was not recorded, so it cannot answer: --store-streamed-bodies/);
			t.match(await replay.report(), { served: 0, missed: 1 });
		}
	}
	for (const [request, response] of [
		[{ method: "HEAD" }, { headers: [["Content-Length", "99"]], body: null }],
		[{}, { statusCode: 204, headers: [["Content-Type", "text/plain"]], body: null }],
		[{}, { headers: [["Content-Length", "0"]], body: null }],
	] as [{ method?: string }, Parameters<typeof recorded>[2]][])
		t.match(
			(await ask(await replayOf([recorded("", request, response)]), request)).verdict,
			{ kind: "answer" },
			JSON.stringify(response),
		);
});

t.test("the framing is correct for any recorded response", async (t) => {
	const cases: [what: string, request: string, response: Parameters<typeof recorded>[2], head: RegExp, rest: string][] =
		[
			[
				"a length that is too large",
				"GET",
				{ headers: [["Content-Length", "99"]] },
				/\r\nContent-Length: 5\r\n/,
				"hello",
			],
			[
				"an empty body, and none promised",
				"GET",
				{ headers: [["X", "y"]], body: "" },
				/\r\ncontent-length: 0\r\n/i,
				"",
			],
			["no length", "GET", { headers: [["X", "y"]] }, /\r\ncontent-length: 5\r\n/i, "hello"],
			[
				"HTTP/2",
				"GET",
				{ httpVersion: "HTTP/2.0", reason: "", headers: [["x", "y"]] },
				/^HTTP\/1\.1 200 OK\r\n[\s\S]*content-length: 5\r\n/i,
				"hello",
			],
			[
				"chunked",
				"GET",
				{ headers: [["Transfer-Encoding", "chunked"]] },
				/\r\nTransfer-Encoding: chunked\r\n/,
				"5\r\nhello\r\n0\r\n\r\n",
			],
			[
				"chunked with a length",
				"GET",
				{
					headers: [
						["Transfer-Encoding", "chunked"],
						["Content-Length", "3"],
					],
				},
				/^(?![\s\S]*Transfer-Encoding)[\s\S]*\r\nContent-Length: 5\r\n/i,
				"hello",
			],
			["HEAD", "HEAD", { headers: [["Content-Length", "99"]], body: "" }, /\r\nContent-Length: 99\r\n/, ""],
			[
				"204 with a body",
				"GET",
				{ statusCode: 204, headers: [["Content-Length", "5"]] },
				/^(?![\s\S]*Content-Length)HTTP\/1\.1 204/i,
				"",
			],
			[
				"304",
				"GET",
				{ statusCode: 304, headers: [["Content-Length", "5"]], body: "" },
				/\r\nContent-Length: 5\r\n/,
				"",
			],
		];
	for (const [what, method, response, head, rest] of cases) {
		const replay = await replayOf([recorded("hello", { method }, response)]);
		const proxy = await startTestProxy(t, { upstream: null, hooks: [replay] });
		const peer = await proxy.connect();
		peer.send(
			`${method} http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\nGET http://example.com/last HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n`,
		);
		t.match(await peer.head(), head, what);
		t.equal(
			await peer.upTo("HTTP/1.1 404"),
			`${rest}HTTP/1.1 404`,
			`${what}: the body, and the next response behind it`,
		);
		peer.close();
	}
});

t.test("concurrent equal requests each get their own recording", async (t) => {
	const replay = await replayOf(Array.from({ length: 20 }, (_, i) => recorded(`${i}`)));
	const proxy = await startTestProxy(t, { upstream: null, hooks: [replay] });
	const bodies = await Promise.all(
		Array.from({ length: 20 }, async () => {
			const peer = await proxy.connect();
			const { body } = await peer.send("GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n").message();
			peer.close();
			return Number(body.toString());
		}),
	);
	t.same(
		bodies.sort((a, b) => a - b),
		Array.from({ length: 20 }, (_, i) => i),
	);
});

t.test("answers are delayed as recorded, or as the option says", async (t) => {
	const times = { timestampStart: STARTED + 0.35, timestampEnd: STARTED + 0.55 };
	const flow = () =>
		recorded(
			"data: 1\n\ndata: 2\n\n",
			{ timestampEnd: STARTED + 0.2 },
			{ ...times, headers: [["content-type", "text/event-stream"]] },
		);
	const cases: [delay: string, firstMs: number, lastMs: number][] = [
		["none", 0, 0],
		["recorded", 150, 350],
		["x2", 300, 700],
		["100ms", 100, 100],
	];
	for (const [delay, firstMs, lastMs] of cases) {
		const replay = await replayOf([flow()], { server_replay_delay: delay });
		const proxy = await startTestProxy(t, { upstream: null, hooks: [replay] });
		const peer = await proxy.connect();
		const started = performance.now();
		const took = () => performance.now() - started;
		peer.send("GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n");
		t.match(await peer.head(), /\r\ncontent-length: 18\r\n/i, delay);
		await peer.upTo("data: 1\n\n");
		const first = took();
		await peer.upTo("data: 2\n\n");
		const last = took();
		t.ok(
			first >= firstMs - 2 && last >= lastMs - 2,
			`${delay}: the first event after ${first} ms, the last after ${last} ms`,
		);
		const stored = await proxy.flow(0);
		t.equal(stored.response?.text, "data: 1\n\ndata: 2\n\n");
		peer.close();
	}
	await t.rejects(replayOf([], { server_replay_delay: "soon" }), {
		code: "FT_BAD_OPTION",
		option: "server_replay_delay",
	});
});

t.test("a client that disconnects during the delay", async (t) => {
	const slow = () =>
		recorded("x".repeat(100), { timestampEnd: STARTED }, { timestampStart: STARTED + 30, timestampEnd: STARTED + 60 });
	const replay = await replayOf(
		[
			slow(),
			recorded(
				"x".repeat(100),
				{ path: "/body", timestampEnd: STARTED },
				{ timestampStart: STARTED, timestampEnd: STARTED + 30 },
			),
		],
		{ server_replay_delay: "recorded" },
	);
	const proxy = await startTestProxy(t, { upstream: null, hooks: [replay] });
	const waiting = await proxy.connect();
	waiting.send("GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n");
	const reading = await proxy.connect();
	await reading.send("GET http://example.com/body HTTP/1.1\r\nHost: example.com\r\n\r\n").head();
	waiting.reset();
	reading.reset();
	const flows = [await proxy.flow(0), await proxy.flow(1)];
	t.ok(flows.every(({ error }) => error !== null));
	const started = performance.now();
	await proxy.running.close({ graceMs: 90_000 });
	t.ok(performance.now() - started < 20_000, "the proxy ends at once");
});

t.test("a WebSocket: the recorded server is replayed", async (t) => {
	const flow = websocketFlow({
		messages: [
			{ content: Buffer.from("welcome") },
			{ fromClient: true, content: Buffer.from("ping") },
			{ content: Buffer.from("pong") },
		],
	});
	for (const tape of [sourceOf([flow]), await tapeOf(join(t.testdir(), "a.tape"), [flow])]) {
		const replay = await replayOf([], {}, { recordings: [tape] });
		const proxy = await startTestProxy(t, { upstream: null, hooks: [replay] });
		const peer = await proxy.connect();
		const handshake =
			"Host: example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
		const head = await peer.send(`GET http://example.com/ HTTP/1.1\r\n${handshake}\r\n`).head();
		t.match(head, /^HTTP\/1\.1 101 /);
		t.match(head, /\r\nSec-WebSocket-Accept: ICX\+Yqv66kxgM0FcWaLWlFLwTAI=\r\n/);
		t.equal((await peer.take(9)).subarray(2).toString(), "welcome");
		peer.send(writeFrame({ opcode: 1 }, Buffer.from("hello"), true));
		t.equal((await peer.take(6)).subarray(2).toString(), "pong");
		peer.send(writeFrame({ opcode: 8 }, Buffer.from([3, 232]), true));
		t.same(await peer.take(4), Buffer.from([0x88, 2, 3, 232]));
		peer.end();
		t.equal(await peer.rest(), "");
		t.match((await proxy.flow(0)).websocket, { closeCode: 1000, closedByClient: true });
		t.same(await replay.report(), { served: 1, missed: 0, unused: 0 });
	}
});

t.test("concurrent replays of a WebSocket share its messages in memory", async (t) => {
	const flow = websocketFlow({ messages: [{ content: Buffer.from("welcome") }] });
	const tape = await tapeOf(join(t.testdir(), "a.tape"), [flow]);
	const replay = await replayOf([], { server_replay_reuse: true }, { recordings: [tape] });
	const script = async () => {
		const { verdict } = await ask(replay, { headers: [["Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="]] });
		return verdict?.kind === "answer" ? verdict.delivery?.websocket : null;
	};
	const first = await script();
	t.match(first, { cues: [{ content: Buffer.from("welcome") }] });
	t.equal(await script(), first);
});

t.test("an event stream is replayed with the recorded times of its chunks", async (t) => {
	const arrived = gate();
	const origin = await startOrigin(t, async (server) => {
		await server.head();
		server.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: 1\n\n");
		await arrived.opened;
		await new Promise((resolve) => setTimeout(resolve, 120));
		server.send("data: 2\n\n");
		server.end();
	});
	const recorder = await startTestProxy(t);
	const client = await recorder.connect();
	await client
		.send(`GET http://${origin.authority}/ HTTP/1.1\r\nHost: ${origin.authority}\r\n\r\n`)
		.upTo("data: 1\n\n");
	arrived.open();
	await client.rest();
	const flow = await recorder.flow(0);
	const times = flow.metadata.response_chunks as [number, number][];
	t.same(
		times.map(([, size]) => size),
		[9, 9],
	);
	const gap = (times[1]?.[0] ?? 0) - (times[0]?.[0] ?? 0);
	t.ok(gap >= 100 && gap < 60_000, `${gap} ms between them`);
	const replay = await replayOf([flow], { server_replay_delay: "recorded" });
	const decision = new Decision(true);
	await replay.request?.(
		httpFlow({
			request: { host: "127.0.0.1", port: origin.port, headers: [["Host", origin.authority]] },
			response: null,
		}),
		decision,
	);
	const pieces = decision.verdict?.kind === "answer" ? decision.verdict.delivery?.pieces : null;
	t.match(
		pieces?.map(({ bytes }) => bytes.toString()),
		["data: 1\n\n", "data: 2\n\n"],
	);
	t.ok(Math.abs((pieces?.[1]?.afterMs ?? 0) - gap) < 1);
});

t.test("stored flows are not answered", async (t) => {
	const flow = httpFlow({ response: { body: "own" } });
	await runStored(await replayOf([recorded("other")]), flow);
	t.equal(flow.response?.text, "own");
	t.notOk(isServerReplay({ name: "other" }));
});

t.test("the protocols to offer to clients, if the option says recorded", async (t) => {
	const flows = [recorded("x", { scheme: "https", httpVersion: "HTTP/1.1" })];
	t.equal((await replayOf(flows)).prefersHttp1, null);
	const prefers = (await replayOf(flows, { server_replay_alpn: "recorded" })).prefersHttp1;
	t.strictSame(
		[prefers?.({ hosts: ["192.0.2.1", "example.com"], port: 443 }), prefers?.({ hosts: ["example.com"], port: 8443 })],
		[true, false],
	);
});

t.test("a preflight is answered from the recording of the announced request, which stays unused", async (t) => {
	const flow = recorded(
		"done",
		{ method: "POST", path: "/api", body: "whatever" },
		{ headers: [["Access-Control-Allow-Origin", "*"]] },
	);
	const preflight = (method: string) => ({
		method: "OPTIONS",
		path: "/api",
		headers: [
			["Origin", "http://page.test"],
			["Access-Control-Request-Method", method],
		] as [string, string][],
	});
	const replay = await replayOf([flow], { server_replay_preflight: true });
	t.match(responseOf((await ask(replay, preflight("POST"))).verdict), { statusCode: 204 });
	t.match(responseOf((await ask(replay, preflight("PUT"))).verdict), { statusCode: 404 });
	t.equal(responseOf((await ask(replay, { method: "POST", path: "/api", body: "whatever" })).verdict)?.text, "done");
	t.match(
		responseOf((await ask(await replayOf([flow]), preflight("POST"))).verdict),
		{ statusCode: 404 },
		"only where that is wanted",
	);
});

t.test("a request that rules changed is matched as received, and otherwise as changed", async (t) => {
	const flow = recorded("mapped", { path: "/new" });
	if (flow.type === "http") flow.original = httpFlow({ request: { path: "/old" } }).request;
	const plain = recorded("plain", { path: "/plain" });
	for (const tape of [
		sourceOf([flow, plain]),
		await tapeOf(join(t.testdir(), "a.tape"), [flow, plain]),
		await tapeOf(join(t.testdir(), "b.jsonl"), [flow, plain]),
	]) {
		const replay = await replayOf([], { server_replay_reuse: true }, { recordings: [tape] });
		t.equal(responseOf((await ask(replay, { path: "/old" })).verdict)?.text, "mapped");
		t.equal(responseOf((await ask(replay, { path: "/new" })).verdict)?.statusCode, 404);
		const changed = httpFlow({ request: { path: "/plain" }, response: null });
		changed.original = httpFlow({ request: { path: "/as-it-came" } }).request;
		const decision = new Decision(true);
		await replay.request?.(changed, decision);
		t.equal(responseOf(decision.verdict)?.text, "plain");
	}
});

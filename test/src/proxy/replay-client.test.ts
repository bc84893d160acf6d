// Sends recorded requests again to a real server, without a client.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { ask, ok, startOrigin } from "../../../fixtures/origin-server.ts";
import { startRawServer } from "../../../fixtures/raw-server.ts";
import type { Flow } from "../../../src/flow/flow.ts";
import { FlowSink } from "../../../src/flow/sink.ts";
import type { Hook } from "../../../src/hooks/hook.ts";
import { Pipeline } from "../../../src/hooks/pipeline.ts";
import { defaults } from "../../../src/options.ts";
import { options, ReplayClient, whyNotResendable } from "../../../src/proxy/replay-client.ts";

function replayer(hooks: Hook[] = [], timeout = 0) {
	const tape: Flow[] = [];
	const client = new ReplayClient({
		options: defaults(options),
		pipeline: new Pipeline(hooks),
		sink: FlowSink.of({ append: (flow) => void tape.push(flow) }),
		timeout,
	});
	t.teardown(() => client.close());
	return { client, tape };
}

t.test("the request is sent as recorded, framed by its actual body; the new flow names its origin", async (t) => {
	const origin = await startOrigin(t, async (server) => {
		t.equal(
			await server.upTo("hello"),
			`POST /x?y HTTP/1.1\r\nHost: ${origin.authority}\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello`,
		);
		server.send(ok("new"));
		t.equal(
			await server.head(),
			ask("GET", origin.authority, "/again").replace(`http://${origin.authority}`, ""),
			"on the same connection",
		);
		server.send(ok("again"));
	});
	const { client, tape } = replayer();
	const to = { host: "127.0.0.1", port: origin.port };
	const recorded = httpFlow({
		request: {
			...to,
			method: "POST",
			path: "/x?y",
			headers: [
				["Host", origin.authority],
				["X-A", "1"],
				["Transfer-Encoding", "chunked"],
				["Content-Length", "99"],
			],
			body: "hello",
		},
	});
	const fresh = await client.send(recorded, (request) => request.headers.delete("transfer-encoding"));
	t.match(fresh, {
		isReplay: "request",
		metadata: { replay_of: recorded.id },
		error: null,
		response: { statusCode: 200 },
	});
	t.equal(fresh.response?.text, "new");
	t.not(fresh.id, recorded.id);
	t.equal(recorded.response?.statusCode, 200, "the recording is as it was");
	t.equal(
		(await client.send(httpFlow({ request: { ...to, path: "/again", headers: [["Host", origin.authority]] } })))
			.response?.text,
		"again",
	);
	t.equal(tape.length, 2);
});

t.test("one Host field is sent, and no fragment", async (t) => {
	const { port, requests, close } = await startRawServer();
	t.teardown(close);
	const { client } = replayer();
	const send = (request: NonNullable<Parameters<typeof httpFlow>[0]>["request"]) =>
		client.send(httpFlow({ request: { host: "127.0.0.1", port, headers: [], ...request } }));
	t.equal((await send({ path: "/a?x=1#frag" })).request.path, "/a?x=1#frag", "the tape keeps it");
	await send({
		method: "POST",
		path: "/b%23c",
		headers: [
			["X-A", "1"],
			["Content-Length", "2"],
		],
		body: "hi",
	});
	await send({
		headers: [
			["host", "one.example"],
			["Host", "two.example"],
		],
	});
	t.same(requests, [
		`GET /a?x=1 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`,
		`POST /b%23c HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nhi`,
		"GET / HTTP/1.1\r\nhost: one.example\r\n\r\n",
	]);
});

t.test("failures are recorded in the flow, and other exchanges continue", async (t) => {
	const { client } = replayer([], 1);
	const silent = await startOrigin(t, () => {});
	const late = await client.send(httpFlow({ request: { host: "127.0.0.1", port: silent.port } }));
	t.match(late.error?.message, "no answer within 1 s");
	const refused = await client.send(httpFlow({ request: { host: "127.0.0.1", port: 1 } }));
	t.match(refused, { error: { message: /refused/ }, response: null });
});

t.test("requests in progress can be aborted, and are recorded", async (t) => {
	const { client, tape } = replayer();
	const silent = await startOrigin(t, async (server) => {
		await server.head();
		client.stop();
	});
	const stopped = await client.send(httpFlow({ request: { host: "127.0.0.1", port: silent.port } }));
	t.match(stopped, { error: { message: /stopped before/ }, response: null });
	t.same(tape, [stopped]);
});

t.test("hooks answer and abort", async (t) => {
	const { makeResponse } = await import("../../../src/hooks/make-response.ts");
	const { client } = replayer([
		{
			name: "both",
			request(flow, decision) {
				if (flow.request.path === "/kill") decision.abort("killed", "both");
				else decision.answer(makeResponse(403, [], Buffer.alloc(0), 1), "both");
			},
		},
	]);
	t.equal((await client.send(httpFlow())).response?.statusCode, 403);
	t.match((await client.send(httpFlow({ request: { path: "/kill" } }))).error, { message: "killed" });
});

t.test("a server that switches protocols is disconnected", async (t) => {
	let left = (_how: unknown) => {};
	const isLeft = new Promise((resolve) => {
		left = resolve;
	});
	const origin = await startOrigin(t, async (server) => {
		await server.head();
		server.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
		left(await server.ended());
	});
	const { client } = replayer();
	const headers: [string, string][] = [
		["Upgrade", "x"],
		["Connection", "upgrade"],
	];
	const flow = await client.send(httpFlow({ request: { host: "127.0.0.1", port: origin.port, headers } }));
	t.equal(flow.response?.statusCode, 101);
	t.ok(await isLeft);
});

t.test("a tape cannot smuggle a second request into the first", async (t) => {
	const origin = await startOrigin(t, async (server) => {
		t.equal(await server.head(), `GET /x HTTP/1.1\r\nHost: ${origin.authority}\r\na: b\r\n\r\n`);
		server.send(ok(""));
	});
	const headers: [string, string][] = [
		[":authority", "x"],
		["Host", origin.authority],
		["x", "y\r\n\r\nGET /evil HTTP/1.1"],
		["z\nz", ""],
		["a", "b"],
	];
	const { client } = replayer();
	t.match(await client.send(httpFlow({ request: { host: "127.0.0.1", port: origin.port, path: "/x", headers } })), {
		error: null,
	});
	for (const parts of [
		{ path: "/ HTTP/1.1\r\nx: y" },
		{ path: "" },
		{ method: "" },
		{ method: "GET /evil HTTP/1.1\r\n\r\nGET" },
		{ host: "" },
		{ host: "a b" },
	])
		t.match(
			whyNotResendable(httpFlow({ request: parts })),
			/^its (path|method|host) is not valid$/,
			JSON.stringify(parts),
		);
});

t.test("requests that cannot be resent", async (t) => {
	t.equal(whyNotResendable(httpFlow()), null);
	t.match(whyNotResendable(httpFlow({ request: { body: null } })), /not recorded/);
	t.match(whyNotResendable(httpFlow({ request: { method: "CONNECT" } })), /CONNECT/);
	t.match(
		whyNotResendable(
			httpFlow({
				websocket: { messages: [], closedByClient: null, closeCode: null, closeReason: null, timestampEnd: null },
			}),
		),
		/WebSocket/,
	);
});

t.test("an endless response whose client disconnected is ended after as many bytes", async (t) => {
	let left = (_how: unknown) => {};
	const isLeft = new Promise((resolve) => {
		left = resolve;
	});
	const origin = await startOrigin(t, async (server) => {
		await server.head();
		server.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\ndata: 2\n\n");
		left(await server.ended());
	});
	const { client } = replayer();
	const recorded = httpFlow({
		request: { host: "127.0.0.1", port: origin.port },
		response: { headers: [["Content-Type", "text/event-stream"]], body: "data: 0\n\n" },
		error: { message: "Client disconnected.", timestamp: 1 },
	});
	const fresh = await client.send(recorded);
	t.match(fresh, { ended: "client", error: { message: "Client disconnected." } });
	t.match(fresh.response?.text, /^data: 1/);
	t.ok(await isLeft);
});

t.test("an incomplete request is not sent", async (t) => {
	const error = { message: "Client disconnected.", timestamp: 1 };
	const request = {
		method: "POST",
		timestampEnd: null,
		headers: [["Content-Length", "9"]] as [string, string][],
		body: "half",
	};
	t.match(whyNotResendable(httpFlow({ response: null, error, request })), /incomplete/);
});

// Defects and pitfalls of other record and replay tools, as reported by their users, one test per case.

import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import t from "tap";
import { type HttpParts, httpFlow } from "../../fixtures/build-flow.ts";
import { startTestLive } from "../../fixtures/live-proxy.ts";
import { askThrough } from "../../fixtures/plain-site.ts";
import { writeTape } from "../../fixtures/tape-files.ts";

const recording = (path: string, body: string, request: HttpParts["request"] = {}) =>
	httpFlow({ request: { path, ...request }, response: { headers: [], body } });
const url = (path: string) => `http://example.com${path}`;

t.test("once all recordings are used, server_replay_extra still applies, and nothing is forwarded", async (t) => {
	const tape = join(t.testdir(), "a.tape");
	await writeTape(tape, [recording("/a", "only")]);
	const proxy = await startTestLive(t, { recordings: [tape] });
	t.equal((await askThrough(proxy, url("/a"))).body, "only");
	t.match(await askThrough(proxy, url("/a")), { status: 404, headers: { "x-flowtape-miss": /./ } });
});

t.test("a replay opens no connection to the recorded server, not even for requests without a recording", async (t) => {
	let connections = 0;
	const server = createServer((socket) => {
		connections++;
		socket.destroy();
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.teardown(() => server.close());
	const { port } = server.address() as AddressInfo;
	const tape = join(t.testdir(), "a.tape");
	await writeTape(tape, [recording("/a", "x", { host: "127.0.0.1", port, headers: [["Host", `127.0.0.1:${port}`]] })]);
	for (const extra of ["404", "kill"] as const) {
		const proxy = await startTestLive(t, {
			recordings: [tape],
			values: { server_replay_extra: extra, connection_strategy: "eager" },
		});
		t.equal((await askThrough(proxy, `http://127.0.0.1:${port}/a`)).body, "x");
		await askThrough(proxy, `http://127.0.0.1:${port}/other`).catch(() => {});
	}
	t.equal(connections, 0);
});

t.test("responses to the same request that change over time: GET, PUT, GET", async (t) => {
	const tape = join(t.testdir(), "a.jsonl");
	await writeTape(tape, [
		recording("/item", "before"),
		recording("/item", "changed", { method: "PUT", body: "new" }),
		recording("/item", "after"),
	]);
	const proxy = await startTestLive(t, { recordings: [tape] });
	t.equal((await askThrough(proxy, url("/item"))).body, "before");
	t.equal((await askThrough(proxy, url("/item"), { method: "PUT", body: "new" })).body, "changed");
	t.equal((await askThrough(proxy, url("/item"))).body, "after");
});

t.test("requests to one URL that differ only in their bodies", async (t) => {
	const tape = join(t.testdir(), "a.tape");
	const query = (text: string) => JSON.stringify({ query: text });
	await writeTape(
		tape,
		["{ a }", "{ b }"].map((text) => recording("/graphql", `answer ${text}`, { method: "POST", body: query(text) })),
	);
	const proxy = await startTestLive(t, { recordings: [tape] });
	for (const text of ["{ b }", "{ a }"])
		t.equal((await askThrough(proxy, url("/graphql"), { method: "POST", body: query(text) })).body, `answer ${text}`);
});

t.test("a miss does not affect later hits; sequences of several tapes are separate", async (t) => {
	const folder = t.testdir();
	const [first, second] = [join(folder, "1.tape"), join(folder, "2.mitm")];
	await writeTape(first, [recording("/a", "a1"), recording("/b", "b1")]);
	await writeTape(second, [recording("/a", "a2")]);
	const proxy = await startTestLive(t, { recordings: [first, second] });
	t.equal((await askThrough(proxy, url("/missing"))).status, 404);
	t.equal((await askThrough(proxy, url("/a"))).body, "a1");
	t.equal((await askThrough(proxy, url("/b"))).body, "b1");
	t.equal((await askThrough(proxy, url("/a"))).body, "a2");
});

t.test("http and https of one host are distinct", async (t) => {
	const tape = join(t.testdir(), "a.tape");
	await writeTape(tape, [recording("/a", "secure", { scheme: "https", port: 443 }), recording("/a", "plain")]);
	const proxy = await startTestLive(t, { recordings: [tape] });
	t.equal((await askThrough(proxy, url("/a"))).body, "plain");
	t.equal((await askThrough(proxy, url("/a"))).status, 404);
});

t.test("recorded failures are not used as answers, and do not delay requests", async (t) => {
	const tape = join(t.testdir(), "a.tape");
	await writeTape(tape, [
		httpFlow({ request: { path: "/a" }, response: null, error: { message: "aborted", timestamp: 1 } }),
		httpFlow({ request: { path: "/b" }, response: { statusCode: 0, headers: [] } }),
	]);
	const proxy = await startTestLive(t, { recordings: [tape] });
	for (const path of ["/a", "/b"]) t.equal((await askThrough(proxy, url(path))).status, 404);
});

t.test("recordings with a wrong length or without a body do not make the client hang", async (t) => {
	const tape = join(t.testdir(), "a.tape");
	await writeTape(tape, [
		httpFlow({ request: { path: "/long" }, response: { headers: [["Content-Length", "999"]], body: "short" } }),
		httpFlow({ request: { path: "/none" }, response: { headers: [["Content-Length", "999"]], body: null } }),
		httpFlow({
			request: { path: "/h2" },
			response: { httpVersion: "HTTP/2.0", reason: "", headers: [["x-a", "1"]], body: "from HTTP/2" },
		}),
	]);
	const proxy = await startTestLive(t, { recordings: [tape] });
	t.equal((await askThrough(proxy, url("/long"))).body, "short");
	t.match(await askThrough(proxy, url("/none")), { status: 404, body: /its body was not recorded/ });
	t.match(await askThrough(proxy, url("/h2")), { body: "from HTTP/2", headers: { "x-a": "1" } });
});

t.test("concurrent equal requests each get their own response", async (t) => {
	const tape = join(t.testdir(), "a.tape");
	await writeTape(
		tape,
		Array.from({ length: 16 }, (_, i) => recording("/poll", String(i))),
	);
	const proxy = await startTestLive(t, { recordings: [tape] });
	const answers = await Promise.all(Array.from({ length: 16 }, () => askThrough(proxy, url("/poll"))));
	t.same(
		answers.map(({ body }) => Number(body)).sort((a, b) => a - b),
		Array.from({ length: 16 }, (_, i) => i),
	);
});

t.test("invalid dates and cookies without a value stay unchanged", async (t) => {
	const tape = join(t.testdir(), "a.tape");
	const headers: [string, string][] = [
		["Expires", "-1"],
		["Last-Modified", ""],
		["Set-Cookie", ""],
		["Set-Cookie", "a=1; Expires=soon"],
	];
	await writeTape(tape, [httpFlow({ response: { headers, timestampStart: 1 } })]);
	const proxy = await startTestLive(t, { recordings: [tape] });
	t.match((await askThrough(proxy, url("/"))).headers, { expires: "-1", "set-cookie": ["", "a=1; Expires=soon"] });
});

t.test("a media element that requests parts out of order and repeatedly", async (t) => {
	const tape = join(t.testdir(), "a.tape");
	const media = Buffer.from(Array.from({ length: 1_000_000 }, (_, at) => 97 + (at % 23))).toString();
	const part = (range: string, from: number, last: number, came = last + 1 - from) =>
		httpFlow({
			request: { path: "/a.wav", headers: [["Range", range]] },
			response: {
				statusCode: 206,
				headers: [
					["ETag", '"v1"'],
					["Content-Range", `bytes ${from}-${last}/${media.length}`],
					["Content-Length", String(last + 1 - from)],
				],
				body: media.slice(from, from + came),
			},
			error: came < last + 1 - from ? { message: "Client disconnected.", timestamp: 1 } : null,
		});
	await writeTape(tape, [
		part("bytes=0-", 0, 999_999, 400_000),
		part("bytes=900000-", 900_000, 999_999),
		part("bytes=350000-899999", 350_000, 899_999),
	]);
	const proxy = await startTestLive(t, { recordings: [tape] });
	for (const [range, from, to] of [
		["bytes=900000-", 900_000, 1_000_000],
		["bytes=900000-", 900_000, 1_000_000],
		["bytes=899999-", 899_999, 1_000_000],
		["bytes=0-", 0, 1_000_000],
		["bytes=123456-950000", 123_456, 950_001],
		["bytes=0-", 0, 1_000_000],
	] as const) {
		const { status, headers, body } = await askThrough(proxy, url("/a.wav"), { headers: { Range: range } });
		t.match(
			{ status, ...headers },
			{ status: 206, "content-range": `bytes ${from}-${to - 1}/1000000`, "content-length": String(to - from) },
		);
		t.ok(body === media.slice(from, to), range);
	}
	t.ok((await askThrough(proxy, url("/a.wav"))).body === media, "all of it");
});

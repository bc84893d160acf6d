// Sends recorded requests again and yields the result of each.
import { join } from "node:path";
import t, { type Test } from "tap";
import { type Replayed, replayClient } from "../../api/replay-client.ts";
import { httpFlow, tcpFlow } from "../../fixtures/build-flow.ts";
import { startOrigin } from "../../fixtures/origin-server.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";

/** Answers with the path and the number of the request. */
async function startEcho(t: Test) {
	const paths: string[] = [];
	const { port } = await startOrigin(t, async (client) => {
		const path = /^\S+ (\S+)/.exec(await client.upTo("\r\n\r\n"))?.[1] ?? "";
		paths.push(path);
		client.send(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${path.length}\r\n\r\n${path}`);
	});
	return { server: `http://127.0.0.1:${port}`, paths };
}

const asked = (...paths: string[]) =>
	paths.map((path) => httpFlow({ id: path, request: { path }, response: { headers: [], body: path } }));
const wordsOf = (one: Replayed) =>
	one.kind === "sent" ? `${one.recorded.id} ${one.flow.response?.statusCode}` : `${one.recorded.id}: ${one.reason}`;

t.test("results in order, compared on access, and written to a tape", async (t) => {
	const { server } = await startEcho(t);
	const folder = t.testdir();
	const [from, to] = [join(folder, "a.tape"), join(folder, "b.tape")];
	await writeTape(from, [
		...asked("/a"),
		httpFlow({ id: "/other", request: { path: "/b" }, response: { headers: [], body: "was" } }),
		tcpFlow({ id: "tcp" }),
	]);
	await using client = replayClient({ from, to, server });
	const flows: string[] = [];
	client.on("flow", ({ id }) => flows.push(id));
	const found: string[] = [];
	const skipped: string[] = [];
	for await (const one of client) {
		(one.kind === "sent" ? found : skipped).push(wordsOf(one));
		if (one.kind === "sent")
			found.push(...one.differences.map(({ part, before, after }) => `${part} ${before}>${after}`));
	}
	t.same(found, ["/a 200", "/other 200", 'body "was">"/b"']);
	t.same(skipped, ["tcp: it is tcp, not HTTP"]);
	t.match(await client.close(), { sent: 2, failed: 0, skipped: 1, recorded: 2, errors: [] });
	t.equal(flows.length, 2);
	t.match((await readTape(to)).flows, [{ isReplay: "request" }, { isReplay: "request" }]);
});

t.test("sending starts with the iteration and stops when the loop is left", async (t) => {
	const { server, paths } = await startEcho(t);
	const client = replayClient({ from: asked("/a", "/b", "/c"), server });
	await new Promise((resolve) => setTimeout(resolve, 20));
	t.same(paths, []);
	for await (const one of client) {
		t.equal(one.recorded.id, "/a");
		break;
	}
	await client.close();
	t.notOk(paths.includes("/c"));
	t.match(await replayClient({ from: asked("/a"), server }).close(), { sent: 0 }, "it may never be begun");
});

t.test("tapes answer, hooks see requests, and an unreachable server is not an error", async (t) => {
	const gone = { host: "127.0.0.1", port: 1, headers: [["Host", "127.0.0.1:1"]] } as const;
	const from = ["/a", "/b"].map((path) => httpFlow({ id: path, request: { ...gone, path } }));
	const path = join(t.testdir(), "answers.tape");
	await writeTape(path, from.slice(0, 1));
	const seen: string[] = [];
	const hooks = [
		{ name: "mine", request: ({ request }: { request: { path: string } }) => void seen.push(request.path) },
	];
	const client = replayClient({ from, answers: path, hooks });
	const found: Replayed[] = [];
	for await (const one of client) found.push(one);
	t.match(found[1], { kind: "sent", hasFailed: true, flow: { error: { message: /refused/ } } });
	t.same(seen, ["/a", "/b"]);
	t.match(await client.close(), { sent: 2, failed: 1 });
});

t.test("invalid arguments, and an aborted signal", async (t) => {
	const all = async (options: Parameters<typeof replayClient>[0]) => {
		for await (const _ of replayClient(options));
	};
	await t.rejects(all({ from: [], concurency: 2 } as never), {
		code: "FT_BAD_OPTION",
		message: /replayClient: .*Did you mean "concurrency"/,
	});
	await t.rejects(all({ from: [], server: "nowhere" }), { code: "FT_BAD_OPTION" });
	await t.rejects(all({ from: [], ignore: "json" }), { code: "FT_BAD_OPTION" });
	await t.rejects(all({ from: join(t.testdir(), "none") }), { code: "FT_NOT_FOUND" });
	const { server } = await startEcho(t);
	const controller = new AbortController();
	const client = replayClient({ from: asked("/a", "/b"), server, signal: controller.signal });
	await t.rejects(
		async () => {
			for await (const _ of client) controller.abort(new Error("enough"));
		},
		{ message: "enough" },
	);
	// a thrown error is not thrown again
	await client[Symbol.asyncDispose]();
});

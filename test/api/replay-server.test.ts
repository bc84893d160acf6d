// A replaying proxy, which connects to no server.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import type { ProxyHandle } from "../../api/proxy.ts";
import { replayServer } from "../../api/replay-server.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { askThrough } from "../../fixtures/plain-site.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";

/** Generating keys takes long. */
const ca = join(t.testdirName, "..", `home-${process.pid}`);
const ask = (proxy: ProxyHandle, path: string) =>
	askThrough({ port: Number(proxy.url.port) }, `http://example.com${path}`);
const recorded = (id: string, path: string) => httpFlow({ id, request: { path }, response: { body: `answer ${id}` } });

async function tapeOf(t: Test, name = "session.tape"): Promise<string> {
	const path = join(t.testdir(), name);
	await writeTape(path, [recorded("one", "/a"), recorded("two", "/a"), recorded("three", "/b")]);
	return path;
}

t.test("hits and misses, and their numbers in the report", async (t) => {
	await using proxy = await replayServer({ ca, from: await tapeOf(t) });
	const heard: unknown[] = [];
	proxy.on("served", ({ recording }) => heard.push(recording));
	proxy.on("miss", ({ url, policy }) => heard.push([url, policy]));
	t.match(await ask(proxy, "/a"), { status: 200, body: "answer one" });
	t.match(await ask(proxy, "/a"), { body: "answer two" });
	t.match(await ask(proxy, "/c"), { status: 404 });
	t.match(await proxy.close(), { recorded: 0, served: 2, missed: 1, unused: 1, errors: [] });
	t.same(heard, ["one", "two", ["http://example.com/c", "404"]]);
});

t.test("options without their prefix, and a function as the last check", async (t) => {
	const from = await tapeOf(t);
	const to = join(from, "..", "answers.jsonl");
	await using proxy = await replayServer({
		ca,
		from: [from],
		order: "cycle",
		extra: 500,
		match: (_, candidate) => candidate.path !== "/b",
		to,
	});
	for (const body of ["answer one", "answer two", "answer one"]) t.match(await ask(proxy, "/a"), { body });
	t.match(await ask(proxy, "/b"), { status: 500 });
	await proxy.close();
	t.equal((await readTape(to)).flows.length, 4);
	const misspelt = { from, reuze: true };
	await t.rejects(replayServer(misspelt), {
		code: "FT_BAD_OPTION",
		message: 'replayServer: "reuze" is not an option. Did you mean "reuse"?',
	});
	await t.rejects(replayServer({ ca, from: [] }), { code: "FT_USAGE" });
});

t.test("a late listener receives all later events", async (t) => {
	await using proxy = await replayServer({ ca, from: await tapeOf(t), reuse: true });
	// answered by their bytes alone, from the third on at the latest
	for (let n = 0; n < 4; n++) await ask(proxy, "/a");
	const heard: string[] = [];
	proxy.on("served", ({ recording }) => heard.push(recording));
	proxy.on("flow", (flow) => heard.push(flow.type));
	for (let n = 0; n < 3; n++) await ask(proxy, "/a");
	t.match(await proxy.close(), { served: 7 });
	t.same(heard.sort(), ["http", "http", "http", "one", "one", "one"]);
});

t.test("several proxies at once, each with its own order and report", async (t) => {
	const from = await tapeOf(t);
	const proxies = await Promise.all([1, 2, 3].map(() => replayServer({ ca, from })));
	await Promise.all(proxies.map(async (proxy) => t.match(await ask(proxy, "/a"), { body: "answer one" })));
	const [first] = proxies;
	if (first !== undefined) t.match(await ask(first, "/a"), { body: "answer two" });
	const reports = await Promise.all(proxies.map((proxy) => proxy.close()));
	t.same(
		reports.map(({ served }) => served),
		[2, 1, 1],
	);
});

t.test("damaged recordings are rejected unless they may be skipped", async (t) => {
	const from = await tapeOf(t, "session.jsonl");
	const [one, ...rest] = readFileSync(from, "utf8").split("\n");
	writeFileSync(from, [one, '{"id":', ...rest].join("\n"));
	await t.rejects(replayServer({ ca, from }), { code: "FT_CORRUPT_FLOW", message: /line 2/ });
	const reported: string[] = [];
	await using proxy = await replayServer({ ca, from, onTrouble: (code) => reported.push(code) });
	t.match(await ask(proxy, "/b"), { body: "answer three" });
	t.same(reported, ["FT_CORRUPT_FLOW"]);
});

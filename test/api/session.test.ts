// Sessions of a proxy: each has a port, an order of recordings and a report of its own.
import { request } from "node:http";
import { join } from "node:path";
import t, { type Test } from "tap";
import { record } from "../../api/record.ts";
import { replayServer } from "../../api/replay-server.ts";
import type { Session } from "../../api/session.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { askThrough, startSite } from "../../fixtures/plain-site.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";

/** Generating keys takes long. */
const ca = join(t.testdirName, "..", `home-${process.pid}`);
const askUrl = ({ url }: { url: URL }, target: string, headers?: Record<string, string>) =>
	askThrough({ port: Number(url.port) }, target, headers === undefined ? {} : { headers });
const ask = async (session: { url: URL }, path = "/a") => (await askUrl(session, `http://example.com${path}`)).body;
const basic = (user: string) => ({ "proxy-authorization": `Basic ${Buffer.from(`${user}:x`).toString("base64")}` });

async function tapeOf(t: Test, sessions: readonly (string | null)[]): Promise<string> {
	const path = join(t.testdir(), "session.tape");
	const flows = sessions.map((session, n) =>
		httpFlow({ session, request: { path: "/a" }, response: { body: String(n + 1) } }),
	);
	await writeTape(path, flows);
	return path;
}

t.test("every session has its own order and its own report", async (t) => {
	await using proxy = await replayServer({ ca, from: await tapeOf(t, [null, null]) });
	const missed: unknown[] = [];
	proxy.on("miss", ({ session }) => missed.push(session));
	const [one, two] = [await proxy.openSession("one"), await proxy.openSession("two")];
	t.not(one.url.port, two.url.port);
	t.strictSame([await ask(one), await ask(two), await ask(one), await ask(proxy)], ["1", "1", "2", "1"]);
	await ask(two, "/b");
	t.strictSame(await one.close(), { served: 2, missed: 0, unused: 0, egress: new Map() });
	t.strictSame(await two.close(), { served: 1, missed: 1, unused: 1, egress: new Map() });
	t.strictSame(missed, ["two"]);
	t.match(await proxy.close(), { served: 4, missed: 1, unused: 0 });
});

t.test("flows are recorded with the name, whatever user the client names", async (t) => {
	const site = await startSite(t);
	const to = join(t.testdir(), "recorded.jsonl");
	await using proxy = await record({ ca, to });
	const session = await proxy.openSession("test of the cart");
	const unnamed = await proxy.openSession();
	t.equal((await askUrl(session, `${site.url}/1`)).body, "GET /1");
	await askUrl(session, `${site.url}/2`, basic("somebody"));
	await askUrl(unnamed, `${site.url}/3`);
	await askUrl(proxy, `${site.url}/4`, basic("worker-3"));
	await askUrl(proxy, `${site.url}/5`);
	const { host } = new URL(site.url);
	t.match(await session.close(), { served: 0, missed: 0, unused: 0, egress: new Map([[host, 2]]) });
	t.equal((await proxy.close()).egress.get(host), 5);
	const { flows } = await readTape(to);
	t.strictSame(
		flows.map(({ session }) => session),
		["test of the cart", "test of the cart", "session-1", "worker-3", null],
	);
});

t.test("a session that is closed accepts no connection; a later one of the same name begins anew", async (t) => {
	await using proxy = await replayServer({ ca, from: await tapeOf(t, [null, null]) });
	let first: Session;
	{
		await using session = await proxy.openSession("again");
		first = session;
		await t.rejects(proxy.openSession("again"), {
			code: "FT_USAGE",
			message: 'openSession: the session "again" is open already',
		});
		t.equal(await ask(session), "1");
	}
	await t.rejects(ask(first), { code: "ECONNREFUSED" });
	t.equal(await first.close(), await first.close());
	const second = await proxy.openSession("again");
	t.equal(await ask(second), "1");
	t.strictSame((await proxy.close()).served, 2);
	t.match(await second.close(), { served: 1, unused: 1 }, "closed with the proxy");
	await t.rejects(proxy.openSession("late"), { code: "FT_USAGE", message: "openSession: the proxy is closed" });
});

t.test("names are checked", async (t) => {
	await using proxy = await replayServer({ ca, from: await tapeOf(t, [null]) });
	for (const name of ["", "x".repeat(129)])
		await t.rejects(proxy.openSession(name), {
			code: "FT_USAGE",
			message: `openSession: expected a name of 1 to 128 bytes, found ${name.length}`,
		});
});

t.test("only recordings of the session count as unused, if there are any", async (t) => {
	await using proxy = await replayServer({ ca, from: await tapeOf(t, ["one", "two", "two"]) });
	const [one, two, three] = await Promise.all(["one", "two", "three"].map((name) => proxy.openSession(name)));
	t.match(await one?.close(), { unused: 1 });
	t.match(await two?.close(), { unused: 2 });
	t.match(await three?.close(), { unused: 3 });
});

t.test("answers that are sent from a cache are counted, and not shared between sessions", async (t) => {
	await using proxy = await replayServer({ ca, from: await tapeOf(t, [null, null, null]), order: "sequence" });
	const [one, two] = [await proxy.openSession("one"), await proxy.openSession("two")];
	const asked: string[] = [];
	for (let n = 0; n < 8; n++) asked.push(await ask(one));
	t.strictSame(asked.join(""), "12333333");
	t.equal(await ask(two), "1");
	t.match(await one.close(), { served: 8 });
	t.match(await two.close(), { served: 1 });
});

t.test("tunnels, and child processes", async (t) => {
	await using proxy = await replayServer({ ca, from: await tapeOf(t, [null, null]) });
	const session = await proxy.openSession("tunnel");
	t.match(session.env({ A: "b" }), { A: "b", HTTP_PROXY: session.url.href.replace(/\/$/, "") });
	const answer = await new Promise<string>((resolve, reject) => {
		request({ host: "127.0.0.1", port: session.url.port, method: "CONNECT", path: "example.com:80" })
			.on("connect", (_, socket) => {
				socket.end("GET /a HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n");
				socket.toArray().then((parts) => resolve(Buffer.concat(parts).toString()), reject);
			})
			.on("error", reject)
			.end();
	});
	t.match(answer, /\r\n\r\n1$/);
	t.match(await session.close(), { served: 1 });
});

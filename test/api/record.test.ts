// A recording proxy: its tape, its events and its end.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t, { type Test } from "tap";
import { defineFormat } from "../../api/define-format.ts";
import { defineHook } from "../../api/hooks.ts";
import type { ProxyHandle } from "../../api/proxy.ts";
import { record } from "../../api/record.ts";
import type { ProxyEvent } from "../../api/run-events.ts";
import { openTape } from "../../api/tape.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { flowtape } from "../../fixtures/cli.ts";
import { startOrigin } from "../../fixtures/origin-server.ts";
import { askThrough } from "../../fixtures/plain-site.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";
import type { HttpFlow } from "../../src/flow/flow.ts";

/** Generating keys takes long. */
const ca = join(t.testdirName, "..", `home-${process.pid}`);
const startHello = async (t: Test) => {
	const { port } = await startOrigin(t, async (client) => {
		for (;;) {
			await client.upTo("\r\n\r\n");
			client.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
		}
	});
	return `http://127.0.0.1:${port}`;
};
const ask = (proxy: ProxyHandle, url: string) => askThrough({ port: Number(proxy.url.port) }, url);

t.test("traffic is recorded and reported", async (t) => {
	const site = await startHello(t);
	const to = join(t.testdir(), "session.tape");
	const proxy = await record({ ca, to });
	t.match(proxy.url.href, /^http:\/\/127\.0\.0\.1:\d+\/$/);
	const heard: string[] = [];
	proxy.on("flow", (flow) => heard.push(flow.type));
	proxy.on("egress", ({ destination }) => heard.push(destination));
	t.match(await ask(proxy, `${site}/a`), { status: 200, body: "hello" });
	const report = await proxy.close();
	t.match(report, { recorded: 1, lost: 0, served: 0, missed: 0, unused: 0, errors: [] });
	t.same([...report.egress], [[new URL(site).host, 1]]);
	t.same(heard, [new URL(site).host, "http"]);
	t.equal(await proxy.close(), report, "once");
	t.match((await readTape(to)).flows, [{ request: { path: "/a" }, response: { statusCode: 200 } }]);
});

t.test("a filter, hooks, options in camelCase, a custom format", async (t) => {
	const site = await startHello(t);
	const to = join(t.testdir(), "paths.list");
	const lines = defineFormat({
		name: "list",
		extensions: [".list"],
		write: (output) => ({
			append: (flow) => (flow.type === "http" ? output.write(`${flow.request.path}\n`) : undefined),
		}),
	});
	const renamed = defineHook({
		name: "renamed",
		request(flow) {
			flow.request.path = `${flow.request.path}?asked`;
		},
	});
	await using proxy = await record({
		ca,
		to,
		formats: [lines],
		filter: "!~u secret",
		hooks: [renamed],
		modifyHeaders: ["/~s/x-new/yes"],
	});
	t.equal((await ask(proxy, `${site}/a`)).headers["x-new"], "yes");
	await ask(proxy, `${site}/secret`);
	t.match(await proxy.close(), { recorded: 1 });
	t.equal(readFileSync(to, "utf8"), "/a?asked\n");
});

t.test("without a tape, with recordings and a network, and without a network", async (t) => {
	const site = await startHello(t);
	const { host, port } = new URL(site);
	const from = join(t.testdir(), "from.tape");
	await writeTape(from, [
		httpFlow({
			request: { host: "127.0.0.1", port: Number(port), path: "/old", headers: [["Host", host]] },
			response: { body: "recorded" },
		}),
	]);
	await using proxy = await record({ ca, from });
	t.match(await ask(proxy, `${site}/old`), { body: "recorded" });
	t.match(await ask(proxy, `${site}/new`), { body: "hello" });
	t.match(await proxy.close(), { recorded: 0, served: 1, missed: 1 });
	await using offline = await record({ ca, network: false });
	t.match(await ask(offline, `${site}/new`), { status: 502 });
	t.equal((await offline.close()).egress.size, 0);
});

t.test("exceptions of listeners and hooks are reported, and the traffic goes on", async (t) => {
	const site = await startHello(t);
	const broken = defineHook({
		name: "broken",
		response({ request }) {
			if (request.path === "/broken") throw new Error("a hook failed");
		},
	});
	await using proxy = await record({ ca, hooks: [broken] });
	const errors: string[] = [];
	proxy.on("flow", () => {
		throw new Error("a listener failed");
	});
	proxy.on("error", ({ message }) => errors.push(message));
	t.match(await ask(proxy, `${site}/a`), { status: 200, body: "hello" });
	t.match(await ask(proxy, `${site}/broken`), { status: 502 });
	t.match(await ask(proxy, `${site}/a`), { status: 200, body: "hello" });
	const { errors: kept } = await proxy.close();
	const failures = ["a listener failed", "a hook failed", "a listener failed", "a listener failed"];
	t.same(errors.toSorted(), failures.toSorted());
	t.same(
		kept.map(({ message }) => message),
		errors,
	);
});

t.test("events one after the other", async (t) => {
	const site = await startHello(t);
	const proxy = await record({ ca });
	const events: ProxyEvent["kind"][] = [];
	const reading = (async () => {
		for await (const { kind } of proxy.events()) events.push(kind);
	})();
	await ask(proxy, `${site}/a`);
	await proxy.close();
	await reading;
	t.same(events, ["egress", "flow"]);
});

t.test("an ephemeral authority, and one in a folder", async (t) => {
	const home = join(t.testdir(), "ca");
	const [one, two] = [await record({}), await record({})];
	t.not(one.ca.pem, two.ca.pem, "nothing is shared");
	t.match(one.ca.pem, /^-----BEGIN CERTIFICATE-----/);
	t.match(one.ca.pin, /^[\w+/]{43}=$/);
	t.ok(existsSync(one.ca.file));
	const env = one.env({ PATH: "/bin", NO_PROXY: "x" });
	t.match(env, { PATH: "/bin", HTTPS_PROXY: one.url.origin, NODE_EXTRA_CA_CERTS: one.ca.file });
	t.ok(existsSync(env.SSL_CERT_FILE ?? ""));
	t.notOk("PATH" in two.env(), "nothing of this process");
	await one.close();
	await two.close();
	t.notOk(existsSync(one.ca.file));
	await using kept = await record({ ca: home });
	await using again = await record({ ca: home });
	t.equal(again.ca.pem, kept.ca.pem);
});

t.test("a signal closes the proxy", async (t) => {
	const stop = new AbortController();
	const proxy = await record({ ca, signal: stop.signal });
	const ended = (async () => {
		for await (const _ of proxy.events());
	})();
	stop.abort();
	await ended;
	await t.rejects(ask(proxy, "http://127.0.0.1:1/"), { code: "ECONNREFUSED" });
	t.match(await proxy.close(), { recorded: 0 });
	await t.rejects(record({ ca, signal: AbortSignal.abort() }), { name: "AbortError" });
});

t.test("a failed start leaves nothing behind", async (t) => {
	await using proxy = await record({ ca });
	await t.rejects(record({ ca, port: Number(proxy.url.port) }), { code: "FT_PORT" });
	await t.rejects(record({ ca, listenPort: 0 } as object), { message: /Did you mean "port"\?/ });
	await t.rejects(record({ ca, filter: "~nonsense" }), { code: "FT_BAD_FILTER" });
	await t.rejects(record({ ca, mode: "nonsense" }), { code: "FT_BAD_OPTION", option: "mode" });
	await t.rejects(record({ ca, to: join(t.testdir(), "none", "a.tape") }), { code: "FT_IO" });
	await t.rejects(record({ ca, from: join(t.testdir(), "none.tape") }), { code: "FT_NOT_FOUND" });
	const misspelt: object = { modfyHeaders: [] };
	await t.rejects(record(misspelt), {
		code: "FT_BAD_OPTION",
		message: 'record: "modfyHeaders" is not an option. Did you mean "modifyHeaders"?',
	});
});

t.test("a tape that is read in this process keeps the locks of its recording", async (t) => {
	const site = await startHello(t);
	const cwd = t.testdir();
	const to = join(cwd, "session.tape");
	const proxy = await record({ ca, to });
	await ask(proxy, `${site}/a`);
	const tape = await openTape(to);
	while ((await tape.count()) < 1) await sleep(10);
	await tape.stats();
	await tape.close();
	t.match(await flowtape(["replay-server", "-p", "0", "session.tape", "-o", "session.tape", "--", "true"], { cwd }), {
		status: 0,
	});
	t.ok(existsSync(`${to}-wal`), "another process leaves the log, because it is in use");
	await ask(proxy, `${site}/b`);
	t.match(await proxy.close(), { recorded: 2, lost: 0 });
	t.equal((await readTape(to)).flows.length, 2);
	t.notOk(existsSync(`${to}-wal`));
});

t.test("with redact, and hooks that change what is recorded", async (t) => {
	const site = await startHello(t);
	const to = join(t.testdir(), "a.tape");
	const marks = defineHook({
		name: "marks",
		async recorded(flow) {
			flow.comment = "recorded";
			if (flow.type === "http") flow.request.headers.set("x-own", "written");
		},
	});
	const env = { FLOWTAPE_REDACT_KEY: "the key of a test", DEPLOY_TOKEN: "deploy-token-1" };
	const proxy = await record({ ca, to, hooks: [marks], redact: true, redactHeader: "x-user", env });
	const seen: string[] = [];
	proxy.on("flow", (flow) => seen.push(flow.type === "http" ? flow.request.url : flow.type));
	const headers = { Host: new URL(site).host, "X-Own": "sent", "X-User": "Ann", "X-Job": "deploy-token-1" };
	const url = `${site}/a?api_key=real-key-4711`;
	t.equal((await askThrough({ port: Number(proxy.url.port) }, url, { headers })).body, "hello");
	t.match(await proxy.close(), { recorded: 1, lost: 0, errors: [] });
	const [flow] = (await readTape(to)).flows as [HttpFlow];
	t.match(flow, { comment: "recorded", request: { path: /^\/a\?api_key=ftr_/ } });
	t.match(flow.request.headers.get("x-user"), /^ftr_/);
	t.match(flow.request.headers.get("x-job"), /^ftr_/);
	t.equal(flow.request.headers.get("x-own"), "written");
	t.match(seen, [/\/a\?api_key=ftr_/]);
	await t.rejects(record({ ca, redactHeader: "x-user" }), { code: "FT_BAD_OPTION" });
	await t.rejects(record({ ca, to, redact: true, redactBody: "(" }), { code: "FT_BAD_PATTERN" });
});

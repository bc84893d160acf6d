// Requests that browsers make by themselves, through a real proxy.
import t from "tap";
import { answering, ask, ok, startOrigin } from "../../../fixtures/origin-server.ts";
import { startTestProxy } from "../../../fixtures/running-proxy.ts";
import type { HttpFlow } from "../../../src/flow/flow.ts";
import { createBlockList } from "../../../src/hooks/block-list.ts";
import { createBrowserNoise } from "../../../src/hooks/browser-noise.ts";
import type { Hook } from "../../../src/hooks/hook.ts";
import { createProxyAuth, isProxyAuth } from "../../../src/hooks/proxy-auth.ts";

const CHROMIUM =
	"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36";
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const noise = (await createBrowserNoise({ browser_noise: "answer" }, {})) as Hook;

const asBrowser = (host: string, path: string, agent = CHROMIUM, fields: readonly string[] = []) =>
	ask("GET", host, path, [`User-Agent: ${agent}`, ...fields]);

t.test("browser_noise=record: no hook", async (t) => {
	t.equal(await createBrowserNoise({ browser_noise: "record" }, {}), null);
});

t.test("answered without a server, not recorded, and counted", async (t) => {
	const block = (await createBlockList({ block_list: [":~all:403"] }, {})) as Hook;
	const proxy = await startTestProxy(t, { hooks: [noise, block], upstream: null });
	const client = await proxy.connect();
	const { head, body } = await client
		.send(asBrowser("detectportal.firefox.com", "/success.txt?ipv4", FIREFOX))
		.message();
	t.match(head, /^HTTP\/1\.1 200 /);
	t.equal(body.toString(), "success\n");
	t.match((await client.send(asBrowser("www.gstatic.com", "/generate_204")).message()).head, /^HTTP\/1\.1 204 /);
	t.match((await client.send(asBrowser("shop.example", "/favicon.ico")).message()).head, /^HTTP\/1\.1 404 /);
	// The next request is a flow, and the only one.
	t.match((await client.send(asBrowser("shop.example", "/")).message()).head, /^HTTP\/1\.1 403 /);
	t.equal((await proxy.flow(0)).request.path, "/");
	t.equal(proxy.flows.length, 1);
	t.equal(proxy.events.filter(({ kind }) => kind === "noise").length, 3);
	t.equal(proxy.events.filter(({ kind }) => kind === "egress").length, 0);
});

t.test("other clients, and requests by pages, are treated as usual", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("icon")),
	);
	const proxy = await startTestProxy(t, { hooks: [noise] });
	const client = await proxy.connect();
	const get = async (request: string) => (await client.send(request).message()).body.toString();
	t.equal(await get(ask("GET", origin.authority, "/favicon.ico")), "icon", "no browser");
	t.equal(await get(asBrowser(origin.authority, "/favicon.ico", CHROMIUM, ["Sec-Fetch-Dest: empty"])), "icon", "fetch");
	t.equal(await get(asBrowser(origin.authority, "/favicon.ico?v=2")), "icon", "another path");
	t.equal(await get(asBrowser(origin.authority, "/.well-known/openid-configuration")), "icon");
	t.equal(proxy.events.filter(({ kind }) => kind === "noise").length, 0);
});

t.test("a server whose requests pass gets the request", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("icon")),
	);
	const passes = ({ request }: HttpFlow) => request.port === origin.port;
	const hook = (await createBrowserNoise({ browser_noise: "answer" }, { passes })) as Hook;
	const proxy = await startTestProxy(t, { hooks: [hook] });
	const client = await proxy.connect();
	t.equal((await client.send(asBrowser(origin.authority, "/favicon.ico")).message()).body.toString(), "icon");
	t.match((await client.send(asBrowser("shop.example", "/favicon.ico")).message()).head, /^HTTP\/1\.1 404 /);
});

t.test("in reverse mode, the server gets the request", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("icon")),
	);
	const proxy = await startTestProxy(t, { hooks: [noise], options: { mode: [`reverse:http://${origin.authority}`] } });
	const client = await proxy.connect();
	const { body } = await client
		.send(asBrowser("shop.example", "/favicon.ico").replace("http://shop.example", ""))
		.message();
	t.equal(body.toString(), "icon");
});

t.test("proxy authentication comes first", async (t) => {
	const authenticator = await createProxyAuth({ proxyauth: "joe:secret" }, {});
	if (authenticator === null || !isProxyAuth(authenticator)) throw new Error("no authenticator");
	const proxy = await startTestProxy(t, { hooks: [authenticator, noise], setup: { authenticator }, upstream: null });
	const client = await proxy.connect();
	t.match((await client.send(asBrowser("www.gstatic.com", "/generate_204")).message()).head, /^HTTP\/1\.1 407 /);
});

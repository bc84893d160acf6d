// Node programs without support for proxies: all their requests go through the proxy.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import t, { type Test } from "tap";
import { startAnsweringProxy } from "../../../fixtures/answering-proxy.ts";
import { openAuthority } from "../../../src/ca/authority.ts";
import { writeTrustBundle } from "../../../src/ca/trust-bundle.ts";
import { childEnvironment } from "../../../src/child/environment.ts";

const home = join(t.testdir(), "a home");
const authority = await openAuthority(home);
const proxy = await startAnsweringProxy(authority);
t.teardown(() => proxy.close());
const { pemFile, javaFile } = writeTrustBundle(home, authority.certificatePem, {});

const prelude = `
const http = require("http"), https = require("https"), tls = require("tls");
const get = (url, options = {}) => new Promise((resolve) => {
	const module = url.startsWith("https") ? https : http;
	module.get(url, options, (response) => { let text = ""; response.on("data", (part) => { text += part; }).on("end", () => resolve(text)); })
		.on("error", (error) => resolve("error: " + error.message));
});
const load = (url) => fetch(url).then((response) => response.text(), (error) => "error: " + (error.cause || error).message);
`;

/** Runs a program that ends with `print([…])`. Returns the printed responses, without the ports of tunnelled requests. */
async function answers(program: string, override: NodeJS.ProcessEnv = {}): Promise<string[]> {
	const env = childEnvironment({
		env: { ...process.env, NODE_EXTRA_CA_CERTS: undefined },
		proxyUrl: proxy.url,
		caFile: authority.certificateFile,
		bundleFile: pemFile,
		javaTrustStore: javaFile,
		phpFolder: "/h/php",
	});
	const script = `${prelude}(async () => { console.log(JSON.stringify(await Promise.all(${program}))); })();`;
	const { stdout, stderr } = await promisify(execFile)(process.execPath, ["-e", script], {
		env: { ...env, ...override },
	});
	// Node 22 warns in the thread of tap's loader, which loads no preload module
	const said = stderr.replace(/^\(node:\d+\) \[UNDICI-EHPA\].*\n.*\n/gm, "");
	if (said) throw new Error(said);
	return (JSON.parse(stdout) as string[]).map((answer) => answer.replace(/:(80|443)\//, "/"));
}

t.test("the modules http and https", async (t) => {
	t.same(
		await answers(
			`[get("http://h.example/1"), get("https://h.example/2?q"), get("http://localhost:99/3"), get("https://127.0.0.1:8443/4")]`,
		),
		[
			"GET http://h.example/1",
			"GET https://h.example/2?q",
			"GET http://localhost:99/3",
			"GET https://127.0.0.1:8443/4",
		],
	);
});

t.test("agents that the program creates", async (t) => {
	const program = `[
		get("http://h.example/1", { agent: new http.Agent({ keepAlive: false }) }),
		get("https://h.example/2", { agent: new https.Agent() }),
		get("https://h.example/3", { agent: false }),
		get("http://[::1]:8080/4", { agent: new http.Agent() }),
		get("https://h.example/5", { agent: new https.Agent({ ca: tls.rootCertificates[0] }) }),
		get("https://h.example/6", { agent: new https.Agent(), ca: [tls.rootCertificates[0]] }),
	]`;
	t.same(await answers(program), [
		"GET http://h.example/1",
		"GET https://h.example/2",
		"GET https://h.example/3",
		"GET http://[::1]:8080/4",
		"GET https://h.example/5",
		"GET https://h.example/6",
	]);
});

t.test("fetch", async (t) => {
	t.same(
		await answers(
			`[load("http://h.example/1"), load("https://h.example/2"), load("https://127.0.0.1:8443/3"), load("http://localhost:99/4")]`,
		),
		["GET http://h.example/1", "GET https://h.example/2", "GET https://127.0.0.1:8443/3", "GET http://localhost:99/4"],
	);
});

t.test("failures are errors of the request", async (t) => {
	const [refused, fetched, nonsense, untrusted, ...rest] = await answers(`[
		get("https://refused.example/", { agent: new https.Agent() }),
		load("https://refused.example/"),
		get("https://h.example/", { agent: new https.Agent({ minVersion: "TLSv9" }) }),
		get("https://h.example/", { agent: new https.Agent(), checkServerIdentity: () => new Error("not the one") }),
	]`);
	t.match(refused, /error: the proxy answered "HTTP\/1.1 403 Not that one" when asked for refused.example:443/);
	t.match(fetched, /^error: /);
	t.match(nonsense, /error: .*TLSv9/);
	t.equal(untrusted, "error: not the one");
	t.same(rest, []);

	const closing = createServer().on("connect", (_request, socket) => socket.end());
	await new Promise<void>((resolve) => closing.listen(0, "127.0.0.1", resolve));
	t.teardown(() => closing.close());
	const script = `${prelude}get("https://h.example/", { agent: new https.Agent() }).then(console.log)`;
	const at = (port: number): Record<string, string> =>
		childEnvironment({
			env: process.env,
			proxyUrl: `http://127.0.0.1:${port}`,
			caFile: authority.certificateFile,
			bundleFile: pemFile,
			javaTrustStore: javaFile,
			phpFolder: "/h/php",
		});
	const run = async (port: number): Promise<string> =>
		(await promisify(execFile)(process.execPath, ["-e", script], { env: at(port) })).stdout;
	t.match(
		await run((closing.address() as AddressInfo).port),
		/error: the proxy closed the connection when asked for h.example:443/,
	);
	t.match(await run(1), /ECONNREFUSED/);
});

t.test("the user name is sent to the proxy, also if the program sets it later", async (t) => {
	const asked: (string | undefined)[] = [];
	const asking = createServer().on("connect", (request, socket) => {
		asked.push(request.headers["proxy-authorization"]?.replace("Basic ", ""));
		socket.end();
	});
	await new Promise<void>((resolve) => asking.listen(0, "127.0.0.1", resolve));
	t.teardown(() => asking.close());
	const at = (login: string) => `http://${login}127.0.0.1:${(asking.address() as AddressInfo).port}`;
	const program = `[await get("http://h.example/", { agent: new http.Agent() }), process.env.HTTPS_PROXY = "${at("worker-3@")}", await get("http://h.example/", { agent: new http.Agent() })]`;
	for (const login of ["", "m%40e:p%20w@"])
		await answers(program, { FLOWTAPE_PROXY: at(login), HTTPS_PROXY: at(login) });
	const basic = (text: string) => Buffer.from(text).toString("base64");
	t.same(asked, [undefined, basic("worker-3:"), basic("m@e:p w"), basic("worker-3:")]);
});

t.test("connections to the proxy itself and to Unix sockets stay unchanged", async (t: Test) => {
	// in a folder with a short name, because the path of a socket has at most 107 bytes
	const folder = mkdtempSync(join(tmpdir(), "s-"));
	t.teardown(() => rmSync(folder, { recursive: true }));
	const path = join(folder, "s");
	const server = createServer((_request, response) => response.end("local"));
	await new Promise<void>((resolve) => server.listen(path, resolve));
	t.teardown(() => server.close());
	const port = Number(new URL(proxy.url).port);
	const program = `[
		get("http://ignored.example/", { socketPath: ${JSON.stringify(path)}, agent: new http.Agent() }),
		get("http://127.0.0.1:${port}", { path: "http://h.example/absolute", agent: new http.Agent() }),
	]`;
	t.same(await answers(program), ["local", "GET http://h.example/absolute"]);
});

t.test("hosts in NO_PROXY are reached directly, with every API", async (t) => {
	const server = createServer((_request, response) => response.end("direct"));
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.teardown(() => server.close());
	const { port } = server.address() as AddressInfo;
	const url = `http://127.0.0.1:${port}/`;
	const program = `[get("${url}"), get("${url}", { agent: new http.Agent() }), load("${url}")]`;
	for (const list of ["127.0.0.1", `x.test, 127.0.0.1:${port}`, "*"])
		t.same(await answers(program, { NO_PROXY: list }), ["direct", "direct", "direct"], list);
	const named =
		'[get("http://a.example.test/1", { agent: new http.Agent() }), get("http://notexample.test/2", { agent: new http.Agent() }), get("http://example.test:8080/3", { agent: new http.Agent() })]';
	const [exempt, ...others] = await answers(named, { NO_PROXY: ".example.test:80,127.0.0.1:1,::1" });
	t.match(exempt, /^error: /, "it has no address");
	t.same(others, ["GET http://notexample.test/2", "GET http://example.test:8080/3"]);
});

t.test("servers of the program itself are announced to the proxy", async (t) => {
	const asked: unknown[] = [];
	const asking = createServer().on("connect", (request, socket) => {
		asked.push([new URL(`http://${request.url}`).hostname, request.headers["flowtape-own-server"]]);
		socket.end();
	});
	await new Promise<void>((resolve) => asking.listen(0, "127.0.0.1", resolve));
	t.teardown(() => asking.close());
	const program = `await (async () => {
		const ask = (host, port) => get("http://" + host + ":" + port + "/", { agent: new http.Agent() });
		const server = http.createServer(() => {});
		// in an earlier listener of the same event
		const early = new Promise((resolve) => server.once("listening", () => resolve(ask("127.0.0.1", server.address().port))));
		server.listen(0, "127.0.0.1");
		await early;
		const { port } = server.address();
		await ask("127.0.0.2", port);
		await ask("localhost", port);
		await ask("a.example", port);
		await ask("127.0.0.1", port === 1 ? 2 : 1);
		server.close();
		await ask("127.0.0.1", port);
		process.exit(console.log("[]"));
	})()`;
	const at = `http://127.0.0.1:${(asking.address() as AddressInfo).port}`;
	await answers(program, { FLOWTAPE_PROXY: at, HTTP_PROXY: at });
	t.same(new Set(asked.map((each) => (each as unknown[])[1])), new Set([undefined]), "not without a token");
	asked.length = 0;
	await answers(program, { FLOWTAPE_PROXY: at, HTTP_PROXY: at, FLOWTAPE_OWN_TOKEN: "token" });
	t.same(asked, [
		["127.0.0.1", "token 127.0.0.1"],
		["127.0.0.2", undefined],
		["localhost", "token 127.0.0.1"],
		["a.example", undefined],
		["127.0.0.1", undefined],
		["127.0.0.1", undefined],
	]);
});

t.test("nothing is changed without a proxy", async (t) => {
	const server = createServer((_request, response) => response.end("direct"));
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.teardown(() => server.close());
	const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
	const program = `[get(${JSON.stringify(url)}, { agent: new http.Agent() })]`;
	t.same(await answers(program, { FLOWTAPE_PROXY: "", NODE_USE_ENV_PROXY: "" }), ["direct"]);
});

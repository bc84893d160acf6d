// Recordings with --redact: what reaches the disk has no secret, clients and servers get what was sent, and the tape
// answers requests with other secrets. curl, Python and a WebSocket log in to a site and use its token.
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { gunzipSync, gzipSync } from "node:zlib";
import t, { type Test } from "tap";
import type { Command } from "../../commands/cli/command.ts";
import { command as record } from "../../commands/record.ts";
import { command as replayClient } from "../../commands/replay-client.ts";
import { command as replayServer } from "../../commands/replay-server.ts";
import { command as rewrite } from "../../commands/rewrite.ts";
import { command as scan } from "../../commands/scan.ts";
import { Cli, cliEnvironment, flowtape } from "../../fixtures/cli.ts";
import { makeCertificate } from "../../fixtures/own-certificate.ts";
import { ownTemporaryFolder } from "../../fixtures/own-temporary-folder.ts";
import { askThrough } from "../../fixtures/plain-site.ts";
import { RandomTokens } from "../../fixtures/random-tokens.ts";
import { runCaptured, startCaptured } from "../../fixtures/run-captured.ts";
import { readTape } from "../../fixtures/tape-files.ts";
import { openTape } from "../../formats/index.ts";
import type { HttpFlow } from "../../src/flow/flow.ts";
import { notationsOf } from "../../src/redact/notations.ts";
import { NOTE } from "../../src/redact/options.ts";

const run = promisify(execFile);
const random = new RandomTokens(15);

const secrets = {
	password: `Pw/${random.text("alphanumeric", 9)}+x`,
	token: `${random.text("base64", 20)}/+${random.text("base64", 20)}=`,
	session: random.text("hex", 32),
	key: random.text("alphanumeric", 24),
};
const notations = Object.values(secrets)
	.flatMap(notationsOf)
	.map(({ text }) => Buffer.from(text, "latin1"));

/** The files below folders that have a secret. */
function dirtyFiles(...folders: string[]): string[] {
	return folders
		.flatMap((folder) => (readdirSync(folder, { recursive: true }) as string[]).map((name) => join(folder, name)))
		.filter((path) => statSync(path).isFile() && hasSecret(readFileSync(path)));
}

/** Whether bytes have a secret in any notation, as they are or in a gzip member. */
function hasSecret(bytes: Buffer): boolean {
	if (notations.some((text) => bytes.includes(text))) return true;
	for (let at = bytes.indexOf(GZIP); at >= 0; at = bytes.indexOf(GZIP, at + 1)) {
		try {
			if (notations.some((text) => gunzipSync(bytes.subarray(at), { finishFlush: 2 }).includes(text))) return true;
		} catch {
			// not the beginning of a member
		}
	}
	return false;
}

const GZIP = Buffer.of(0x1f, 0x8b, 8);

interface Site {
	plain: number;
	secure: number;
	process: ChildProcess;
}

async function startSite(t: Test): Promise<Site> {
	const child = spawn(process.execPath, ["interop/redact/site.mjs"], { stdio: ["pipe", "pipe", "inherit"] });
	t.teardown(() => child.kill("SIGKILL"));
	const { certificate: cert, key } = makeCertificate({ names: ["localhost"] });
	child.stdin.end(JSON.stringify({ certificate: { cert, key }, secrets }));
	for await (const line of createInterface(child.stdout))
		return { ...(JSON.parse(line) as { plain: number; secure: number }), process: child };
	throw new Error("the site did not start");
}

const has = (program: string, ...args: string[]) => spawnSync(program, args).status === 0;
const isThere = {
	curl: has("curl", "--version"),
	urllib: has("python3", "--version"),
	requests: has("python3", "-c", "import requests"),
};

interface Setting {
	proxyPort: number;
	site: Site;
	/** The folder for files of clients. */
	folder: string;
	/** The certificate of the proxy's authority. */
	ca: string;
	given: { password: string; token: string; key: string };
}

/** Runs all clients; resolves to what each prints. */
async function runClients({ proxyPort, site, folder, ca, given }: Setting): Promise<Record<string, string>> {
	const proxy = `http://127.0.0.1:${proxyPort}`;
	const env = { ...cliEnvironment(folder), http_proxy: proxy, https_proxy: proxy, REQUESTS_CA_BUNDLE: ca };
	const plain = `http://localhost:${site.plain}`;
	const secure = `https://localhost:${site.secure}`;
	const printed: Record<string, string> = {};
	const client = async (name: string, program: string, args: readonly string[]) => {
		const { stdout } = await run(program, args, { env, timeout: 120_000 });
		printed[name] = stdout.trim();
	};
	const { password, token, key } = given;
	if (isThere.curl)
		for (const [name, base, version] of [
			["curl", plain, "--http1.1"],
			["curl, TLS", secure, "--http1.1"],
			["curl, HTTP/2", secure, "--http2"],
		] as const)
			await client(name, "interop/redact/curl.sh", [base, password, key, folder, version, "--cacert", ca]);
	for (const library of ["urllib", "requests"] as const)
		if (isThere[library])
			for (const base of [plain, secure])
				await client(`${library} ${base}`, "python3", ["interop/redact/client.py", library, base, password, key, ca]);
	for (const base of [plain, secure])
		await client(`ws ${base}`, process.execPath, ["interop/redact/talk.mjs", base, proxy, token, ca]);
	return printed;
}

/** Runs a proxy command with all clients. */
async function session(
	command: Command,
	args: readonly string[],
	setting: Omit<Setting, "proxyPort" | "ca">,
	env: NodeJS.ProcessEnv,
): Promise<{ printed: Record<string, string>; err: string }> {
	const proxy = await startCaptured(command, [...args, "--ssl-insecure", "-v"], { env });
	const ca = join(env.FLOWTAPE_HOME ?? "", "flowtape-ca-cert.pem");
	let printed: Record<string, string>;
	try {
		printed = await runClients({ ...setting, proxyPort: proxy.port, ca });
	} finally {
		await proxy.stop();
	}
	const { status, err } = proxy.captured;
	if (status !== 0) throw new Error(`it ended with ${status}: ${err}`);
	return { printed, err };
}

for (const name of ["curl", "urllib", "requests"] as const)
	if (!isThere[name]) t.comment(`there is no ${name} here: skipped`);

t.test("recorded with --redact, or cleaned later, and replayed with other secrets", async (t) => {
	const temporary = ownTemporaryFolder(t);
	const folder = t.testdir({ files: {}, home: {} });
	const env = { FLOWTAPE_HOME: join(folder, "home"), API_KEY: secrets.key };
	const site = await startSite(t);
	const setting = { site, folder: join(folder, "files"), given: secrets };
	const recorded = await session(record, [join(folder, "live.tape"), "--redact"], setting, env);
	const statuses = [...new Set(Object.values(recorded.printed))].sort();
	t.same(statuses, ["200 200 200 200 200 200 200", "true"], "servers and clients get the real secrets");
	t.same(dirtyFiles(folder), [], "nothing on disk has a secret");
	t.same(temporary(), []);
	t.notOk(hasSecret(Buffer.from(recorded.err)), "nor has the log");
	await session(record, [join(folder, "cleaned.tape")], setting, env);
	t.equal((await runCaptured(scan, [join(folder, "cleaned.tape"), "-q"], { env })).status, 1);
	const rewritten = await runCaptured(rewrite, [join(folder, "cleaned.tape"), "--in-place", "--redact"], { env });
	t.equal(rewritten.status, 0, rewritten.err);
	t.same(dirtyFiles(folder), []);
	site.process.kill("SIGTERM");
	const given = { password: "other-Password-1", token: "other-token", key: "another-key-4711" };
	for (const name of ["live.tape", "cleaned.tape"]) {
		const path = join(folder, name);
		t.equal((await runCaptured(scan, [path], { env })).status, 0, `${name}: scan finds none`);
		const others = { FLOWTAPE_HOME: join(folder, "home"), API_KEY: given.key };
		// curl makes a new boundary for each form
		const args = [path, "--alpn", "recorded", "--match-content", "meaning"];
		const { printed, err } = await session(replayServer, args, { ...setting, given }, others);
		t.same(printed, recorded.printed, name);
		t.match(err, /, missed 0, /, name);
	}
	const { flows } = await readTape(join(folder, "live.tape"));
	const versions = new Set((flows as HttpFlow[]).map(({ request }) => request.httpVersion));
	t.ok(versions.has("HTTP/1.1") && (!isThere.curl || versions.has("HTTP/2.0")));
	rmSync(join(folder, "files"), { recursive: true });
});

/** A login, and an API that answers with the token: also in a large body that is streamed, and in events. */
async function startApi(t: Test): Promise<string> {
	const { password, token } = secrets;
	const filler = `${JSON.stringify({ text: "nothing to see ".repeat(20) })},`.repeat(1500);
	const server = createServer(async (request, response) => {
		const body = await text(request);
		const { url = "", headers } = request;
		const isKnown = url === "/login" ? body.includes(password) : headers.authorization === `Bearer ${token}`;
		if (url === "/early") return response.end(`the value ${token} says nothing yet`);
		if (!isKnown) return response.writeHead(401).end();
		if (url === "/large") return response.writeHead(200, json).end(`[${filler}{"access_token":"${token}"}]`);
		if (url.startsWith("/cut")) {
			const whole = Buffer.from(JSON.stringify({ access_token: token, more: "x".repeat(5000) }));
			const content = url === "/cut" ? whole : gzipSync(whole, { level: 0 });
			const coding = url === "/cut" ? {} : { "Content-Encoding": "gzip" };
			response.writeHead(200, { ...json, ...coding, "Content-Length": content.length });
			return response.write(content.subarray(0, 4000), () => setTimeout(() => response.destroy(), 100));
		}
		if (url !== "/events") return response.writeHead(200, json).end(JSON.stringify({ access_token: token }));
		response.writeHead(200, { "Content-Type": "text/event-stream", Trailer: "X-Auth-Token" });
		for (let n = 0; n < 3; n++) response.write(`data: ${JSON.stringify({ access_token: token, n })}\n\n`);
		response.addTrailers({ "X-Auth-Token": token });
		response.end();
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.teardown(() => {
		server.close();
		server.closeAllConnections();
	});
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const json = { "Content-Type": "application/json" };

/** Logs in, and asks for paths with the token. Returns the statuses. */
async function ask(proxy: { port: number }, url: string, paths: readonly string[]): Promise<number[]> {
	const login = { method: "POST", headers: json, body: JSON.stringify({ user: "ann", password: secrets.password }) };
	const statuses = [(await askThrough(proxy, `${url}/login`, login)).status];
	const headers = { Authorization: `Bearer ${secrets.token}` };
	for (const path of paths) statuses.push((await askThrough(proxy, url + path, { headers })).status);
	return statuses;
}

const PATHS = ["/me", "/large", "/events"];
const STREAMED = ["--stream-large-bodies", "64k", "--store-streamed-bodies"];

t.test("every format, streamed bodies, events and trailers", async (t) => {
	const url = await startApi(t);
	for (const name of ["a.tape", "a.mitm", "a.har", "a.jsonl", "a.zhar"])
		for (const streamed of [[], STREAMED]) {
			const folder = t.testdir({ home: {} });
			const env = { FLOWTAPE_HOME: join(folder, "home") };
			const proxy = await startCaptured(record, [join(folder, name), "--redact", ...streamed], { env });
			t.same(await ask(proxy, url, PATHS), [200, 200, 200, 200]);
			t.match((await proxy.stop()).err, "recorded 4 flows to ");
			t.same(dirtyFiles(folder), [], name);
			const flows = (await readTape(join(folder, name))).flows as HttpFlow[];
			t.match(flows[2]?.response?.text, /\{"access_token":"ftr_token_\w+"\}\]$/, name);
			t.match(flows[3]?.response?.text, /^data: \{"access_token":"ftr_token_\w+","n":0\}\n/, name);
			if (name !== "a.har" && name !== "a.zhar")
				t.match(flows[3]?.response?.trailers?.get("x-auth-token"), /^ftr_token_/, name);
		}
});

t.test("answers that are cut off", async (t) => {
	const url = await startApi(t);
	const folder = t.testdir({ home: {} });
	const path = join(folder, "a.tape");
	const proxy = await startCaptured(record, [path, "--redact"], { env: { FLOWTAPE_HOME: join(folder, "home") } });
	for (const cut of ["/cut", "/cut.gz"]) t.same(await ask(proxy, url, [cut]), [200, 502]);
	const { err } = await proxy.stop();
	t.match(err, "the response body was removed, because it cannot be searched");
	t.same(dirtyFiles(folder), []);
	const flows = (await readTape(path)).flows as HttpFlow[];
	t.match(flows[1], { ended: "cut", response: { text: /^\{"access_token":"ftr_token_\w+","more":"x+$/ } });
	t.match(flows[3], { ended: "cut", response: { body: null } });
});

t.test("a secret that is recognized later is replaced in earlier flows, and said", async (t) => {
	const url = await startApi(t);
	for (const name of ["a.tape", "a.mitm", "a.har", "a.jsonl"]) {
		const folder = t.testdir({ home: {} });
		const env = { FLOWTAPE_HOME: join(folder, "home") };
		const path = join(folder, name);
		const proxy = await startCaptured(record, [path, "--redact"], { env });
		await askThrough(proxy, `${url}/early`);
		await ask(proxy, url, ["/me"]);
		const { err } = await proxy.stop();
		t.match(err, "secrets that were recognized later have been replaced in 1 earlier flow\n");
		t.equal((await readTape(path)).flows.length, 3);
		t.same(dirtyFiles(folder), [], name);
	}
});

t.test("recordings that are killed at any moment", async (t) => {
	const url = await startApi(t);
	for (const [n, args] of [
		["record", "a.tape", ...STREAMED],
		["record", "a.mitm", ...STREAMED],
		["record", "a.jsonl"],
		["run", "a.tape", "--", "sleep", "4"],
	].entries()) {
		const cwd = t.testdir({ temporary: {}, home: {} });
		const [command, ...rest] = args as [string, ...string[]];
		const cli = new Cli([command, "--redact", "-p", "0", "-v", ...rest], {
			cwd,
			env: { TMPDIR: join(cwd, "temporary") },
		});
		const port = await cli.port();
		const killer = setTimeout(() => cli.process.kill("SIGKILL"), 500 + random.integer(1500));
		let answers = 0;
		try {
			for (let round = 0; round < 200; round++) answers += (await ask({ port }, url, PATHS)).length;
		} catch {
			// it was killed
		}
		clearTimeout(killer);
		cli.process.kill("SIGKILL");
		const { out, err } = await cli.ended;
		t.notOk(hasSecret(Buffer.from(out + err)), `${n}: what it printed`);
		t.same(dirtyFiles(cwd), [], `${n}: after ${answers} answers`);
	}
});

t.test("what run adds to a redacted tape is redacted too, by its rules and those of the user", async (t) => {
	const url = await startApi(t);
	const cwd = t.testdir({ home: {} });
	const client = (path: string) => [
		"--",
		process.execPath,
		"-e",
		`const headers = { authorization: "Bearer ${secrets.token}", "x-own": "own-value-1", "x-more": "own-value-2" };
		require("node:http").get("${url}${path}", { headers }, (answer) => answer.resume());`,
	];
	const newEpisodes = ["--record-mode", "new-episodes"];
	for (const tape of ["a.tape", "a.jsonl", "a.mitm"]) {
		const flowtapeRun = (...args: string[]) => flowtape(["run", tape, ...args], { cwd });
		const rules = ["--redact-header", "x-own", "--redact-header", "x-never"];
		const first = await flowtapeRun("--redact", ...rules, ...client("/me"));
		t.match(first, { status: 0, err: /--redact-header x-never never applied\n(?:.*\n)*recorded 1 flow to a\./ });
		const second = await flowtapeRun(...newEpisodes, "--redact-header", "x-more", ...client("/events"));
		t.match(second, {
			status: 0,
			err: /was redacted, so what is recorded now is redacted too\n(?:.*\n)*.*recorded 1 flow/,
		});
		t.same(dirtyFiles(cwd), []);
		const { flows, reported } = await readTape(join(cwd, tape));
		t.same(reported, [], tape);
		const fields = (name: string) => (flows as HttpFlow[]).map(({ request }) => request.headers.get(name) ?? "");
		t.match(fields("x-own"), [/^ftr_h/, "own-value-1"], "rules of a tape serve matching only");
		t.match(fields("x-more"), ["own-value-2", /^ftr_h/]);
		const source = await openTape(join(cwd, tape), { report() {} });
		t.match(await source.notes(), { [NOTE]: { redact_header: ["x-own", "x-never", "x-more"] } }, tape);
		await source.close();
		const third = await flowtapeRun("--redact-header", "x-more", ...client("/me"));
		t.match(third, { status: 0, err: /served 1, missed 0, unused 1/ });
		const bad = await flowtapeRun("--redact", "--redact-body", "(", ...client("/me"));
		t.match(bad, { status: 2, err: /redact-body/ });
	}
});

t.test("requests that are sent again", async (t) => {
	const url = await startApi(t);
	const folder = t.testdir({ home: {} });
	const env = { FLOWTAPE_HOME: join(folder, "home") };
	const before = join(t.testdirName, "..", `real-${process.pid}.tape`);
	t.teardown(() => rmSync(before, { force: true }));
	const proxy = await startCaptured(record, [before], { env });
	await ask(proxy, url, ["/me", "/events"]);
	await proxy.stop();
	const after = join(folder, "a.tape");
	const args = [before, "-o", after, "--redact", "--compare", "--redact-cookie", "none"];
	const sent = await runCaptured(replayClient, args, { env });
	t.match(sent, { status: 0, err: /--redact-cookie none never applied/ });
	t.notOk(hasSecret(Buffer.from(sent.out + sent.err)));
	t.same(dirtyFiles(folder), []);
	t.equal((await readTape(after)).flows.length, 3);
});

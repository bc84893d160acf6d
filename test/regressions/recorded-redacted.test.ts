// Recordings with --redact: what reaches the disk has no secret, clients and servers get what was sent, and the tape
// answers requests with other secrets.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import t, { type Test } from "tap";
import { command as record } from "../../commands/record.ts";
import { command as replayServer } from "../../commands/replay-server.ts";
import { askThrough } from "../../fixtures/plain-site.ts";
import { RandomTokens } from "../../fixtures/random-tokens.ts";
import { startCaptured } from "../../fixtures/run-captured.ts";
import { notationsOf } from "../../src/redact/notations.ts";

const random = new RandomTokens(15);
const json = { "Content-Type": "application/json" };

const PASSWORD = `Pw/${random.text("alphanumeric", 9)}+x`;
const TOKEN = random.text("alphanumeric", 40);
const SECRETS = [PASSWORD, TOKEN];
const notations = SECRETS.flatMap(notationsOf).map(({ text }) => Buffer.from(text, "latin1"));

/** The files below a folder that have a secret. */
function dirtyFiles(folder: string): string[] {
	return (readdirSync(folder, { recursive: true }) as string[])
		.map((name) => join(folder, name))
		.filter((path) => statSync(path).isFile())
		.filter((path) => {
			const bytes = readFileSync(path);
			return notations.some((text) => bytes.includes(text));
		});
}

/** A login that answers with the token, a page that knows it early, and an API that wants it. */
async function startApi(t: Test): Promise<{ url: string; seen: string[] }> {
	const seen: string[] = [];
	const server = createServer((request, response) => {
		const parts: Buffer[] = [];
		request.on("data", (part) => parts.push(part));
		request.on("end", () => {
			const { url = "", headers } = request;
			seen.push(`${url} ${headers.authorization ?? ""} ${Buffer.concat(parts)}`);
			if (url.startsWith("/early")) return response.end(`value ${TOKEN} here`);
			const body = gzipSync(JSON.stringify(url === "/login" ? { access_token: TOKEN } : { you: TOKEN }));
			response.writeHead(200, { ...json, "Content-Encoding": "gzip" }).end(body);
		});
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.teardown(() => server.close());
	return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

t.test("what is recorded, in every format, and the replay", async (t) => {
	const api = await startApi(t);
	for (const name of ["a.tape", "a.mitm", "a.har", "a.jsonl"]) {
		const folder = t.testdir();
		const env = { FLOWTAPE_HOME: join(folder, "home") };
		const tape = join(folder, name);
		const recording = await startCaptured(record, [tape, "--redact", "-v"], { env });
		const login = { method: "POST", headers: json, body: JSON.stringify({ user: "ann", password: PASSWORD }) };
		if (name === "a.tape") await askThrough(recording, `${api.url}/early`);
		const answer = await askThrough(recording, `${api.url}/login`, login);
		t.equal(answer.headers["content-encoding"], "gzip");
		const me = await askThrough(recording, `${api.url}/me?api_key=${TOKEN}`, {
			headers: { Authorization: `Bearer ${TOKEN}` },
		});
		t.equal(me.status, 200);
		const { err, status } = await recording.stop();
		t.comment(err);
		t.equal(status, 0);
		t.same(dirtyFiles(folder), [], name);
		t.ok(SECRETS.every((secret) => !err.includes(secret)));
		const proxy = await startCaptured(replayServer, [tape], { env: {} });
		const again = await askThrough(proxy, `${api.url}/login`, { ...login, body: '{"user":"ann","password":"x"}' });
		t.equal(again.status, 200);
		const other = await askThrough(proxy, `${api.url}/me?api_key=dummy`, { headers: { Authorization: "Bearer x" } });
		t.equal(other.status, 200);
		await proxy.stop();
	}
});

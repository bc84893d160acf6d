// Runs every export with its program, against a server that stores the bytes. The server must receive the recorded
// request. Uses curl and HTTPie if they are installed (HTTPie in a virtual environment, if Python can create one), and
// fetch of this Node.
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { discard } from "../fixtures/make/discard.mjs";
import { flowtape } from "./peers/proxies.mjs";
import { check, reportTally } from "./peers/tally.mjs";

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "flowtape-export-"));
const env = {
	...process.env,
	FLOWTAPE_HOME: join(folder, "home"),
	NO_COLOR: "1",
	HTTPIE_CONFIG_DIR: join(folder, "httpie"),
};
for (const name of Object.keys(env)) if (/^(https?|all|no)_proxy$/i.test(name)) delete env[name];

const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const requests = [
	{ method: "GET", path: "/plain?a=1&b=%20c", headers: [["X-One", "1"]] },
	{
		method: "GET",
		path: "/quotes",
		headers: [
			["X-Quote", `it's "so" $HOME \`id\` \\ !x`],
			["User-Agent", "me/1.0"],
			["Accept", "text/*"],
		],
	},
	{ method: "GET", path: "/../up/./[1-3]{a,b}", headers: [], curlOnly: true },
	{
		method: "POST",
		path: "/json",
		headers: [["Content-Type", "application/json"]],
		body: Buffer.from(`{"a": "it's \\n", "b": "@file"}\n`),
	},
	{
		method: "POST",
		path: "/form",
		headers: [["Content-Type", "application/x-www-form-urlencoded"]],
		body: Buffer.from("a=1&b=%20"),
	},
	{ method: "PUT", path: "/binary", headers: [["Content-Type", "application/octet-stream"]], body: EVERY_BYTE },
	{ method: "PATCH", path: "/at", headers: [["Content-Type", "text/plain"]], body: Buffer.from("@/etc/passwd") },
	{ method: "DELETE", path: "/none", headers: [] },
	{ method: "POST", path: "/untyped", headers: [], body: Buffer.from("no type") },
	{ method: "POST", path: "/long", headers: [["Content-Type", "text/plain"]], body: Buffer.alloc(300_000, "long ") },
	{
		method: "PUT",
		path: "/percent",
		headers: [["Content-Type", "text/plain"]],
		body: Buffer.from("100% \\x41 \\101 %s"),
	},
];

/** The server answers every request, and stores the bytes of the last connection. */
let received = Buffer.alloc(0);
const server = createServer((socket) => {
	received = Buffer.alloc(0);
	socket.on("error", () => {});
	socket.on("data", (chunk) => {
		received = Buffer.concat([received, chunk]);
		const end = received.indexOf("\r\n\r\n");
		if (end === -1) return;
		const length = Number(/^content-length: *(\d+)/im.exec(received.latin1Slice(0, end))?.[1] ?? 0);
		if (received.length - end - 4 >= length) socket.end("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
	});
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address();

function parsed(bytes) {
	const end = bytes.indexOf("\r\n\r\n");
	const [line, ...fields] = bytes.latin1Slice(0, end).split("\r\n");
	return { line, fields: fields.map((field) => field.split(/: ?(.*)/s).slice(0, 2)), body: bytes.subarray(end + 4) };
}

/** @param added fields that the program always sends */
function same(recorded, got, added) {
	assert.equal(got.line, `${recorded.method} ${recorded.path} HTTP/1.1`);
	const own = new Set(["host", "content-length", ...added]);
	const shown = got.fields.filter(([name]) => !own.has(name.toLowerCase()));
	assert.deepEqual(
		shown.map(([name, value]) => [name.toLowerCase(), value]).sort(),
		recorded.headers.map(([name, value]) => [name.toLowerCase(), value]).sort(),
	);
	assert.deepEqual(got.body, recorded.body ?? Buffer.alloc(0));
}

const tape = join(folder, "requests.jsonl");
const idOf = (i) => `request-${String(i).padStart(2, "0")}`;
writeFileSync(
	tape,
	requests
		.map((request, i) => {
			const body = request.body ?? Buffer.alloc(0);
			const headers = [
				["Host", `127.0.0.1:${port}`],
				...request.headers,
				...(request.body ? [["Content-Length", String(body.length)]] : []),
			];
			const { method, path } = request;
			return JSON.stringify({
				id: idOf(i),
				type: "http",
				request: {
					method,
					scheme: "http",
					host: "127.0.0.1",
					port,
					path,
					headers,
					body: { $base64: body.toString("base64") },
				},
				response: null,
			});
		})
		.join("\n"),
);

function exported(format, i) {
	return execFileSync(process.execPath, [flowtape, "export", format, tape, idOf(i)], { env, maxBuffer: 1e8 });
}

async function shell(script) {
	const file = join(folder, "command.sh");
	writeFileSync(file, script);
	await run("sh", [file], { env, cwd: folder });
}

async function has(program, ...args) {
	return run(program, args, { env }).then(
		() => true,
		() => false,
	);
}

try {
	if (await has("curl", "--version")) {
		for (const [i, request] of requests.entries())
			await check(`curl ${request.path}`, async () => {
				await shell(exported("curl", i));
				same(request, parsed(received), []);
			});
	} else console.log("skipped: curl is not installed");

	for (const [i, request] of requests.entries()) {
		if (request.curlOnly) continue;
		await check(`fetch ${request.path}`, async () => {
			const file = join(folder, `fetch-${i}.mjs`);
			writeFileSync(file, exported("fetch", i));
			await run(process.execPath, [file], { env });
			const sent = new Set(request.headers.map(([name]) => name.toLowerCase()));
			same(
				request,
				parsed(received),
				["connection", "accept", "accept-language", "sec-fetch-mode", "user-agent", "accept-encoding"].filter(
					(name) => !sent.has(name),
				),
			);
		});
	}

	const venv = join(folder, "venv");
	const hasHttpie =
		(await has(process.env.PYTHON ?? "python3", "-m", "venv", venv)) &&
		(await has(join(venv, "bin/pip"), "-q", "install", "httpie"));
	if (hasHttpie) {
		env.PATH = `${join(venv, "bin")}:${env.PATH}`;
		for (const [i, request] of requests.entries()) {
			if (request.curlOnly) continue;
			await check(`httpie ${request.path}`, async () => {
				await shell(exported("httpie", i));
				// its HTTP library adds an Accept-Encoding if the field is removed
				same(request, parsed(received), ["accept-encoding", "connection"]);
			});
		}
	} else console.log("skipped: HTTPie cannot be installed");
} finally {
	server.close();
	await discard(folder);
}
reportTally();

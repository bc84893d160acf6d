// Compares `flowtape/test` with other tools for tests in Node: which clients they catch, what leaks to the network in a
// replay, and the time of a suite. The table is in docs/comparison.md; `--write` writes it there. The tools come from
// npm; without it, nothing is compared. Ends with `N passed, N failed`.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createSecureServer } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { WebSocketServer } from "ws";
import { discard } from "../fixtures/make/discard.mjs";
import { install, pack, root } from "./peers/packed.mjs";
import { check, reportTally } from "./peers/tally.mjs";

/** Packages of the tools and of the clients. */
const packages = [
	"undici@7",
	"nock@14",
	...["core", "adapter-node-http", "adapter-fetch", "persister-fs"].map((name) => `@pollyjs/${name}@6`),
	"msw@2",
	"axios@1",
	"got@14",
	"node-fetch@3",
	"superagent@10",
	"ws@8",
];
const columns = {
	flowtape: ["`flowtape/test`", null],
	undici: ["undici `SnapshotAgent`", "undici"],
	nock: ["nock `back`", "nock"],
	polly: ["Polly.js", "@pollyjs/core"],
	msw: ["msw", "msw"],
};
/** The most processor time of a suite with flowtape, as a multiple of its time against a local server. */
const MOST = 2;
const ROUNDS = 3;
const page = join(root, "docs", "comparison.md");
const folder = mkdtempSync(join(tmpdir(), "flowtape-tools-"));

try {
	if (installTools()) {
		const origin = await startOrigin();
		try {
			await compare(origin);
		} finally {
			origin.close();
		}
	} else console.log("skipped: npm cannot install the other tools");
} finally {
	await discard(folder);
}
reportTally();

/** Installs the tools beside the programs; whether they are there. */
function installTools() {
	cpSync(join(import.meta.dirname, "peers-runners"), folder, { recursive: true });
	writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }');
	const words = [
		"install",
		"--no-save",
		"--no-audit",
		"--no-fund",
		"--ignore-scripts",
		"--prefer-offline",
		...packages,
	];
	try {
		execFileSync("npm", words, { cwd: folder, stdio: "ignore", timeout: 300_000 });
	} catch {
		return false;
	}
	install(folder, pack(folder));
	return true;
}

/** Starts servers for HTTP and HTTPS with HTTP/2, and WebSockets, which answer with the path and a number, and count. */
async function startOrigin() {
	const openssl = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
	const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
	const files = ["-keyout", "key.pem", "-out", "cert.pem"];
	execFileSync("openssl", [...openssl, ...names, ...files], { cwd: folder, stdio: "ignore" });
	const read = (name) => readFileSync(join(folder, name));
	const seen = [];
	const answer = (path) => `${path} ${seen.push(path)}`;
	const respond = (request, response) => {
		response.setHeader("content-type", "text/plain");
		response.end(answer(request.url));
	};
	const plain = createServer(respond);
	new WebSocketServer({ server: plain }).on("connection", (socket, request) => socket.send(answer(request.url)));
	const secure = createSecureServer({ key: read("key.pem"), cert: read("cert.pem"), allowHTTP1: true }, respond);
	for (const server of [plain, secure]) await once(server.listen(0, "localhost"), "listening");
	return {
		/** The paths that were requested. */
		seen,
		env: {
			HTTP: `http://localhost:${plain.address().port}`,
			HTTPS: `https://localhost:${secure.address().port}`,
			NODE_EXTRA_CA_CERTS: join(folder, "cert.pem"),
		},
		close() {
			plain.close().closeAllConnections();
			secure.close();
		},
	};
}

/** Runs a program in the folder; resolves to its output, and to the seconds of it and of the processor. */
async function run(args, env) {
	const { CI: _, NODE_OPTIONS: __, ...inherited } = process.env;
	const started = performance.now();
	const words = ["-c", '"$@" && times', "sh", process.execPath, ...args];
	const child = spawn("sh", words, { cwd: folder, env: { ...inherited, ...env } });
	const ended = once(child, "close");
	const [out, err, [status]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
	assert.equal(status, 0, out + err);
	const wall = (performance.now() - started) / 1000;
	// the last line has the times of the children, in user mode and in the system: "0m1.20s 0m0.10s"
	const parts = [
		...out
			.trim()
			.split("\n")
			.at(-1)
			.matchAll(/(\d+)m([\d.]+)s/g),
	];
	const processor = parts.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
	return { out, wall, processor };
}

async function compare(origin) {
	const tools = Object.keys(columns);
	const found = {};
	for (const tool of tools) {
		found[tool] = await clientsOf(tool, origin);
		const caught = Object.values(found[tool]);
		console.log(`${tool}: ${caught.filter((result) => result === "replayed").length} of ${caught.length} clients`);
		mkdirSync(join(folder, `suite-${tool}`));
		await suite(tool, "record", origin);
	}
	await check("flowtape catches every client, and nothing leaks", () => {
		for (const [client, result] of Object.entries(found.flowtape)) assert.equal(result, "replayed", client);
	});
	const times = { none: [] };
	for (const tool of tools) times[tool] = [];
	// in turns, so that the load of the machine is the same for all
	for (let round = 0; round < ROUNDS; round++)
		for (const tool in times) times[tool].push(await suite(tool, "replay", origin));
	const ratio = (tool, kind) => least(tool, kind) / least("none", kind);
	const least = (tool, kind) => Math.min(...times[tool].map((time) => time[kind]));
	await check(`a suite with flowtape takes at most ${MOST} times the processor time`, () => {
		for (const kind of ["wall", "processor"])
			console.log(
				`200 requests, ${kind}: ${least("none", kind).toFixed(2)} s against a local server, ${ratio("flowtape", kind).toFixed(2)} times with flowtape`,
			);
		assert.ok(ratio("flowtape", "processor") <= MOST);
	});
	const rows = Object.keys(found.flowtape).map((client) => [client, ...tools.map((tool) => found[tool][client])]);
	const time = ["processor time of 200 requests", ...tools.map((tool) => ratio(tool, "processor").toFixed(1))];
	await check("docs/comparison.md has the table", () => checkPage(rows, time));
}

/** What becomes of the requests of each client in a replay. */
async function clientsOf(tool, origin) {
	const files = join(folder, `clients-${tool}`);
	mkdirSync(files);
	const answers = async (mode) => {
		const { out } = await run(["program.mjs", tool, mode, files], origin.env);
		assert.match(out, /^end$/m, `${tool}, ${mode}: ${out}`);
		return out
			.split("\n")
			.filter((line) => line.startsWith("{"))
			.map((line) => JSON.parse(line));
	};
	const recorded = new Map((await answers("record")).map(({ client, answer }) => [client, answer]));
	origin.seen.length = 0;
	const replayed = await answers("replay");
	const result = ({ client, path, answer }) => {
		if (origin.seen.includes(path)) return "**leaks**";
		return answer !== null && answer === recorded.get(client) ? "replayed" : "fails";
	};
	return Object.fromEntries(replayed.map((one) => [one.client, result(one)]));
}

/** Runs the suite of 200 requests with a tool. */
async function suite(tool, mode, { env }) {
	const more = { TOOL: tool, MODE: mode, FOLDER: join(folder, `suite-${tool}`) };
	return run(["--test", "suite.test.mjs"], { ...env, ...more });
}

/** Compares the rows with those of the page, or writes them. The times are those of the run that wrote them. */
function checkPage(rows, time) {
	const versionOf = (name) =>
		JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8")).version;
	const head = Object.values(columns).map(([title, name]) => (name === null ? title : `${title} ${versionOf(name)}`));
	const lines = [["client", ...head], head.map(() => "---").concat("---"), ...rows, time];
	const table = lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
	const before = readFileSync(page, "utf8");
	const place = /(<!-- interop\/peers-runners\.mjs -->\n\n).*?(\n<!-- end -->)/s;
	console.log(table);
	if (process.argv.includes("--write"))
		writeFileSync(
			page,
			before.replace(place, (_all, start, end) => start + table + end),
		);
	else assert.ok(place.exec(before)?.[0].includes(rows.map((cells) => `| ${cells.join(" | ")} |\n`).join("")), table);
}

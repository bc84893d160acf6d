// `flowtape/playwright` with Playwright's own runner and Chromium, from the packed tarball: a suite records, and is
// answered from its tapes when the API is gone. Skipped without Chromium or if Playwright cannot be installed. Ends
// with `N passed, N failed`.
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { WebSocketServer } from "ws";
import { discard } from "../fixtures/make/discard.mjs";
import { check, reportTally } from "./peers/tally.mjs";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "flowtape-playwright-"));
const project = join(folder, "project");
const tapes = join(project, "tests", "__tapes__");
const chromium = ["chromium", "chromium-browser", "google-chrome"]
	.map((name) => spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim())
	.find((path) => path !== "");

/** The suite's environment; variables of CI and of flowtape come from each run. */
const env = {
	...Object.fromEntries(
		Object.entries(process.env).filter(([name]) => !/^(CI|GITHUB_ACTIONS|FLOWTAPE_.*)$/.test(name)),
	),
	NO_COLOR: "1",
};

async function install() {
	cpSync(join(root, "interop", "playwright"), project, { recursive: true });
	await run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "@playwright/test@1"], {
		cwd: project,
	});
	await run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder], { cwd: root });
	const own = join(project, "node_modules", "flowtape");
	mkdirSync(own);
	const tarball = join(
		folder,
		readdirSync(folder).find((name) => name.endsWith(".tgz")),
	);
	await run("tar", ["-xzf", tarball, "-C", own, "--strip-components=1"]);
	const { dependencies } = JSON.parse(readFileSync(join(own, "package.json"), "utf8"));
	for (const name of [...Object.keys(dependencies), "@types/node"]) {
		const target = join(project, "node_modules", name);
		mkdirSync(dirname(target), { recursive: true });
		if (!existsSync(target)) symlinkSync(join(root, "node_modules", name), target);
	}
}

/** Listens on a free port of loopback, or on the given one. */
async function listen(server, port = 0) {
	await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
	return server.address().port;
}

async function close(server) {
	await new Promise((resolve) => {
		server.close(resolve);
		server.closeAllConnections();
	});
}

/** The API: counts, streams events, and echoes in a WebSocket. */
function createApi() {
	let count = 0;
	const api = createServer((request, response) => {
		response.setHeader("access-control-allow-origin", "*").setHeader("access-control-allow-headers", "*");
		if (request.url === "/events") {
			response.setHeader("content-type", "text/event-stream");
			response.end("data: one\n\ndata: two\n\n");
		} else response.end(request.url === "/count" ? String(++count) : "stored");
	});
	new WebSocketServer({ server: api, path: "/socket" }).on("connection", (socket) =>
		socket.on("message", (message) => socket.send(`echo ${message}`)),
	);
	return api;
}

/** The application under test: a page and a service worker. */
const app = createServer((request, response) => {
	const isWorker = request.url === "/worker.js";
	response.setHeader("content-type", isWorker ? "text/javascript" : "text/html");
	response.end(
		isWorker
			? `self.addEventListener("install", () => self.skipWaiting());
			self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
			self.addEventListener("message", async ({ data, ports }) => ports[0].postMessage(await (await fetch(data)).text()));`
			: "<title>shop</title><p>open</p>",
	);
});

/** Runs the suite; resolves to its exit status, its output, and its report: the tests by title. */
async function play(addresses, more = {}, args = []) {
	const report = join(folder, "report.json");
	rmSync(report, { force: true });
	const words = [join("node_modules", "@playwright", "test", "cli.js"), "test", ...args];
	const { status, output } = await run(process.execPath, words, {
		cwd: project,
		env: { ...env, ...addresses, CHROMIUM: chromium, PLAYWRIGHT_JSON_OUTPUT_FILE: report, ...more },
		timeout: 240_000,
	}).then(
		({ stdout, stderr }) => ({ status: 0, output: stdout + stderr }),
		({ code, stdout, stderr }) => ({ status: code, output: stdout + stderr }),
	);
	const tests = new Map();
	const collect = ({ specs = [], suites = [] }) => {
		for (const { title, tests: runs } of specs) tests.set(title, runs[0].results.at(-1));
		for (const suite of suites) collect(suite);
	};
	if (existsSync(report)) collect(JSON.parse(readFileSync(report, "utf8")));
	return { status, output, tests };
}

/** What a test printed: the values that it saw. */
const seen = ({ tests }, title) =>
	tests
		.get(title)
		.stdout.map(({ text }) => text)
		.join("")
		.trim();
const statuses = ({ tests }) => Object.fromEntries([...tests].map(([title, { status }]) => [title, status]));

try {
	if (chromium === undefined) console.log("skipped: Chromium is not installed");
	else if (
		!(await install().then(
			() => true,
			(error) => console.log(`skipped: Playwright cannot be installed: ${error.message}`),
		))
	);
	else {
		const api = createApi();
		const [appPort, apiPort] = [await listen(app), await listen(api)];
		const addresses = { APP: `http://localhost:${appPort}`, API: `http://127.0.0.1:${apiPort}` };
		const titles = [
			"requests in order",
			"contexts have their own order",
			"the request fixture",
			"a WebSocket",
			"a service worker",
			"events",
		];
		const first = await play(addresses, {}, ["suite"]);
		await check("a suite is recorded, each test to its own tape", () => {
			assert.equal(first.status, 0, first.output);
			assert.deepEqual(
				readdirSync(join(tapes, "suite")).sort(),
				titles.map((title) => `${title.replaceAll(" ", "-")}.tape`).sort(),
			);
		});
		await close(api);
		for (const [name, more] of [
			["once", {}],
			["in CI", { CI: "true" }],
		]) {
			const again = await play(addresses, more, ["suite"]);
			await check(`the suite is answered from its tapes when the API is gone, ${name}`, () => {
				assert.equal(again.status, 0, again.output);
				for (const title of titles) assert.equal(seen(again, title), seen(first, title), title);
			});
		}
		const missed = await play(addresses, { CHANGED: "1" }, ["suite"]);
		await check("a request without a recording fails its test, and only that", () => {
			assert.equal(missed.status, 1);
			assert.deepEqual(new Set(Object.values(statuses(missed))), new Set(["passed", "failed"]));
			assert.equal(Object.values(statuses(missed)).filter((status) => status === "failed").length, 1);
		});
		await check("the failure says what differs and what to do; it is a step and an attachment", () => {
			const result = missed.tests.get("requests in order");
			const text = result.errors.map(({ message }) => message).join("\n");
			assert.match(text, /requests in order: 1 request has no recording/);
			assert.match(text, /tape: tests\/__tapes__\/suite\/requests-in-order\.tape/);
			assert.match(text, /json \/at: recorded 1, sent 2/);
			assert.match(text, /would answer with match: \{ ignoreJson: \["\/at"\] \}/);
			assert.match(text, /FLOWTAPE_RECORD_MODE=new-episodes npx playwright test tests\/suite\.spec\.ts/);
			const { location } = result.errors.find(({ message }) => message.includes("no recording"));
			assert.match(location.file, /suite\.spec\.ts$/);
			const attachment = result.attachments.find(({ name }) => name === "misses.json");
			const [miss] = JSON.parse(Buffer.from(attachment.body, "base64").toString());
			assert.equal(miss.request.url, `${addresses.API}/store`);
			assert.equal(miss.session, "context-1");
			assert.match(missed.output, /failed step: requests without a recording: 1/);
		});
		const ignoring = await play(addresses, { CHANGED: "1", IGNORE: "/at" }, ["suite"]);
		await check("with the option that the failure names, it is answered", () => {
			assert.equal(ignoring.status, 0, ignoring.output);
		});
		const lonely = await play(addresses, { CI: "true", CHANGED: "1", TAPE: "nowhere.tape" }, [
			"suite",
			"-g",
			"in order",
		]);
		await check("without a tape, a test in CI fails at its first request, and names the command that records", () => {
			assert.equal(lonely.status, 1);
			const text = lonely.tests
				.get("requests in order")
				.errors.map(({ message }) => message)
				.join("\n");
			assert.match(text, /tape: tests\/__tapes__\/nowhere\.tape \(there is no such file\)/);
			assert.match(text, /FLOWTAPE_RECORD_MODE=once npx playwright test/);
			assert.ok(!existsSync(join(tapes, "nowhere.tape")));
		});
		const har = await play(addresses, { CI: "true" }, ["har"]);
		await check("a HAR that routeFromHAR recorded is a tape already", () => assert.equal(har.status, 0, har.output));
		const secure = await play(addresses, { CI: "true" }, ["secure"]);
		await check("pages over TLS, with their service worker, are answered from a tape", () => {
			assert.equal(secure.status, 0, secure.output);
		});
		const routed = await play(addresses, { CI: "true" }, ["routed"]);
		await check("pages that exist already are answered from a tape, with their WebSockets", () => {
			assert.equal(routed.status, 0, routed.output);
		});
		const typed = spawnSync(join(root, "node_modules", ".bin", "tsc"), ["-p", project], { encoding: "utf8" });
		await check("the suite compiles with the types of Playwright and flowtape", () => {
			assert.equal(typed.status, 0, typed.stdout);
		});
	}
} finally {
	app.close();
	await discard(folder);
}
reportTally();

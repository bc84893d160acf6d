// The viewer in Chromium: the list of many flows, filter, details, keys, live flows, hostile bodies, accessibility by
// axe in both themes, and the sizes of the page. Skipped without Chromium or if Playwright cannot be installed. Prints
// times; `--pictures` writes the pictures of docs/images. Ends with `N passed, N failed`.
import assert from "node:assert/strict";
import { execFile, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { discard } from "../fixtures/make/discard.mjs";
import { check, reportTally } from "./peers/tally.mjs";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const cli = join(root, "dist", "commands", "main.js");
const folder = mkdtempSync(join(tmpdir(), "flowtape-view-"));
const env = { ...process.env, FLOWTAPE_HOME: join(folder, "home"), NODE_OPTIONS: "" };
const pictures = process.argv.includes("--pictures") ? join(root, "docs", "images") : null;
/** Number of flows on the long tape. */
const MANY = process.env.FLOWTAPE_CI_FULL === undefined ? 50_000 : 500_000;
/** Largest sizes of the page in bytes, compressed. */
const SCRIPT_LIMIT = 45_000;
const STYLE_LIMIT = 10_000;

const chromium = ["chromium", "chromium-browser", "google-chrome"]
	.map((name) => spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim())
	.find((path) => path !== "");

if (chromium === undefined) {
	console.log("skipped: there is no Chromium");
	reportTally();
	process.exit();
}
try {
	await run("npm", ["install", "--prefix", folder, "--no-audit", "--no-fund", "playwright-core@1", "axe-core@4"]);
} catch (error) {
	console.log(`skipped: playwright-core and axe-core cannot be installed: ${error.message.split("\n")[0]}`);
	await discard(folder);
	reportTally();
	process.exit();
}

const require = createRequire(join(folder, "package.json"));
const { chromium: browserType } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const { createTape } = await import("../dist/index.js");
const { clientConnection, Headers, HttpFlow, Request, Response, serverConnection } = await import("../dist/flow.js");

let made = 0;

/** A flow of a tape. */
function flow({
	method = "GET",
	path = "/",
	host = "shop.test",
	status = 200,
	type = "application/json",
	body = "{}",
	at = made,
}) {
	const started = 1_700_000_000 + at;
	return new HttpFlow({
		id: `00000000-0000-4000-8000-${String(++made).padStart(12, "0")}`,
		clientConn: clientConnection({ id: "client", peername: ["127.0.0.1", 50_000] }),
		serverConn: serverConnection({ id: "server", address: [host, 443] }),
		request: new Request({
			method,
			scheme: "https",
			host,
			port: 443,
			path,
			headers: new Headers([["Host", host]].flat()),
			timestampStart: started,
			timestampEnd: started + 0.01,
		}),
		response: new Response({
			statusCode: status,
			reason: status === 200 ? "OK" : "Failed",
			headers: new Headers(["Content-Type", type]),
			body: Buffer.from(body),
			timestampStart: started + 0.05,
			timestampEnd: started + 0.1 + (made % 40) / 100,
		}),
	});
}

async function tapeOf(name, flows) {
	const path = join(folder, name);
	const tape = await createTape(path);
	for (const each of flows) await tape.append(each);
	await tape.commit();
	return path;
}

const running = [];

/** Starts a command, and resolves to the first line of its output that matches. */
async function start(args, pattern) {
	const child = spawn(process.execPath, [cli, ...args], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
	running.push(child);
	const line = await new Promise((resolve, reject) => {
		for (const input of [child.stdout, child.stderr])
			createInterface({ input }).on("line", (text) => pattern.test(text) && resolve(text));
		child.on("exit", () => reject(new Error(`flowtape ${args.join(" ")} printed no line ${pattern}`)));
	});
	return line;
}

async function view(...args) {
	return start(["view", ...args, "--no-open"], /^http:/);
}

/** Requests that the recorded bodies make, if a browser runs them. */
const leaks = [];
const listener = createServer((request, response) => {
	leaks.push(request.url);
	response.end();
});
await new Promise((resolve) => listener.listen(0, "127.0.0.1", resolve));
const evil = `http://127.0.0.1:${listener.address().port}`;

const browser = await browserType.launch({ executablePath: chromium, args: ["--no-sandbox"] });

/** A page of the viewer. It keeps the errors of its console. */
async function open(url, options = {}) {
	const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, bypassCSP: true, ...options });
	page.printed = [];
	page.on("console", (message) => message.type() === "error" && page.printed.push(message.text()));
	page.on("pageerror", (error) => page.printed.push(error.message));
	page.opened = performance.now();
	await page.goto(url);
	return page;
}

const firstRow = (page) => page.waitForSelector(".rows .row .url");
const stateOf = (page) => page.textContent("#filter-state");
const filtered = (page, pattern) =>
	page.waitForFunction((text) => new RegExp(text).test(document.querySelector("#filter-state").textContent), pattern);

async function type(page, text) {
	await page.focus("#list");
	await page.keyboard.press("/");
	await page.keyboard.press("Control+A");
	await page.keyboard.type(text);
}

/** The findings of axe on the page in its present state. */
async function findings(page) {
	await page.evaluate(axe);
	const { violations } = await page.evaluate(() =>
		window.axe.run(document, {
			runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
		}),
	);
	return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" ")}`);
}

/** Waits until the open part has its data. */
const loaded = (page) =>
	page.waitForFunction(() => document.querySelector("#part") !== null && !/Loading/.test(document.body.textContent));

const ms = (since) => Math.round(performance.now() - since);

async function picture(page, name) {
	if (pictures === null) return;
	mkdirSync(pictures, { recursive: true });
	await page.screenshot({ path: join(pictures, `${name}.png`) });
}

try {
	await check("the page is small", () => {
		const size = (name) => gzipSync(readFileSync(join(root, "dist", "viewer", name)), { level: 9 }).length;
		console.log(`page.js ${size("page.js")} bytes compressed, page-style.css ${size("page-style.css")}`);
		assert.ok(size("page.js") <= SCRIPT_LIMIT);
		assert.ok(size("page-style.css") <= STYLE_LIMIT);
	});

	const many = await tapeOf(
		"many.tape",
		(function* () {
			for (let n = 0; n < MANY; n++)
				yield flow({
					method: n % 7 === 0 ? "POST" : "GET",
					host: `host${n % 40}.test`,
					path: `/item/${n}?q=${n % 100}`,
					status: n % 8 === 0 ? 500 : 200,
					body: `{"item":${n}}`,
				});
		})(),
	);
	const link = await view(many);

	await check(
		"many flows: the first row, the last, a filter, another one before it has ended, and an order",
		async () => {
			const page = await open(link);
			await firstRow(page);
			console.log(`first row of ${MANY} flows: ${ms(page.opened)} ms`);
			assert.doesNotMatch(page.url(), /token/, "the address holds no token");
			assert.match(await stateOf(page), new RegExp(MANY.toLocaleString("en")));
			await page.focus("#list");
			await page.keyboard.press("End");
			const jumped = performance.now();
			await page
				.getByText(`/item/${MANY - 1}?`)
				.first()
				.waitFor();
			console.log(`jump to the last row: ${ms(jumped)} ms`);
			await type(page, "~b unlikely-text");
			await type(page, "~c 500 & ~u item/1234");
			const asked = performance.now();
			await filtered(page, "^\\d+ of ");
			console.log(`a filter by URL is done: ${ms(asked)} ms`);
			await page.getByRole("button", { name: "Duration" }).click();
			await page.waitForSelector('[aria-sort="ascending"]');
			assert.match(page.url(), /sort=duration/);
			await page.reload();
			await firstRow(page);
			assert.match(await page.inputValue("#filter"), /item\/1234/, "a link brings everything back");
			assert.deepEqual(
				page.printed.filter((text) => !/404/.test(text)),
				[],
			);
			await page.close();
		},
	);

	await check("frames while scrolling", async () => {
		const page = await open(link);
		await firstRow(page);
		const frames = await page.evaluate(async () => {
			const list = document.getElementById("list");
			const times = [];
			let last = performance.now();
			for (let n = 0; n < 120; n++) {
				list.scrollTop += 400;
				await new Promise((resolve) => requestAnimationFrame(resolve));
				times.push(performance.now() - last);
				last = performance.now();
			}
			return times.sort((a, b) => a - b);
		});
		console.log(`frames: median ${frames[60].toFixed(1)} ms, 95 % ${frames[114].toFixed(1)} ms`);
		const heap = await page.evaluate(() => performance.memory?.usedJSHeapSize ?? 0);
		console.log(`heap of the page: ${(heap / 1e6).toFixed(1)} MB`);
		assert.ok(heap < 60e6);
		await page.close();
	});

	await check("errors of a filter are told where they are, and operators are completed", async () => {
		const page = await open(link);
		await firstRow(page);
		await type(page, "~c 500 & ~zz");
		await page.waitForSelector("#filter-state.error");
		assert.match(await stateOf(page), /column 10/);
		await type(page, "~dom");
		await type(page, "~com");
		await page.keyboard.press("ArrowDown");
		await page.keyboard.press("Enter");
		assert.equal(await page.inputValue("#filter"), "~comment ");
		await page.close();
	});

	const shop = await tapeOf("shop.tape", [
		flow({ path: "/api/cart", body: '{"items":[{"id":1,"price":10}],"total":10}' }),
		flow({ path: "/api/cart", body: '{"items":[{"id":1,"price":12}],"total":12}' }),
		flow({ method: "POST", path: "/api/orders", status: 500, body: '{"error":"out of stock"}' }),
		flow({
			path: "/logo.svg",
			type: "image/svg+xml",
			body: '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><circle cx="20" cy="20" r="18" fill="teal"/></svg>',
		}),
	]);

	for (const scheme of ["light", "dark"])
		await check(`every screen is accessible, ${scheme}`, async () => {
			const page = await open(await view(shop), { colorScheme: scheme });
			await firstRow(page);
			assert.deepEqual(await findings(page), [], "the list");
			await page.focus("#list");
			await page.keyboard.press("j");
			await page.keyboard.press("Enter");
			await page.waitForSelector(".details");
			for (const tab of ["request", "response", "messages", "timing", "connection", "explain", "compare", "export"]) {
				await page.click(`#tab-${tab}`);
				await loaded(page);
				assert.deepEqual(await findings(page), [], tab);
				if (tab === "response" || tab === "compare") await picture(page, `view-${tab}-${scheme}`);
			}
			await page.focus("#list");
			await page.keyboard.press("?");
			assert.deepEqual(await findings(page), [], "the keys");
			await page.close();
		});

	await check("everything by keys alone: open, tabs, mark, comment, undo, compare, close", async () => {
		const page = await open(await view(shop));
		await firstRow(page);
		await page.focus("#list");
		for (const key of ["j", "j", "Enter"]) await page.keyboard.press(key);
		await page.waitForSelector("text=out of stock");
		await page.keyboard.press("]");
		await page.waitForSelector('#tab-messages[aria-selected="true"]');
		await page.keyboard.press("[");
		await page.keyboard.press("1");
		await page.waitForSelector(".row.red_circle");
		await page.keyboard.press("c");
		await page.keyboard.type("look here");
		await page.keyboard.press("Enter");
		await page.waitForSelector("text=# look here");
		await page.keyboard.press("u");
		await page.waitForSelector("text=# look here", { state: "detached" });
		await page.keyboard.press("u");
		await page.waitForSelector(".row.red_circle", { state: "detached" });
		await page.focus("#list");
		for (const key of ["Home", "Space", "j", "Space", "="]) await page.keyboard.press(key);
		await page.waitForSelector(".compare");
		assert.match(await page.textContent(".compare"), /json \/items\/0\/price.*10.*12/s);
		await page.keyboard.press("Escape");
		await page.waitForSelector(".details", { state: "detached" });
		assert.equal(await page.evaluate(() => document.activeElement.id), "list", "the focus is back in the list");
		await page.close();
	});

	await check("flows that are recorded now appear, and a sorted list does not move", async () => {
		const origin = createServer((_request, response) => response.end("hello"));
		await new Promise((resolve) => origin.listen(0, "127.0.0.1", resolve));
		const tape = join(folder, "live.tape");
		const line = await start(["record", tape, "-p", "0"], /^listening on/);
		const proxy = line.match(/http:\/\/[\d.]+:\d+/)?.[0] ?? `http://${line.match(/[\d.]+:\d+/)[0]}`;
		const curl = (path) => run("curl", ["-sS", "-x", proxy, `http://127.0.0.1:${origin.address().port}${path}`]);
		await curl("/one");
		const page = await open(await view(tape));
		await firstRow(page);
		await curl("/two");
		await page.getByText("/two").first().waitFor();
		await page.keyboard.press("f");
		for (let n = 0; n < 60; n++) await curl(`/more/${n}`);
		await page.getByText("/more/59").first().waitFor();
		await page.close();
		origin.close();
	});

	await check("recorded bodies are never executed", async () => {
		const scripts = `<script src="${evil}/script"></script><img src="${evil}/image" onerror="fetch('${evil}/onerror')"><meta http-equiv="refresh" content="0;url=${evil}/refresh"><link rel="stylesheet" href="${evil}/style"><iframe src="${evil}/frame"></iframe><form action="${evil}/form"><button autofocus>x</button></form>`;
		const tape = await tapeOf("evil.tape", [
			flow({ path: '/<img src=x onerror="alert(1)">', type: "text/html", body: scripts }),
			flow({
				path: "/evil.svg",
				type: "image/svg+xml",
				body: `<svg xmlns="http://www.w3.org/2000/svg" onload="fetch('${evil}/onload')"><script>fetch('${evil}/svg')</script><image href="${evil}/href"/></svg>`,
			}),
			flow({
				path: Buffer.from("/\u202egpj.exe").toString("latin1"),
				type: "text/css",
				body: `@import "${evil}/import"; body { background: url(${evil}/css) }`,
			}),
		]);
		// with the policy of the page in force
		const page = await open(await view(tape), { bypassCSP: false });
		await firstRow(page);
		await page.focus("#list");
		await page.keyboard.press("Enter");
		for (const key of ["j", "j", "k", "k"]) {
			await loaded(page);
			await page.focus("#list");
			await page.keyboard.press(key);
		}
		await loaded(page);
		assert.match(await page.textContent(".rows"), /\\u\{202e\}gpj\.exe/, "hidden characters are shown");
		assert.deepEqual(leaks, []);
		assert.equal(page.frames().length, 1);
		await page.close();
	});

	await check("a page without the token, and one whose viewer has ended", async () => {
		const url = new URL(await view(shop));
		const page = await open(`${url.origin}/`);
		await page.getByText("Open the link that flowtape printed").waitFor();
		await page.close();
		const other = await open(url.href);
		await firstRow(other);
		running.at(-1).kill("SIGINT");
		await other.getByText("The viewer does not answer").waitFor();
		await other.close();
	});
} finally {
	await browser.close();
	listener.close();
	for (const child of running) child.kill("SIGKILL");
	await discard(folder);
}
reportTally();

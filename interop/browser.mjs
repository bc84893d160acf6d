// `flowtape browser` with real browsers: records a page over TLS and over plain HTTP, then replays one from the tape
// after its server has stopped. A browser that is not installed is skipped. Ends with `N passed, N failed`.
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { discard } from "../fixtures/make/discard.mjs";
import { flowtape } from "./peers/proxies.mjs";
import { check, reportTally } from "./peers/tally.mjs";

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "flowtape-browser-test-"));
const env = { ...process.env, CI: "", FLOWTAPE_HOME: join(folder, "home"), NO_COLOR: "1" };
const has = (program) => spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
const isRoot = process.getuid?.() === 0;

/** Browsers, with the arguments to open a page without a window and then exit. */
const browsers = [
	{
		name: "chromium",
		isThere: has("chromium") || has("chromium-browser"),
		args: ["--headless=new", "--dump-dom", ...(isRoot ? ["--no-sandbox"] : [])],
	},
	{
		name: "firefox",
		isThere: (has("firefox") || has("firefox-esr")) && has("certutil"),
		args: ["--headless", "--screenshot", join(folder, "page.png")],
	},
];

try {
	for (const { name, isThere, args } of browsers) {
		if (!isThere) {
			console.log(`skipped: ${name}: it is not installed`);
			continue;
		}
		const site = createServer((_request, response) => {
			response.setHeader("content-type", "text/html");
			response.end("<title>shop</title><p>open</p>");
		});
		await new Promise((resolve) => site.listen(0, "127.0.0.1", resolve));
		const pages = { plain: `http://127.0.0.1:${site.address().port}/`, secure: "https://flowtape.invalid/" };
		const open = async (kind) => {
			const tape = join(folder, `${name}-${kind}.tape`);
			const words = ["browser", "--browser", name, "--tape", tape, pages[kind], "--", ...args];
			return (await run(process.execPath, [flowtape, ...words], { env, timeout: 120_000 })).stderr;
		};
		for (const kind of Object.keys(pages))
			await check(`${name} is recorded, ${kind}`, async () => assert.match(await open(kind), /recorded 1 flow to /));
		await new Promise((resolve) => {
			site.close(resolve);
			site.closeAllConnections();
		});
		await check(`${name} gets its page from the tape`, async () =>
			assert.match(await open("plain"), /served 1, missed 0, unused 0, egress 0/),
		);
	}
} finally {
	await discard(folder);
}
reportTally();

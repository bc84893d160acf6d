// HARs, tested with Chromium and mitmproxy. flowtape reads the HARs that DevTools saves. The network panel and
// mitmproxy open the HARs that flowtape writes, and the flows are compared. A program that is not installed is skipped
// with a message. Ends with `N passed, N failed`.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findChromium } from "../fixtures/make/chromium.mjs";
import { importHar, withDevTools } from "../fixtures/make/devtools.mjs";
import { discard } from "../fixtures/make/discard.mjs";
import { findMitmproxy } from "./peers/mitmproxy.mjs";
import { flowtape } from "./peers/proxies.mjs";
import { expect, reportTally } from "./peers/tally.mjs";

const here = new URL(".", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "flowtape-har-"));
const fixtures = [
	"chromium.har",
	"firefox.har",
	"safari.har",
	"charles.har",
	"fiddler.har",
	"mitmproxy.har",
	"playwright.zip",
];

const run = (...args) => execFileSync(process.execPath, [flowtape, ...args], { stdio: ["ignore", "pipe", "pipe"] });

/** Converts a fixture to a HAR. Returns the HAR and its flows as `filter --json` prints them. */
function written(name) {
	const har = join(folder, name.replace(/\..*/, ".har"));
	run("convert", join(here, "../fixtures/flows", name), har);
	const flows = String(run("filter", "~all", har, "--json"))
		.trim()
		.split("\n");
	return { har, text: readFileSync(har, "utf8"), flows: flows.map((line) => JSON.parse(line)) };
}

const hars = fixtures.map((name) => ({ name, ...written(name) }));

const chromium = findChromium();
if (chromium === null) console.log("skipped: Chromium is not installed");
else {
	await withDevTools(chromium, async (_, devTools) => {
		for (const { name, text, flows } of hars) {
			const requests = await importHar(devTools, text);
			expect(
				`${name}: Chromium has every flow`,
				requests.length === flows.length,
				`${requests.length} for ${flows.length}`,
			);
			const { entries } = JSON.parse(text).log;
			// DevTools sorts requests by their start
			entries.sort((a, b) => new Date(a.startedDateTime) - new Date(b.startedDateTime));
			for (const [i, request] of requests.entries()) {
				const { request: asked, response, time, timings, _webSocketMessages = [] } = entries[i];
				// the duration of a request does not include its time in the queue
				const duration = time - Math.max(timings._blocked_queueing ?? 0, 0);
				const same = request.method === asked.method && request.url === asked.url && request.status === response.status;
				const content = response.content.text ?? "";
				const body = response.content.encoding === "base64" ? Buffer.from(content, "base64").toString() : content;
				const shown = request.body === content || request.body === body;
				const rest =
					request.frames === _webSocketMessages.length &&
					Math.abs(request.duration * 1000 - duration) < 2 &&
					(request.formData ?? null) === (asked.postData?.text ?? null);
				expect(`${name}: ${asked.url} in Chromium`, same && shown && rest, JSON.stringify(request).slice(0, 300));
			}
		}
	});
}

const python = findMitmproxy();
const script = `
import json, sys
from mitmproxy.io import FlowReader
with open(sys.argv[1], "rb") as file:
    for flow in FlowReader(file).stream():
        print(json.dumps([flow.request.method, flow.request.pretty_url, flow.response.status_code if flow.response else None, (flow.response.content or b"").hex() if flow.response else None]))
`;

if (python !== null) {
	for (const { name, har, text, flows } of hars) {
		const theirs = String(execFileSync(python, ["-c", script, har]))
			.trim()
			.split("\n")
			.map((line) => JSON.parse(line));
		expect(`${name}: mitmproxy has every flow`, theirs.length === flows.length, `${theirs.length} for ${flows.length}`);
		for (const [i, { request, response }] of JSON.parse(text).log.entries.entries()) {
			const [method, url, status, body] = theirs[i] ?? [];
			const { text: content = "", encoding } = response.content;
			const possible =
				encoding === "base64"
					? [Buffer.from(content, "base64")]
					: [Buffer.from(content), Buffer.from(content, "latin1")];
			const holds =
				method === request.method &&
				(method === "CONNECT" || url === request.url) &&
				status === response.status &&
				possible.some((bytes) => bytes.toString("hex") === body);
			expect(`${name}: ${request.url} in mitmproxy`, holds, JSON.stringify(theirs[i]).slice(0, 200));
		}
	}
}

await discard(folder);
reportTally();

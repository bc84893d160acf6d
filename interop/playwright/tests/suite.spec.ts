// Requests of every kind to an API. Each test prints what it saw, for comparison with a replay.
import { test as base, expect, type Page } from "@playwright/test";
import { type TapeFixtures, withTape } from "flowtape/playwright";

const { API = "", TAPE, IGNORE, CHANGED } = process.env;
const test = base.extend<TapeFixtures>(withTape({ tape: TAPE }));
if (IGNORE !== undefined) test.use({ tape: { match: { ignoreJson: [IGNORE] } } });

/** Fetches a URL in a page. */
function ask(page: Page, url: string): Promise<string> {
	return page.evaluate((target) => fetch(target).then((response) => response.text()), url);
}

test("requests in order", async ({ page, context, network }) => {
	await page.goto("/");
	const seen = [];
	for (let n = 0; n < 3; n++) seen.push(await ask(page, `${API}/count`));
	seen.push(await (await context.request.get(`${API}/count`)).text());
	const store = (url: string) =>
		page.evaluate(
			([target, at]) =>
				fetch(target as string, {
					method: "POST",
					body: `{"at":${at}}`,
					headers: { "content-type": "application/json" },
				}).then(({ ok }) => ok),
			[url, CHANGED === undefined ? 1 : 2],
		);
	await store(`${API}/store`);
	console.log(seen.join());
	expect(network.requests.filter(({ url }) => url.endsWith("/count"))).toHaveLength(4);
	expect(network.requests.every(({ isReplayed }) => isReplayed !== network.isRecording)).toBe(true);
});

test("contexts have their own order", async ({ browser }) => {
	const pages = await Promise.all([1, 2].map(async () => (await browser.newContext()).newPage()));
	const seen: string[][] = [];
	for (const page of pages) {
		await page.goto("/");
		seen.push([await ask(page, `${API}/count`), await ask(page, `${API}/count`)]);
	}
	// both at once in a replay, where each has its own recordings
	console.log(seen.join(";"));
	for (const page of pages) await page.context().close();
});

test("the request fixture", async ({ request }) => {
	const seen = [];
	for (let n = 0; n < 2; n++) seen.push(await (await request.get(`${API}/count`)).text());
	console.log(seen.join());
});

test("a WebSocket", async ({ page }) => {
	await page.goto("/");
	const answer = await page.evaluate(
		(url) =>
			new Promise((resolve, reject) => {
				const socket = new WebSocket(url);
				socket.onopen = () => socket.send("ping");
				socket.onerror = () => reject(new Error("the WebSocket failed"));
				socket.onmessage = ({ data }) => {
					socket.close();
					resolve(data);
				};
			}),
		`${API.replace("http", "ws")}/socket`,
	);
	console.log(answer);
	expect(answer).toBe("echo ping");
});

test("a service worker", async ({ page }) => {
	await page.goto("/");
	const answer = await page.evaluate(async (url) => {
		await navigator.serviceWorker.register("/worker.js");
		const { active } = await navigator.serviceWorker.ready;
		return new Promise((resolve) => {
			const { port1, port2 } = new MessageChannel();
			port1.onmessage = ({ data }) => resolve(data);
			active?.postMessage(url, [port2]);
		});
	}, `${API}/count`);
	console.log(answer);
	expect(answer).toMatch(/^\d+$/);
});

test("events", async ({ page }) => {
	await page.goto("/");
	const events = await page.evaluate(
		(url) =>
			new Promise((resolve) => {
				const seen: string[] = [];
				const source = new EventSource(url);
				source.onmessage = ({ data }) => {
					seen.push(data);
					if (seen.length < 2) return;
					source.close();
					resolve(seen.join());
				};
			}),
		`${API}/events`,
	);
	console.log(events);
	expect(events).toBe("one,two");
});

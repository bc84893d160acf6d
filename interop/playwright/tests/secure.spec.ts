// A site over TLS that does not exist: its pages and its service worker come from a tape.
import { test as base, expect } from "@playwright/test";
import { type TapeFixtures, withTape } from "flowtape/playwright";

const test = base.extend<TapeFixtures>(withTape({ tape: "secure.har", dir: "." }));

test("a page over TLS and its service worker", async ({ page, context, network }) => {
	await page.goto("https://shop.invalid/");
	await expect(page.getByText("secure page")).toBeVisible();
	const scope = await page.evaluate(async () => {
		await navigator.serviceWorker.register("/worker.js");
		return (await navigator.serviceWorker.ready).scope;
	});
	expect(scope).toBe("https://shop.invalid/");
	expect(await (await context.request.get("https://shop.invalid/")).text()).toContain("secure page");
	expect(network.misses).toEqual([]);
});

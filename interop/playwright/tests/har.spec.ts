// A HAR as a tape: a page of a site that does not exist.
import { test as base, expect } from "@playwright/test";
import { type TapeFixtures, withTape } from "flowtape/playwright";

const test = base.extend<TapeFixtures>(withTape({ tape: "site.har", dir: "." }));

test("a page from a HAR", async ({ page, network }) => {
	await page.goto("http://shop.invalid/");
	await expect(page.getByText("from the HAR")).toBeVisible();
	expect(network.recordedAt?.getUTCFullYear()).toBe(2024);
});

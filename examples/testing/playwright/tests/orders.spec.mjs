import { expect } from "@playwright/test";
import { test } from "./fixtures.mjs";

test("numbers orders", async ({ page, network }) => {
	await page.goto("/");
	const output = page.locator("output");
	await page.getByRole("button", { name: "Order" }).click();
	await expect(output).toHaveText(/^Order \d+$/);
	const first = Number((await output.textContent()).slice("Order ".length));
	await page.getByRole("button", { name: "Order" }).click();
	await expect(output).toHaveText(`Order ${first + 1}`);
	expect(network.requests).toHaveLength(2);
});

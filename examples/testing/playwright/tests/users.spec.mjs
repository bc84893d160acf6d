import { expect } from "@playwright/test";
import { test } from "./fixtures.mjs";

test("creates a user", async ({ page }) => {
	await page.goto("/");
	await page.getByRole("button", { name: "Sign up" }).click();
	await expect(page.getByText("Hello Ann")).toBeVisible();
});

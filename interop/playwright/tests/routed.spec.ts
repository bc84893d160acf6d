// A page that exists already, on a site that does not exist, and the WebSocket of a suite that was recorded.
import { expect, test } from "@playwright/test";
import { routeFromTape } from "flowtape/playwright";

test("a page that exists already", async ({ page }) => {
	const tape = await routeFromTape(page, "tests/secure.har");
	await page.goto("https://shop.invalid/");
	await expect(page.getByText("secure page")).toBeVisible();
	await page.evaluate(() => fetch("/nothing").catch(() => {}));
	await expect(tape.eject()).rejects.toThrow("1 request has no recording");
	expect(tape.requests).toHaveLength(2);
});

test("a WebSocket of a page that exists already", async ({ page }) => {
	const tape = await routeFromTape(page, "tests/__tapes__/suite/a-WebSocket.tape", {
		passthrough: [new URL(process.env.APP ?? "").host],
	});
	await page.goto("/");
	const answer = await page.evaluate(
		(url) =>
			new Promise((resolve) => {
				const socket = new WebSocket(url);
				socket.onopen = () => socket.send("ping");
				socket.onmessage = ({ data }) => resolve(data);
			}),
		`${process.env.API?.replace("http", "ws")}/socket`,
	);
	expect(answer).toBe("echo ping");
	await tape.eject();
});

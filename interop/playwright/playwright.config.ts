// The configuration of the suite that interop/playwright.mjs runs.
import { defineConfig } from "@playwright/test";

export default defineConfig({
	testDir: "tests",
	reporter: [["list"], ["json"], ["./failed-steps.ts"]],
	workers: 2,
	fullyParallel: true,
	timeout: 60_000,
	use: {
		baseURL: process.env.APP,
		launchOptions: {
			executablePath: process.env.CHROMIUM ?? "",
			args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
		},
	},
});

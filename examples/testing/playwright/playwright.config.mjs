import { defineConfig } from "@playwright/test";

const port = process.env.APP_PORT ?? "4568";

export default defineConfig({
	testDir: "tests",
	webServer: { command: "node src/app.mjs", url: `http://127.0.0.1:${port}`, env: { APP_PORT: port } },
	use: {
		baseURL: `http://127.0.0.1:${port}`,
		// unset: the browser that `npx playwright install chromium` has installed
		launchOptions: { executablePath: process.env.CHROMIUM },
	},
});

// Test files that try every client with a test runner, by the project of examples/testing.

const loop = (test) =>
	`for (const [name, send] of clients)
	${test}(name, async () => {
		const body = await send(\`\${process.env.API_URL}/status?client=\${encodeURIComponent(name)}\`);
		if (!/"status":"up"/.test(body)) throw new Error(body);
	});
`;
const modules = (lines) => `${lines.join("\n")}\nimport clients from "../src/clients.cjs";\n\nuseTape();\n`;

/** Name and text of the file, by project. */
export const clientSuites = {
	"node-test": [
		"clients.test.mjs",
		modules(['import { test } from "node:test";', 'import { useTape } from "flowtape/test/node";']) + loop("test"),
	],
	tap: [
		"clients.test.mjs",
		modules(['import t from "tap";', 'import { useTape } from "flowtape/test/tap";']) + loop("t.test"),
	],
	vitest: [
		"clients.test.mjs",
		modules(['import { test } from "vitest";', 'import { useTape } from "flowtape/test/vitest";']) + loop("test"),
	],
	jest: [
		"clients.test.js",
		`const { useTape } = require("flowtape/test/jest");
const clients = require("../src/clients.cjs");

useTape();
${loop("test")}`,
	],
};

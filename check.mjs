// Runs lint, types (of the page too) and structure in parallel. `npm test` starts with it. The type check also compiles the tests to
// build/.
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

const checks = {
	lint: ["npm", "run", "--silent", "lint"],
	types: ["npx", "tsc", "-p", "tsconfig.json"],
	page: ["npx", "tsc", "-p", "tsconfig.viewer.json"],
	structure: ["npm", "run", "--silent", "structure"],
};

async function run([name, [command, ...args]]) {
	const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], shell: process.platform === "win32" });
	const [stdout, stderr, status] = await Promise.all([
		text(child.stdout),
		text(child.stderr),
		new Promise((resolve) => child.on("close", resolve)),
	]);
	console.log(`${name}: ${status === 0 ? "ok" : `failed\n${stdout}${stderr}`}`);
	return status === 0;
}

const results = await Promise.all(Object.entries(checks).map(run));
process.exitCode = results.every(Boolean) ? 0 : 1;

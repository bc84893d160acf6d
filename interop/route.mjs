// The socket route with the HTTP clients of npm, on every release of Node: agents, pools and dispatchers that were made
// before the route, imports by name, HTTP/2, WebSockets and gRPC. No request may leave for the network.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { discard } from "../fixtures/make/discard.mjs";
import { installClients } from "./peers/clients.mjs";
import { environmentOf } from "./peers/node-release.mjs";
import { check, expect, reportTally } from "./peers/tally.mjs";

const run = promisify(execFile);
const project = new URL("..", import.meta.url).pathname;
const clients = await installClients();
if (clients === null) {
	console.log("skipped: the clients cannot be installed\n0 passed, 0 failed");
	process.exit(0);
}
const scratch = mkdtempSync(join(tmpdir(), "flowtape-route-"));
try {
	await bundle();
	for (const release of ["20", "22", "24"]) {
		const isOwn = process.version.startsWith(`v${release}.`);
		const env = isOwn ? process.env : await environmentOf(release);
		if (env === null) console.log(`skipped: Node ${release} cannot be installed`);
		else for (const format of ["mjs", "cjs"]) await trial(`Node ${release}, ${format}`, env, format);
	}
} finally {
	await discard(scratch);
}
reportTally();

/** Bundles the route in both module formats, and the engine. */
async function bundle() {
	const options = { absWorkingDir: project, bundle: true, platform: "node", target: "node20", logLevel: "warning" };
	for (const [format, extension] of [
		["esm", ".mjs"],
		["cjs", ".cjs"],
	])
		await build({
			...options,
			format,
			entryPoints: ["src/route/route.ts"],
			outdir: scratch,
			outExtension: { ".js": extension },
			// as build.mjs
			...(format === "cjs" && {
				define: { "import.meta.url": "moduleUrl" },
				banner: { js: 'const moduleUrl = require("node:url").pathToFileURL(__filename).href;' },
			}),
		});
	await build({
		...options,
		format: "esm",
		entryPoints: ["fixtures/route-engine.ts", "fixtures/route-engine-thread.ts"],
		outdir: scratch,
		// packages in CommonJS require modules of Node
		banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
	});
	writeFileSync(join(scratch, "package.json"), '{ "type": "module" }');
}

async function trial(name, env, format) {
	await check(name, async () => {
		const program = new URL("route/clients.mjs", import.meta.url).pathname;
		const folder = join(scratch, name.replace(/\W+/g, "-"));
		mkdirSync(folder);
		const args = [program, scratch, format, clients, folder];
		const { stdout } = await run("node", args, { env, timeout: 240_000 });
		const results = stdout.split("\n").filter((line) => line.startsWith("{"));
		for (const { client, error } of results.map((line) => JSON.parse(line)))
			expect(`${name}: ${client}`, error === null, error);
		if (!stdout.endsWith("end\n")) throw new Error(`it stopped after ${results.length} clients`);
		console.log(`${name}: ${results.length} clients`);
	});
}

// Runs the demo on newer releases of Node: with the dependencies that npm installs there, which include the newest
// better-sqlite3 for that release, and with those of the lock file.
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { discard } from "../fixtures/make/discard.mjs";
import { environmentOf } from "./peers/node-release.mjs";
import { check, reportTally } from "./peers/tally.mjs";

const project = fileURLToPath(new URL("..", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "flowtape-nodes-"));

try {
	await npm(process.env, project, "pack", "--ignore-scripts", "--pack-destination", scratch);
	const tarball = join(scratch, readdirSync(scratch)[0]);
	await Promise.all(
		["22", "24"].map(async (release) => {
			const env = await environmentOf(release);
			if (env === null) return console.log(`skipped: Node ${release} cannot be installed`);
			await check(`Node ${release}, newest dependencies`, () => installed(release, env, tarball));
			await check(`Node ${release}, the lock file's dependencies`, () => locked(release, env));
		}),
	);
} finally {
	await discard(scratch);
}
reportTally();

async function installed(release, env, tarball) {
	const folder = join(scratch, `installed-${release}`);
	mkdirSync(folder);
	await npm(env, folder, "install", "--no-audit", "--no-fund", tarball);
	const { version } = JSON.parse(readFileSync(join(folder, "node_modules", "better-sqlite3", "package.json"), "utf8"));
	if (Number.parseInt(version, 10) < 13)
		throw new Error(`better-sqlite3 13 or later was expected, ${version} was installed`);
	const flowtape = join(folder, "node_modules", "flowtape");
	// the package comes without the demo
	cpSync(join(project, "dist", "demo"), join(flowtape, "dist", "demo"), { recursive: true });
	await demonstrate(env, flowtape);
}

async function locked(release, env) {
	const folder = join(scratch, `locked-${release}`);
	mkdirSync(folder);
	for (const file of ["package.json", "package-lock.json", "dist"])
		cpSync(join(project, file), join(folder, file), { recursive: true });
	await npm(env, folder, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund");
	await npm(env, folder, "rebuild", "better-sqlite3");
	await demonstrate(env, folder);
}

async function demonstrate(env, folder) {
	const said = await run(env, folder, "node", ["dist/demo/demo.js"]);
	if (/Warning/.test(said)) throw new Error(`Node warns:\n${said}`);
}

function npm(env, cwd, ...args) {
	return run(env, cwd, "npm", args);
}

/** Runs a program; resolves to its stdout, followed by its stderr. */
async function run(env, cwd, program, args) {
	const { stdout, stderr } = await promisify(execFile)(program, args, { cwd, env, timeout: 1_500_000 }).catch(
		({ message, stdout }) => {
			throw new Error(`${message}\n${stdout}`);
		},
	);
	return stdout + stderr;
}

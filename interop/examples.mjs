// The projects of examples/testing as a user runs them: `npm ci && npm test` twice, the second time without the API and
// without a network. The package comes from the tarball. Arguments select projects. Ends with `N passed, N failed`.
// With FLOWTAPE_CI_FULL=1, `npm ci` runs the scripts of packages, which compile SQLite on Node 20.
import { cpSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { discard } from "../fixtures/make/discard.mjs";
import { pack, root } from "./peers/packed.mjs";
import { findChromium, isInstalled, offlinePrefix, startApi, startIn } from "./peers/projects.mjs";
import { check, expect, reportTally } from "./peers/tally.mjs";

const examples = join(root, "examples", "testing");
const folder = mkdtempSync(join(tmpdir(), "flowtape-examples-"));
const isFull = process.env.FLOWTAPE_CI_FULL === "1";
const chromium = findChromium();
/** What a project needs beside npm, and whether it is there. */
const needs = {
	playwright: ["Chromium", chromium !== null],
	pytest: ["pytest", isInstalled("python3", "-c", "import pytest")],
};

try {
	const tarball = pack(folder);
	const offline = offlinePrefix();
	const projects = readdirSync(examples, { withFileTypes: true }).filter((entry) => entry.isDirectory());
	const isChosen = (name) => process.argv.length < 3 || process.argv.includes(name);
	for (const { name } of projects.filter(({ name }) => isChosen(name))) {
		const [program, isThere] = needs[name] ?? ["", true];
		if (isThere) await check(name, () => play(name, tarball, offline));
		else console.log(`skipped: ${name}: ${program} is not installed`);
	}
} finally {
	await discard(folder);
}
reportTally();

async function play(name, tarball, offline) {
	const project = join(folder, name);
	cpSync(join(examples, name), project, { recursive: true });
	const file = join(project, "package.json");
	const manifest = JSON.parse(readFileSync(file, "utf8"));
	manifest.devDependencies.flowtape = `file:${tarball}`;
	writeFileSync(file, JSON.stringify(manifest));
	await npm(project, "install", "--package-lock-only");
	await npm(project, "ci", ...(isFull ? [] : ["--ignore-scripts"]));
	if (!isFull) {
		// the compiled SQLite of the repository, which is of the same version
		const sqlite = join("node_modules", "better-sqlite3", "build");
		cpSync(join(root, sqlite), join(project, sqlite), { recursive: true });
	}
	const api = await startApi();
	const env = { API_URL: api.url, ...(chromium !== null && { CHROMIUM: chromium }) };
	const first = await startIn(project, ["npm", "test"], env).finally(() => api.stop());
	expect(`${name}: npm test records`, first.status === 0, first.output);
	const second = await startIn(project, [...offline, "npm", "test"], env);
	expect(`${name}: npm test again, without a network`, second.status === 0, second.output);
	const inCi = await startIn(project, [...offline, "npm", "test"], { ...env, CI: "1" });
	expect(`${name}: npm test in CI`, inCi.status === 0, inCi.output);
}

async function npm(project, ...words) {
	const { status, output } = await startIn(project, ["npm", ...words, "--prefer-offline", "--no-audit", "--no-fund"]);
	if (status !== 0) throw new Error(output);
}

// `flowtape/test` in real test runners, from the packed package: the matrix of runners and releases of Node. In each
// cell, a suite in two workers records against an API, replays without a network, and fails on a request without a
// recording. It has the projects of examples/testing, and a test for each HTTP client. Arguments select cells by name.
// FLOWTAPE_CI_FULL=1 runs every cell. Ends with `N passed, N failed`.
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { discard } from "../fixtures/make/discard.mjs";
import { clientPackages, installClients } from "./peers/clients.mjs";
import { peersFolder } from "./peers/mitmproxy.mjs";
import { environmentOf } from "./peers/node-release.mjs";
import { install, pack, root } from "./peers/packed.mjs";
import { offlinePrefix, startApi, startIn } from "./peers/projects.mjs";
import { check, expect, reportTally } from "./peers/tally.mjs";
import { habits } from "./runners/habits.mjs";
import { clientSuites } from "./runners/suites.mjs";

const isFull = process.env.FLOWTAPE_CI_FULL === "1";
const examples = join(root, "examples", "testing");
const ownRelease = process.versions.node.split(".")[0];

/** For busy machines: half a minute instead of five seconds. */
const LATE = "--testTimeout=30000";

/** The runners: the project, the package to install, the command that starts it with two workers, and where it runs. */
const runners = [
	{ title: "node:test", project: "node-test", start: ["node", "--test", "--test-concurrency=2"], isShort: true },
	{
		title: "tap 21",
		project: "tap",
		packages: "tap@21",
		start: ["npx", "tap", "-j2", "--timeout=120", "--disable-coverage", "--allow-empty-coverage"],
	},
	{
		title: "Vitest 4",
		project: "vitest",
		packages: "vitest@4",
		start: ["npx", "vitest", "run", LATE, "--maxWorkers=2"],
		isShort: true,
	},
	// axios cannot be loaded in vmThreads, also without flowtape
	...["threads", "vmThreads"].map((pool) => ({
		title: `Vitest 4, ${pool}`,
		project: "vitest",
		packages: "vitest@4",
		start: ["npx", "vitest", "run", LATE, "--maxWorkers=2", `--pool=${pool}`],
		hasClients: pool === "threads",
	})),
	{
		title: "Vitest 3",
		project: "vitest",
		packages: "vitest@3",
		start: ["npx", "vitest", "run", LATE, "--maxWorkers=2", "--minWorkers=2"],
	},
	{ title: "Jest 30", project: "jest", packages: "jest@30", start: ["npx", "jest", LATE, "-w", "2"], isShort: true },
	{ title: "Jest 30, in one process", project: "jest", packages: "jest@30", start: ["npx", "jest", LATE, "-i"] },
	{ title: "Jest 29", project: "jest", packages: "jest@29", start: ["npx", "jest", LATE, "-w", "2"] },
];

const folder = mkdtempSync(join(tmpdir(), "flowtape-runners-"));
try {
	const tarball = pack(folder);
	const offline = offlinePrefix();
	const clients = await installClients();
	if (clients === null) console.log("skipped: the HTTP clients cannot be installed");
	for (const release of isFull ? ["20", "22", "24"] : ["20", "24"]) {
		const env = release === ownRelease ? process.env : await environmentOf(release);
		const sqlite = env === null ? null : await sqliteFor(release, env);
		if (sqlite === null) {
			console.log(`skipped: Node ${release} or its SQLite cannot be installed`);
			continue;
		}
		for (const runner of runners.filter(({ isShort = false }) => isFull || isShort)) {
			const name = `${runner.title} on Node ${release}`;
			if (!process.argv.slice(2).every((part) => name.includes(part))) continue;
			const place = { env, sqlite, tarball, offline, clients };
			await check(name, () => tryCell(name, runner, place));
			if (isFull && release === ownRelease && runner.isShort)
				await check(`${name}, parts of a suite`, () => tryHabits(name, runner, place));
		}
	}
} finally {
	await discard(folder);
}
reportTally();

/** The folder of better-sqlite3 for a release of Node, which stays in the folder of peers; null: it cannot be installed. */
async function sqliteFor(release, env) {
	if (release === ownRelease) return join(root, "node_modules", "better-sqlite3");
	const place = join(peersFolder(), `sqlite-${release}`);
	const installed = join(place, "node_modules", "better-sqlite3");
	const isThere = () => existsSync(join(installed, "build", "Release")) || existsSync(join(installed, "prebuilds"));
	if (!isThere()) {
		mkdirSync(place, { recursive: true });
		const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
		const wanted = `better-sqlite3@${dependencies["better-sqlite3"]}`;
		const args = ["install", "--no-save", "--no-audit", "--no-fund", "--prefix", place, wanted];
		await promisify(execFile)("npm", args, { cwd: place, env, timeout: 1_500_000 }).catch(() => {});
	}
	return isThere() ? installed : null;
}

async function tryCell(name, { project: example, packages = "", start, hasClients = true }, place) {
	const project = await createProject(example, packages, place, hasClients);
	const api = await startApi();
	const env = { PATH: place.env.PATH, API_URL: api.url };
	const started = performance.now();
	const recorded = await startIn(project, start, env).finally(() => api.stop());
	expect(`${name} records`, recorded.status === 0, recorded.output);
	const offline = [...place.offline, ...start];
	const replayed = await startIn(project, offline, { ...env, CI: "1" });
	expect(`${name} replays`, replayed.status === 0, replayed.output);
	changeRequest(project);
	const { status, output } = await startIn(project, offline, { ...env, CI: "1" });
	expect(`${name} fails on a miss`, status !== 0, output);
	for (const part of [
		/json \/name: recorded "Ann", sent "Eve"/,
		/match: \{ ignoreJson: \["\/name"\] \}/,
		/users\.test/,
	])
		expect(`${name} explains the miss: ${part}`, part.test(output), output);
	const seconds = ((performance.now() - started) / 1000).toFixed(1);
	console.log(
		`${name}: ${recorded.status === 0 && replayed.status === 0 ? "recorded, replayed, missed" : "failed"}, ${seconds} s`,
	);
}

/** Runs parts of a suite in every way, after it was recorded whole. */
async function tryHabits(name, { project: example, packages = "", start }, place) {
	const project = await createProject(example, packages, place, false);
	const { file, source, runs } = habits[example];
	writeFileSync(join(project, "test", file), source);
	// it would take numbers of the suite's orders
	rmSync(join(project, "test", file.replace("habits", "orders")));
	const api = await startApi();
	const env = { API_URL: api.url };
	const recorded = await startIn(project, start, env).finally(() => api.stop());
	expect(`${name} records a suite`, recorded.status === 0, recorded.output);
	for (const [way, args] of Object.entries({ "all of it": [], ...runs })) {
		const { status, output } = await startIn(project, [...place.offline, ...start, ...args], { ...env, CI: "1" });
		expect(`${name}, ${way}`, status === 0, output);
	}
}

/** A project of examples/testing with a test for each client, without tapes. Its packages are installed once. */
async function createProject(example, packages, { sqlite, tarball, clients }, hasClients) {
	const project = join(folder, packages === "" ? example : packages);
	if (!existsSync(project)) {
		mkdirSync(project);
		// the package itself comes from the tarball
		const { devDependencies: _, ...manifest } = JSON.parse(
			readFileSync(join(examples, example, "package.json"), "utf8"),
		);
		writeFileSync(join(project, "package.json"), JSON.stringify(manifest));
		const words = ["npm", "install", "--no-save", "--no-audit", "--no-fund", "--prefer-offline", packages];
		const { status, output } = packages === "" ? { status: 0 } : await startIn(project, words);
		if (status !== 0) throw new Error(output);
		install(project, tarball);
		if (clients !== null)
			for (const name of Object.keys(clientPackages)) {
				const target = join(project, "node_modules", name);
				if (!existsSync(target) && !name.startsWith("@")) symlinkSync(join(clients, "node_modules", name), target);
			}
	}
	const linked = join(project, "node_modules", "flowtape", "node_modules", "better-sqlite3");
	rmSync(linked);
	symlinkSync(sqlite, linked);
	for (const part of ["src", "test"]) {
		rmSync(join(project, part), { recursive: true, force: true });
		cpSync(join(examples, example, part), join(project, part), { recursive: true });
	}
	if (clients !== null && hasClients) {
		const [file, source] = clientSuites[example];
		writeFileSync(join(project, "test", file), source);
		cpSync(join(root, "interop", "runners", "clients.cjs"), join(project, "src", "clients.cjs"));
	}
	return project;
}

/** Changes the name in a request, so that the tape of `users.test` does not have it. */
function changeRequest(project) {
	const path = ["users.test.mjs", "users.test.js"].map((file) => join(project, "test", file)).find(existsSync);
	writeFileSync(path, readFileSync(path, "utf8").replace('createUser(id, "Ann")', 'createUser(id, "Eve")'));
}

// `flowtape/test` in real test runners, from the packed package: the projects of examples/testing record against an API,
// and replay in two workers without a network; a request without a recording fails its test.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { install, pack, root } from "./peers/packed.mjs";
import { check, expect, reportTally } from "./peers/tally.mjs";

const examples = join(root, "examples", "testing");
const folder = mkdtempSync(join(tmpdir(), "flowtape-runners-"));
const tarball = pack(folder);
const isFull = process.env.FLOWTAPE_CI_FULL === "1";

/**
 * The runners: the project, the version to install, how to start it with two workers, and a test file whose request has no
 * recording. The file replaces `users.test`, so that its tape is used.
 */
const runners = [
	{ project: "node-test", start: ["node", "--test", "--test-concurrency=2"] },
	{
		project: "tap",
		packages: ["tap@21"],
		start: ["npx", "tap", "-j2", "--disable-coverage", "--allow-empty-coverage"],
	},
	{ project: "vitest", packages: ["vitest@4"], start: ["npx", "vitest", "run", "--maxWorkers=2"] },
	...["threads", "vmThreads"].map((pool) => ({
		project: "vitest",
		title: `vitest ${pool}`,
		packages: ["vitest@4"],
		start: ["npx", "vitest", "run", `--pool=${pool}`],
	})),
	{ project: "jest", packages: ["jest@30"], start: ["npx", "jest", "-w", "2"] },
	{ project: "jest", title: "jest in one process", packages: ["jest@30"], start: ["npx", "jest", "-i"] },
	...(isFull
		? [
				{ project: "vitest", title: "vitest 3", packages: ["vitest@3"], start: ["npx", "vitest", "run"] },
				{ project: "jest", title: "jest 29", packages: ["jest@29"], start: ["npx", "jest", "-w", "2"] },
			]
		: []),
];

/** Starts the API in a process that is no child of the tests. */
async function startApi() {
	const child = spawn(process.execPath, [join(examples, "api.mjs")], {
		env: { ...process.env, PORT: "0" },
		stdio: ["ignore", "pipe", "inherit"],
	});
	const [line] = await once(child.stdout.setEncoding("utf8"), "data");
	return {
		url: line.trim(),
		async stop() {
			child.kill();
			if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
		},
	};
}

/** The command that runs another one in a network with the loopback interface alone; null: it is not allowed. */
function offlinePrefix() {
	const prefix = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];
	const { status } = spawnSync(prefix[0], [...prefix.slice(1), "true"], { stdio: "ignore" });
	if (status !== 0) console.log("skipped: unshare --net is not allowed, or not installed");
	return status === 0 ? prefix : [];
}

const offline = offlinePrefix();

/** Runs a command in a project. Resolves to its exit status and output. */
async function start(project, words, env) {
	const [program, ...args] = words;
	const { CI: _, NODE_OPTIONS: __, ...inherited } = process.env;
	const child = spawn(program, args, {
		cwd: project,
		env: { ...inherited, NO_COLOR: "1", ...env },
		stdio: ["ignore", "pipe", "pipe"],
	});
	const ended = once(child, "close");
	const [out, err, [status]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
	return { status, output: out + err };
}

/** Copies a project of examples/testing, and installs its runner and the package. */
function createProject(name, title, packages) {
	const project = join(folder, title.replaceAll(" ", "-"));
	cpSync(join(examples, name), project, { recursive: true });
	if (packages.length > 0) {
		// the package itself comes from the tarball
		const { devDependencies: _, ...manifest } = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
		writeFileSync(join(project, "package.json"), JSON.stringify(manifest));
		const words = ["install", "--no-save", "--no-audit", "--no-fund", "--prefer-offline", ...packages];
		const { status, stderr } = spawnSync("npm", words, { cwd: project, encoding: "utf8" });
		if (status !== 0) throw new Error(stderr);
	}
	install(project, tarball);
	return project;
}

/** The test file of a project with another name in the request, which the tape does not have. */
function changeRequest(project) {
	for (const file of ["test/users.test.mjs", "test/users.test.js"])
		try {
			const path = join(project, file);
			writeFileSync(path, readFileSync(path, "utf8").replace('createUser(id, "Ann")', 'createUser(id, "Eve")'));
			return;
		} catch (error) {
			if (error.code !== "ENOENT") throw error;
		}
}

function passes(name, { status, output }) {
	expect(name, status === 0, `status ${status}\n${output}`);
}

for (const { project: name, title = name, packages = [], start: words } of runners)
	await check(title, async () => {
		const project = createProject(name, title, packages);
		const api = await startApi();
		const env = { API_URL: api.url };
		passes(`${title} records`, await start(project, words, env));
		await api.stop();
		passes(`${title} replays`, await start(project, [...offline, ...words], { ...env, CI: "1" }));
		changeRequest(project);
		const { status, output } = await start(project, [...offline, ...words], { ...env, CI: "1" });
		expect(`${title} fails on a miss`, status !== 0, output);
		for (const part of [
			/json \/name: recorded "Ann", sent "Eve"/,
			/match: \{ ignoreJson: \["\/name"\] \}/,
			/users\.test/,
		])
			expect(`${title} explains the miss: ${part}`, part.test(output), output);
	});

await check("pytest", async () => {
	const { status } = spawnSync("python3", ["-c", "import pytest"], { stdio: "ignore" });
	if (status !== 0) return console.log("skipped: pytest is not installed");
	const project = createProject("pytest", "pytest", []);
	const bin = join(project, "node_modules/flowtape/dist/commands/main.js");
	const words = [process.execPath, bin, "run", "suite.tape", "--", "python3", "-m", "pytest", "-q"];
	const api = await startApi();
	passes("pytest records", await start(project, words, { API_URL: api.url }));
	await api.stop();
	passes("pytest replays", await start(project, [...offline, ...words], { API_URL: api.url, CI: "1" }));
});

rmSync(folder, { recursive: true, force: true });
reportTally();

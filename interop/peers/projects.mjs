// Test suites in projects of their own: the API that they call, and commands with or without a network.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { root } from "./packed.mjs";

/** Whether a command ends with status 0. */
export function isInstalled(program, ...args) {
	return spawnSync(program, args, { stdio: "ignore" }).status === 0;
}

/** The path of Chromium; null: it is not installed. */
export function findChromium() {
	const paths = ["chromium", "chromium-browser", "google-chrome"].map((name) =>
		spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim(),
	);
	return paths.find((path) => path !== "") ?? null;
}

/** Starts the API of the examples in a process that is no child of the tests. */
export async function startApi() {
	const child = spawn(process.execPath, [join(root, "examples", "testing", "api.mjs")], {
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

/** The command that runs another one in a network with the loopback interface alone; empty if it is not allowed. */
export function offlinePrefix() {
	const prefix = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];
	if (isInstalled(...prefix, "true")) return prefix;
	console.log("skipped: unshare --net is not allowed, or not installed");
	return [];
}

/** Runs a command in a project, as on a developer's machine. Resolves to its exit status and output. */
export async function startIn(project, [program, ...args], env = {}) {
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

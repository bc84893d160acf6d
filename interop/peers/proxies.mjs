// Starts flowtape and mitmdump as proxies with the same options, each on its own port.
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";

export const flowtape = new URL("../../dist/commands/main.js", import.meta.url).pathname;
const START_MS = 60_000;
const STOP_MS = 60_000;

/** The `--set` arguments for options; a list becomes one argument per value. */
export function assignments(options) {
	return Object.entries(options).flatMap(([name, value]) =>
		[value].flat().flatMap((one) => ["--set", `${name}=${one}`]),
	);
}

/**
 * Starts a proxy. Resolves to its ports and a `stop` that waits for its end. Rejects with its output if it does not
 * listen on `count` ports.
 */
export async function startListening(program, args, { env = process.env, count = 1 } = {}) {
	const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
	let said = "";
	const ended = new Promise((resolve) => child.once("exit", resolve));
	const ports = await new Promise((resolve, reject) => {
		child.once("error", reject);
		const timer = setTimeout(() => child.kill("SIGKILL"), START_MS);
		for (const stream of [child.stdout, child.stderr]) {
			stream.setEncoding("utf8").on("data", (text) => {
				said += text;
				const found = [...said.matchAll(/listening (?:at|on) (?:\w+:\/\/)?\S*:(\d+)(?=\D)/g)];
				if (found.length < count) return;
				clearTimeout(timer);
				resolve(found.map(([, port]) => Number(port)));
			});
		}
		void ended.then((status) => reject(new Error(`${program} ${args.join(" ")} ended with ${status}: ${said}`)));
	});
	const stop = () => {
		const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
		child.kill("SIGINT");
		return ended.finally(() => clearTimeout(timer));
	};
	return { port: ports[0], ports, stop };
}

/** Starts `flowtape COMMAND TAPE` with further arguments. */
export function startFlowtape(command, tape, args, childEnv) {
	return startListening(process.execPath, [flowtape, command, tape, "-p", "0", ...args], childEnv);
}

/** Starts the mitmdump beside the Python with mitmproxy, recording to `dump`. `home`: the folder of its authority. */
export function startMitmdump(python, dump, { mode = "regular", home, args = [] }) {
	const quiet = ["--set", "flow_detail=0", "--set", "termlog_verbosity=info", "--set", `confdir=${home}`];
	return startListening(join(dirname(python), "mitmdump"), [
		"--mode",
		`${mode}@127.0.0.1:0`,
		"-w",
		dump,
		...quiet,
		...args,
	]);
}

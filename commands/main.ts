#!/usr/bin/env node
// The bin: finds the command, runs it, and makes an exit status of how it ended. The only place that knows the process.
import { tuneProcess } from "../src/process-tuning.ts";
import type { Io } from "./cli/command.ts";
import { tell } from "./cli/tell.ts";
import { commands, loadAll } from "./list.ts";
import { messageStream } from "./print/text.ts";

const version = process.env.FLOWTAPE_VERSION ?? "0.0.0";

async function main([name, ...argv]: readonly string[]): Promise<number> {
	if (name === "--version" || name === "-V") {
		process.stdout.write(`${version}\n`);
		return 0;
	}
	if (name === "help" && argv[0] !== undefined) return main([argv[0], "--help"]);
	if (name === undefined || name === "--help" || name === "-h" || name === "help") {
		const { usage } = await import("./cli/usage.ts");
		(name === undefined ? process.stderr : process.stdout).write(usage(await loadAll()));
		return name === undefined ? 2 : 0;
	}
	const { runCommand, unknownCommand } = await import("./cli/run-command.ts");
	const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
	if (load === undefined) return tell(unknownCommand(name, Object.keys(commands)), false, io);
	return runCommand(await load(), argv, io, loadAll);
}

tuneProcess();
const controller = new AbortController();
const stderr = messageStream(process.stderr, process.env);
const io: Io = { stdout: process.stdout, stderr, env: process.env, signal: controller.signal };

// 128 and the signal's number, as shells have it
for (const [name, status] of [
	["SIGINT", 130],
	["SIGTERM", 143],
] as const) {
	process.on(name, () => {
		// The first asks for an orderly end, the second does not wait for it. A command that listens too, for its child, decides itself.
		if (controller.signal.aborted && process.listenerCount(name) === 1) process.exit(status);
		controller.abort(status);
	});
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
	// whoever reads us may have seen enough, as `head` has
	if (error.code === "EPIPE") return controller.abort(0);
	process.stderr.write(`flowtape: stdout: cannot be written: ${error.message}\n`);
	process.exit(4);
});
process.stderr.on("error", () => {});
// What is loaded only here may be what is missing, and its absence would end here again.
process.on("uncaughtException", (error) => {
	if (io.handleUncaught?.(error)) return;
	process.exit(tell(error, process.argv.includes("--debug"), io));
});

process.exitCode = await main(process.argv.slice(2));
// nothing that a command left behind, such as an unread stdin, keeps us
process.stdin.unref?.();

#!/usr/bin/env node
// The bin: finds the command, runs it, and makes an exit status of how it ended. The only place that knows the process.
import type { Io } from "./cli/command.ts";
import { commands, loadAll } from "./list.ts";

const version = process.env.FLOWTAPE_VERSION ?? "0.0.0";
const controller = new AbortController();

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

const [first, ...others] = process.argv.slice(2);
process.exitCode = first === "help" && others[0] !== undefined ? await main(others[0], ["--help"]) : await main(first, others);
// nothing that a command left behind, such as an unread stdin, keeps us
process.stdin.unref?.();

async function main(name: string | undefined, argv: readonly string[]): Promise<number> {
	// programs ask for it often, and to start is mostly loading
	if (name === "--version" || name === "-V") {
		process.stdout.write(`${version}\n`);
		return 0;
	}
	const { tuneProcess } = await import("../src/process-tuning.ts");
	tuneProcess();
	const { messageStream } = await import("./print/text.ts");
	const io: Io = { stdout: process.stdout, stderr: messageStream(process.stderr, process.env), env: process.env, signal: controller.signal };
	const { tell } = await import("./cli/tell.ts");
	// whatever is loaded only now may be what is missing
	process.on("uncaughtException", (error) => {
		if (io.handleUncaught?.(error)) return;
		process.exit(tell(error, process.argv.includes("--debug"), io));
	});
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

#!/usr/bin/env node
// The executable: finds the command, runs it and sets the exit status. The only file that uses the process.
import type { Io } from "./cli/command.ts";
import { commands, loadAll } from "./list.ts";

const version = process.env.FLOWTAPE_VERSION ?? "0.0.0";
const controller = new AbortController();

// exit status: 128 + the signal's number, as in shells
for (const [name, status] of [
	// the terminal was closed; Node ends at this signal even below `nohup`
	["SIGHUP", 129],
	["SIGINT", 130],
	["SIGTERM", 143],
] as const) {
	process.on(name, () => {
		// The first signal asks for an orderly end. The second exits at once, unless the command has its own listener, for
		// its child.
		if (controller.signal.aborted && process.listenerCount(name) === 1) process.exit(status);
		controller.abort(status);
	});
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
	// the reader has closed the pipe, as `head` does
	if (error.code === "EPIPE") return controller.abort(0);
	// the terminal was closed, and SIGHUP has asked for an orderly end or is about to
	if (error.code === "EIO") return controller.abort(129);
	process.stderr.write(`flowtape: stdout: cannot be written: ${error.message}\n`);
	process.exit(4);
});
process.stderr.on("error", () => {});

const [first, ...others] = process.argv.slice(2);
const status = await main(first, others);
// Waits until the output is written. Then exits, even if something would keep the process alive: an unread stdin, a
// timer of a script, or lookups of host names, which Node cannot cancel.
for (const stream of [process.stdout, process.stderr]) await new Promise((resolve) => stream.write("", resolve));
process.exit(status);

async function main(name: string | undefined, argv: readonly string[]): Promise<number> {
	// answered first, because programs often ask for it, and loading takes most of the time
	if (name === "--version" || name === "-V") {
		process.stdout.write(`${version}\n`);
		return 0;
	}
	// completion scripts run this at every key press, so no error is reported
	if (name === "__complete") {
		process.on("uncaughtException", () => process.exit(0));
		try {
			const { answerText, candidatesFor } = await import("./completion/candidates.ts");
			const [count = "1", ...words] = argv;
			// shells may leave out an empty word at the end
			if (words.length < Number(count)) words.push("");
			process.stdout.write(answerText(await candidatesFor(words, commands)));
		} catch {
			// the shell offers nothing
		}
		return 0;
	}
	const { tuneProcess } = await import("../src/process-tuning.ts");
	tuneProcess();
	const { messageStream } = await import("./print/text.ts");
	const io: Io = {
		stdout: process.stdout,
		isStdinTTY: process.stdin.isTTY === true,
		stderr: messageStream(process.stderr, process.env),
		env: process.env,
		signal: controller.signal,
	};
	const { reportError } = await import("./cli/report-error.ts");
	// also reports a package that is missing when it is loaded lazily
	process.on("uncaughtException", (error) => {
		if (io.handleUncaught?.(error)) return;
		process.exit(reportError(error, process.argv.includes("--debug"), io));
	});
	if (name === undefined || name === "--help" || name === "-h" || name === "help") {
		const { help } = await import("./cli/help-command.ts");
		try {
			await help(argv[0], commands, name === undefined ? { ...io, stdout: io.stderr } : io);
			return name === undefined ? 2 : 0;
		} catch (error) {
			return reportError(error, argv.includes("--debug"), io);
		}
	}
	const { rejectCommand, runCommand } = await import("./cli/run-command.ts");
	const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
	if (load === undefined) return rejectCommand([name, ...argv], io, loadAll);
	return runCommand(await load(), argv, io, loadAll);
}

#!/usr/bin/env node
// The bin: finds the command, runs it, and makes an exit status of how it ended. The only place that knows the process.
import type { Command, Io } from "./command.ts";

const version = process.env.FLOWTAPE_VERSION ?? "0.0.0";

/** By name; a command is loaded only when it is named. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
	record: async () => (await import("./record.ts")).command,
	"replay-server": async () => (await import("./replay-server.ts")).command,
	filter: async () => (await import("./filter.ts")).command,
	rewrite: async () => (await import("./rewrite.ts")).command,
	show: async () => (await import("./show.ts")).command,
	stats: async () => (await import("./stats.ts")).command,
	export: async () => (await import("./export.ts")).command,
	convert: async () => (await import("./convert.ts")).command,
	doctor: async () => (await import("./doctor.ts")).command,
	ca: async () => (await import("./ca.ts")).command,
	completion: async () => (await import("./completion.ts")).createCommand(loadAll),
};

async function loadAll(): Promise<readonly Command[]> {
	return Promise.all(Object.values(commands).map((load) => load()));
}

async function main([name = "--help", ...argv]: readonly string[]): Promise<number> {
	if (name === "--version" || name === "-V") {
		process.stdout.write(`${version}\n`);
		return 0;
	}
	const { usage } = await import("./usage.ts");
	if (name === "help" && argv[0] !== undefined) return main([argv[0], "--help"]);
	if (name === "--help" || name === "-h" || name === "help") {
		process.stdout.write(usage(await loadAll()));
		return 0;
	}
	const { runCommand, unknownCommand } = await import("./run-command.ts");
	const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
	if (load === undefined) throw unknownCommand(name, Object.keys(commands));
	return runCommand(await load(), argv, createIo(), loadAll);
}

function createIo(): Io {
	const controller = new AbortController();
	let signals = 0;
	const stop = (): void => {
		// the first asks for an orderly end, the second does not wait for it
		if (++signals > 1) process.exit(130);
		controller.abort();
	};
	process.on("SIGINT", stop).on("SIGTERM", stop);
	return { stdout: process.stdout, stderr: process.stderr, env: process.env, signal: controller.signal };
}

// whoever reads us may have seen enough, as `head` has
for (const stream of [process.stdout, process.stderr]) {
	stream.on("error", (error: NodeJS.ErrnoException) => {
		if (error.code === "EPIPE") process.exit(0);
		throw error;
	});
}

const argv = process.argv.slice(2);
try {
	process.exitCode = await main(argv);
} catch (error) {
	const { explain } = await import("./run-command.ts");
	const { text, status } = explain(error, argv.includes("--debug"));
	process.stderr.write(text);
	process.exitCode = status;
}
// nothing that a command left behind, such as an unread stdin, keeps us
process.stdin.unref?.();

// Starts the proxies to compare and the servers behind them, and stops all of them at the end.
import { join } from "node:path";
import type { BenchOptions } from "./finding.ts";
import { flowtape, freePort, mitmdump, type Running, start } from "./processes.ts";

/** Starts the process of a command on a free port. */
export type Run = (command: (port: number) => readonly string[]) => Promise<Running>;

export async function withPeers<T>({ folder }: BenchOptions, work: (run: Run) => Promise<T>): Promise<T> {
	const running: Running[] = [];
	const run: Run = async (command) => {
		const port = await freePort();
		const process = await start(command(port), port, { FLOWTAPE_HOME: join(folder, "home") });
		running.push(process);
		return process;
	};
	try {
		return await work(run);
	} finally {
		for (const process of running.reverse()) await process.stop();
	}
}

export function node(yardstick: string, ...args: readonly (string | number)[]): string[] {
	return [process.execPath, `bench/yardsticks/${yardstick}`, ...args.map(String)];
}

/** The command line of flowtape, recording. */
export function recorder(folder: string, port: number, ...args: readonly string[]): string[] {
	return [...flowtape, "record", join(folder, `${port}.tape`), "-q", "-p", String(port), ...args];
}

/** Starts mitmdump, recording. Returns an object without peers if mitmdump is not available. */
export async function recordingMitmdump(
	folder: string,
	run: Run,
	...args: readonly string[]
): Promise<{ mitmdump?: Running }> {
	if (mitmdump === null) return {};
	const program = mitmdump;
	const options = ["--listen-host", "127.0.0.1", "--set", `confdir=${folder}/mitm`];
	return {
		mitmdump: await run((port) => [
			program,
			"-q",
			"-p",
			String(port),
			"-w",
			join(folder, `${port}.mitm`),
			...options,
			...args,
		]),
	};
}

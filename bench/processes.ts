// Starts, times and stops the processes to measure.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { fileURLToPath } from "node:url";

/** Time limit for the start of a server in milliseconds, long enough for a busy machine. */
const START_MS = 120_000;

/** The built command line. */
export const flowtape = [process.execPath, fileURLToPath(new URL("../commands/main.js", import.meta.url))];

/**
 * The command of mitmdump: MITMDUMP, or the program on the PATH. null if there is none; its results are then omitted.
 */
export const mitmdump: string | null = process.env.MITMDUMP ?? (hasProgram("mitmdump") ? "mitmdump" : null);

export function hasProgram(name: string): boolean {
	return spawnSync(name, ["--version"], { stdio: "ignore" }).error === undefined;
}

export async function freePort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const address = server.address();
	await new Promise((resolve) => server.close(resolve));
	return typeof address === "object" && address !== null ? address.port : 0;
}

export interface Running {
	readonly port: number;
	/** CPU time so far in seconds. */
	cpu(): number;
	stop(): Promise<void>;
}

/** Starts a server and resolves once its port accepts connections. */
export async function start(
	command: readonly string[],
	port: number,
	env: Record<string, string> = {},
): Promise<Running> {
	const [program = "", ...args] = command;
	const child = spawn(program, args, { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, ...env } });
	const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
	for (const deadline = Date.now() + START_MS; !(await accepts(port)); ) {
		if (child.exitCode !== null || Date.now() > deadline) {
			child.kill("SIGKILL");
			throw new Error(`did not start: ${command.join(" ")}`);
		}
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
	return {
		port,
		cpu: () => cpuSeconds(child),
		stop: async () => {
			child.kill("SIGTERM");
			const kill = setTimeout(() => child.kill("SIGKILL"), 15_000);
			await exited;
			clearTimeout(kill);
		},
	};
}

function accepts(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect(port, "127.0.0.1");
		socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
		socket.once("connect", () => socket.destroy());
	});
}

/**
 * User and system CPU time of a process from /proc (Linux), in seconds, at 100 clock ticks per second; 0 if unknown.
 */
function cpuSeconds(child: ChildProcess): number {
	try {
		const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8")
			.replace(/^.*\) /s, "")
			.split(" ");
		return (Number(fields[11]) + Number(fields[12])) / 100;
	} catch {
		return 0;
	}
}

/** Runs a command and returns its wall time in seconds. */
export function timed(
	command: readonly string[],
	options: { cwd: string; env?: Record<string, string>; ok?: readonly number[] },
): number {
	const [program = "", ...args] = command;
	const begin = process.hrtime.bigint();
	const { status, stderr } = spawnSync(program, args, {
		cwd: options.cwd,
		env: { ...process.env, ...options.env },
		maxBuffer: 1 << 30,
	});
	const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
	if (!(options.ok ?? [0]).includes(status ?? -1))
		throw new Error(`exit status ${status}: ${command.join(" ")}\n${stderr}`);
	return seconds;
}

export function median(values: readonly number[]): number {
	const sorted = [...values].sort((a, b) => a - b);
	const middle = sorted.length >> 1;
	return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

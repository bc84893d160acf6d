// Runs the command after `--` as if the user had started it, but with a different environment.
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Stream } from "node:stream";
import { isatty } from "node:tty";
import { FlowtapeError, hasErrno } from "../errors.ts";

const forwarded = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface ChildOptions {
	/** When aborted, sends SIGTERM to the child, and SIGKILL if the child has not ended after five seconds. */
	signal?: AbortSignal | undefined;
	/** Called with the child's process id once it runs. */
	onStart?: ((pid: number) => void) | undefined;
	/** Emits the signals to forward to the child; default: the process. null: none are forwarded. */
	signals?: Pick<NodeJS.EventEmitter, "on" | "off"> | null;
	/** Default: those of this process. */
	stdio?: ChildStreams | undefined;
	/** The child's working directory; default: that of this process. */
	cwd?: string | URL | undefined;
}

/**
 * One of a child's streams, as in Node's `stdio` option: this process's stream of the same number, the null device, a
 * file descriptor, or a stream that has one.
 */
export type ChildStream = "inherit" | "ignore" | number | Stream;

/** stdin, stdout and stderr of a child: one value for all, or one for each. */
export type ChildStreams =
	| "inherit"
	| "ignore"
	| readonly [stdin: ChildStream, stdout: ChildStream, stderr: ChildStream];

/** How long a child may run on after SIGTERM. Milliseconds. */
const GRACE_MS = 5000;

/**
 * Runs a command without a shell, and waits for it to exit. Resolves to its exit status, or to 128 + n if signal n
 * ended it, as in shells. SIGINT, SIGTERM and SIGHUP are forwarded to the child and do not end this process; SIGINT is
 * not forwarded if this process has a terminal, which sends it to both.
 * @throws FlowtapeError FT_COMMAND if it cannot be started
 */
export function runChild(
	command: string,
	args: readonly string[],
	env: Record<string, string>,
	options: ChildOptions = {},
): Promise<{ status: number }> {
	const { signal, onStart, signals = process } = options;
	let killer: NodeJS.Timeout | undefined;
	return new Promise((resolve, reject) => {
		const child = start(command, args, env, options);
		if (child.pid !== undefined) onStart?.(child.pid);
		const listeners = forwarded.map((name) => {
			const listener = (): void => {
				// A terminal sends SIGINT to the child as well, and many programs take a second one as a request to exit
				// without cleaning up.
				if (name === "SIGINT" && hasTerminal()) return;
				child.kill(name);
			};
			signals?.on(name, listener);
			return [name, listener] as const;
		});
		const stop = (): void => {
			child.kill("SIGTERM");
			killer = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
		};
		if (signal?.aborted) stop();
		signal?.addEventListener("abort", stop);
		const clear = (): void => {
			for (const [name, listener] of listeners) signals?.off(name, listener);
			signal?.removeEventListener("abort", stop);
			clearTimeout(killer);
		};
		child.once("error", (cause) => {
			clear();
			reject(startFailure(command, cause));
		});
		child.once("exit", (code, signalName) => {
			clear();
			resolve({ status: code ?? 128 + (signalName ? constants.signals[signalName] : 0) });
		});
	});
}

function start(
	command: string,
	args: readonly string[],
	env: Record<string, string>,
	{ stdio = "inherit", cwd }: ChildOptions,
): ChildProcess {
	try {
		return spawn(command, args, { env, cwd, stdio: typeof stdio === "string" ? stdio : [...stdio] });
	} catch (cause) {
		// `spawn` throws for invalid arguments, and emits an event for most other failures.
		throw cause instanceof Error ? startFailure(command, cause) : cause;
	}
}

function hasTerminal(): boolean {
	return [0, 1, 2].some((descriptor) => isatty(descriptor));
}

function startFailure(command: string, cause: Error): FlowtapeError {
	const failure = (reason: string): FlowtapeError =>
		new FlowtapeError("FT_COMMAND", `cannot start "${command}": ${reason}`, { cause });
	if (hasErrno(cause, "ENOENT"))
		return failure("no such command; check its spelling and your PATH, and use sh -c '…' for shell syntax");
	if (hasErrno(cause, "EACCES"))
		return failure("it is not executable by you; try chmod +x, or name the interpreter first");
	return failure(cause.message);
}

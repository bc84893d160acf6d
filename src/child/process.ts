// Runs the command after `--`: as if the user had started it, only with another environment.
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { isatty } from "node:tty";
import { FlowtapeError, hasErrno } from "../errors.ts";

const forwarded = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** How the child is run. */
export interface ChildOptions {
	/** Ends the child with SIGTERM when aborted. */
	signal?: AbortSignal;
	/** Where signals for us arrive, to be passed on; the process itself. */
	signals?: Pick<NodeJS.EventEmitter, "on" | "off">;
}

/**
 * Runs a command without a shell, with our terminal, and waits for its end. Its exit status is the result, 128 + n when signal n ended it,
 * as shells have it. SIGINT, SIGTERM and SIGHUP go to the child and leave us alive to finish. Throws FT_COMMAND when it cannot be started.
 */
export function runChild(command: string, args: readonly string[], env: Record<string, string>, options: ChildOptions = {}): Promise<{ status: number }> {
	const { signal, signals = process } = options;
	return new Promise((resolve, reject) => {
		const child = start(command, args, env);
		const listeners = forwarded.map((name) => {
			const listener = (): void => {
				// A terminal sends Ctrl-C to the child as well, and many programs take a second one as "at once, without cleaning up".
				if (name === "SIGINT" && hasTerminal()) return;
				child.kill(name);
			};
			signals.on(name, listener);
			return [name, listener] as const;
		});
		const stop = (): void => {
			child.kill("SIGTERM");
		};
		if (signal?.aborted) stop();
		signal?.addEventListener("abort", stop);
		const clear = (): void => {
			for (const [name, listener] of listeners) signals.off(name, listener);
			signal?.removeEventListener("abort", stop);
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

function start(command: string, args: readonly string[], env: Record<string, string>): ChildProcess {
	try {
		return spawn(command, args, { env, stdio: "inherit" });
	} catch (cause) {
		// Most failures arrive as an event; arguments that no system takes are thrown.
		throw cause instanceof Error ? startFailure(command, cause) : cause;
	}
}

function hasTerminal(): boolean {
	return [0, 1, 2].some((descriptor) => isatty(descriptor));
}

function startFailure(command: string, cause: Error): FlowtapeError {
	const failure = (reason: string): FlowtapeError => new FlowtapeError("FT_COMMAND", `cannot start "${command}": ${reason}`, { cause });
	if (hasErrno(cause, "ENOENT")) return failure("no such command; check its spelling and your PATH, and use sh -c '…' for what needs a shell");
	if (hasErrno(cause, "EACCES")) return failure("it is not executable for you; try chmod +x, or name the interpreter first");
	return failure(cause.message);
}

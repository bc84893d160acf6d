// Long output through the user's pager, where the output is a terminal.
import { spawn } from "node:child_process";
import type { Io, TextSink } from "../command.ts";

export interface Paged extends TextSink {
	/** Resolves when the user has left the pager. */
	close(): Promise<void>;
}

/**
 * Where to write: into $PAGER, `less` where it is not set, or straight to stdout when that is no terminal, `wanted` is false, $PAGER is
 * empty or `cat`, or the pager cannot be started. What is short ends by itself in `less`.
 */
export function openPager({ stdout, env }: Pick<Io, "stdout" | "env">, wanted: boolean): Paged {
	const [command = "", ...args] = (env.PAGER ?? "less").split(/\s+/).filter((word) => word !== "");
	const direct: Paged = { isTTY: stdout.isTTY, write: (text) => stdout.write(text), close: async () => {} };
	if (!wanted || stdout.isTTY !== true || command === "" || command === "cat") return direct;
	const pager = spawn(command, args, { stdio: ["pipe", "inherit", "inherit"], env: { LESS: "FRX", LV: "-c", ...env } });
	let unsent: (string | Uint8Array)[] | null = [];
	const ended = new Promise<void>((resolve) => {
		pager.once("spawn", () => {
			unsent = null;
		});
		pager.once("error", () => {
			for (const text of unsent ?? []) stdout.write(text);
			resolve();
		});
		pager.once("exit", () => resolve());
	});
	// whoever leaves the pager early has seen enough
	pager.stdin.on("error", () => {});
	return {
		isTTY: true,
		write(text) {
			unsent?.push(text);
			return pager.stdin.write(text);
		},
		async close() {
			pager.stdin.end();
			await ended;
		},
	};
}

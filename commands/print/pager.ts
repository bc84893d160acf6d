// Sends output through the user's pager if stdout is a terminal.
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { MaybeAsync } from "../../src/maybe-async.ts";
import type { Io } from "../cli/command.ts";

export interface PagerOutput {
	/** Writes text. If it returns a promise, await it before the next write. */
	write(text: string): MaybeAsync;
	/** Resolves when the user has quit the pager. */
	close(): Promise<void>;
}

/**
 * Opens $PAGER, or `less` if it is not set. Writes directly to stdout if stdout is not a terminal, `wanted` is false,
 * $PAGER is empty or `cat`, or the pager cannot be started. `less` exits by itself if the output fits on one screen.
 * @param onQuit called when the user quits the pager before the end of the output
 */
export async function openPager(
	{ stdout, env }: Pick<Io, "stdout" | "env">,
	wanted: boolean,
	onQuit: () => void,
): Promise<PagerOutput> {
	const [command = "", ...args] = (env.PAGER ?? "less").split(/\s+/).filter((word) => word !== "");
	const direct: PagerOutput = { write: (text) => void stdout.write(text), close: async () => {} };
	if (!wanted || stdout.isTTY !== true || command === "" || command === "cat") return direct;
	const pager = spawn(command, args, { stdio: ["pipe", "inherit", "inherit"], env: { LESS: "FRX", LV: "-c", ...env } });
	try {
		await once(pager, "spawn");
	} catch {
		return direct;
	}
	let hasQuit = false;
	const quit = once(pager, "exit").then(() => {
		hasQuit = true;
		if (!pager.stdin.writableEnded) onQuit();
	});
	// the exit is handled above
	pager.stdin.on("error", () => {});
	return {
		write(text) {
			if (hasQuit) return quit;
			if (pager.stdin.write(text)) return;
			return Promise.race([once(pager.stdin, "drain").then(() => {}), quit]).catch(() => quit);
		},
		async close() {
			pager.stdin.end();
			await quit;
		},
	};
}

// Long output through the user's pager, where the output is a terminal.
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Io } from "../cli/command.ts";

export interface Paged {
	/** Takes text. A promise means: wait for it before there is more. */
	write(text: string): void | Promise<void>;
	/** Resolves when the user has left the pager. */
	close(): Promise<void>;
}

/**
 * Where to write: into $PAGER, `less` where it is not set, or straight to stdout when that is no terminal, `wanted` is false, $PAGER is
 * empty or `cat`, or the pager cannot be started. What is short ends by itself in `less`.
 * @param onLeft called when the user leaves the pager before the end: nobody reads what is written from then on
 */
export async function openPager({ stdout, env }: Pick<Io, "stdout" | "env">, wanted: boolean, onLeft: () => void): Promise<Paged> {
	const [command = "", ...args] = (env.PAGER ?? "less").split(/\s+/).filter((word) => word !== "");
	const direct: Paged = { write: (text) => void stdout.write(text), close: async () => {} };
	if (!wanted || stdout.isTTY !== true || command === "" || command === "cat") return direct;
	const pager = spawn(command, args, { stdio: ["pipe", "inherit", "inherit"], env: { LESS: "FRX", LV: "-c", ...env } });
	try {
		await once(pager, "spawn");
	} catch {
		return direct;
	}
	let isLeft = false;
	const left = once(pager, "exit").then(() => {
		isLeft = true;
		if (!pager.stdin.writableEnded) onLeft();
	});
	// told by the exit
	pager.stdin.on("error", () => {});
	return {
		write(text) {
			if (isLeft) return left;
			if (pager.stdin.write(text)) return;
			return Promise.race([once(pager.stdin, "drain").then(() => {}), left]).catch(() => left);
		},
		async close() {
			pager.stdin.end();
			await left;
		},
	};
}

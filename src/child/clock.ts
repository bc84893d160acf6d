// The environment variables that move a child command's clock to the time of a recording: with a preloaded module in
// Node, and with libfaketime, if installed, in other programs. The moved clock runs at normal speed, and is the same in
// all processes of the command.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { quoteForNode } from "./environment.ts";

/** The modules for Node and Python. See `nodePreloadFile` in environment.ts for the relative paths. */
const pythonClockFolder = fileURLToPath(new URL("../child/python-clock", import.meta.url));
const nodeClockFile = fileURLToPath(new URL("../child/node-clock.cjs", import.meta.url));

/**
 * Returns the child's environment with these variables added.
 * @param seconds how far to move the clock; negative: into the past
 * @param library path of libfaketime; null: it is not installed
 * @param now the real time, in seconds since 1970
 */
export function movedClock(
	env: Readonly<Record<string, string>>,
	seconds: number,
	library: string | null,
	now = Date.now() / 1000,
): Record<string, string> {
	const offset = String(Math.round(seconds));
	const clocked: Record<string, string> = {
		...env,
		FLOWTAPE_CLOCK_OFFSET: offset,
		FLOWTAPE_CLOCK_STARTED: String(now),
	};
	clocked.NODE_OPTIONS = `${env.NODE_OPTIONS ? `${env.NODE_OPTIONS} ` : ""}--require ${quoteForNode(nodeClockFile)}`;
	if (library === null) return clocked;
	return {
		...clocked,
		LD_PRELOAD: env.LD_PRELOAD ? `${env.LD_PRELOAD}:${library}` : library,
		FAKETIME: seconds < 0 ? offset : `+${offset}`,
		// Timeouts use the monotonic clock, which must not be moved.
		FAKETIME_DONT_FAKE_MONOTONIC: "1",
		DONT_FAKE_MONOTONIC: "1",
		// Node has the preloaded module, which keeps the real time for certificate checks. In Java, waits would never end.
		FAKETIME_SKIP_CMDS: "node,java",
		PYTHONPATH: env.PYTHONPATH ? `${pythonClockFolder}:${env.PYTHONPATH}` : pythonClockFolder,
	};
}

/** The variant for multithreaded programs. */
const LIBRARY = "libfaketimeMT.so.1";

/**
 * Path of libfaketime in the folders of Linux distributions (Debian has one per architecture); null: it is not
 * installed.
 */
export function findFaketime(roots: readonly string[] = ["/usr/lib", "/usr/lib64", "/usr/local/lib"]): string | null {
	for (const root of roots) {
		for (const folder of [root, ...subfolders(root)]) {
			const found = join(folder, "faketime");
			if (namesIn(found).includes(LIBRARY)) return join(found, LIBRARY);
		}
	}
	return null;
}

function subfolders(root: string): string[] {
	return namesIn(root)
		.filter((name) => name.includes("-linux-"))
		.map((name) => join(root, name));
}

function namesIn(folder: string): string[] {
	try {
		return readdirSync(folder);
	} catch {
		// The folder is missing, or cannot be read.
		return [];
	}
}

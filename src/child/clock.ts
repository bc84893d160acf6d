// The environment in which a command sees the time of a recording: Node by a module that it loads first, others by libfaketime where that
// is installed. The clock goes on from there, and is the same for all processes that the command starts.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The modules for Node and Python beside this one, as in environment.ts. */
const pythonClockFolder = fileURLToPath(new URL("../child/python-clock", import.meta.url));
const nodeClockFile = fileURLToPath(new URL("../child/node-clock.cjs", import.meta.url));

/**
 * Adds to a child's environment.
 * @param seconds how far the clock is moved, below zero into the past
 * @param library of libfaketime; null: there is none
 * @param now seconds since 1970
 */
export function movedClock(env: Readonly<Record<string, string>>, seconds: number, library: string | null, now = Date.now() / 1000): Record<string, string> {
	const offset = String(Math.round(seconds));
	const clocked: Record<string, string> = { ...env, FLOWTAPE_CLOCK_OFFSET: offset, FLOWTAPE_CLOCK_STARTED: String(now) };
	clocked.NODE_OPTIONS = `${env.NODE_OPTIONS ? `${env.NODE_OPTIONS} ` : ""}--require ${quoteForNode(nodeClockFile)}`;
	if (library === null) return clocked;
	return {
		...clocked,
		LD_PRELOAD: env.LD_PRELOAD ? `${env.LD_PRELOAD}:${library}` : library,
		FAKETIME: seconds < 0 ? offset : `+${offset}`,
		// timeouts go by a clock that is nobody's time of day
		FAKETIME_DONT_FAKE_MONOTONIC: "1",
		DONT_FAKE_MONOTONIC: "1",
		// Node is moved by its own module, which leaves its certificates alone. Java's waits never end.
		FAKETIME_SKIP_CMDS: "node,java",
		PYTHONPATH: env.PYTHONPATH ? `${pythonClockFolder}:${env.PYTHONPATH}` : pythonClockFolder,
	};
}

function quoteForNode(path: string): string {
	return /[\s"\\]/.test(path) ? `"${path.replace(/["\\]/g, "\\$&")}"` : path;
}

/** The one for programs with threads. */
const LIBRARY = "libfaketimeMT.so.1";

/** Where Linux distributions put it: Debian below the name of the architecture. null: it is not installed. */
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
		// it is not there, or not ours to look into
		return [];
	}
}

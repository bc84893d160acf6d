// The mark of this process in the names of its temporary files. It distinguishes files in use from files left behind by
// a process that died.
import { createHash } from "node:crypto";
import { readlinkSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { hasErrno } from "./errors.ts";

/** Matches a mark: a hash of the machine and its process namespace, a hyphen and the process id. */
export const MARK = /[0-9a-f]{8}-[0-9]+/;

/** The end of the name of a folder that `createMarkedFolder` creates. */
const FOLDER = new RegExp(`^(${MARK.source})-[^-.]+$`);

let namespace: string | undefined;

/** Identifies the machine and the container: process ids are unique only within them. */
function pidNamespace(): string {
	if (namespace === undefined) {
		let container = "";
		try {
			container = readlinkSync("/proc/self/ns/pid");
		} catch {
			// exists only on Linux
		}
		namespace = createHash("sha256").update(`${hostname()}\n${container}`).digest("hex").slice(0, 8);
	}
	return namespace;
}

/** The mark of this process. */
export function processMark(): string {
	return `${pidNamespace()}-${process.pid}`;
}

/** Whether the process of a mark is known to have ended. */
export function isProcessGone(mark: string): boolean {
	return isRunning(mark) === false;
}

/** Whether the process of a mark is known to be running. */
export function isProcessRunning(mark: string): boolean {
	return isRunning(mark) === true;
}

/**
 * Whether the process of a mark is running; null: it is on another machine or in another container, or the mark is not
 * valid.
 */
function isRunning(mark: string): boolean | null {
	const [where, digits] = mark.split("-");
	const pid = Number(digits);
	if (where !== pidNamespace() || !Number.isSafeInteger(pid) || pid <= 0) return null;
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		// EPERM: the process exists and belongs to another user
		return !hasErrno(error, "ESRCH");
	}
}

/**
 * Creates a folder with the mark of this process in its name. Removes those that processes left behind which no longer
 * run.
 * @param prefix the beginning of the name
 * @throws Error of the file system
 */
export async function createMarkedFolder(parent: string, prefix: string): Promise<string> {
	for (const name of await readdir(parent)) {
		const mark = name.startsWith(prefix) ? FOLDER.exec(name.slice(prefix.length))?.[1] : undefined;
		if (mark !== undefined && isProcessGone(mark))
			await rm(join(parent, name), { recursive: true, force: true }).catch(() => {});
	}
	return mkdtemp(join(parent, `${prefix}${processMark()}-`));
}

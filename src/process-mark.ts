// The mark of this process in the names of files that it makes for a while, so that what a dead process left is told from what is in use.
import { createHash } from "node:crypto";
import { readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { hasErrno } from "./errors.ts";

/** A mark: where the process runs, and its number there. */
export const MARK = /[0-9a-f]{8}-[0-9]+/;

let place: string | undefined;

/** The machine, and its container: numbers of processes say nothing elsewhere. */
function placeOfProcesses(): string {
	if (place === undefined) {
		let space = "";
		try {
			space = readlinkSync("/proc/self/ns/pid");
		} catch {
			// only Linux has it
		}
		place = createHash("sha256").update(`${hostname()}\n${space}`).digest("hex").slice(0, 8);
	}
	return place;
}

export function processMark(): string {
	return `${placeOfProcesses()}-${process.pid}`;
}

/** Whether the process of a mark is known to have ended. */
export function isOfDead(mark: string): boolean {
	return isRunning(mark) === false;
}

/** Whether the process of a mark is known to run. */
export function isAlive(mark: string): boolean {
	return isRunning(mark) === true;
}

/** Null where that cannot be known. */
function isRunning(mark: string): boolean | null {
	const [where, number] = mark.split("-");
	const pid = Number(number);
	if (where !== placeOfProcesses() || !Number.isSafeInteger(pid) || pid <= 0) return null;
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		// those of others may not be asked
		return !hasErrno(error, "ESRCH");
	}
}

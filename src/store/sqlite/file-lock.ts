// A lock between processes, which the system takes away from one that dies: SQLite's lock on an empty file.
import { closeSync, openSync, statSync, unlinkSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { FlowtapeError, hasErrno } from "../../errors.ts";
import { lockExclusively } from "./database.ts";

const RETRY_MS = 20;

/**
 * Does something that no other process does at the same time under the lock of this name, and removes the lock's file.
 * @throws FlowtapeError FT_IO when the file cannot be made
 */
export async function withLock<T>(path: string, action: () => Promise<T>): Promise<T> {
	let unlock = tryLock(path);
	while (unlock === null) {
		await setTimeout(RETRY_MS);
		unlock = tryLock(path);
	}
	try {
		return await action();
	} finally {
		try {
			unlinkSync(path);
		} catch {
			// some systems keep a file that is open; it does no harm
		}
		unlock();
	}
}

/** null where another process has it. */
function tryLock(path: string): (() => void) | null {
	const before = made(path);
	const unlock = lockExclusively(path);
	if (unlock === null) return null;
	// whoever had the lock before may have removed the file that was opened here
	if (inode(path) === before) return unlock;
	unlock();
	return null;
}

function made(path: string): number | null {
	try {
		closeSync(openSync(path, "a", 0o600));
		return inode(path);
	} catch (cause) {
		throw new FlowtapeError("FT_IO", `${path}: cannot be locked: ${(cause as Error).message}`, { file: path, cause });
	}
}

function inode(path: string): number | null {
	try {
		return statSync(path).ino;
	} catch (error) {
		if (hasErrno(error, "ENOENT")) return null;
		throw error;
	}
}

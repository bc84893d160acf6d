// A lock between processes: SQLite's lock on an empty file. The system releases it when the process that holds it dies.
import { closeSync, openSync, statSync, unlinkSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { FlowtapeError, hasErrno } from "../../errors.ts";
import { lockExclusively } from "./open-tape.ts";

const RETRY_MS = 20;

/**
 * Runs an action while holding the lock file at `path`, and then removes the file. Waits while another process holds
 * the lock.
 * @throws FlowtapeError FT_IO if the file cannot be created
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
			// some systems do not delete open files; the file does no harm
		}
		unlock();
	}
}

/** Returns null if another process holds the lock. */
function tryLock(path: string): (() => void) | null {
	const before = createFile(path);
	const unlock = lockExclusively(path);
	if (unlock === null) return null;
	// the previous owner may have removed the file that was opened here
	if (inode(path) === before) return unlock;
	unlock();
	return null;
}

function createFile(path: string): number | null {
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

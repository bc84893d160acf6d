// Refuses logs beside an untrusted tape that would make SQLite change or delete other files.
import { closeSync, existsSync, lstatSync, openSync, readSync, realpathSync, type Stats } from "node:fs";
import { FlowtapeError } from "../../errors.ts";

/**
 * The last bytes of a rollback journal that names another file (a super-journal). SQLite deletes that file when it rolls
 * back. Journals of flowtape name none.
 */
const NAMES_A_FILE = Buffer.from("d9d505f920a163d7", "hex");

/**
 * Refuses logs beside an untrusted tape with which SQLite would change other files: links, which it follows, and
 * journals that name a file.
 * @throws FlowtapeError FT_STORE
 */
export function refuseForgedLogs(path: string): void {
	// SQLite looks for them beside the file to which a link leads
	const file = existsSync(path) ? realpathSync(path) : path;
	for (const log of [`${file}-wal`, `${file}-shm`, `${file}-journal`]) {
		const found = statsOf(log);
		if (found === null || (found.isFile() && !(log.endsWith("-journal") && namesFile(log, found.size)))) continue;
		const message = `${log}: not a log of flowtape: it would change other files, so the tape is not opened; remove it`;
		throw new FlowtapeError("FT_STORE", message, { file: log });
	}
}

/** The stats of a file or link; null if there is none, or SQLite cannot reach it either. */
function statsOf(path: string): Stats | null {
	try {
		return lstatSync(path);
	} catch {
		return null;
	}
}

function namesFile(journal: string, size: number): boolean {
	const file = openSync(journal, "r");
	try {
		const end = Buffer.alloc(NAMES_A_FILE.length);
		readSync(file, end, 0, end.length, Math.max(size - end.length, 0));
		return end.equals(NAMES_A_FILE);
	} finally {
		closeSync(file);
	}
}

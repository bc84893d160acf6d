// The errors of a tape: those of SQLite in our words, and those for damaged or forged content.
import { FlowtapeError, hasErrno } from "../../errors.ts";
import type { SchemaObject } from "./schema.ts";

/** SQLite's code for a file that is no longer at its path. */
export const DELETED = "SQLITE_READONLY_DBMOVED";

/** Translates an error of SQLite: FT_IO if the system failed, FT_STORE or FT_UNKNOWN_FORMAT if the file is at fault. */
export function storeError(path: string, error: unknown): unknown {
	if (!(error instanceof Error)) return error;
	const code = "code" in error ? String(error.code) : error.message;
	const is = (...starts: string[]) => starts.some((start) => code.startsWith(start));
	const fail = (ours: "FT_STORE" | "FT_IO" | "FT_UNKNOWN_FORMAT", what: string) =>
		new FlowtapeError(ours, `${path}: ${what}`, { file: path, cause: error });
	if (is("SQLITE_NOTADB")) return fail("FT_UNKNOWN_FORMAT", "byte 0: not a tape: expected a SQLite file");
	if (is("Cannot open database because the directory"))
		return fail("FT_IO", "the tape cannot be opened: its folder does not exist");
	if (is("SQLITE_FULL")) return fail("FT_IO", "the disk is full; existing data is kept");
	if (is("SQLITE_BUSY", "SQLITE_LOCKED"))
		return fail("FT_IO", "another process is writing to this tape and held its lock for more than 5 seconds");
	if (is("SQLITE_READONLY_ROLLBACK"))
		return fail(
			"FT_IO",
			`an interrupted command left ${path}-journal: a command that writes to the tape applies it, such as flowtape record`,
		);
	if (is(DELETED)) return fail("FT_IO", "the file was deleted or moved while it was written to: its flows are lost");
	if (is("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH"))
		return fail("FT_IO", "the tape cannot be written: it or its folder is read-only");
	if (is("SQLITE_CANTOPEN"))
		return fail("FT_IO", "the tape cannot be opened: check that its folder exists and is writable");
	if (is("SQLITE_IOERR")) return fail("FT_IO", `reading or writing failed (${code}): the disk may be full or faulty`);
	if (is("SQLITE_")) return fail("FT_STORE", `the tape is damaged (${error.message})`);
	return hasErrno(error, "ERR_OUT_OF_RANGE") ? fail("FT_STORE", "the tape is damaged (a number out of range)") : error;
}

/** The error for a tape whose content is damaged. @param what the damage */
export function damagedTape(path: string, what: string): FlowtapeError {
	return new FlowtapeError("FT_STORE", `${path}: the tape is damaged: ${what}`, { file: path });
}

/** The error for a schema object that flowtape does not create. The type and name of the object may be any text. */
export function foreignObjectError(path: string, { type, name }: SchemaObject): FlowtapeError {
	const what = /^(?:table|view|trigger|index)$/.test(type) ? type : "object";
	const message = `${path}: the ${what} ${JSON.stringify(name)} of the tape is not as flowtape creates it: the file is damaged or forged, so it is not opened`;
	return new FlowtapeError("FT_STORE", message, { file: path });
}

// Translates file system errors of writing.
import { FlowtapeError, hasErrno, installError } from "../src/errors.ts";

/** A file system error as a FlowtapeError; a FlowtapeError is returned unchanged. */
export function outputError(path: string, error: unknown): unknown {
	const cause = installError(error);
	if (!(cause instanceof Error) || cause instanceof FlowtapeError) return cause;
	const fail = (what: string) =>
		new FlowtapeError("FT_IO", `${path}: cannot be written: ${what}`, { file: path, cause });
	if (hasErrno(cause, "ENOENT")) return fail("its folder does not exist");
	if (hasErrno(cause, "EACCES", "EPERM")) return fail("no permission");
	if (hasErrno(cause, "EROFS")) return fail("the file system is read-only");
	if (hasErrno(cause, "ENOSPC", "EDQUOT", "EFBIG"))
		return fail("the disk is full or the file too large; existing data is kept");
	if (hasErrno(cause, "EISDIR")) return fail("it is a folder");
	return hasErrno(cause, "EPIPE") ? cause : fail(cause.message);
}

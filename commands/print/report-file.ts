// Writes report files for other programs.
import { closeSync, mkdirSync, openSync, statSync, unlinkSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { FlowtapeError } from "../../src/errors.ts";
import { expandHome } from "../../src/options.ts";
import { checkDistinct } from "../tapes/same-file.ts";

/**
 * Call it before the run. Creates the folder of a report file, and checks that the file can be written. An existing
 * file stays as it is. Returns the path with `~` expanded.
 * @param others other files of the run, which the report must not overwrite
 * @throws FlowtapeError FT_IO, FT_USAGE
 */
export function prepareReport(given: string, others: readonly string[]): string {
	checkDistinct(given, others);
	const path = expandHome(given);
	try {
		mkdirSync(dirname(path), { recursive: true });
		const existing = statSync(path, { throwIfNoEntry: false });
		// opening a pipe would wait for its reader
		if (existing === undefined || existing.isFile() || existing.isDirectory()) {
			closeSync(openSync(path, "a"));
			if (existing === undefined) unlinkSync(path);
		}
	} catch (cause) {
		throw reportFileError(path, cause);
	}
	return path;
}

/**
 * Writes a report and replaces an existing file.
 * @throws FlowtapeError FT_IO
 */
export async function writeReport(path: string, text: string): Promise<void> {
	try {
		await writeFile(path, text);
	} catch (cause) {
		throw reportFileError(path, cause);
	}
}

/** The error for a report file that cannot be written. */
export function reportFileError(path: string, cause: unknown): unknown {
	return cause instanceof Error
		? new FlowtapeError("FT_IO", `${path}: the report cannot be written: ${cause.message}`, { file: path, cause })
		: cause;
}

// A report in a file of its own, for programs that read it after the run.
import { writeFile } from "node:fs/promises";
import { FlowtapeError } from "../../src/errors.ts";

/** Writes a report whole, in the place of what was there. @throws FlowtapeError FT_IO */
export async function writeReport(path: string, text: string): Promise<void> {
	try {
		await writeFile(path, text);
	} catch (cause) {
		throw reportError(path, cause);
	}
}

/** What went wrong with the file, by its name. */
export function reportError(path: string, cause: unknown): unknown {
	return cause instanceof Error ? new FlowtapeError("FT_IO", `${path}: the report cannot be written: ${cause.message}`, { file: path, cause }) : cause;
}

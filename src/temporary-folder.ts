// Folders for temporary files.
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FlowtapeError, messageOf } from "./errors.ts";

/**
 * Creates an empty folder for temporary files, with mode 0700. The caller removes it.
 * @param prefix the beginning of its name
 * @throws FlowtapeError FT_IO
 */
export async function createTemporaryFolder(prefix: string): Promise<string> {
	const parent = tmpdir();
	try {
		return await mkdtemp(join(parent, prefix));
	} catch (cause) {
		const message = `a temporary folder cannot be created: ${messageOf(cause)}; set TMPDIR to another folder`;
		throw new FlowtapeError("FT_IO", message, { file: parent, cause });
	}
}

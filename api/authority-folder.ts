// The folder of the certificate authority: the user's own, a given one, or a temporary one for this run.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { homeFolder } from "../src/ca/files.ts";
import { FlowtapeError } from "../src/errors.ts";
import { expandHome } from "../src/options.ts";

export interface CaFolder {
	folder: string;
	/** Whether the folder is temporary; `close` then removes it. */
	isEphemeral: boolean;
	close(): Promise<void>;
}

/**
 * @param wanted `ephemeral`, a folder, or null for the user's own
 * @throws FlowtapeError FT_IO if a temporary folder cannot be created
 */
export async function openCaFolder(wanted: string | null, env: NodeJS.ProcessEnv): Promise<CaFolder> {
	if (wanted !== "ephemeral")
		return {
			folder: wanted === null ? homeFolder(env) : expandHome(wanted),
			isEphemeral: false,
			close: async () => {},
		};
	try {
		const folder = await mkdtemp(join(tmpdir(), "flowtape-ca-"));
		return { folder, isEphemeral: true, close: () => rm(folder, { recursive: true, force: true }) };
	} catch (cause) {
		throw new FlowtapeError(
			"FT_IO",
			`a temporary folder for the certificate authority cannot be created: ${(cause as Error).message}`,
			{ cause },
		);
	}
}

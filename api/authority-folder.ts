// The folder of the certificate authority that a command works with: the user's, another, or one for this run alone.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { homeFolder } from "../src/ca/files.ts";
import { FlowtapeError } from "../src/errors.ts";
import { expandHome } from "../src/options.ts";

export interface CaPlace {
	folder: string;
	/** There until `close`, and for nobody else. */
	isEphemeral: boolean;
	close(): Promise<void>;
}

/** @param wanted `ephemeral`, a folder, or null for the user's own. @throws FlowtapeError FT_IO when there is no room for temporary files */
export async function openCaPlace(wanted: string | null, env: NodeJS.ProcessEnv): Promise<CaPlace> {
	if (wanted !== "ephemeral") return { folder: wanted === null ? homeFolder(env) : expandHome(wanted), isEphemeral: false, close: async () => {} };
	try {
		const folder = await mkdtemp(join(tmpdir(), "flowtape-ca-"));
		return { folder, isEphemeral: true, close: () => rm(folder, { recursive: true, force: true }) };
	} catch (cause) {
		throw new FlowtapeError("FT_IO", `there is no folder for a temporary certificate authority: ${(cause as Error).message}`, { cause });
	}
}

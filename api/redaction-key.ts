// The key of the placeholders for secrets: with the same key, the same secret has the same placeholder in all tapes.
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { homeFolder } from "../src/ca/files.ts";
import { FlowtapeError, hasErrno } from "../src/errors.ts";

/** Name of the key's file in $FLOWTAPE_HOME. */
export const keyFileName = "redact.key";

const KEY_BYTES = 32;

/**
 * The key: from `FLOWTAPE_REDACT_KEY`, of any text; else from the key file in the folder of the user's defaults.
 * @param create whether to create a missing file; otherwise the key is random, for this run
 * @throws FlowtapeError FT_IO if the file cannot be read or created, or is too short for a key
 */
export async function redactionKey(env: NodeJS.ProcessEnv, { create }: { create: boolean }): Promise<Buffer> {
	const given = env.FLOWTAPE_REDACT_KEY;
	if (given) return createHash("sha256").update(given).digest();
	const file = join(homeFolder(env), keyFileName);
	try {
		return await readKey(file);
	} catch (error) {
		if (!hasErrno(error, "ENOENT", "ENOTDIR")) throw keyError(file, error);
	}
	const key = randomBytes(KEY_BYTES);
	if (!create) return key;
	try {
		await mkdir(dirname(file), { recursive: true, mode: 0o700 });
		await writeFile(file, `${key.toString("hex")}\n`, { mode: 0o600, flag: "wx" });
		return key;
	} catch (error) {
		// another process was faster
		if (hasErrno(error, "EEXIST")) return readKey(file);
		throw keyError(file, error);
	}
}

async function readKey(file: string): Promise<Buffer> {
	const key = Buffer.from((await readFile(file, "utf8")).trim(), "hex");
	if (key.length >= KEY_BYTES) return key;
	throw new FlowtapeError(
		"FT_IO",
		`${file}: expected ${2 * KEY_BYTES} hexadecimal digits; delete the file to get a new key`,
		{ file },
	);
}

function keyError(file: string, cause: unknown): unknown {
	if (cause instanceof FlowtapeError || !(cause instanceof Error)) return cause;
	return new FlowtapeError(
		"FT_IO",
		`${file}: the key for placeholders cannot be read or created: ${cause.message}; FLOWTAPE_REDACT_KEY can hold one`,
		{ file, cause },
	);
}

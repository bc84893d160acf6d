// The key of the placeholders for secrets: with the same key, the same secret has the same placeholder in all tapes.
import { createHash, randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
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
		return (await readKey(file)) ?? (create ? await makeKey(file) : randomKey());
	} catch (error) {
		throw keyError(file, error);
	}
}

/** A key for this run only. */
export function randomKey(): Buffer {
	return randomBytes(KEY_BYTES);
}

/** Creates the file. If another process is faster, its key counts. */
async function makeKey(file: string): Promise<Buffer> {
	const key = randomKey();
	const draft = `${file}.${process.pid}.${key.toString("hex", 0, 4)}`;
	await mkdir(dirname(file), { recursive: true, mode: 0o700 });
	try {
		await writeFile(draft, `${key.toString("hex")}\n`, { mode: 0o600, flag: "wx" });
		// unlike a rename, this fails if the file exists
		await link(draft, file);
		return key;
	} catch (error) {
		if (!hasErrno(error, "EEXIST")) throw error;
		return (await readKey(file)) ?? key;
	} finally {
		await rm(draft, { force: true });
	}
}

/** The key in a file; null: there is no file. */
async function readKey(file: string): Promise<Buffer | null> {
	let text: string;
	try {
		text = await readFile(file, "utf8");
	} catch (error) {
		if (hasErrno(error, "ENOENT")) return null;
		throw error;
	}
	const key = Buffer.from(text.trim(), "hex");
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

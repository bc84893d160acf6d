// Copies stdin to a temporary file, for commands that read their input twice.
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

export interface SpooledStdin {
	/** Only the user can read the file. */
	readonly path: string;
	remove(): Promise<void>;
}

/** Reads stdin to its end. */
export async function spoolStdin(): Promise<SpooledStdin> {
	const folder = await mkdtemp(join(tmpdir(), "flowtape-stdin-"));
	const remove = () => rm(folder, { recursive: true, force: true });
	const path = join(folder, "stdin");
	try {
		await pipeline(process.stdin, createWriteStream(path, { mode: 0o600 }));
		return { path, remove };
	} catch (error) {
		await remove();
		throw error;
	}
}

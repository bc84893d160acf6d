// Overwrites the bytes of a file that another one has replaced, so that they do not stay on the disk.
import { type FileHandle, open, realpath, stat } from "node:fs/promises";
import { FlowtapeError, hasErrno } from "../src/errors.ts";

/**
 * Checks that a tape can be replaced. A missing one passes: reading it reports that.
 * @throws FlowtapeError FT_USAGE for stdin, FT_IO for a folder, pipe, socket or device
 */
export async function checkReplaceable(path: string): Promise<void> {
	if (path === "-") throw new FlowtapeError("FT_USAGE", "rewrite: stdin cannot be replaced; use -o TAPE");
	const found = await stat(path).catch(() => null);
	if (found !== null && !found.isFile())
		throw new FlowtapeError("FT_IO", `${path}: cannot be replaced: it is not a file`, { file: path });
}

/** Files that SQLite keeps beside a tape. */
const LOGS = ["-wal", "-shm", "-journal"];

/** Bytes that are written at a time. */
const PIECE = 1024 * 1024;

/** A file that is going to be replaced, and its logs. */
export class ReplacedFile {
	readonly #path: string;
	readonly #files: readonly FileHandle[];

	private constructor(path: string, files: readonly FileHandle[]) {
		this.#path = path;
		this.#files = files;
	}

	/**
	 * Opens a file before it is replaced. Call `close` at the end.
	 * @throws FlowtapeError FT_IO if it cannot be written, or has other names, which would lose their content
	 */
	static async of(path: string): Promise<ReplacedFile> {
		const files: FileHandle[] = [];
		try {
			const target = await realpath(path);
			files.push(await open(target, "r+"));
			const { nlink } = await (files[0] as FileHandle).stat();
			if (nlink > 1)
				throw new FlowtapeError(
					"FT_IO",
					`${path}: the file has ${nlink} names (hard links), and --wipe would destroy the content of all; remove the others first`,
					{ file: path },
				);
			for (const log of LOGS) {
				const file = await open(target + log, "r+").catch((error) => {
					if (hasErrno(error, "ENOENT")) return null;
					throw error;
				});
				if (file !== null) files.push(file);
			}
			if (files.length > 1) await mergeLogs(target);
			return new ReplacedFile(path, files);
		} catch (error) {
			for (const file of files) await file.close();
			if (error instanceof FlowtapeError || !(error instanceof Error)) throw error;
			throw new FlowtapeError("FT_IO", `${path}: the file cannot be overwritten: ${error.message}`, {
				file: path,
				cause: error,
			});
		}
	}

	/**
	 * Overwrites the bytes of the files once they have no name any more.
	 * @throws FlowtapeError FT_IO
	 */
	async wipe(): Promise<void> {
		for (const file of this.#files) {
			const { nlink, size } = await file.stat();
			if (nlink > 0)
				throw new FlowtapeError("FT_IO", `${this.#path}: the old file is still in use and was not overwritten`, {
					file: this.#path,
				});
			const zeros = Buffer.alloc(Math.min(PIECE, size));
			for (let at = 0; at < size; at += PIECE) await file.write(zeros, 0, Math.min(PIECE, size - at), at);
			await file.sync();
		}
	}

	async close(): Promise<void> {
		for (const file of this.#files) await file.close();
	}
}

/** Merges a leftover write-ahead log into its tape. It is removed as it is: a log that is cut cannot be overwritten. */
async function mergeLogs(tape: string): Promise<void> {
	const { TapeDatabase } = await import("../src/store/sqlite/database.ts");
	const db = new TapeDatabase(tape, "checkpoint", false);
	db.checkpoint();
	db.close();
}

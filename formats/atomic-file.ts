// Writes to a temporary file and renames it to the target when complete: after a crash the old file is intact.
import { randomBytes } from "node:crypto";
import type { Stats } from "node:fs";
import { chmod, chown, open, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FlowtapeError } from "../src/errors.ts";
import { isProcessGone, MARK, processMark } from "../src/process-mark.ts";
import { outputError } from "./output-error.ts";

/** The permission bits of a file mode. */
const PERMISSIONS = 0o7777;
const OWNER_MAY_WRITE = 0o200;

export class AtomicFile {
	/** Path of the temporary file. */
	readonly path: string;
	/** The file to replace; symbolic links are resolved. */
	readonly target: string;
	readonly #targetName: string;
	readonly #before: Stats | null;

	private constructor(path: string, target: string, before: Stats | null) {
		this.#targetName = path;
		this.target = target;
		this.#before = before;
		this.path = join(dirname(target), `${prefixOf(target)}${processMark()}-${randomBytes(4).toString("hex")}.tmp`);
	}

	/**
	 * @param path of the target, as shown in messages
	 * @throws FlowtapeError FT_IO if it is not a regular file
	 */
	static async forTarget(path: string): Promise<AtomicFile> {
		const before = await refuseSpecial(path);
		const target = await realpath(path).catch(() => path);
		await removeLeftovers(target);
		return new AtomicFile(path, target, before);
	}

	/**
	 * Copies owner and permissions of the target. Call after creating the file and before writing, so that nobody else
	 * can read it.
	 */
	async copyPermissions(): Promise<void> {
		if (this.#before === null) return;
		const { uid, gid, mode } = this.#before;
		// only root can change a file's owner
		await chown(this.path, uid, gid).catch(() => {});
		await chmod(this.path, (mode & PERMISSIONS) | OWNER_MAY_WRITE);
	}

	/**
	 * Runs `close`, then renames the file to the target.
	 * @throws FlowtapeError FT_IO, also if another process has written to the target since `forTarget`
	 */
	async commit(close: () => Promise<void>): Promise<void> {
		try {
			await close();
			await this.#refuseChanged();
			if (this.#before !== null) await this.#sync(this.#before);
			await rename(this.path, this.target);
		} catch (error) {
			await this.discard();
			throw this.withTargetName(error);
		}
	}

	/** What another process has written meanwhile would be lost. */
	async #refuseChanged(): Promise<void> {
		const [before, now] = [this.#before, await stat(this.target).catch(() => null)];
		if (before === null || now === null) return;
		if (before.ino === now.ino && before.size === now.size && before.mtimeMs === now.mtimeMs) return;
		const message = `${this.#targetName}: another process has written to this file meanwhile, so it was not replaced; run the command again`;
		throw new FlowtapeError("FT_IO", message, { file: this.#targetName });
	}

	/**
	 * Flushes the content to disk before the rename, which could otherwise reach the disk first. Then an empty file,
	 * which only reserves the name, is not a loss.
	 */
	async #sync({ mode, size }: Stats): Promise<void> {
		const file = await open(this.path, "r+");
		try {
			if (size > 0) await file.sync();
			await file.chmod(mode & PERMISSIONS);
		} finally {
			await file.close();
		}
	}

	async discard(): Promise<void> {
		await rm(this.path, { force: true });
	}

	/** Replaces the temporary path in an error with the target's. */
	withTargetName(error: unknown): unknown {
		if (!(error instanceof FlowtapeError)) return outputError(this.#targetName, error);
		if (error.file !== this.path) return error;
		return error.withDetail(
			{ file: this.#targetName, cause: error.cause },
			error.message.replace(this.path, this.#targetName),
		);
	}
}

/**
 * The state of a file; null if it does not exist.
 * @throws FlowtapeError FT_IO for a folder, pipe, socket or device: it would be replaced by a file
 */
export async function refuseSpecial(path: string): Promise<Stats | null> {
	const found = await stat(path).catch(() => null);
	if (found === null || found.isFile()) return found;
	const kind = found.isDirectory() ? "a folder" : "a pipe, socket or device, not a file";
	throw new FlowtapeError("FT_IO", `${path}: cannot be written: it is ${kind}`, { file: path });
}

/** Start of a temporary file's name; the mark of the process follows. */
function prefixOf(target: string): string {
	return `.${basename(target)}.`;
}

const REST = new RegExp(`^(${MARK.source})-[0-9a-f]{8}\\.tmp$`);

/** Removes temporary files of the target left by processes that no longer run. */
async function removeLeftovers(target: string): Promise<void> {
	const folder = dirname(target);
	const prefix = prefixOf(target);
	for (const name of await readdir(folder).catch(() => [])) {
		const mark = name.startsWith(prefix) ? REST.exec(name.slice(prefix.length))?.[1] : undefined;
		if (mark !== undefined && isProcessGone(mark)) await rm(join(folder, name), { force: true }).catch(() => {});
	}
}

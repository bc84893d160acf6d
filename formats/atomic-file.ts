// A file beside the target, which takes the target's place once it is whole: until then, and whatever ends us, the old one stands there.
import { randomBytes } from "node:crypto";
import type { Stats } from "node:fs";
import { chmod, chown, open, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FlowtapeError } from "../src/errors.ts";
import { isOfDead, MARK, processMark } from "../src/process-mark.ts";
import { outputError } from "./output-error.ts";

/** Permissions among the bits of a mode. */
const PERMISSIONS = 0o7777;
const OWNER_MAY_WRITE = 0o200;

export class AtomicFile {
	/** Where to write. */
	readonly file: string;
	/** What will be replaced: the path, or what a symbolic link of that name leads to. */
	readonly target: string;
	readonly #path: string;
	readonly #before: Stats | null;

	private constructor(path: string, target: string, before: Stats | null) {
		this.#path = path;
		this.target = target;
		this.#before = before;
		this.file = join(dirname(target), `${beginningOf(target)}${processMark()}-${randomBytes(4).toString("hex")}.tmp`);
	}

	/** @param path as messages name it */
	static async of(path: string): Promise<AtomicFile> {
		const target = await realpath(path).catch(() => path);
		await removeLeft(target);
		return new AtomicFile(path, target, await stat(target).catch(() => null));
	}

	/** To be called when the file was made and before there is anything in it: it is for those who may read what it replaces. */
	async guard(): Promise<void> {
		if (this.#before === null) return;
		const { uid, gid, mode } = this.#before;
		// only root gives files away; for anybody else they are their own
		await chown(this.file, uid, gid).catch(() => {});
		await chmod(this.file, (mode & PERMISSIONS) | OWNER_MAY_WRITE);
	}

	/** Ends the writing with `close`, and gives the file the name of the target. @throws FlowtapeError FT_IO */
	async take(close: () => Promise<void>): Promise<void> {
		try {
			await close();
			if (this.#before !== null) await this.#settle(this.#before);
			await rename(this.file, this.target);
		} catch (error) {
			await this.drop();
			throw this.named(error);
		}
	}

	/** Where something is lost if only the name of the new file reaches the disk: waits until all of it is there. */
	async #settle({ mode }: Stats): Promise<void> {
		const file = await open(this.file, "r+");
		try {
			await file.sync();
			await file.chmod(mode & PERMISSIONS);
		} finally {
			await file.close();
		}
	}

	async drop(): Promise<void> {
		await rm(this.file, { force: true });
	}

	/** The error as one about the path that was asked for. */
	named(error: unknown): unknown {
		if (!(error instanceof FlowtapeError)) return outputError(this.#path, error);
		if (error.file !== this.file) return error;
		return new FlowtapeError(error.code, error.message.replace(this.file, this.#path), { file: this.#path, cause: error.cause });
	}
}

/** Of the name of a draft, before the mark of its process. */
function beginningOf(target: string): string {
	return `.${basename(target)}.`;
}

const REST = new RegExp(`^(${MARK.source})-[0-9a-f]{8}\\.tmp$`);

/** Removes the drafts of a target that were left by processes that were killed. */
async function removeLeft(target: string): Promise<void> {
	const folder = dirname(target);
	const beginning = beginningOf(target);
	for (const name of await readdir(folder).catch(() => [])) {
		const mark = name.startsWith(beginning) ? REST.exec(name.slice(beginning.length))?.[1] : undefined;
		if (mark !== undefined && isOfDead(mark)) await rm(join(folder, name), { force: true }).catch(() => {});
	}
}

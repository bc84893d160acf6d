// Where flows are written: a file that takes its name only when it is whole, or stdout.
import { randomBytes } from "node:crypto";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FlowtapeError, hasErrno } from "../src/errors.ts";
import { type Coder, compressionOf, createCompressor } from "./compression.ts";

export interface Output {
	/** As messages name it. */
	readonly name: string;
	/** Resolves when more may come. The bytes must not change until then. */
	write(bytes: Uint8Array): Promise<void>;
	/** What was written is whole: gives the file its name. */
	close(): Promise<void>;
	/** Leaves what stood there before as it was. */
	discard(): Promise<void>;
}

/**
 * Opens a file for writing, or stdout for `-`. What goes to a name that ends in `.gz`, `.zst` or `.zhar` is compressed.
 * @throws FlowtapeError FT_IO when the file cannot be made, FT_USAGE when it cannot be compressed
 */
export async function openOutput(path: string, { append = false }: { append?: boolean | undefined } = {}): Promise<Output> {
	if (path === "-") return stdout;
	const compression = compressionOf(path);
	const coder = compression === null ? null : createCompressor(compression);
	const file = append || !(await isReplaceable(path)) ? new PlainFile(path, await openFile(path, append ? "a" : "w", path)) : await draftFile(path);
	return coder === null ? file : new CompressedOutput(file, coder);
}

/** Devices and pipes are written to as they are; what has a name of its own is replaced. */
async function isReplaceable(path: string): Promise<boolean> {
	try {
		return (await stat(path)).isFile();
	} catch {
		return true;
	}
}

/** A name beside the target's for what is not whole yet. */
export function draftName(path: string): string {
	return join(dirname(path), `.${basename(path)}.${randomBytes(4).toString("hex")}.tmp`);
}

async function draftFile(path: string): Promise<Output> {
	const draft = draftName(path);
	return new DraftFile(path, draft, await openFile(draft, "wx", path));
}

async function openFile(file: string, flags: string, path: string): Promise<FileHandle> {
	try {
		return await open(file, flags);
	} catch (error) {
		throw outputError(path, error);
	}
}

/** What the file system says, as an error of ours. */
export function outputError(path: string, cause: unknown): unknown {
	if (!(cause instanceof Error)) return cause;
	const fail = (what: string) => new FlowtapeError("FT_IO", `${path}: cannot be written: ${what}`, { file: path, cause });
	if (hasErrno(cause, "ENOENT")) return fail("its folder does not exist");
	if (hasErrno(cause, "EACCES", "EPERM")) return fail("no permission");
	if (hasErrno(cause, "EROFS")) return fail("the file system is read-only");
	if (hasErrno(cause, "ENOSPC", "EDQUOT", "EFBIG")) return fail("the disk is full or the file too large; what stood there before is kept");
	if (hasErrno(cause, "EISDIR")) return fail("it is a folder");
	return hasErrno(cause, "EPIPE") ? cause : fail(cause.message);
}

class PlainFile implements Output {
	readonly name: string;
	readonly file: FileHandle;

	constructor(name: string, file: FileHandle) {
		this.name = name;
		this.file = file;
	}

	async write(bytes: Uint8Array): Promise<void> {
		try {
			for (let at = 0; at < bytes.length; ) at += (await this.file.write(bytes, at)).bytesWritten;
		} catch (error) {
			throw outputError(this.name, error);
		}
	}

	async close(): Promise<void> {
		await this.file.close();
	}

	async discard(): Promise<void> {
		await this.file.close();
	}
}

class DraftFile extends PlainFile {
	readonly #draft: string;

	constructor(name: string, draft: string, file: FileHandle) {
		super(name, file);
		this.#draft = draft;
	}

	override async close(): Promise<void> {
		try {
			await super.close();
			await rename(this.#draft, this.name);
		} catch (error) {
			await rm(this.#draft, { force: true });
			throw outputError(this.name, error);
		}
	}

	override async discard(): Promise<void> {
		await super.discard();
		await rm(this.#draft, { force: true });
	}
}

class CompressedOutput implements Output {
	readonly name: string;
	readonly #output: Output;
	readonly #coder: Coder;

	constructor(output: Output, coder: Coder) {
		this.name = output.name;
		this.#output = output;
		this.#coder = coder;
	}

	async write(bytes: Uint8Array): Promise<void> {
		for (const piece of await this.#coder.write(bytes)) await this.#output.write(piece);
	}

	async close(): Promise<void> {
		for (const piece of await this.#coder.end()) await this.#output.write(piece);
		await this.#output.close();
	}

	discard(): Promise<void> {
		return this.#output.discard();
	}
}

const stdout: Output = {
	name: "stdout",
	write: (bytes) =>
		new Promise((resolve, reject) => {
			// whoever runs us hears from stdout itself that its reader has seen enough
			process.stdout.write(bytes, (error) => (error && !hasErrno(error, "EPIPE") ? reject(outputError("stdout", error)) : resolve()));
		}),
	async close() {},
	async discard() {},
};

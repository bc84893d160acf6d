// Where flows are written: a file that takes its name only when it is whole, or stdout.
import { type FileHandle, open, stat } from "node:fs/promises";
import { hasErrno } from "../src/errors.ts";
import { type Coder, compressionOf, createCompressor } from "./compression.ts";
import { Draft } from "./draft.ts";
import { outputError } from "./output-error.ts";
import { markRecording, refuseRecorded } from "./recording-mark.ts";

export interface Output {
	/** As messages name it. */
	readonly name: string;
	/** Resolves when more may come. The bytes must not change until then. */
	write(bytes: Uint8Array): Promise<void>;
	/** Lets what was written be read, where something holds it back. */
	flush?(): Promise<void>;
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
	const file = !(await isReplaceable(path)) ? new PlainFile(path, await openFile(path, append ? "a" : "w", path)) : await (append ? addTo : draftFile)(path);
	return coder === null ? file : new CompressedOutput(file, coder);
}

const IN_USE = "end it before you replace the file";

/** Devices and pipes are written to as they are; what has a name of its own is replaced. */
async function isReplaceable(path: string): Promise<boolean> {
	try {
		return (await stat(path)).isFile();
	} catch {
		return true;
	}
}

async function addTo(path: string): Promise<Output> {
	const file = await openFile(path, "a", path);
	return new GrowingFile(path, file, await markRecording(path));
}

async function draftFile(path: string): Promise<Output> {
	await refuseRecorded(path, IN_USE);
	const draft = await Draft.of(path);
	const file = await openFile(draft.file, "wx", path);
	await draft.guard();
	return new DraftFile(path, draft, file);
}

async function openFile(file: string, flags: string, path: string): Promise<FileHandle> {
	try {
		return await open(file, flags);
	} catch (error) {
		throw outputError(path, error);
	}
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

/** One that others are kept from replacing while it grows. */
class GrowingFile extends PlainFile {
	readonly #release: () => Promise<void>;

	constructor(name: string, file: FileHandle, release: () => Promise<void>) {
		super(name, file);
		this.#release = release;
	}

	override async close(): Promise<void> {
		await super.close();
		await this.#release();
	}

	override async discard(): Promise<void> {
		await super.discard();
		await this.#release();
	}
}

class DraftFile extends PlainFile {
	readonly #draft: Draft;

	constructor(name: string, draft: Draft, file: FileHandle) {
		super(name, file);
		this.#draft = draft;
	}

	override close(): Promise<void> {
		return this.#draft.take(async () => {
			await super.close();
			// somebody may have begun meanwhile
			await refuseRecorded(this.name, IN_USE);
		});
	}

	override async discard(): Promise<void> {
		await super.discard();
		await this.#draft.drop();
	}
}

class CompressedOutput implements Output {
	readonly name: string;
	readonly #output: Output;
	readonly #coder: Coder;
	/** Resolves when what was handed on is written; never rejects. */
	#writing: Promise<void> = Promise.resolve();

	constructor(output: Output, coder: Coder) {
		this.name = output.name;
		this.#output = output;
		this.#coder = coder;
	}

	write(bytes: Uint8Array): Promise<void> {
		return this.#put(() => this.#coder.write(bytes));
	}

	flush(): Promise<void> {
		return this.#put(() => this.#coder.flush());
	}

	async close(): Promise<void> {
		await this.#put(() => this.#coder.end());
		await this.#output.close();
	}

	/** One after the other: a coder does one thing at a time. */
	#put(code: () => Promise<Buffer[]>): Promise<void> {
		const written = this.#writing.then(async () => {
			for (const piece of await code()) await this.#output.write(piece);
		});
		this.#writing = written.catch(() => {});
		return written;
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

// Where flows are written: a file that takes its name only when it is whole, or stdout.
import { type FileHandle, open, stat } from "node:fs/promises";
import { hasErrno, type Reporter } from "../src/errors.ts";
import { AtomicFile } from "./atomic-file.ts";
import { type Coder, compressionOf, createCompressor } from "./compression.ts";
import { GrowingFile } from "./growing-file.ts";
import { outputError } from "./output-error.ts";
import { markRecording, refuseRecorded } from "./recording-mark.ts";
import { type Records, wholly } from "./records.ts";

export interface Output {
	/** As messages name it. */
	readonly name: string;
	/** Records that were written, and not only taken. */
	readonly written: number;
	/** Resolves when more may come. The bytes must not change until then. */
	write(bytes: Uint8Array, records?: Records): Promise<void>;
	/** Lets what was written be read, where something holds it back. */
	flush?(): Promise<void>;
	/** What was written is whole: gives the file its name. @param end what stands behind the last record, however many of them could be written */
	close(end?: Uint8Array): Promise<void>;
	/** Leaves what stood there before as it was. */
	discard(): Promise<void>;
}

export interface OutputOptions {
	/** Add to a file that is there. */
	append?: boolean | undefined;
	/** Told where that cannot be done for a time. */
	report?: Reporter | undefined;
}

/**
 * Opens a file for writing, or stdout for `-`. What goes to a name that ends in `.gz`, `.zst` or `.zhar` is compressed.
 * @throws FlowtapeError FT_IO when the file cannot be made, FT_USAGE when it cannot be compressed
 */
export async function openOutput(path: string, { append = false, report }: OutputOptions = {}): Promise<Output> {
	if (path === "-") return new Stdout();
	const compression = compressionOf(path);
	const coder = compression === null ? null : createCompressor(compression);
	const isFile = await isReplaceable(path);
	const file = append ? await addTo(path, isFile, report) : isFile ? await draftFile(path) : new PlainFile(path, await openFile(path, "w", path));
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

async function addTo(path: string, isFile: boolean, report: Reporter | undefined): Promise<Output> {
	const file = await openFile(path, "a", path);
	// others are kept from replacing it while it grows
	return new GrowingFile(path, file, report, isFile ? await markRecording(path) : async () => {});
}

async function draftFile(path: string): Promise<Output> {
	await refuseRecorded(path, IN_USE);
	const draft = await AtomicFile.of(path);
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
	written = 0;
	readonly file: FileHandle;

	constructor(name: string, file: FileHandle) {
		this.name = name;
		this.file = file;
	}

	async write(bytes: Uint8Array, { count } = wholly(bytes)): Promise<void> {
		try {
			for (let at = 0; at < bytes.length; ) at += (await this.file.write(bytes, at)).bytesWritten;
		} catch (error) {
			throw outputError(this.name, error);
		}
		this.written += count;
	}

	async close(end?: Uint8Array): Promise<void> {
		if (end !== undefined) await this.write(end);
		await this.file.close();
	}

	async discard(): Promise<void> {
		await this.file.close();
	}
}

class DraftFile extends PlainFile {
	readonly #draft: AtomicFile;

	constructor(name: string, draft: AtomicFile, file: FileHandle) {
		super(name, file);
		this.#draft = draft;
	}

	override close(end?: Uint8Array): Promise<void> {
		return this.#draft.take(async () => {
			await super.close(end);
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
	/** Records in the coder, which are written with its next bytes. */
	#held = 0;
	/** Resolves when what was handed on is written; never rejects. */
	#writing: Promise<void> = Promise.resolve();

	constructor(output: Output, coder: Coder) {
		this.name = output.name;
		this.#output = output;
		this.#coder = coder;
	}

	get written(): number {
		return this.#output.written;
	}

	write(bytes: Uint8Array, { count } = wholly(bytes)): Promise<void> {
		return this.#put(() => this.#coder.write(bytes), count);
	}

	flush(): Promise<void> {
		return this.#put(() => this.#coder.flush());
	}

	async close(end?: Uint8Array): Promise<void> {
		if (end !== undefined) await this.write(end);
		await this.#put(() => this.#coder.end());
		await this.#output.close();
	}

	/** One after the other: a coder does one thing at a time. */
	#put(code: () => Promise<Buffer[]>, count = 0): Promise<void> {
		const written = this.#writing.then(async () => {
			this.#held += count;
			for (const piece of await code()) {
				const held = this.#held;
				this.#held = 0;
				await this.#output.write(piece, wholly(piece, held));
			}
		});
		this.#writing = written.catch(() => {});
		return written;
	}

	discard(): Promise<void> {
		return this.#output.discard();
	}
}

class Stdout implements Output {
	readonly name = "stdout";
	written = 0;

	write(bytes: Uint8Array, { count } = wholly(bytes)): Promise<void> {
		return new Promise((resolve, reject) => {
			process.stdout.write(bytes, (error) => {
				// whoever runs us hears from stdout itself that its reader has seen enough
				if (error && !hasErrno(error, "EPIPE")) return reject(outputError("stdout", error));
				this.written += count;
				resolve();
			});
		});
	}

	async close(end?: Uint8Array): Promise<void> {
		if (end !== undefined) await this.write(end);
	}

	async discard(): Promise<void> {}
}

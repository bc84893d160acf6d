// Opens outputs: a new file that gets its name only when complete, a file to append to, or stdout.
import { type FileHandle, open, stat } from "node:fs/promises";
import { hasErrno, type Reporter } from "../src/errors.ts";
import { AppendFile } from "./append-file.ts";
import { AtomicFile } from "./atomic-file.ts";
import { type Coder, compressionOf, createCompressor } from "./compression.ts";
import { outputError } from "./output-error.ts";
import { markRecording, refuseRecorded } from "./recording-mark.ts";
import { completeRecords, type Records, WITHIN_RECORD } from "./records.ts";

export interface Output {
	/** Name for messages. */
	readonly name: string;
	/** Records written; excludes those still buffered. */
	readonly written: number;
	/** Resolves when the next write may begin. The caller must not change the bytes until then. */
	write(bytes: Uint8Array, records?: Records): Promise<void>;
	/** Writes buffered data, so that readers of the file see it. */
	flush?(): Promise<void>;
	/**
	 * Completes the file and gives it its name.
	 * @param end bytes after the last record; written even if some records could not be written
	 */
	close(end?: Uint8Array): Promise<void>;
	/** Leaves an existing file unchanged. */
	discard(): Promise<void>;
}

export interface OutputOptions {
	/** Append to an existing file. */
	append?: boolean | undefined;
	/** Receives failures that are retried. */
	report?: Reporter | undefined;
}

/**
 * Opens a file for writing, or stdout for `-`. Names that end in `.gz`, `.zst` or `.zhar` are compressed.
 * @throws FlowtapeError FT_IO if the file cannot be created, FT_USAGE if it cannot be compressed
 */
export async function openOutput(path: string, { append = false, report }: OutputOptions = {}): Promise<Output> {
	if (path === "-") return new Stdout();
	const compression = compressionOf(path);
	const coder = compression === null ? null : createCompressor(compression);
	const isFile = await isReplaceable(path);
	const file = append
		? await addTo(path, isFile, report)
		: isFile
			? await openAtomic(path)
			: new PlainFile(path, await openFile(path, "w", path));
	return coder === null ? file : new CompressedOutput(file, coder);
}

const IN_USE = "end it before you replace the file";

/** Regular files are replaced; devices and pipes are written to. */
async function isReplaceable(path: string): Promise<boolean> {
	try {
		return (await stat(path)).isFile();
	} catch {
		return true;
	}
}

async function addTo(path: string, isFile: boolean, report: Reporter | undefined): Promise<Output> {
	const file = await openFile(path, "a", path);
	// keep other processes from replacing the file meanwhile
	return new AppendFile(path, file, report, isFile ? await markRecording(path) : async () => {});
}

async function openAtomic(path: string): Promise<Output> {
	await refuseRecorded(path, IN_USE);
	const atomic = await AtomicFile.forTarget(path);
	const file = await openFile(atomic.path, "wx", path);
	await atomic.copyPermissions();
	return new AtomicOutput(path, atomic, file);
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

	async write(bytes: Uint8Array, { count } = completeRecords(bytes)): Promise<void> {
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

class AtomicOutput extends PlainFile {
	readonly #atomic: AtomicFile;

	constructor(name: string, atomic: AtomicFile, file: FileHandle) {
		super(name, file);
		this.#atomic = atomic;
	}

	override close(end?: Uint8Array): Promise<void> {
		return this.#atomic.commit(async () => {
			await super.close(end);
			// another process may have started to record to the file
			await refuseRecorded(this.name, IN_USE);
		});
	}

	override async discard(): Promise<void> {
		await super.discard();
		await this.#atomic.discard();
	}
}

class CompressedOutput implements Output {
	readonly name: string;
	readonly #output: Output;
	readonly #coder: Coder;
	/** Records since the last flush. Their last bytes may still be in the compressor. */
	#held = 0;
	/** Resolves when earlier writes are done; never rejects. */
	#writing: Promise<void> = Promise.resolve();
	/** The first error. Compressed bytes are missing since, so later ones could not be read. */
	#failure: unknown = null;

	constructor(output: Output, coder: Coder) {
		this.name = output.name;
		this.#output = output;
		this.#coder = coder;
	}

	get written(): number {
		return this.#output.written;
	}

	write(bytes: Uint8Array, { count } = completeRecords(bytes)): Promise<void> {
		return this.#enqueue(async () => {
			this.#held += count;
			for (const piece of await this.#coder.write(bytes)) await this.#output.write(piece, WITHIN_RECORD);
		});
	}

	flush(): Promise<void> {
		return this.#enqueue(async () => this.#writeHeld(await this.#coder.flush()));
	}

	async close(end?: Uint8Array): Promise<void> {
		try {
			if (end !== undefined) await this.write(end);
			await this.#enqueue(async () => this.#writeHeld(await this.#coder.end()));
		} finally {
			await this.#output.close();
		}
	}

	/** Writes the output of a flush. The records are complete with its last piece. */
	async #writeHeld(pieces: readonly Buffer[]): Promise<void> {
		const last = pieces.at(-1);
		if (last === undefined) return;
		const held = this.#held;
		this.#held = 0;
		for (const piece of pieces)
			await this.#output.write(piece, piece === last ? completeRecords(piece, held) : WITHIN_RECORD);
	}

	/** Runs after earlier calls, because a coder does one thing at a time. Rejects if an earlier call failed. */
	#enqueue(run: () => Promise<void>): Promise<void> {
		const written = this.#writing.then(() => {
			if (this.#failure !== null) throw this.#failure;
			return run();
		});
		this.#writing = written.catch((error) => {
			this.#failure = error;
		});
		return written;
	}

	discard(): Promise<void> {
		return this.#output.discard();
	}
}

class Stdout implements Output {
	readonly name = "stdout";
	written = 0;

	write(bytes: Uint8Array, { count } = completeRecords(bytes)): Promise<void> {
		return new Promise((resolve, reject) => {
			process.stdout.write(bytes, (error) => {
				// a reader that closes the pipe, such as `head`, is not an error here
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

// A file that a recording appends to. While writing fails, for example on a full disk, data is queued in memory and
// written later, in order and exactly once.
import type { FileHandle } from "node:fs/promises";
import { FlowtapeError, type Reporter } from "../src/errors.ts";
import { outputError } from "./output-error.ts";
import { completeRecords, type Records } from "./records.ts";

/** Maximum size of the queue in bytes. Beyond it, writes are rejected. */
const QUEUE_BYTES = 64 * 1024 * 1024;
/** Retry interval in milliseconds. */
const RETRY_MS = 500;

/** Queued bytes. */
interface Piece {
	bytes: Uint8Array;
	/** How many of them are written. */
	done: number;
	readonly records: Records;
}

export class AppendFile {
	readonly name: string;
	/** Records written; 0 if the file was deleted. */
	written = 0;
	readonly #file: FileHandle;
	readonly #report: Reporter | undefined;
	readonly #release: () => Promise<void>;
	readonly #queue: Piece[] = [];
	#queuedBytes = 0;
	/** Offset of the end of the last complete record; null: the file ends with a complete record. */
	#lastRecordEnd: number | null = null;
	/** The error with which writing fails; null if it succeeds. */
	#failure: unknown = null;
	#timer: NodeJS.Timeout | null = null;
	/** Resolves when earlier writes are done; never rejects. */
	#writing: Promise<boolean> = Promise.resolve(true);

	/**
	 * @param report called once when writing starts to fail
	 * @param release called when the file is closed
	 */
	constructor(name: string, file: FileHandle, report: Reporter | undefined, release: () => Promise<void>) {
		this.name = name;
		this.#file = file;
		this.#report = report;
		this.#release = release;
	}

	/** Resolves when the bytes are written or queued. @throws FlowtapeError FT_IO if the queue is full */
	async write(bytes: Uint8Array, records = completeRecords(bytes)): Promise<void> {
		if (this.#failure !== null && this.#queuedBytes >= QUEUE_BYTES) throw this.#failure;
		const piece = this.#enqueue(bytes, records);
		// copied, because the caller may reuse the buffer now
		if (!(await this.#writePending())) piece.bytes = Buffer.from(bytes);
	}

	/**
	 * Writes the queue and closes the file.
	 * @param end bytes after the last record
	 * @throws FlowtapeError FT_IO if the queue cannot be written; the file then ends after its last complete record. Also
	 * if the file was deleted.
	 */
	async close(end?: Uint8Array): Promise<void> {
		try {
			if (end !== undefined) this.#enqueue(end, completeRecords(end));
			if (!(await this.#writePending())) {
				await this.#truncate(end);
				throw this.#failure;
			}
			const info = await this.#file.stat();
			if (info.isFile() && info.nlink === 0) {
				this.written = 0;
				const message = `${this.name}: the file was deleted while it was written to: its flows are lost`;
				throw new FlowtapeError("FT_IO", message, { file: this.name });
			}
		} finally {
			await this.discard();
		}
	}

	async discard(): Promise<void> {
		if (this.#timer !== null) clearTimeout(this.#timer);
		await this.#file.close();
		await this.#release();
	}

	#enqueue(bytes: Uint8Array, records: Records): Piece {
		const piece: Piece = { bytes, done: 0, records };
		this.#queue.push(piece);
		this.#queuedBytes += bytes.length;
		return piece;
	}

	/** Writes the queue after earlier writes are done. Resolves to false if some of it cannot be written now. */
	#writePending(): Promise<boolean> {
		this.#writing = this.#writing.then(() => this.#writeQueue());
		return this.#writing;
	}

	async #writeQueue(): Promise<boolean> {
		try {
			for (let piece = this.#queue[0]; piece !== undefined; piece = this.#queue[0]) {
				await this.#writePiece(piece);
				this.#queue.shift();
				this.#queuedBytes -= piece.bytes.length;
			}
		} catch (error) {
			this.#fail(error);
			return false;
		}
		this.#failure = null;
		return true;
	}

	#fail(error: unknown): void {
		const isFirst = this.#failure === null;
		this.#failure = error;
		this.#timer ??= setTimeout(() => {
			this.#timer = null;
			void this.#writePending();
		}, RETRY_MS).unref();
		if (isFirst && error instanceof Error)
			this.#report?.("FT_WAITING", `${error.message}; flows are queued in memory and written later`, {
				file: this.name,
				cause: error,
			});
	}

	async #writePiece(piece: Piece): Promise<void> {
		const { bytes, records } = piece;
		const { size: before } = await this.#file.stat();
		try {
			while (piece.done < bytes.length) piece.done += (await this.#file.write(bytes, piece.done)).bytesWritten;
		} catch (error) {
			await this.#removePartial(piece, before);
			throw outputError(this.name, error);
		}
		this.written += records.count;
		if (records.size === bytes.length) this.#lastRecordEnd = null;
		else if (records.size > 0) this.#lastRecordEnd = before + records.size;
		else this.#lastRecordEnd ??= before;
	}

	/**
	 * Truncates a partly written piece, to write all of it later. If another process has written after it, or truncating
	 * fails, only the rest of the piece is written later.
	 */
	async #removePartial(piece: Piece, before: number): Promise<void> {
		try {
			const { size } = await this.#file.stat();
			if (size !== before + piece.done) return;
			await this.#file.truncate(before);
			piece.done = 0;
		} catch {
			// the rest is written later
		}
	}

	/**
	 * Truncates the file to its last complete record.
	 * @param end bytes to write after that record, unless the file is empty
	 */
	async #truncate(end: Uint8Array | undefined): Promise<void> {
		try {
			if (this.#lastRecordEnd !== null) await this.#file.truncate(this.#lastRecordEnd);
			const { size } = await this.#file.stat();
			if (end !== undefined && size > 0) await this.#writePiece({ bytes: end, done: 0, records: completeRecords(end) });
		} catch {
			// the caller throws the first error
		}
	}
}

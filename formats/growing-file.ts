// A file that a recording adds to. What cannot be written now waits in memory and is written later: whole, once, and in its order.
import type { FileHandle } from "node:fs/promises";
import type { Reporter } from "../src/errors.ts";
import { outputError } from "./output-error.ts";
import { type Records, wholly } from "./records.ts";

/** Bytes that may wait. What comes beyond is refused. */
const WAITING_BYTES = 64 * 1024 * 1024;
/** Milliseconds until what waits is tried again. */
const AGAIN_MS = 500;

/** Bytes on their way to the file. */
interface Piece {
	bytes: Uint8Array;
	/** How many of them are in the file. */
	done: number;
	readonly records: Records;
}

export class GrowingFile {
	readonly name: string;
	written = 0;
	readonly #file: FileHandle;
	readonly #report: Reporter | undefined;
	readonly #release: () => Promise<void>;
	readonly #waiting: Piece[] = [];
	#waitingBytes = 0;
	/** Where the last whole record ends; null: at the end of the file. */
	#whole: number | null = null;
	/** Why writing fails; null as long as it does not. */
	#failure: unknown = null;
	#timer: NodeJS.Timeout | null = null;
	/** Resolves when what was begun is done; never rejects. */
	#settling: Promise<boolean> = Promise.resolve(true);

	/**
	 * @param report told once when writing begins to fail
	 * @param release called when the file is closed
	 */
	constructor(name: string, file: FileHandle, report: Reporter | undefined, release: () => Promise<void>) {
		this.name = name;
		this.#file = file;
		this.#report = report;
		this.#release = release;
	}

	/** Resolves when the bytes are in the file, or wait. @throws FlowtapeError FT_IO where too much waits already */
	async write(bytes: Uint8Array, records = wholly(bytes)): Promise<void> {
		if (this.#failure !== null && this.#waitingBytes >= WAITING_BYTES) throw this.#failure;
		const piece = this.#add(bytes, records);
		// whoever brought them may change them from here on
		if (!(await this.#settle())) piece.bytes = Buffer.from(bytes);
	}

	/** @throws FlowtapeError FT_IO where something still waits, which is lost: the file is as if that had never come */
	async close(end?: Uint8Array): Promise<void> {
		try {
			if (end !== undefined) this.#add(end, wholly(end));
			if (await this.#settle()) return;
			await this.#giveUp(end);
			throw this.#failure;
		} finally {
			await this.discard();
		}
	}

	async discard(): Promise<void> {
		if (this.#timer !== null) clearTimeout(this.#timer);
		await this.#file.close();
		await this.#release();
	}

	#add(bytes: Uint8Array, records: Records): Piece {
		const piece: Piece = { bytes, done: 0, records };
		this.#waiting.push(piece);
		this.#waitingBytes += bytes.length;
		return piece;
	}

	/** Writes what waits; false where not all of it can be written now. One after the other. */
	#settle(): Promise<boolean> {
		this.#settling = this.#settling.then(() => this.#writeWaiting());
		return this.#settling;
	}

	async #writeWaiting(): Promise<boolean> {
		try {
			for (let piece = this.#waiting[0]; piece !== undefined; piece = this.#waiting[0]) {
				await this.#put(piece);
				this.#waiting.shift();
				this.#waitingBytes -= piece.bytes.length;
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
			void this.#settle();
		}, AGAIN_MS).unref();
		if (isFirst && error instanceof Error)
			this.#report?.("FT_WAITING", `${error.message}; flows wait in memory, and it is tried again`, { file: this.name, cause: error });
	}

	async #put(piece: Piece): Promise<void> {
		const { bytes, records } = piece;
		const { size: before } = await this.#file.stat();
		try {
			while (piece.done < bytes.length) piece.done += (await this.#file.write(bytes, piece.done)).bytesWritten;
		} catch (error) {
			await this.#takeBack(piece, before);
			throw outputError(this.name, error);
		}
		this.written += records.count;
		if (records.size === bytes.length) this.#whole = null;
		else if (records.size > 0) this.#whole = before + records.size;
		else this.#whole ??= before;
	}

	/** Takes a part of a piece out of the file again. Where others have written behind it, or where nothing can be taken back, the rest follows later. */
	async #takeBack(piece: Piece, before: number): Promise<void> {
		try {
			const { size } = await this.#file.stat();
			if (size !== before + piece.done) return;
			await this.#file.truncate(before);
			piece.done = 0;
		} catch {
			// the rest follows
		}
	}

	/** @param end of a file with records */
	async #giveUp(end: Uint8Array | undefined): Promise<void> {
		try {
			if (this.#whole !== null) await this.#file.truncate(this.#whole);
			const { size } = await this.#file.stat();
			if (end !== undefined && size > 0) await this.#put({ bytes: end, done: 0, records: wholly(end) });
		} catch {
			// the failure is told
		}
	}
}

// Holds bytes until all have arrived, or until they are taken: in memory, or in a file if too much waits in memory.
import { FlowtapeError } from "../../errors.ts";
import { bodySlices } from "../../flow/body.ts";
import { type FileBody, type FileSpool, openFileSpool } from "../../flow/file-spool.ts";
import { Pieces } from "../wire/pieces.ts";
import type { BodyPolicy } from "./policy.ts";

/** Up to this size, bytes stay in memory in any case. Bytes. */
const SMALL_BYTES = 64 * 1024;

/** Counts the bytes that wait in memory. */
export type MemoryBudget = Pick<BodyPolicy, "countWaiting" | "isFull">;

export class HeldBytes {
	/** The total number of bytes. */
	size = 0;
	readonly #budget: MemoryBudget;
	/** The bytes in memory. If there is a file: those not written to it yet. */
	readonly #pieces = new Pieces();
	/** The number of bytes counted as waiting. */
	#counted = 0;
	#file: FileSpool | null = null;

	constructor(budget: MemoryBudget) {
		this.#budget = budget;
	}

	/** @throws FlowtapeError FT_IO if the file cannot be written; then all bytes are lost */
	add(piece: Buffer): void {
		this.size += piece.length;
		this.#pieces.add(piece);
		if (this.#file !== null) {
			if (this.#pieces.size >= SMALL_BYTES) this.#writeTo(this.#file);
			return;
		}
		this.#count(piece.length);
		if (this.size > SMALL_BYTES && this.#budget.isFull) this.#moveToFile();
	}

	#count(bytes: number): void {
		this.#counted += bytes;
		this.#budget.countWaiting(bytes);
	}

	/** If no file can be created, the bytes stay in memory. */
	#moveToFile(): void {
		try {
			this.#file = openFileSpool();
		} catch {
			return;
		}
		this.#writeTo(this.#file);
		this.#count(-this.#counted);
	}

	#writeTo(file: FileSpool): void {
		try {
			for (const piece of this.#pieces.list) file.write(piece);
		} catch (cause) {
			this.clear();
			throw new FlowtapeError("FT_IO", "a message could not be buffered: the disk is full or cannot be written", {
				cause,
			});
		}
		this.#pieces.clear();
	}

	/**
	 * Returns all bytes, and releases them.
	 * @throws FlowtapeError FT_IO
	 */
	take(): Buffer {
		const file = this.#closeFile();
		try {
			return file === null ? this.#pieces.joined() : file.read();
		} finally {
			file?.close();
			this.clear();
		}
	}

	/** As `take`, but in slices. The bytes are released after the last slice. */
	*slices(): Generator<Buffer> {
		const file = this.#closeFile();
		try {
			if (file !== null) yield* file.slices();
			else for (const piece of this.#pieces.list) yield* bodySlices(piece);
		} finally {
			file?.close();
			this.clear();
		}
	}

	/** Releases the bytes. */
	clear(): void {
		this.#file?.end().close();
		this.#file = null;
		this.#pieces.clear();
		this.#count(-this.#counted);
		this.size = 0;
	}

	/** The file with all bytes; null: they are in memory. */
	#closeFile(): FileBody | null {
		const file = this.#file;
		if (file === null) return null;
		this.#writeTo(file);
		this.#file = null;
		return file.end();
	}
}

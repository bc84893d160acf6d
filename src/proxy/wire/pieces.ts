// Pieces of bytes that wait in memory. A Buffer costs some hundred bytes besides its content, and may keep a larger
// buffer alive, so small pieces are copied into blocks.
import { NO_BYTES } from "../../flow/bytes.ts";

/** Smaller pieces are joined. Bytes. */
const SMALL_BYTES = 4096;
/** The size of the first block for small pieces; each further block is twice as large, up to a limit. Bytes. */
const FIRST_BLOCK_BYTES = 4096;
const LARGEST_BLOCK_BYTES = 64 * 1024;

export class Pieces {
	/** The total size. Bytes. */
	size = 0;
	#list: Buffer[] = [];
	/** The block for small pieces, and how many of its bytes are used. */
	#block = NO_BYTES;
	#filled = 0;
	#nextBlockSize = FIRST_BLOCK_BYTES;

	add(piece: Buffer): void {
		// most bodies have one piece
		if (piece.length >= SMALL_BYTES || this.size === 0) {
			this.#seal();
			this.#list.push(piece);
		} else {
			if (this.#block.length - this.#filled < piece.length) this.#allocateBlock();
			this.#block.set(piece, this.#filled);
			this.#filled += piece.length;
		}
		this.size += piece.length;
	}

	/** The pieces in order. */
	get list(): readonly Buffer[] {
		this.#seal();
		return this.#list;
	}

	/** Joins the pieces into one, and keeps that in their place. */
	joined(): Buffer {
		this.#seal();
		if (this.#list.length > 1) this.#list = [Buffer.concat(this.#list, this.size)];
		return this.#list[0] ?? NO_BYTES;
	}

	/** As `joined`, and removes the pieces. */
	take(): Buffer {
		const all = this.joined();
		if (this.size > 0) this.clear();
		return all;
	}

	clear(): void {
		this.#list = [];
		this.#filled = 0;
		this.#block = NO_BYTES;
		this.size = 0;
	}

	#allocateBlock(): void {
		this.#seal();
		this.#block = Buffer.allocUnsafeSlow(this.#nextBlockSize);
		this.#nextBlockSize = Math.min(2 * this.#nextBlockSize, LARGEST_BLOCK_BYTES);
	}

	#seal(): void {
		if (this.#filled === 0) return;
		this.#list.push(this.#block.subarray(0, this.#filled));
		this.#block = this.#block.subarray(this.#filled);
		this.#filled = 0;
	}
}

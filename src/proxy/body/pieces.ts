// Pieces of a body that waits in memory. Each buffer costs some hundred bytes beside its content, and may be a part of a larger one that it
// keeps alive: small pieces are copied behind each other.

/** Smaller pieces are joined. Bytes. */
const SMALL_BYTES = 4096;
/** What small pieces are joined in: as little as that at first, as much as that in the end. Bytes. */
const FIRST_ROOM = 4096;
const LARGEST_ROOM = 64 * 1024;

const EMPTY: Buffer = Buffer.alloc(0);

export class Pieces {
	/** Bytes of all of them. */
	size = 0;
	#list: Buffer[] = [];
	/** Where small ones are copied to, and how far it is filled. */
	#room = EMPTY;
	#filled = 0;
	#nextRoom = FIRST_ROOM;

	add(piece: Buffer): void {
		// of most bodies there is one piece
		if (piece.length >= SMALL_BYTES || this.size === 0) {
			this.#seal();
			this.#list.push(piece);
		} else {
			if (this.#room.length - this.#filled < piece.length) this.#makeRoom();
			this.#room.set(piece, this.#filled);
			this.#filled += piece.length;
		}
		this.size += piece.length;
	}

	/** In their order. */
	get list(): readonly Buffer[] {
		this.#seal();
		return this.#list;
	}

	/** All of them as one, which takes their place. */
	joined(): Buffer {
		this.#seal();
		if (this.#list.length > 1) this.#list = [Buffer.concat(this.#list, this.size)];
		return this.#list[0] ?? EMPTY;
	}

	clear(): void {
		this.#list = [];
		this.#filled = 0;
		this.#room = EMPTY;
		this.size = 0;
	}

	#makeRoom(): void {
		this.#seal();
		this.#room = Buffer.allocUnsafeSlow(this.#nextRoom);
		this.#nextRoom = Math.min(2 * this.#nextRoom, LARGEST_ROOM);
	}

	#seal(): void {
		if (this.#filled === 0) return;
		this.#list.push(this.#room.subarray(0, this.#filled));
		this.#room = this.#room.subarray(this.#filled);
		this.#filled = 0;
	}
}

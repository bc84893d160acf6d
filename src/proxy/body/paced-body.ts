// Sends a complete body in pieces, each after its own delay.
import type { Piece } from "../../hooks/decision.ts";

export interface PacedEvents {
	piece(bytes: Buffer): void;
	/** After the last piece. */
	end(): void;
	/** After each call of `piece` or `end`: write to the socket now. */
	flush(): void;
}

export class PacedBody {
	readonly #pieces: readonly Piece[];
	readonly #events: PacedEvents;
	#next = 0;
	#timer: NodeJS.Timeout | null = null;
	#isPaused = false;

	constructor(pieces: readonly Piece[], events: PacedEvents) {
		this.#pieces = pieces;
		this.#events = events;
		this.#schedule();
	}

	/** Call when the receiver accepts no more bytes; call `resume` when it does again. */
	pause(): void {
		this.#isPaused = true;
	}

	resume(): void {
		if (!this.#isPaused) return;
		this.#isPaused = false;
		if (this.#timer === null) this.#schedule();
	}

	/** Emits no further events. */
	cancel(): void {
		if (this.#timer !== null) clearTimeout(this.#timer);
		this.#next = Number.POSITIVE_INFINITY;
	}

	#schedule(): void {
		const piece = this.#pieces[this.#next];
		if (this.#next > this.#pieces.length) return;
		this.#timer = setTimeout(() => this.#emit(piece), piece?.afterMs ?? 0);
	}

	#emit(piece: Piece | undefined): void {
		this.#timer = null;
		this.#next++;
		if (piece === undefined) this.#events.end();
		else this.#events.piece(piece.bytes);
		this.#events.flush();
		if (!this.#isPaused) this.#schedule();
	}
}

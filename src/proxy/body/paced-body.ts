// A body that is all there and goes out piece by piece, each at its time.
import type { Piece } from "../../hooks/decision.ts";

export interface PacedEvents {
	piece(bytes: Buffer): void;
	/** After the last piece. */
	end(): void;
	/** Something was told: the moment to write. */
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

	/** The receiver takes no more for now; and takes it again. */
	pause(): void {
		this.#isPaused = true;
	}

	resume(): void {
		if (!this.#isPaused) return;
		this.#isPaused = false;
		if (this.#timer === null) this.#schedule();
	}

	/** Nothing more is told. */
	cancel(): void {
		if (this.#timer !== null) clearTimeout(this.#timer);
		this.#next = Number.POSITIVE_INFINITY;
	}

	#schedule(): void {
		const piece = this.#pieces[this.#next];
		if (this.#next > this.#pieces.length) return;
		this.#timer = setTimeout(() => this.#tell(piece), piece?.afterMs ?? 0);
	}

	#tell(piece: Piece | undefined): void {
		this.#timer = null;
		this.#next++;
		if (piece === undefined) this.#events.end();
		else this.#events.piece(piece.bytes);
		this.#events.flush();
		if (!this.#isPaused) this.#schedule();
	}
}

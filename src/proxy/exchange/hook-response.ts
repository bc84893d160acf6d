// The answer that a hook gave to a request: at once and whole, or after a while, or piece by piece.

import { now } from "../../clock.ts";
import type { Response } from "../../flow/message.ts";
import type { CachedResponse, Delivery, Piece, ServerPart, Verdict } from "../../hooks/decision.ts";
import { PacedBody, type PacedEvents } from "../body/paced-body.ts";

export class HookResponse {
	readonly response: Response;
	readonly standing: CachedResponse | null;
	readonly #delivery: Delivery | null;
	#timer: NodeJS.Timeout | null = null;
	#paced: PacedBody | null = null;

	constructor({ response, delivery, standing }: Extract<Verdict, { kind: "answer" }>) {
		this.response = response;
		this.standing = standing;
		this.#delivery = delivery;
	}

	/** What is said in the WebSocket that it begins; null: it begins none. */
	get websocket(): ServerPart | null {
		return this.#delivery?.websocket ?? null;
	}

	/** The pieces in which its body is to be sent; null: as a whole. */
	get pieces(): readonly Piece[] | null {
		return this.#delivery?.pieces ?? null;
	}

	/** What comes in place of the end of its body; null: it ends. */
	get unfinished(): "hold" | "break" | null {
		return this.#delivery?.unfinished ?? null;
	}

	/** Whether there is a time to wait before it; then `begin` is called behind that. */
	waits(begin: () => void): boolean {
		const waitMs = this.#delivery?.waitMs;
		if (!waitMs) return false;
		this.#timer = setTimeout(() => {
			this.response.timestampStart = this.response.timestampEnd = now();
			begin();
		}, waitMs);
		return true;
	}

	/** Sends the pieces, each at its time. */
	play(pieces: readonly Piece[], events: PacedEvents): void {
		this.#paced = new PacedBody(pieces, events);
	}

	pause(): void {
		this.#paced?.pause();
	}

	resume(): void {
		this.#paced?.resume();
	}

	/** Nothing more of it is sent. */
	cancel(): void {
		this.#paced?.cancel();
		if (this.#timer !== null) clearTimeout(this.#timer);
	}
}

// A hook's response to a request: sent whole and at once, after a delay, or in timed pieces.

import { now } from "../../clock.ts";
import type { Response } from "../../flow/message.ts";
import type { CachedResponse, Delivery, Piece, ServerPart, Verdict } from "../../hooks/decision.ts";
import { PacedBody, type PacedEvents } from "../body/paced-body.ts";

export class HookResponse {
	readonly response: Response;
	readonly cached: CachedResponse | null;
	readonly #delivery: Delivery | null;
	#timer: NodeJS.Timeout | null = null;
	#paced: PacedBody | null = null;

	constructor({ response, delivery, cached }: Extract<Verdict, { kind: "answer" }>) {
		this.response = response;
		this.cached = cached;
		this.#delivery = delivery;
	}

	/** The server's part of the WebSocket that the response opens; null: it opens none. */
	get websocket(): ServerPart | null {
		return this.#delivery?.websocket ?? null;
	}

	/** The pieces in which to send the body; null: send it whole. */
	get pieces(): readonly Piece[] | null {
		return this.#delivery?.pieces ?? null;
	}

	/** How an incomplete body stops: the connection is held open, or broken off. null: the body is complete. */
	get unfinished(): "hold" | "break" | null {
		return this.#delivery?.unfinished ?? null;
	}

	/** Starts the delay of the response, if any, and calls `begin` after it. Returns whether there is one. */
	startDelay(begin: () => void): boolean {
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

	/** Sends nothing more. */
	cancel(): void {
		this.#paced?.cancel();
		if (this.#timer !== null) clearTimeout(this.#timer);
	}
}

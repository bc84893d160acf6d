// The decision of hooks about one exchange: answer it, abort it, or neither.
import type { ByteString } from "../flow/bytes.ts";
import type { Response } from "../flow/message.ts";
import type { Piece } from "../replay/answer/pace.ts";
import type { ServerPart } from "../replay/answer/websocket-script.ts";

export type { Piece, ServerPart };

/** How to send an answer that is not sent at once and in full. */
export interface Delivery {
	/** Milliseconds before the head. */
	readonly waitMs?: number;
	/** The body in pieces, each with its delay in milliseconds. Together they equal `response.body`. */
	readonly pieces?: readonly Piece[] | null;
	/**
	 * What replaces the end of the body: "hold" sends nothing more until the client disconnects, "break" resets the
	 * connection. null: the body ends.
	 */
	readonly unfinished?: "hold" | "break" | null;
	/** The messages to replay in the WebSocket after a response with status 101. */
	readonly websocket?: ServerPart | null;
}

/** An answer that all equal requests get from now on without running the hook again. */
export interface CachedResponse {
	/** Whether equal requests still get this answer. */
	isValid(): boolean;
	/** The current response, and the time (seconds since 1970) until which its bytes do not change. */
	current(): { readonly response: Response; readonly until: number };
	/**
	 * The indexes of the header values that change with time, in ascending order; nothing else changes. null: unknown.
	 */
	changingFields(): readonly number[] | null;
	/**
	 * The current header fields, and the time until which they do not change. Call only if `changingFields` is not null.
	 */
	currentFields(): { readonly fields: readonly ByteString[]; readonly until: number };
	/** Counts another request that got the answer. */
	countServed(): void;
}

/** The outcome of a decision. */
export type Verdict =
	| {
			readonly kind: "answer";
			readonly response: Response;
			readonly by: string;
			readonly delivery: Delivery | null;
			readonly cached: CachedResponse | null;
	  }
	/** No answer: closes the client's connection. */
	| { readonly kind: "abort"; readonly reason: string; readonly by: string }
	/** For stored flows only: leaves the flow out. */
	| { readonly kind: "drop"; readonly by: string };

/**
 * How a body is forwarded. false: held until it is complete; true: streamed; a function: streamed through this
 * function, which is called with each chunk and finally with an empty one.
 */
export type BodyStreaming = boolean | ((chunk: Buffer) => Uint8Array | Iterable<Uint8Array>);

/**
 * The decision about one exchange: pending, then answered or aborted, once. An abort can still replace an answer. The
 * decision does not depend on `flow.response`, because stored flows have a response before the request phases run.
 */
export class Decision {
	/** Whether the flow belongs to a live exchange; false for stored flows. */
	readonly live: boolean;
	/** Set by hooks in `requestheaders` and `responseheaders`; later it has no effect. null: the proxy decides. */
	requestStream: BodyStreaming | null = null;
	responseStream: BodyStreaming | null = null;
	/**
	 * The client's Proxy-Authorization. It is for a proxy only, so neither the request nor the tape contains it. null:
	 * none.
	 */
	proxyAuthorization: ByteString | null = null;
	/**
	 * Whether the request's Authorization is for this proxy, as in reverse mode with `proxyauth`. An Authorization field
	 * in the trailers is then neither forwarded nor recorded.
	 */
	takesAuthorization = false;
	/** Whether bodies are streamed if no hook decides it. */
	streamsRequest = false;
	streamsResponse = false;
	#verdict: Verdict | null = null;

	constructor(live: boolean) {
		this.live = live;
	}

	get verdict(): Verdict | null {
		return this.#verdict;
	}

	/** Answers the request without a server. The response phases still run. */
	answer(response: Response, by: string, delivery: Delivery | null = null, cached: CachedResponse | null = null): void {
		this.#decide({ kind: "answer", response, by, delivery, cached });
	}

	/**
	 * Closes the client's connection; `reason` becomes the flow's error. Also replaces an answer that has not been sent
	 * yet.
	 */
	abort(reason: string, by: string): void {
		if (this.#verdict?.kind === "answer") this.#verdict = null;
		this.#decide({ kind: "abort", reason, by });
	}

	/** Leaves a stored flow out of the output. */
	drop(by: string): void {
		this.#decide({ kind: "drop", by });
	}

	#decide(verdict: Verdict): void {
		if (this.#verdict !== null)
			throw new Error(`${verdict.by} cannot decide: ${this.#verdict.by} has already decided on this exchange`);
		this.#verdict = verdict;
	}
}

// The decision about one exchange, which hooks make: an answer, a broken connection, or none.
import type { ByteString } from "../flow/bytes.ts";
import type { Response } from "../flow/message.ts";
import type { Piece } from "../replay/answer/pace.ts";
import type { ServerPart } from "../replay/answer/websocket-script.ts";

export type { Piece, ServerPart };

/** How an answer is given that is not given whole and at once. */
export interface Delivery {
	/** Milliseconds before the head. */
	readonly waitMs?: number;
	/** The body in pieces, each with the milliseconds before it. Together they are `response.body`. */
	readonly pieces?: readonly Piece[] | null;
	/** What comes behind the body in place of its end: nothing, until the client goes, or the connection breaks. null: it ends. */
	readonly unfinished?: "hold" | "break" | null;
	/** What is said in the WebSocket that a response of status 101 begins. */
	readonly websocket?: ServerPart | null;
}

/** An answer that every equal request gets from now on: to ask the hook once more would change nothing. */
export interface CachedResponse {
	/** The response as it is now, and until when it is the same to the byte, in seconds since 1970. */
	current(): { readonly response: Response; readonly until: number };
	/** Which of its header fields' values move with time, by their index and in order, while all else stays as it is; null: that is not known. */
	moving(): readonly number[] | null;
	/** Its header fields by now, and until when. Only where it is known which of them move. */
	moved(): { readonly fields: readonly ByteString[]; readonly until: number };
	/** Another request got it. */
	given(): void;
}

/** What a hook decided about an exchange. */
export type Verdict =
	| {
			readonly kind: "answer";
			readonly response: Response;
			readonly by: string;
			readonly delivery: Delivery | null;
			readonly standing: CachedResponse | null;
	  }
	/** No answer at all: the client's connection is closed. */
	| { readonly kind: "abort"; readonly reason: string; readonly by: string }
	/** Stored flows only: leave the flow out. */
	| { readonly kind: "drop"; readonly by: string };

/** How a body passes: kept until it is whole (false), as it comes (true), or through a function that gets each chunk, and an empty one at the end. */
export type BodyStreaming = boolean | ((chunk: Buffer) => Uint8Array | Iterable<Uint8Array>);

/**
 * The decision about one exchange: pending, then answered or aborted, once; but an answer can still be stopped. "Answered" is a state of the decision
 * and never told from `flow.response`, because a stored flow has one from the start and must pass the request phases all the same.
 */
export class Decision {
	/** Whether there is an exchange behind the flow; false for stored flows. */
	readonly live: boolean;
	/** What hooks say when the heads are there; later it has no effect. null: nothing, and the proxy decides. */
	requestStream: BodyStreaming | null = null;
	responseStream: BodyStreaming | null = null;
	/** What the client sent as Proxy-Authorization: for a proxy, so that neither the request nor the tape has it. null: nothing. */
	proxyAuthorization: ByteString | null = null;
	/** Whether the bodies pass as they come where hooks say nothing. */
	passesRequest = false;
	passesResponse = false;
	#verdict: Verdict | null = null;

	constructor(live: boolean) {
		this.live = live;
	}

	get verdict(): Verdict | null {
		return this.#verdict;
	}

	/** Answers the request without asking a server. The response still passes the response phases. */
	answer(response: Response, by: string, delivery: Delivery | null = null, standing: CachedResponse | null = null): void {
		this.#decide({ kind: "answer", response, by, delivery, standing });
	}

	/** Hangs up; `reason` becomes the flow's error. In place of an answer, too, as long as that has not been sent. */
	abort(reason: string, by: string): void {
		if (this.#verdict?.kind === "answer") this.#verdict = null;
		this.#decide({ kind: "abort", reason, by });
	}

	/** Leaves a stored flow out of what is written. */
	drop(by: string): void {
		this.#decide({ kind: "drop", by });
	}

	#decide(verdict: Verdict): void {
		if (this.#verdict !== null) throw new Error(`${verdict.by} decided on an exchange that ${this.#verdict.by} had decided on`);
		this.#verdict = verdict;
	}
}

// Asks a server for the response to one request: takes a kept connection or makes one, sends, tries once more where a kept one turns out
// to be dead, and gives the connection back.
import type { FlowtapeError } from "../errors.ts";
import type { ByteString } from "../flow/bytes.ts";
import type { ServerConnection } from "../flow/connection.ts";
import type { Dial } from "./dial.ts";
import type { Outgoing } from "./framing-out.ts";
import type { Relay } from "./relay.ts";
import type { Destination, UpstreamPool } from "./upstream.ts";
import type { ResponseListener, UpstreamConnection } from "./upstream-connection.ts";
import type { Framing } from "./wire/framing.ts";
import type { ResponseHead } from "./wire/head.ts";

/** Who asks. */
export interface Asker {
	/** The request is on its way over this connection. */
	asked(facts: ServerConnection): void;
	/** A 1xx response other than 101; the final one is still to come. */
	interim(head: ResponseHead): void;
	responseHead(head: ResponseHead, framing: Framing, at: number): void;
	responseBody(chunk: Buffer): void;
	/** Whether the two messages leave the connection open; asked when the response is complete. */
	isReusable(): boolean;
	responseEnd(trailers: ByteString[] | null, at: number): void;
	/** There will be no (whole) response. */
	askFailed(error: FlowtapeError): void;
	/** The server takes more of the request. */
	resumeRequest(): void;
	flush(): void;
}

export interface Question {
	to: Destination;
	method: ByteString;
	outgoing: Outgoing;
	/** The body, as far as it has come. */
	body: Relay;
}

export class Query implements ResponseListener {
	readonly #pool: UpstreamPool;
	readonly #asker: Asker;
	readonly #question: Question;
	#upstream: UpstreamConnection | null = null;
	#dial: Dial | null = null;
	#isInterim = false;
	#isAnswered = false;
	#isSwitch = false;
	#isRetry = false;

	constructor(pool: UpstreamPool, asker: Asker, question: Question) {
		this.#pool = pool;
		this.#asker = asker;
		this.#question = question;
	}

	/** To be called once, when the asker knows it. */
	start(): void {
		const kept = this.#pool.take(this.#question.to);
		if (kept === undefined) this.#connect();
		else this.#send(kept);
	}

	/** No answer is wanted any more. */
	cancel(): void {
		this.#dial?.cancel();
		this.#upstream?.destroy();
		this.#leave();
	}

	/** Less of the response, please; and go on. */
	pause(): void {
		this.#upstream?.socket.pause();
	}

	resume(): void {
		this.#upstream?.socket.resume();
	}

	/** Writes what has come of the request. False: the server has enough for now, or is not there yet. */
	flushRequest(): boolean {
		return this.#upstream?.batch.flush() ?? false;
	}

	/** The connection, once the server has changed to another protocol. */
	takeUpstream(): UpstreamConnection | null {
		const upstream = this.#upstream;
		this.#leave();
		return upstream;
	}

	#connect(): void {
		this.#dial = this.#pool.dial(this.#question.to, (error, connection) => {
			this.#dial = null;
			if (connection !== null) this.#send(connection);
			else if (error !== null) this.#asker.askFailed(error);
			this.#asker.flush();
		});
	}

	#send(upstream: UpstreamConnection): void {
		const { method, outgoing, body } = this.#question;
		this.#upstream = upstream;
		upstream.begin(this, method);
		this.#asker.asked(upstream.facts);
		body.open(upstream.batch, outgoing.head, outgoing.coding);
		this.#asker.resumeRequest();
	}

	#leave(): void {
		this.#upstream = null;
		this.#question.body.close();
	}

	// — what the connection tells —

	responseHead(head: ResponseHead, framing: Framing): void {
		this.#isInterim = head.status < 200 && head.status !== 101;
		if (this.#isInterim) this.#asker.interim(head);
		else {
			this.#isAnswered = true;
			this.#isSwitch = head.status === 101;
			this.#asker.responseHead(head, framing, this.#upstream?.receivedAt ?? 0);
		}
	}

	responseBody(chunk: Buffer): void {
		this.#asker.responseBody(chunk);
	}

	responseEnd(trailers: ByteString[] | null): void {
		const upstream = this.#upstream;
		if (this.#isInterim || upstream === null) return;
		if (!this.#isSwitch) this.#release(upstream);
		this.#asker.responseEnd(trailers, upstream.receivedAt);
	}

	/** Before the asker hears of the end: it may go on to the next request at once. */
	#release(upstream: UpstreamConnection): void {
		this.#leave();
		this.#asker.resumeRequest();
		if (this.#asker.isReusable() && upstream.release()) this.#pool.give(upstream);
		else upstream.destroy();
	}

	responseFailed(error: FlowtapeError): void {
		const wasKept = (this.#upstream?.uses ?? 0) > 1;
		this.#leave();
		// A kept connection may have been closed while the request was on its way: then the server has not seen it.
		if (wasKept && !this.#isAnswered && !this.#isRetry && error.code === "FT_UPSTREAM") {
			this.#isRetry = true;
			this.#connect();
		} else this.#asker.askFailed(error);
	}

	upstreamDrained(): void {
		this.#asker.resumeRequest();
	}

	flush(): void {
		this.#asker.flush();
	}
}

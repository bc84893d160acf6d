// Asks a server for the response to one request: takes a kept connection or makes one, sends, tries once more where a kept one turns out
// to be dead, and gives the connection back.
import { FlowtapeError } from "../../errors.ts";
import type { ByteString } from "../../flow/bytes.ts";
import type { ServerConnection } from "../../flow/connection.ts";
import type { Request } from "../../flow/message.ts";
import type { BodyLength, BodyPipe } from "../body/pipe.ts";
import { type Dial, upstreamFault } from "../connection/attempt.ts";
import { HTTP_1_1_REQUIRED } from "../http2/module.ts";
import type { Destination } from "../route/destination.ts";
import { type ResponseListener, type UpstreamChannel, UpstreamReset } from "../upstream/channel.ts";
import type { UpstreamPool } from "../upstream/pool.ts";
import type { Framing } from "../wire/framing.ts";
import type { ResponseHead } from "../wire/head.ts";
import { isIdempotent } from "../wire/hop-by-hop.ts";

/** Who asks. */
export interface UpstreamListener {
	/** The request is on its way over this connection. */
	asked(facts: ServerConnection): void;
	/** A 1xx response other than 101; the final one is still to come. */
	interim(head: ResponseHead): void;
	responseHead(head: ResponseHead, framing: Framing, at: number): void;
	responseBody(chunk: Buffer): void;
	responseEnd(trailers: ByteString[] | null, at: number): void;
	/** There will be no (whole) response. */
	askFailed(error: FlowtapeError): void;
	/** The server takes more of the request. */
	resumeRequest(): void;
	flush(): void;
	/** Whether somebody waits for the response still: a client that has closed its side hardly does. */
	readonly isAwaited: boolean;
}

export interface RequestPlan {
	to: Destination;
	request: Request;
	/** Whether a hook may have changed the request. */
	touched: boolean;
	facts: BodyLength;
	/** What the client sent for the next proxy. */
	credentials: ByteString | null;
	/** The body, as far as it has come. */
	body: BodyPipe;
}

export class UpstreamRequest implements ResponseListener {
	readonly #pool: UpstreamPool;
	readonly #asker: UpstreamListener;
	readonly #question: RequestPlan;
	#upstream: UpstreamChannel | null = null;
	#dial: Dial | null = null;
	#isInterim = false;
	#isAnswered = false;
	#isSwitch = false;
	#isRetry = false;

	constructor(pool: UpstreamPool, asker: UpstreamListener, question: RequestPlan) {
		this.#pool = pool;
		this.#asker = asker;
		this.#question = question;
	}

	/** To be called once, when the asker knows it. */
	start(): void {
		const kept = this.#pool.take(this.#question.to);
		if (kept === undefined) this.#connect();
		else if (isIdempotent(this.#question.request.method)) this.#send(kept);
		else this.#sendIfOpen(kept);
	}

	/**
	 * What must not be sent twice goes over a kept connection only behind what the server may have said already: that it closes it. Events of sockets
	 * come before immediates.
	 */
	#sendIfOpen(kept: UpstreamChannel): void {
		const wait = setImmediate(() => {
			this.#dial = null;
			if (kept.isOpen) this.#send(kept);
			else this.#connect();
			this.#asker.flush();
		});
		this.#dial = {
			cancel: () => {
				clearImmediate(wait);
				kept.release(true);
			},
		};
	}

	/** No answer is wanted any more. */
	cancel(): void {
		this.#dial?.cancel();
		this.#upstream?.cancel();
		this.#leave();
	}

	/** Less of the response, please; and go on. */
	pause(): void {
		this.#upstream?.pause();
	}

	resume(): void {
		this.#upstream?.resume();
	}

	/** Writes what has come of the request. False: the server has enough for now, or is not there yet. One that has answered takes all. */
	flushRequest(): boolean {
		return (this.#upstream?.flush() ?? this.#isAnswered) && !this.#question.body.isBehind;
	}

	/** The connection, once the server has changed to another protocol. */
	takeUpstream(): UpstreamChannel | null {
		const upstream = this.#upstream;
		this.#leave();
		return upstream;
	}

	#connect(): void {
		this.#dial = this.#pool.dial(this.#question.to, (error, upstream) => {
			this.#dial = null;
			if (upstream !== null) this.#send(upstream);
			else if (error !== null) this.#asker.askFailed(error);
			this.#asker.flush();
		});
	}

	#send(upstream: UpstreamChannel): void {
		const { request, facts, touched, body, credentials } = this.#question;
		this.#upstream = upstream;
		this.#asker.asked(upstream.facts);
		body.onCaughtUp = () => {
			this.#upstream?.flush();
			this.#asker.resumeRequest();
		};
		body.onBroken = (error) => {
			upstream.cancel();
			this.#leave();
			this.#asker.askFailed(error instanceof FlowtapeError ? error : upstreamFault(String(error), error));
		};
		body.open(upstream.send(this, request, facts, touched, credentials));
		this.#asker.resumeRequest();
	}

	/** Over a connection that is there, if one is: the client may have logged in on it. */
	#askInHttp1(): void {
		this.#question.to = { ...this.#question.to, http2: false };
		this.start();
		this.#asker.flush();
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
	#release(upstream: UpstreamChannel): void {
		const { isSent } = this.#question.body;
		this.#leave();
		this.#asker.resumeRequest();
		upstream.release(isSent);
	}

	responseFailed(error: FlowtapeError, unseen: boolean): void {
		this.#leave();
		if (unseen && !this.#isAnswered && !this.#isRetry && this.#question.body.isReplayable && this.#asker.isAwaited) {
			this.#isRetry = true;
			if (error instanceof UpstreamReset && error.reset === HTTP_1_1_REQUIRED) this.#askInHttp1();
			else this.#connect();
		} else this.#asker.askFailed(error);
	}

	upstreamDrained(): void {
		const { body } = this.#question;
		body.resume();
		if (!body.isBehind) this.#asker.resumeRequest();
	}

	flush(): void {
		this.#asker.flush();
	}
}

// Sends one request upstream and receives the response: takes an idle connection or opens a new one, retries once if
// the request failed and can safely be repeated, and returns the connection to the pool.
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

/** Receives the response; implemented by the exchange. */
export interface UpstreamListener {
	/** The request is being sent on this connection. */
	requestSent(serverConn: ServerConnection): void;
	/** A 1xx response other than 101; the final one is still to come. */
	interim(head: ResponseHead): void;
	responseHead(head: ResponseHead, framing: Framing, at: number): void;
	responseBody(chunk: Buffer): void;
	responseEnd(trailers: ByteString[] | null, at: number): void;
	/** There will be no complete response. */
	requestFailed(error: FlowtapeError): void;
	/** The server accepts more of the request. */
	resumeRequest(): void;
	flush(): void;
	/** Whether the client still waits for the response; a half-closed client probably does not. */
	readonly isAwaited: boolean;
}

export interface RequestPlan {
	to: Destination;
	request: Request;
	/** Whether a hook may have changed the request. */
	touched: boolean;
	length: BodyLength;
	/** The client's credentials for the upstream proxy. */
	credentials: ByteString | null;
	/** The body, which may still be arriving. */
	body: BodyPipe;
}

/** Most interim responses to one request; more are an error, as a server could send them for ever. */
const MAX_INTERIMS = 1000;

export class UpstreamRequest implements ResponseListener {
	readonly #pool: UpstreamPool;
	readonly #listener: UpstreamListener;
	readonly #plan: RequestPlan;
	#upstream: UpstreamChannel | null = null;
	#dial: Dial | null = null;
	#isInterim = false;
	/** Interim responses so far. */
	#interims = 0;
	#isAnswered = false;
	#isSwitch = false;
	#isRetry = false;

	constructor(pool: UpstreamPool, listener: UpstreamListener, plan: RequestPlan) {
		this.#pool = pool;
		this.#listener = listener;
		this.#plan = plan;
	}

	/** Call once, after the listener has stored this object. */
	start(): void {
		const idle = this.#pool.takeChannel(this.#plan.to);
		if (idle === undefined) this.#connect();
		else if (isIdempotent(this.#plan.request.method)) this.#send(idle);
		else this.#sendIfOpen(idle);
	}

	/**
	 * Sends a request that must not be sent twice. The server may have closed the idle connection already, so pending
	 * socket events come first: Node handles them before immediates.
	 */
	#sendIfOpen(idle: UpstreamChannel): void {
		const wait = setImmediate(() => {
			this.#dial = null;
			if (idle.isOpen) this.#send(idle);
			else this.#connect();
			this.#listener.flush();
		});
		this.#dial = {
			cancel: () => {
				clearImmediate(wait);
				idle.release(true);
			},
		};
	}

	/** Cancels the request: its response is no longer needed. */
	cancel(): void {
		this.#dial?.cancel();
		this.#upstream?.cancel();
		this.#detach();
	}

	/** Stops and resumes reading the response. */
	pause(): void {
		this.#upstream?.pause();
	}

	resume(): void {
		this.#upstream?.resume();
	}

	/**
	 * Flushes the request. Returns false if the server accepts no more for now, or is not connected yet; true if it has
	 * responded.
	 */
	flushRequest(): boolean {
		return (this.#upstream?.flush() ?? this.#isAnswered) && !this.#plan.body.isBehind;
	}

	/**
	 * Returns the connection and gives it up. After a complete response it is null, except after a switch of protocols.
	 */
	takeUpstream(): UpstreamChannel | null {
		const upstream = this.#upstream;
		this.#detach();
		return upstream;
	}

	#connect(): void {
		this.#dial = this.#pool.dial(this.#plan.to, (error, upstream) => {
			this.#dial = null;
			if (upstream !== null) this.#send(upstream);
			else if (error !== null) this.#listener.requestFailed(error);
			this.#listener.flush();
		});
	}

	#send(upstream: UpstreamChannel): void {
		const { request, length, touched, body, credentials } = this.#plan;
		this.#upstream = upstream;
		this.#listener.requestSent(upstream.serverConn);
		body.onCaughtUp = () => {
			this.#upstream?.flush();
			this.#listener.resumeRequest();
		};
		body.onBroken = (error) =>
			this.#abort(error instanceof FlowtapeError ? error : upstreamFault(String(error), error));
		body.open(upstream.send(this, request, length, touched, credentials));
		this.#listener.resumeRequest();
	}

	#abort(error: FlowtapeError): void {
		this.#upstream?.cancel();
		this.#detach();
		this.#listener.requestFailed(error);
	}

	/**
	 * Sends the request again in HTTP/1.1, on an idle connection if there is one: the client may have authenticated on
	 * it.
	 */
	#retryInHttp1(): void {
		this.#plan.to = { ...this.#plan.to, http2: false };
		this.start();
		this.#listener.flush();
	}

	#detach(): void {
		this.#upstream = null;
		this.#plan.body.close();
	}

	// — called by the connection —

	responseHead(head: ResponseHead, framing: Framing): void {
		this.#isInterim = head.status < 200 && head.status !== 101;
		if (this.#isInterim) {
			if (++this.#interims <= MAX_INTERIMS) this.#listener.interim(head);
			else this.#abort(upstreamFault(`the server sent more than ${MAX_INTERIMS} interim responses (1xx)`));
		} else {
			this.#isAnswered = true;
			this.#isSwitch = head.status === 101;
			this.#listener.responseHead(head, framing, this.#upstream?.receivedAt ?? 0);
		}
	}

	responseBody(chunk: Buffer): void {
		this.#listener.responseBody(chunk);
	}

	responseEnd(trailers: ByteString[] | null): void {
		const upstream = this.#upstream;
		if (this.#isInterim || upstream === null) return;
		if (!this.#isSwitch) this.#release(upstream);
		this.#listener.responseEnd(trailers, upstream.receivedAt);
	}

	/** Releases the connection before `responseEnd`, so that the next request can use it. */
	#release(upstream: UpstreamChannel): void {
		const { isSent } = this.#plan.body;
		this.#detach();
		this.#listener.resumeRequest();
		upstream.release(isSent);
	}

	responseFailed(error: FlowtapeError, isUnprocessed: boolean): void {
		this.#detach();
		if (
			isUnprocessed &&
			!this.#isAnswered &&
			!this.#isRetry &&
			this.#plan.body.isReplayable &&
			this.#listener.isAwaited
		) {
			this.#isRetry = true;
			if (error instanceof UpstreamReset && error.reset === HTTP_1_1_REQUIRED) this.#retryInHttp1();
			else this.#connect();
		} else this.#listener.requestFailed(error);
	}

	upstreamDrained(): void {
		const { body } = this.#plan;
		body.resume();
		if (!body.isBehind) this.#listener.resumeRequest();
	}

	flush(): void {
		this.#listener.flush();
	}
}

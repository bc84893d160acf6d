// One request and its response in progress: runs the phases in order, gets the response from a hook or the server, and
// records the flow. It uses no sockets: the client is an `ExchangeHost`, the server an `UpstreamRequest`. The response is
// in `ResponseSide`.
import type { ByteString } from "../../flow/bytes.ts";
import type { ServerConnection } from "../../flow/connection.ts";
import type { Request, Response } from "../../flow/message.ts";
import type { BodyStreaming } from "../../hooks/decision.ts";
import { announcedSize, isEventStream } from "../body/policy.ts";
import { stripHttpUpgrade } from "../http2/fields.ts";
import { destinationOf, isForNextProxy } from "../route/destination.ts";
import { setTargetHost, type Target } from "../route/target.ts";
import { type Framing, hasBody } from "../wire/framing.ts";
import type { RequestHead, ResponseHead } from "../wire/head.ts";
import { expectsContinue } from "../wire/hop-by-hop.ts";
import type { ErrorStatus } from "./error-page.ts";
import { AHEAD_LIMIT } from "./exchange-base.ts";
import { HookResponse } from "./hook-response.ts";
import type { ExchangeHost } from "./host.ts";
import { requestOf, withoutProxyFields } from "./messages.ts";
import { dropUnchangedOriginal, originalOf } from "./original.ts";
import { ResponseSide } from "./response-side.ts";
import { type UpstreamListener, UpstreamRequest } from "./upstream-request.ts";

const CONTINUE: ResponseHead = { version: "HTTP/1.1", status: 100, reason: "Continue", fields: [] };

export class Exchange extends ResponseSide implements UpstreamListener {
	/** An exchange whose request body has not arrived yet. `authority`: the pseudo-header field of HTTP/2. */
	static live(
		host: ExchangeHost,
		head: RequestHead,
		framing: Framing,
		target: Target,
		authority: ByteString = "",
	): Exchange {
		const request = requestOf(head, framing, target, authority, host.receivedAt);
		if (host.tunnel !== null) setTargetHost(request, host.tunnel);
		return new Exchange(host, request, framing, expectsContinue(head.version, head.fields));
	}

	/**
	 * An exchange with a complete request; its header fields are not used to delimit the body. Call `requestEnd` right
	 * after `start`.
	 */
	static whole(host: ExchangeHost, request: Request): Exchange {
		return new Exchange(host, request, null, false);
	}

	/** Call once, after the host has registered the exchange. */
	start(): void {
		const { bodies, pipeline } = this.context;
		const { request } = this.flow;
		const isEvents = request.body === null && !pipeline.decidesByRequestBody && isEventStream(request.headers);
		if (pipeline.changesRequests) this.flow.original = originalOf(request);
		this.hooks.decision.streamsRequest =
			isEvents || bodies.streams(announcedSize(this.request.framing), pipeline.needsRequestBody);
		this.phase("requestheaders", () => this.#requestHeadersDone());
	}

	// — the client —

	requestBody(chunk: Buffer): void {
		if (this.request.framing === null || this.lifecycle.stage === "done") return;
		this.deliver("request", () => this.request.pipe.push(chunk));
		const { bodies, pipeline } = this.context;
		const { pipe } = this.request;
		const { stage } = this.lifecycle;
		if (this.hookResponse !== null) this.#limitUnneeded();
		// The hooks take their time.
		else if ((stage === "requestheaders" || stage === "request") && pipe.size > AHEAD_LIMIT) this.host.pauseRequest();
		if (stage !== "request body") return;
		if (bodies.exceedsLimit(pipe.size)) this.refuse("request");
		else if (pipe.isReplayable) {
			if (bodies.streams(pipe.size, pipeline.needsRequestBody)) this.#streamRequest(null);
			else if (!bodies.isMemoryShort(pipe.size)) this.bufferInMemory(this.request);
			else if (pipeline.needsRequestBody) this.bufferInSpool(this.request);
			else this.#streamRequest(null);
		}
	}

	/** Drops a request body that takes too much memory and that nobody needs, because hooks have answered already. */
	#limitUnneeded(): void {
		const { bodies } = this.context;
		const { pipe } = this.request;
		if (!pipe.isReplayable) return;
		if (!bodies.streams(pipe.size, false) && !bodies.isMemoryShort(pipe.size)) this.bufferInMemory(this.request);
		else {
			pipe.startStreaming({ keep: false, openSpool: () => null, transform: null, isHeldBack: true });
			this.releaseMemory(this.request);
		}
	}

	requestEnd(trailers: ByteString[] | null): void {
		const { request } = this.flow;
		const body = this.request;
		body.isEnded = true;
		request.timestampEnd = this.host.receivedAt;
		if (body.framing !== null) {
			request.trailers = withoutProxyFields(trailers, this.hooks.decision.takesAuthorization);
			this.deliver("request", () => body.pipe.end(request.trailers?.fields ?? null));
			request.body = body.pipe.body();
			if (this.flow.original !== null) this.flow.original.body ??= request.body;
		}
		if (this.lifecycle.stage === "request body") this.#requestBodyDone();
		else {
			this.#requestStreamed();
			this.endIfAnswered();
		}
	}

	/** Runs the hooks that need the body of a streamed request, once that is complete. */
	#requestStreamed(): void {
		const { isStreamed, isEnded } = this.request;
		if (isStreamed && isEnded && this.lifecycle.stage !== "done")
			this.hooks.runAfterwards("request", () => this.endIfAnswered());
	}

	/**
	 * The client has disconnected (`status` is null), or has sent something malformed and gets an error page with
	 * `status`.
	 */
	clientFailed(message: string, status: ErrorStatus | null): void {
		if (this.lifecycle.stage !== "done") this.fail(message, status, status === null ? "client" : "cut");
	}

	/** The proxy is shutting down: the flow is recorded as it is. */
	stop(): void {
		this.clientFailed("The proxy was stopped before the exchange was complete.", null);
	}

	/** Flushes the request to the server. Pauses the client if the server is behind. */
	flushRequest(): void {
		if (this.upstreamRequest === null || this.upstreamRequest.flushRequest() || this.request.isEnded) return;
		if (this.lifecycle.stage !== "upstream" || this.request.pipe.size > AHEAD_LIMIT) this.host.pauseRequest();
	}

	resumeRequest(): void {
		this.host.resumeRequest();
	}

	// — phases of the request —

	#requestHeadersDone(): void {
		if (this.#applyDecision()) return;
		this.lifecycle.enter("request body");
		if (this.context.bodies.exceedsLimit(this.request.expectedSize)) {
			this.refuse("request");
			return;
		}
		const { requestStream, streamsRequest } = this.hooks.decision;
		if (this.request.isEnded) this.#requestBodyDone();
		else if (requestStream ?? streamsRequest) this.#streamRequest(requestStream);
		else if (this.awaitsContinue && this.#mayForwardHead()) {
			this.request.startStreaming(true, { keep: true, openSpool: () => this.context.openSpool(true) });
			this.#forward();
		}
		// In this stage, a hook needs the body first, or this proxy reads it in place of a server (RFC 9110 section
		// 10.1.1).
		if (this.lifecycle.stage === "request body") this.#sendContinue(CONTINUE);
	}

	/**
	 * Whether the server can decide on `Expect: 100-continue`: no hook needs the body first, and no option depends on its
	 * size.
	 */
	#mayForwardHead(): boolean {
		const { bodies, pipeline, pool } = this.context;
		const { framing } = this.request;
		if (pool === null || framing === null || !hasBody(framing) || !pipeline.isIdle("request")) return false;
		return framing.kind === "length" || !bodies.dependsOnSize;
	}

	#sendContinue(head: ResponseHead): void {
		const { framing } = this.request;
		if (this.awaitsContinue && framing !== null && hasBody(framing)) this.host.sendInterim(head);
		this.awaitsContinue = false;
	}

	/**
	 * Forwards the request before it is complete, unless a hook that does not need the body answers it. If a hook always
	 * needs the complete body, or there is no server, the body is held in the spool instead.
	 * @param streaming the choice of the hooks; null: they chose nothing
	 */
	#streamRequest(streaming: BodyStreaming | null): void {
		const { pool, pipeline } = this.context;
		if (pool === null || pipeline.alwaysNeedsRequestBody) {
			this.bufferInSpool(this.request);
			return;
		}
		this.lifecycle.enter("request");
		const forward = () => {
			if (this.#applyDecision()) return;
			this.request.startStreaming(streaming ?? true, this.streamOptions(streaming, this.flow.request));
			this.#forward();
			this.#requestStreamed();
		};
		this.phase("request", forward, "request before body");
	}

	#requestBodyDone(): void {
		this.lifecycle.enter("request");
		const { original, request } = this.flow;
		if (original !== null) original.body = request.body;
		this.phase("request", () => {
			dropUnchangedOriginal(this.flow);
			if (!this.#applyDecision()) this.#forward();
		});
	}

	/** Carries out the decision of the hooks. False: there is none. */
	#applyDecision(): boolean {
		if (this.applyAbort()) return true;
		const { verdict } = this.hooks.decision;
		if (verdict?.kind !== "answer") return false;
		this.hookResponse = new HookResponse(verdict);
		const isDelayed = this.hookResponse.startDelay(() => {
			this.#useHookResponse(verdict.response);
			this.host.flush();
		});
		if (isDelayed) this.lifecycle.enter("delay");
		else this.#useHookResponse(verdict.response);
		return true;
	}

	#useHookResponse(response: Response): void {
		this.flow.response = response;
		this.response.isEnded = true;
		this.responseHeadDone();
	}

	#forward(): void {
		const { pool } = this.context;
		dropUnchangedOriginal(this.flow);
		const { request } = this.flow;
		if (pool === null) {
			this.fail("no hook answered this request, and this proxy does not connect to servers", 502);
			return;
		}
		const body = this.request.pipe;
		if (body.isLost) {
			this.fail("the request body could not be buffered: the disk is full or cannot be written", 502);
			return;
		}
		this.lifecycle.enter("upstream");
		stripHttpUpgrade(request);
		const isTouched = this.hooks.seesAny("requestheaders", "request");
		if (isTouched) this.holdHookBody(this.request, request);
		const length = this.request.outgoingLength(request, isTouched);
		const { tunnel, clientConn: client } = this.host;
		const credentials = tunnel?.credentials ?? (isForNextProxy(client) ? this.hooks.decision.proxyAuthorization : null);
		const to = destinationOf(request, tunnel, client, credentials);
		this.upstreamRequest = new UpstreamRequest(pool, this, {
			to,
			request,
			touched: isTouched || "size" in length,
			length,
			credentials,
			body,
		});
		this.upstreamRequest.start();
	}

	// — the server —

	get isAwaited(): boolean {
		return !this.host.isLeaving;
	}

	requestSent(serverConn: ServerConnection): void {
		this.flow.serverConn = serverConn;
	}

	/**
	 * Forwards a 100 to a client that waits for it, and other interim responses to all clients except HTTP/1.0 ones (RFC
	 * 9110 section 15.2).
	 */
	interim(head: ResponseHead): void {
		if (head.status === 100) this.#sendContinue(head);
		else if (this.flow.request.httpVersion !== "HTTP/1.0") this.host.sendInterim(head);
	}
}

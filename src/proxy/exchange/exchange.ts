// One request and its response in progress: runs the phases in order, gets the response from a hook or the server, and
// records the flow. It uses no sockets: the client is an `ExchangeHost`, the server an `UpstreamRequest`.
import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import { now } from "../../clock.ts";
import { type FlowtapeError, messageOf } from "../../errors.ts";
import { bodySlices } from "../../flow/body.ts";
import type { ByteString } from "../../flow/bytes.ts";
import { type ServerConnection, serverConnection } from "../../flow/connection.ts";
import { HttpFlow } from "../../flow/flow.ts";
import { Headers } from "../../flow/headers.ts";
import type { Request, Response } from "../../flow/message.ts";
import { formatAuthority } from "../../flow/url.ts";
import type { BodyStreaming, Piece } from "../../hooks/decision.ts";
import type { Phase } from "../../hooks/hook.ts";
import type { Step } from "../../hooks/pipeline.ts";
import { ChunkTimes } from "../body/chunk-times.ts";
import { MessageBody } from "../body/message-body.ts";
import type { BodyLength, StreamOptions } from "../body/pipe.ts";
import { announcedSize, BUFFERING_LIMIT_MS, isEventStream } from "../body/policy.ts";
import { upstreamFault } from "../connection/attempt.ts";
import type { ProxyContext } from "../context/context.ts";
import { unfinishedFraming } from "../http1/outgoing.ts";
import { isRequestedProtocol, requestsUpgrade, stripHttpUpgrade } from "../http2/fields.ts";
import { destinationOf, isForNextProxy } from "../route/destination.ts";
import { setTargetHost, type Target } from "../route/target.ts";
import { relayTcp } from "../tcp/recorded-relay.ts";
import { UpstreamReset } from "../upstream/channel.ts";
import { emptyWebSocket, isWebSocket, relayWebSocket } from "../websocket/conversation.ts";
import { WebSocketPlayer } from "../websocket/player.ts";
import { type Framing, hasBody } from "../wire/framing.ts";
import type { RequestHead, ResponseHead } from "../wire/head.ts";
import { expectsContinue } from "../wire/hop-by-hop.ts";
import type { ErrorStatus } from "./error-page.ts";
import { HookResponse } from "./hook-response.ts";
import type { ExchangeHost } from "./host.ts";
import { Lifecycle } from "./lifecycle.ts";
import { requestOf, responseOf, takeProxyFields, withoutProxyFields } from "./messages.ts";
import { dropUnchangedOriginal, originalOf } from "./original.ts";
import { PhaseRunner } from "./phase-runner.ts";
import { type UpstreamListener, UpstreamRequest } from "./upstream-request.ts";

/**
 * Most bytes of a request that are buffered while the server accepts none. Larger bodies made by hooks count as waiting
 * in memory. Bytes.
 */
const AHEAD_LIMIT = 1024 * 1024;

const CUT = "The recorded response ends here, incomplete.";
const LENIENT_HINT = "; --no-validate-inbound-headers accepts messages whose meaning is still clear";

const CONTINUE: ResponseHead = { version: "HTTP/1.1", status: 100, reason: "Continue", fields: [] };

export class Exchange implements UpstreamListener {
	readonly flow: HttpFlow;
	readonly #host: ExchangeHost;
	readonly #context: ProxyContext;
	readonly #hooks: PhaseRunner;
	readonly #lifecycle: Lifecycle;
	readonly #request: MessageBody;
	readonly #response = new MessageBody(null);
	/** The client waits for `100 Continue`. */
	#awaitsContinue: boolean;
	/** Whether the client asked for an upgrade: only then may a server switch protocols (RFC 9110 section 7.8). */
	readonly #mayUpgrade: boolean;
	#upstreamRequest: UpstreamRequest | null = null;
	#hookResponse: HookResponse | null = null;
	/** Starts to stream a response that is incomplete for too long. */
	#lateTimer: NodeJS.Timeout | null = null;
	#chunkTimes: ChunkTimes | null = null;
	/** The HTTP/2 error code with which the server reset the stream. */
	#reset: number | null = null;
	/** All pieces of the hook's response were sent. */
	#isPlayed = false;

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

	private constructor(host: ExchangeHost, request: Request, framing: Framing | null, awaitsContinue: boolean) {
		this.#host = host;
		const own = host.tunnel === null ? host.context.forOwn(host.clientConn, request.host, request.port) : null;
		this.#context = own?.context ?? host.context.for(request, host.clientConn);
		// The Host field stays unchanged.
		if (own !== null) request.host = own.address;
		this.#request = new MessageBody(framing);
		this.#awaitsContinue = awaitsContinue;
		this.#mayUpgrade = requestsUpgrade(request);
		const credentials = takeProxyFields(request.headers);
		this.flow = new HttpFlow({
			id: randomUUID(),
			clientConn: host.clientConn,
			serverConn: () => serverConnection({ id: randomUUID(), address: [request.host, request.port] }),
			request,
			timestampCreated: host.receivedAt,
			session: this.#context.sessionOf(host.clientConn, credentials),
		});
		this.#lifecycle = new Lifecycle(this.flow.id);
		this.#hooks = new PhaseRunner(this.#context, this.flow, host);
		this.#hooks.decision.proxyAuthorization = credentials;
		if (request.trailers !== null) takeProxyFields(request.trailers);
	}

	/** Call once, after the host has registered the exchange. */
	start(): void {
		const { bodies, pipeline } = this.#context;
		const { request } = this.flow;
		const isEvents = request.body === null && !pipeline.decidesByRequestBody && isEventStream(request.headers);
		if (pipeline.changesRequests) this.flow.original = originalOf(request);
		this.#hooks.decision.streamsRequest =
			isEvents || bodies.streams(announcedSize(this.#request.framing), pipeline.needsRequestBody);
		this.#phase("requestheaders", () => this.#requestHeadersDone());
	}

	// — the client —

	requestBody(chunk: Buffer): void {
		if (this.#request.framing === null || this.#lifecycle.stage === "done") return;
		this.#deliver("request", () => this.#request.pipe.push(chunk));
		const { bodies, pipeline } = this.#context;
		const { pipe } = this.#request;
		const { stage } = this.#lifecycle;
		if (this.#hookResponse !== null) this.#limitUnneeded();
		// The hooks take their time.
		else if ((stage === "requestheaders" || stage === "request") && pipe.size > AHEAD_LIMIT) this.#host.pauseRequest();
		if (stage !== "request body") return;
		if (bodies.exceedsLimit(pipe.size)) this.#refuse("request");
		else if (pipe.isReplayable) {
			if (bodies.streams(pipe.size, pipeline.needsRequestBody)) this.#streamRequest(null);
			else if (!bodies.isMemoryShort(pipe.size)) this.#bufferInMemory(this.#request);
			else if (pipeline.needsRequestBody) this.#bufferInSpool(this.#request);
			else this.#streamRequest(null);
		}
	}

	/** Drops a request body that takes too much memory and that nobody needs, because hooks have answered already. */
	#limitUnneeded(): void {
		const { bodies } = this.#context;
		const { pipe } = this.#request;
		if (!pipe.isReplayable) return;
		if (!bodies.streams(pipe.size, false) && !bodies.isMemoryShort(pipe.size)) this.#bufferInMemory(this.#request);
		else {
			pipe.startStreaming({ keep: false, openSpool: () => null, transform: null, isHeldBack: true });
			this.#releaseMemory(this.#request);
		}
	}

	/** Counts the bytes that have arrived as waiting in memory until the message is complete. */
	#bufferInMemory(body: MessageBody): void {
		this.#context.bodies.countWaiting(body.pipe.size - body.waitingBytes);
		body.waitingBytes = body.pipe.size;
	}

	/** Holds the message in the sink's spool until it is complete. */
	#bufferInSpool(body: MessageBody): void {
		body.pipe.startStreaming({
			keep: true,
			openSpool: () => this.#context.openSpool(body === this.#request),
			transform: null,
			isHeldBack: true,
			isShort: () => true,
		});
		this.#releaseMemory(body);
	}

	/**
	 * Counts a large body that a hook made as waiting in memory until it is sent, or moves it to the spool if memory does
	 * not suffice.
	 */
	#holdHookBody(messageBody: MessageBody, message: Request | Response): void {
		const { body } = message;
		if (!Buffer.isBuffer(body) || body.length <= AHEAD_LIMIT || body === messageBody.pipe.body()) return;
		if (this.#context.bodies.holdHookBody(body, this.#hookResponse === null)) messageBody.hookBody = body;
		else {
			const spool = this.#context.openSpool();
			if (spool === null) return;
			for (const piece of bodySlices(body)) spool.write(piece);
			message.body = spool.end() ?? body;
		}
	}

	/** Counts no bytes of the message as waiting in memory any more. */
	#releaseMemory(body: MessageBody): void {
		if (body.waitingBytes > 0) this.#context.bodies.countWaiting(-body.waitingBytes);
		if (body.hookBody !== null) this.#context.bodies.releaseHookBody(body.hookBody);
		body.waitingBytes = 0;
		body.hookBody = null;
	}

	/** Ends the exchange: nothing more happens in it. */
	#finish(reason: string): void {
		this.#lifecycle.enter("done", reason);
		this.#releaseMemory(this.#request);
		this.#releaseMemory(this.#response);
	}

	/**
	 * Calls `deliver`, in which a script that transforms chunks can throw. Then the exchange fails, since the intended
	 * bytes are not known.
	 */
	#deliver(phase: "request" | "response", deliver: () => void): void {
		try {
			deliver();
		} catch (error) {
			this.#hookFailed(phase, error);
		}
	}

	requestEnd(trailers: ByteString[] | null): void {
		const { request } = this.flow;
		const body = this.#request;
		body.isEnded = true;
		request.timestampEnd = this.#host.receivedAt;
		if (body.framing !== null) {
			request.trailers = withoutProxyFields(trailers, this.#hooks.decision.takesAuthorization);
			this.#deliver("request", () => body.pipe.end(request.trailers?.fields ?? null));
			request.body = body.pipe.body();
			if (this.flow.original !== null) this.flow.original.body ??= request.body;
		}
		if (this.#lifecycle.stage === "request body") this.#requestBodyDone();
		else {
			this.#requestStreamed();
			this.#endIfAnswered();
		}
	}

	/** Runs the hooks that need the body of a streamed request, once that is complete. */
	#requestStreamed(): void {
		const { isStreamed, isEnded } = this.#request;
		if (isStreamed && isEnded && this.#lifecycle.stage !== "done")
			this.#hooks.runAfterwards("request", () => this.#endIfAnswered());
	}

	/**
	 * The client has disconnected (`status` is null), or has sent something malformed and gets an error page with
	 * `status`.
	 */
	clientFailed(message: string, status: ErrorStatus | null): void {
		if (this.#lifecycle.stage !== "done") this.#fail(message, status, status === null ? "client" : "cut");
	}

	/** The proxy is shutting down: the flow is recorded as it is. */
	stop(): void {
		this.clientFailed("The proxy was stopped before the exchange was complete.", null);
	}

	/**
	 * Whether the response is sent although the client still waits for `100 Continue`. The client may then send the body
	 * or not, so that the end of the request is unknown.
	 */
	get leavesBodyUnread(): boolean {
		return this.#awaitsContinue && !this.#request.hasStarted;
	}

	/** The client accepts no more of the response until `resumeResponse`. */
	pauseResponse(): void {
		this.#upstreamRequest?.pause();
		this.#hookResponse?.pause();
	}

	resumeResponse(): void {
		this.#response.pipe.resume();
		if (this.#response.pipe.isBehind) return;
		this.#upstreamRequest?.resume();
		this.#hookResponse?.resume();
	}

	/** Flushes the request to the server. Pauses the client if the server is behind. */
	flushRequest(): void {
		if (this.#upstreamRequest === null || this.#upstreamRequest.flushRequest() || this.#request.isEnded) return;
		if (this.#lifecycle.stage !== "upstream" || this.#request.pipe.size > AHEAD_LIMIT) this.#host.pauseRequest();
	}

	resumeRequest(): void {
		this.#host.resumeRequest();
	}

	/**
	 * Flushes the response. If the client waits too long for the complete response, it gets the part that has arrived.
	 */
	flush(): void {
		if (this.#lifecycle.stage === "response body" && this.#response.pipe.size > 0)
			this.#lateTimer ??= setTimeout(() => this.#streamLateResponse(), BUFFERING_LIMIT_MS).unref();
		if (this.#response.pipe.isBehind) this.#upstreamRequest?.pause();
		this.#host.flush();
	}

	// — phases of the request —

	/**
	 * Runs the hooks of a phase, then `next` unless the exchange has ended meanwhile. `step`: the part of the hooks to
	 * run.
	 */
	#phase(phase: Phase, next: () => void, step: Step = phase): void {
		if (this.#context.pipeline.isIdle(step)) {
			try {
				next();
			} catch (error) {
				this.#hookFailed(phase, error);
			}
			return;
		}
		const stage = this.#lifecycle.stage;
		const go = () => {
			if (this.#lifecycle.stage !== stage) return;
			if (!this.#request.isEnded && this.#request.pipe.size > AHEAD_LIMIT) this.#host.resumeRequest();
			next();
		};
		this.#hooks.run(step, go, (error) => {
			this.#hookFailed(phase, error);
			// The exchange has failed already, and ends in spite of this error.
			if (phase === "error") go();
		});
	}

	/** Fails the exchange, as the hook may have had to change or stop it. */
	#hookFailed(phase: Phase, error: unknown): void {
		this.#context.emit({ kind: "hook_error", phase, error });
		const why = messageOf(error);
		if (this.#lifecycle.stage !== "done") this.#fail(`a hook failed at ${phase}: ${why}`, 502);
	}

	#requestHeadersDone(): void {
		if (this.#applyDecision()) return;
		this.#lifecycle.enter("request body");
		if (this.#context.bodies.exceedsLimit(this.#request.expectedSize)) {
			this.#refuse("request");
			return;
		}
		const { requestStream, streamsRequest } = this.#hooks.decision;
		if (this.#request.isEnded) this.#requestBodyDone();
		else if (requestStream ?? streamsRequest) this.#streamRequest(requestStream);
		else if (this.#awaitsContinue && this.#mayForwardHead()) {
			this.#request.startStreaming(true, { keep: true, openSpool: () => this.#context.openSpool(true) });
			this.#forward();
		}
		// In this stage, a hook needs the body first, or this proxy reads it in place of a server (RFC 9110 section
		// 10.1.1).
		if (this.#lifecycle.stage === "request body") this.#sendContinue(CONTINUE);
	}

	/**
	 * Whether the server can decide on `Expect: 100-continue`: no hook needs the body first, and no option depends on its
	 * size.
	 */
	#mayForwardHead(): boolean {
		const { bodies, pipeline, pool } = this.#context;
		const { framing } = this.#request;
		if (pool === null || framing === null || !hasBody(framing) || !pipeline.isIdle("request")) return false;
		return framing.kind === "length" || !bodies.dependsOnSize;
	}

	#sendContinue(head: ResponseHead): void {
		const { framing } = this.#request;
		if (this.#awaitsContinue && framing !== null && hasBody(framing)) this.#host.sendInterim(head);
		this.#awaitsContinue = false;
	}

	/**
	 * Forwards the request before it is complete, unless a hook that does not need the body answers it. If a hook always
	 * needs the complete body, or there is no server, the body is held in the spool instead.
	 * @param streaming the choice of the hooks; null: they chose nothing
	 */
	#streamRequest(streaming: BodyStreaming | null): void {
		const { pool, pipeline } = this.#context;
		if (pool === null || pipeline.alwaysNeedsRequestBody) {
			this.#bufferInSpool(this.#request);
			return;
		}
		this.#lifecycle.enter("request");
		const forward = () => {
			if (this.#applyDecision()) return;
			this.#request.startStreaming(streaming ?? true, this.#streamOptions(streaming, this.flow.request));
			this.#forward();
			this.#requestStreamed();
		};
		this.#phase("request", forward, "request before body");
	}

	#streamOptions(
		streaming: BodyStreaming | null,
		message: Request | Response,
	): Pick<StreamOptions, "keep" | "openSpool" | "isShort"> {
		const { bodies, openSpool } = this.#context;
		const isOfRequest = message === this.flow.request;
		return {
			keep: this.#isRecorded(streaming, message),
			openSpool: () => openSpool(isOfRequest),
			isShort: () => bodies.isMemoryShort(Number.POSITIVE_INFINITY),
		};
	}

	/** Whether the body of a streamed message is recorded. */
	#isRecorded(streaming: BodyStreaming | null, { headers }: Request | Response): boolean {
		return this.#context.bodies.keeps(streaming !== null) || (streaming === null && isEventStream(headers));
	}

	#refuse(whose: "request" | "response"): void {
		const limit = "exceeds body_size_limit";
		this.#fail(
			whose === "request" ? `The request's body ${limit}.` : `The response's body ${limit}.`,
			whose === "request" ? 413 : 502,
		);
	}

	#requestBodyDone(): void {
		this.#lifecycle.enter("request");
		const { original, request } = this.flow;
		if (original !== null) original.body = request.body;
		this.#phase("request", () => {
			dropUnchangedOriginal(this.flow);
			if (!this.#applyDecision()) this.#forward();
		});
	}

	/** Carries out the decision of the hooks. False: there is none. */
	#applyDecision(): boolean {
		if (this.#applyAbort()) return true;
		const { verdict } = this.#hooks.decision;
		if (verdict?.kind !== "answer") return false;
		this.#hookResponse = new HookResponse(verdict);
		const isDelayed = this.#hookResponse.startDelay(() => {
			this.#useHookResponse(verdict.response);
			this.#host.flush();
		});
		if (isDelayed) this.#lifecycle.enter("delay");
		else this.#useHookResponse(verdict.response);
		return true;
	}

	/** Ends the exchange if a hook aborted it. False: none did. */
	#applyAbort(): boolean {
		const { verdict } = this.#hooks.decision;
		if (verdict?.kind !== "abort") return false;
		this.#fail(verdict.reason, null);
		return true;
	}

	#useHookResponse(response: Response): void {
		this.flow.response = response;
		this.#response.isEnded = true;
		this.#responseHeadDone();
	}

	#forward(): void {
		const { pool } = this.#context;
		dropUnchangedOriginal(this.flow);
		const { request } = this.flow;
		if (pool === null) {
			this.#fail("no hook answered this request, and this proxy does not connect to servers", 502);
			return;
		}
		const body = this.#request.pipe;
		if (body.isLost) {
			this.#fail("the request body could not be buffered: the disk is full or cannot be written", 502);
			return;
		}
		this.#lifecycle.enter("upstream");
		stripHttpUpgrade(request);
		const isTouched = this.#hooks.seesAny("requestheaders", "request");
		if (isTouched) this.#holdHookBody(this.#request, request);
		const length = this.#request.outgoingLength(request, isTouched);
		const { tunnel, clientConn: client } = this.#host;
		const credentials =
			tunnel?.credentials ?? (isForNextProxy(client) ? this.#hooks.decision.proxyAuthorization : null);
		const to = destinationOf(request, tunnel, client, credentials);
		this.#upstreamRequest = new UpstreamRequest(pool, this, {
			to,
			request,
			touched: isTouched || "size" in length,
			length,
			credentials,
			body,
		});
		this.#upstreamRequest.start();
	}

	// — the server —

	get isAwaited(): boolean {
		return !this.#host.isLeaving;
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
		else if (this.flow.request.httpVersion !== "HTTP/1.0") this.#host.sendInterim(head);
	}

	responseHead(head: ResponseHead, framing: Framing, at: number): void {
		if (head.status === 101 && !(this.#mayUpgrade && requestsUpgrade(this.flow.request))) {
			this.requestFailed(upstreamFault("the server switched protocols (101), but the request asked for no upgrade"));
			return;
		}
		if (head.status === 101 && !isRequestedProtocol(head.fields, this.flow.request)) {
			this.requestFailed(
				upstreamFault(
					`the server switched to ${new Headers(head.fields).get("upgrade")} (101), which the request did not ask for`,
				),
			);
			return;
		}
		this.#response.framing = framing;
		this.flow.response = responseOf(head, framing, at);
		const { bodies, pipeline } = this.#context;
		const isEvents = isEventStream(this.flow.response.headers);
		if (isEvents) {
			this.#chunkTimes = new ChunkTimes(at);
			this.flow.metadata.response_chunks = this.#chunkTimes.list;
		}
		this.#hooks.decision.streamsResponse =
			isEvents || bodies.streamsResponse(announcedSize(framing), pipeline.needsResponseBody);
		this.#responseHeadDone();
	}

	responseBody(chunk: Buffer): void {
		const { pipe } = this.#response;
		this.#deliver("response", () => pipe.push(chunk));
		this.#chunkTimes?.record(chunk.length, now());
		if (this.#lifecycle.stage !== "response body") return;
		const { bodies, pipeline } = this.#context;
		if (bodies.exceedsLimit(pipe.size)) this.#refuse("response");
		else if (bodies.streamsResponse(pipe.size, pipeline.needsResponseBody)) this.#streamResponse(null);
		else if (pipe.isReplayable) {
			if (!bodies.isMemoryShort(pipe.size)) this.#bufferInMemory(this.#response);
			else if (pipeline.needsResponseBody) this.#bufferInSpool(this.#response);
			else this.#streamResponse(null);
		}
	}

	#streamLateResponse(): void {
		if (this.#lifecycle.stage === "response body" && !this.#context.pipeline.needsResponseBody) {
			this.#streamResponse(null);
			this.#host.flush();
		}
	}

	responseEnd(trailers: ByteString[] | null, at: number): void {
		const response = this.flow.response as Response;
		const body = this.#response;
		response.timestampEnd = at;
		if (trailers !== null) response.trailers = new Headers(trailers);
		body.isEnded = true;
		if (this.#lateTimer !== null) clearTimeout(this.#lateTimer);
		this.#deliver("response", () => body.pipe.end(trailers));
		response.body = body.pipe.body();
		if (body.isStreamed && this.#lifecycle.stage !== "done")
			this.#hooks.runAfterwards("response", () => this.#endIfAnswered());
		if (this.#lifecycle.stage === "response body") this.#responseBodyDone();
		else this.#endIfAnswered();
	}

	requestFailed(error: FlowtapeError): void {
		const { host, port } = this.flow.request;
		const where = formatAuthority(host, port);
		this.#context.emit({ kind: "upstream_error", message: error.message, destination: where });
		if (error instanceof UpstreamReset) this.#reset = error.reset;
		this.#fail(
			error.code === "FT_PROTOCOL"
				? `the response of ${where} breaks the rules of HTTP: ${error.message}${this.#context.lenient ? "" : LENIENT_HINT}`
				: error.message,
			502,
		);
	}

	// — phases of the response —

	#responseHeadDone(): void {
		const { request, response } = this.flow;
		const isPlainHookResponse = this.#upstreamRequest === null && !this.#hookResponse?.websocket;
		if (!isPlainHookResponse && this.#context.websocket && response !== null && isWebSocket(request, response))
			this.flow.websocket = emptyWebSocket();
		this.#lifecycle.enter("responseheaders");
		this.#phase("responseheaders", () => {
			if (this.#applyAbort()) return;
			this.#lifecycle.enter("response body");
			const { responseStream, streamsResponse } = this.#hooks.decision;
			if (this.#response.isEnded) this.#responseBodyDone();
			else if (this.#context.bodies.exceedsLimit(this.#response.expectedSize)) this.#refuse("response");
			else if (responseStream ?? streamsResponse) this.#streamResponse(responseStream);
		});
	}

	/** Sends the response before it is complete. */
	#streamResponse(streaming: BodyStreaming | null): void {
		this.#response.startStreaming(streaming ?? true, this.#streamOptions(streaming, this.flow.response as Response));
		this.#sendResponse();
	}

	#responseBodyDone(): void {
		if (this.#response.pipe.isLost) {
			this.#fail("the response body could not be buffered: the disk is full or cannot be written", 502);
			return;
		}
		this.#lifecycle.enter("response");
		this.#phase("response", () => {
			if (!this.#applyAbort()) this.#sendResponse();
		});
	}

	#sendResponse(): void {
		const response = this.flow.response as Response;
		if (response.statusCode === 101 && !this.#mayUpgrade) {
			this.#fail("the response is a 101, but the request asked for no upgrade", 502);
			return;
		}
		const { pipeline, wantsFlows } = this.#context;
		const isTouched = this.#hooks.seesAny("responseheaders", "response");
		if (isTouched || this.#hookResponse !== null) this.#holdHookBody(this.#response, response);
		// Hooks that see bodies may have changed this one.
		const pieces = pipeline.needsResponseBody ? null : (this.#hookResponse?.pieces ?? null);
		if (this.#hookResponse?.unfinished != null) {
			this.#sendUnfinished(response, pieces);
			return;
		}
		const body: BodyLength =
			pieces === null ? this.#response.outgoingLength(response, isTouched) : { size: response.bodySize ?? 0 };
		const cached = pipeline.hasSingleHook && !wantsFlows ? (this.#hookResponse?.cached ?? null) : null;
		const { pipe } = this.#response;
		pipe.onCaughtUp = () => this.#responseCaughtUp();
		pipe.onBroken = (error) => this.#fail(messageOf(error), null);
		const writer = this.#host.sendResponse(response, this.flow.request, body, isTouched || "size" in body, cached);
		this.#lifecycle.enter("send response");
		pipe.open(writer);
		if (this.#lifecycle.stage !== "send response") return;
		if (pieces !== null) this.#play(pieces, response);
		this.#endIfComplete();
	}

	/** Everything that has arrived is written to a slow client. */
	#responseCaughtUp(): void {
		if (this.#lifecycle.stage !== "send response") return;
		this.#upstreamRequest?.resume();
		this.#host.flush();
		this.#endIfComplete();
	}

	/** Sends an incomplete recorded response in such a way that the client sees that it is incomplete. */
	#sendUnfinished(response: Response, pieces: readonly Piece[] | null): void {
		const { request } = this.flow;
		const { pipe } = this.#response;
		const framing = unfinishedFraming(response, request.method, response.bodySize ?? 0);
		this.#lifecycle.enter("send response");
		this.#response.isEnded = false;
		// Without a body, the message would look complete.
		if (framing.kind === "none") {
			this.#breakOff();
			return;
		}
		pipe.onCaughtUp = () => this.#stopShort();
		pipe.onBroken = (error) => this.#fail(messageOf(error), null);
		if (pieces === null) pipe.replaceUnfinished(response.body ?? Buffer.alloc(0));
		pipe.open(this.#host.sendResponse(response, request, { framing }, true, null));
		this.#isPlayed = pieces === null;
		if (pieces === null) this.#stopShort();
		else this.#play(pieces, response);
	}

	/** Holds the connection open or closes it once all of an incomplete response is sent. */
	#stopShort(): void {
		if (this.#lifecycle.stage !== "send response" || !this.#isPlayed || this.#response.pipe.isBehind) return;
		if (this.#hookResponse?.unfinished === "break") this.#breakOff();
		else this.#host.flush();
	}

	#play(pieces: readonly Piece[], response: Response): void {
		this.#response.isEnded = false;
		this.#hookResponse?.play(pieces, {
			piece: (bytes) => this.#response.pipe.push(bytes),
			end: () => {
				this.#isPlayed = true;
				if (this.#hookResponse?.unfinished == null) this.responseEnd(response.trailers?.fields.slice() ?? null, now());
				else this.#stopShort();
			},
			flush: () => this.#host.flush(),
		});
	}

	/** Closes the connection as the recorded server did. */
	#breakOff(): void {
		const { flow } = this;
		this.#finish(CUT);
		flow.error = { message: CUT, timestamp: now() };
		flow.ended = "cut";
		this.#phase("error", () => {
			void this.#context.record(flow);
			this.#host.breakOff();
		});
	}

	// — the end —

	#endIfAnswered(): void {
		if (this.#lifecycle.stage === "send response") this.#endIfComplete();
	}

	#endIfComplete(): void {
		if (!this.#response.isEnded || this.#hooks.isRunningAfterwards || this.#response.pipe.isBehind) return;
		// A client that gets no 100 will not send its body.
		if (this.leavesBodyUnread) this.#end(false);
		else if (this.#request.isEnded) {
			const isSwitch = this.flow.response?.statusCode === 101;
			const upstream = this.#upstreamRequest?.takeUpstream() ?? null;
			const script = this.#hookResponse?.websocket ?? null;
			if (isSwitch && upstream !== null) this.#switch(() => upstream.detach());
			else if (isSwitch && script !== null) this.#switch(() => new WebSocketPlayer(script));
			else {
				// A hook's response without a WebSocket cannot switch protocols, nor can a server's 101 whose status a hook
				// changed.
				upstream?.cancel();
				this.#end(!isSwitch);
			}
		}
	}

	/**
	 * Relays another protocol between the client and the server, or between the client and the player of a recorded
	 * WebSocket.
	 */
	#switch(detach: () => Duplex): void {
		const context = this.#context;
		const { flow } = this;
		this.#finish("the connection switches protocols");
		this.#host.flush();
		const client = this.#host.detach();
		const server = detach();
		if (flow.websocket !== null)
			context.track(relayWebSocket({ context, flow, decision: this.#hooks.decision, client, server }));
		else {
			void context.record(flow);
			relayTcp(client, server, {
				context,
				clientConn: this.#host.clientConn,
				serverConn: flow.serverConn,
				record: context.recordTcp,
			});
		}
	}

	#end(reusable: boolean): void {
		this.#finish("complete");
		this.#handBack(reusable);
	}

	/** Records the flow, and returns the connection or stream to the host. */
	#handBack(reusable: boolean): void {
		this.#host.flush();
		this.#host.exchangeDone(reusable, this.#context.record(this.flow));
	}

	/**
	 * Ends the exchange without a complete response. `status`: of the error page; null: no error page. `end`: which side
	 * ended a response that had begun.
	 */
	#fail(message: string, status: ErrorStatus | null, end: "client" | "cut" = "cut"): void {
		const sendsErrorPage = this.#lifecycle.stage !== "send response" && status !== null;
		const { flow } = this;
		this.#finish(message);
		this.#upstreamRequest?.cancel();
		this.#hookResponse?.cancel();
		this.#response.pipe.close();
		if (this.#lateTimer !== null) clearTimeout(this.#lateTimer);
		flow.error = { message, timestamp: now() };
		dropUnchangedOriginal(flow);
		if (flow.response !== null) flow.ended = this.#response.isEnded ? "server" : end;
		// Keep the bytes that have arrived. If none have, the body stays null, because it was not empty.
		if (this.#request.hasStarted) flow.request.body ??= this.#request.pipe.body();
		if (flow.response !== null && this.#response.hasStarted) flow.response.body ??= this.#response.pipe.body();
		this.#phase("error", () => {
			if (sendsErrorPage) {
				this.#host.sendError(status, message, flow.request.method);
				this.#handBack(false);
			} else {
				this.#host.flush();
				void this.#context.record(flow);
				this.#host.abort(this.#reset);
			}
		});
	}
}

// One request and its response while they happen: which phase comes next, who answers, and how it ends. It knows no sockets: the client is
// an `ExchangeHost`, the server an `UpstreamRequest`.
import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import { now } from "../../clock.ts";
import type { FlowtapeError } from "../../errors.ts";
import { bodySlices } from "../../flow/body.ts";
import type { ByteString } from "../../flow/bytes.ts";
import { type ServerConnection, serverConnection } from "../../flow/connection.ts";
import { HttpFlow } from "../../flow/flow.ts";
import { Headers } from "../../flow/headers.ts";
import type { Request, Response } from "../../flow/message.ts";
import { formatAuthority } from "../../flow/url.ts";
import type { BodyStreaming, Piece } from "../../hooks/decision.ts";
import type { Phase } from "../../hooks/hook.ts";
import { ChunkTimes } from "../body/chunk-times.ts";
import { MessageBody } from "../body/message-body.ts";
import type { BodyLength, Passing } from "../body/pipe.ts";
import { announcedSize, isEventStream, PATIENCE_MS } from "../body/policy.ts";
import { upstreamFault } from "../connection/attempt.ts";
import type { ProxyContext } from "../context/context.ts";
import { unfinishedFraming } from "../http1/outgoing.ts";
import { asksForUpgrade, isAskedFor, stripH2cUpgrade } from "../http2/fields.ts";
import { destinationOf, isForNextProxy } from "../route/destination.ts";
import { nameTarget, type Target } from "../route/target.ts";
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
import { originalOf, settleOriginal } from "./original.ts";
import { PhaseRunner } from "./phase-runner.ts";
import { type UpstreamListener, UpstreamRequest } from "./upstream-request.ts";

/** What a client may send before its request is on its way. Bytes. */
const AHEAD_LIMIT = 1024 * 1024;

const BROKEN_OFF = "The recorded response broke off here.";
const LENIENCE = "; --no-validate-inbound-headers lets pass what can be understood all the same";

const CONTINUE: ResponseHead = { version: "HTTP/1.1", status: 100, reason: "Continue", fields: [] };

export class Exchange implements UpstreamListener {
	readonly flow: HttpFlow;
	readonly #host: ExchangeHost;
	readonly #context: ProxyContext;
	readonly #hooks: PhaseRunner;
	readonly #lifecycle: Lifecycle;
	readonly #request: MessageBody;
	readonly #response = new MessageBody(null);
	/** The client wants to hear `100 Continue`, and has not yet. */
	#awaitsContinue: boolean;
	/** Whether the client asked to change to another protocol: nothing else may be the reason for one (RFC 9110 section 7.8). */
	readonly #mayUpgrade: boolean;
	#query: UpstreamRequest | null = null;
	/** What a hook answers. */
	#given: HookResponse | null = null;
	#impatience: NodeJS.Timeout | null = null;
	#chunkTimes: ChunkTimes | null = null;
	#reset: number | null = null;
	/** All pieces of a given answer were told. */
	#isPlayed = false;

	/** A request as it comes; its body is still to be brought. `authority`: the pseudo-field of HTTP/2. */
	static live(host: ExchangeHost, head: RequestHead, framing: Framing, target: Target, authority: ByteString = ""): Exchange {
		const request = requestOf(head, framing, target, authority, host.receivedAt);
		if (host.tunnel !== null) nameTarget(request, host.tunnel);
		return new Exchange(host, request, framing, expectsContinue(head.version, head.fields));
	}

	/** A request that is all there, whatever its fields say of its body; to be ended at once. */
	static whole(host: ExchangeHost, request: Request): Exchange {
		return new Exchange(host, request, null, false);
	}

	private constructor(host: ExchangeHost, request: Request, framing: Framing | null, awaitsContinue: boolean) {
		this.#host = host;
		this.#context = host.context.for(request.host);
		this.#request = new MessageBody(framing);
		this.#awaitsContinue = awaitsContinue;
		this.#mayUpgrade = asksForUpgrade(request);
		this.flow = new HttpFlow({
			id: randomUUID(),
			clientConn: host.facts,
			serverConn: () => serverConnection({ id: randomUUID(), address: [request.host, request.port] }),
			request,
			timestampCreated: host.receivedAt,
		});
		this.#lifecycle = new Lifecycle(this.flow.id);
		this.#hooks = new PhaseRunner(this.#context, this.flow, host);
		this.#hooks.decision.proxyAuthorization = takeProxyFields(request.headers);
		if (request.trailers !== null) takeProxyFields(request.trailers);
	}

	/** To be called once, when the host knows it. */
	start(): void {
		const { bodies, pipeline } = this.#context;
		const { request } = this.flow;
		const isEvents = request.body === null && isEventStream(request.headers);
		if (pipeline.changesRequests) this.flow.original = originalOf(request);
		this.#hooks.decision.passesRequest = isEvents || bodies.streams(announcedSize(this.#request.framing), pipeline.needsRequestBody);
		this.#phase("requestheaders", () => this.#requestHeadersDone());
	}

	// — the client —

	requestBody(chunk: Buffer): void {
		if (this.#request.framing === null || this.#lifecycle.stage === "over") return;
		this.#bring("request", () => this.#request.relay.push(chunk));
		if (this.#lifecycle.stage !== "request body") return;
		const { bodies, pipeline } = this.#context;
		const { relay } = this.#request;
		if (bodies.refuses(relay.size)) this.#refuse("request");
		else if (relay.isReplayable) {
			if (bodies.streams(relay.size, pipeline.needsRequestBody)) this.#passRequest(null);
			else if (!bodies.lacksRoom(relay.size)) this.#wait(this.#request);
			else if (pipeline.needsRequestBody) this.#waitElsewhere(this.#request);
			else this.#passRequest(null);
		}
	}

	/** What has come waits in memory until the message is whole. */
	#wait(passage: MessageBody): void {
		this.#context.bodies.wait(passage.relay.size - passage.waiting);
		passage.waiting = passage.relay.size;
	}

	/** What is not whole yet waits where the tape keeps it. */
	#waitElsewhere(passage: MessageBody): void {
		passage.relay.pass({ keep: true, openSpool: () => this.#context.openSpool(passage === this.#request), transform: null, held: true, isShort: () => true });
		this.#stopWaiting(passage);
	}

	/** A large body that a hook made waits until it is taken, where the tape keeps it if there are many. */
	#holdMade(passage: MessageBody, message: Request | Response): void {
		const { body } = message;
		if (!Buffer.isBuffer(body) || body.length <= AHEAD_LIMIT || body === passage.relay.body()) return;
		if (this.#context.bodies.hold(body, this.#given === null)) passage.made = body;
		else {
			const spool = this.#context.openSpool();
			if (spool === null) return;
			for (const piece of bodySlices(body)) spool.write(piece);
			message.body = spool.end() ?? body;
		}
	}

	/** Nothing of it waits in memory any more. */
	#stopWaiting(passage: MessageBody): void {
		if (passage.waiting > 0) this.#context.bodies.wait(-passage.waiting);
		if (passage.made !== null) this.#context.bodies.release(passage.made);
		passage.waiting = 0;
		passage.made = null;
	}

	/** From here on nothing of this exchange happens. */
	#finish(reason: string): void {
		this.#lifecycle.enter("over", reason);
		this.#stopWaiting(this.#request);
		this.#stopWaiting(this.#response);
	}

	/** What a script makes of a chunk, or of the end, can go wrong: then the exchange ends, as what it was meant to be is not known. */
	#bring(phase: "request" | "response", bring: () => void): void {
		try {
			bring();
		} catch (error) {
			this.#hookFailed(phase, error);
		}
	}

	requestEnd(trailers: ByteString[] | null): void {
		const { request } = this.flow;
		const passage = this.#request;
		passage.isEnded = true;
		request.timestampEnd = this.#host.receivedAt;
		if (passage.framing !== null) {
			const kept = withoutProxyFields(trailers);
			request.trailers = kept === null ? null : new Headers(kept);
			this.#bring("request", () => passage.relay.end(kept));
			request.body = passage.relay.body();
			if (this.flow.original !== null) this.flow.original.body ??= request.body;
		}
		if (this.#lifecycle.stage === "request body") this.#requestBodyDone();
		else {
			if (passage.isPassing && this.#lifecycle.stage !== "over") this.#hooks.lookBack("request", () => this.#endIfAnswered());
			this.#endIfAnswered();
		}
	}

	/** The client has gone, or what it sends cannot be understood; then it is told so with a status. */
	clientFailed(message: string, status: ErrorStatus | null): void {
		if (this.#lifecycle.stage !== "over") this.#fail(message, status, status === null ? "client" : "cut");
	}

	/** The proxy ends: the flow goes to the tape as it is. */
	stop(): void {
		this.clientFailed("The proxy was stopped before the exchange was complete.", null);
	}

	/** The client takes no more of the response for now; and takes it again. */
	pauseResponse(): void {
		this.#query?.pause();
		this.#given?.pause();
	}

	resumeResponse(): void {
		this.#response.relay.resume();
		if (this.#response.relay.isBehind) return;
		this.#query?.resume();
		this.#given?.resume();
	}

	/** Writes what was added for the server. */
	flushRequest(): void {
		if (this.#query === null || this.#query.flushRequest() || this.#request.isEnded) return;
		if (this.#lifecycle.stage !== "server" || this.#request.relay.size > AHEAD_LIMIT) this.#host.pauseRequest();
	}

	resumeRequest(): void {
		this.#host.resumeRequest();
	}

	/** Who waits for a response that is not whole yet gets in the end what there is of it. */
	flush(): void {
		if (this.#lifecycle.stage === "response body" && this.#response.relay.size > 0)
			this.#impatience ??= setTimeout(() => this.#passLateResponse(), PATIENCE_MS).unref();
		if (this.#response.relay.isBehind) this.#query?.pause();
		this.#host.flush();
	}

	// — phases of the request —

	/** Runs the hooks of a phase, then `next` unless the exchange has ended meanwhile. */
	#phase(phase: Phase, next: () => void): void {
		if (this.#context.pipeline.isIdle(phase)) {
			try {
				next();
			} catch (error) {
				this.#hookFailed(phase, error);
			}
			return;
		}
		const stage = this.#lifecycle.stage;
		const go = () => {
			if (this.#lifecycle.stage === stage) next();
		};
		this.#hooks.run(phase, go, (error) => {
			this.#hookFailed(phase, error);
			// It has failed already, and ends as it would have.
			if (phase === "error") go();
		});
	}

	/** Not to let pass what a hook should have changed or stopped. */
	#hookFailed(phase: Phase, error: unknown): void {
		this.#context.emit({ kind: "hook_error", phase, error });
		const why = error instanceof Error ? error.message : String(error);
		if (this.#lifecycle.stage !== "over") this.#fail(`a hook failed at ${phase}: ${why}`, 502);
	}

	#requestHeadersDone(): void {
		if (this.#isDecided()) return;
		this.#lifecycle.enter("request body");
		if (this.#context.bodies.refuses(this.#request.expectedSize)) {
			this.#refuse("request");
			return;
		}
		const { requestStream, passesRequest } = this.#hooks.decision;
		if (this.#request.isEnded) this.#requestBodyDone();
		else if (requestStream ?? passesRequest) this.#passRequest(requestStream);
		else if (this.#awaitsContinue && this.#mayGoAhead()) {
			this.#request.pass(true, { keep: true, openSpool: () => this.#context.openSpool(true) });
			this.#forward();
		}
		// Who has to see the body first, or takes it in the place of a server, wants it (RFC 9110 section 10.1.1).
		if (this.#lifecycle.stage === "request body") this.#sendContinue(CONTINUE);
	}

	/** Whether the server can be asked for the body before that has come: no hook sees it first, and no option is about its size. */
	#mayGoAhead(): boolean {
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
	 * The request goes on before it is whole, unless a hook must see it first: then it waits where the tape keeps it.
	 * @param said what hooks said of it; null: nothing
	 */
	#passRequest(said: BodyStreaming | null): void {
		const { pool, pipeline } = this.#context;
		if (pool === null || pipeline.insistsOnRequestBody) {
			this.#waitElsewhere(this.#request);
			return;
		}
		this.#request.pass(said ?? true, this.#passing(said, this.flow.request));
		this.#forward();
	}

	#passing(said: BodyStreaming | null, message: Request | Response): Pick<Passing, "keep" | "openSpool" | "isShort"> {
		const { bodies, openSpool } = this.#context;
		const isOfRequest = message === this.flow.request;
		return { keep: this.#isKept(said, message), openSpool: () => openSpool(isOfRequest), isShort: () => bodies.lacksRoom(Number.POSITIVE_INFINITY) };
	}

	/** Whether the tape gets the body of a message that passes as it comes. */
	#isKept(said: BodyStreaming | null, { headers }: Request | Response): boolean {
		return this.#context.bodies.keeps(said !== null) || (said === null && isEventStream(headers));
	}

	#refuse(whose: "request" | "response"): void {
		const limit = "exceeds body_size_limit";
		this.#fail(whose === "request" ? `The request's body ${limit}.` : `The response's body ${limit}.`, whose === "request" ? 413 : 502);
	}

	#requestBodyDone(): void {
		this.#lifecycle.enter("request");
		const { original, request } = this.flow;
		if (original !== null) original.body = request.body;
		this.#phase("request", () => {
			settleOriginal(this.flow);
			if (!this.#isDecided()) this.#forward();
		});
	}

	/** Carries out the verdict of the hooks, if there is one. */
	#isDecided(): boolean {
		if (this.#isAborted()) return true;
		const { verdict } = this.#hooks.decision;
		if (verdict?.kind !== "answer") return false;
		this.#given = new HookResponse(verdict);
		const waits = this.#given.waits(() => {
			this.#answered(verdict.response);
			this.#host.flush();
		});
		if (waits) this.#lifecycle.enter("wait");
		else this.#answered(verdict.response);
		return true;
	}

	/** A hook hangs up: nothing is sent from here on. */
	#isAborted(): boolean {
		const { verdict } = this.#hooks.decision;
		if (verdict?.kind !== "abort") return false;
		this.#fail(verdict.reason, null);
		return true;
	}

	#answered(response: Response): void {
		this.flow.response = response;
		this.#response.isEnded = true;
		this.#responseHeadDone();
	}

	#forward(): void {
		const { pool } = this.#context;
		settleOriginal(this.flow);
		const { request } = this.flow;
		if (pool === null) {
			this.#fail("no hook answered this request, and this proxy does not connect to servers", 502);
			return;
		}
		const body = this.#request.relay;
		if (body.isLost) {
			this.#fail("the request's body had to wait until it was whole, and there is no room for it on the disk", 502);
			return;
		}
		this.#lifecycle.enter("server");
		stripH2cUpgrade(request);
		const isTouched = this.#hooks.seesAny("requestheaders", "request");
		if (isTouched) this.#holdMade(this.#request, request);
		const facts = this.#request.settle(request, isTouched);
		const { tunnel, facts: client } = this.#host;
		const credentials = tunnel?.credentials ?? (isForNextProxy(client) ? this.#hooks.decision.proxyAuthorization : null);
		const to = destinationOf(request, tunnel, client, credentials);
		this.#query = new UpstreamRequest(pool, this, { to, request, touched: isTouched || "size" in facts, facts, credentials, body });
		this.#query.start();
	}

	// — the server —

	get isAwaited(): boolean {
		return !this.#host.isLeaving;
	}

	asked(facts: ServerConnection): void {
		this.flow.serverConn = facts;
	}

	/** A 100 is for who waits for it; the others are for clients that understand them (RFC 9110 section 15.2). */
	interim(head: ResponseHead): void {
		if (head.status === 100) this.#sendContinue(head);
		else if (this.flow.request.httpVersion !== "HTTP/1.0") this.#host.sendInterim(head);
	}

	responseHead(head: ResponseHead, framing: Framing, at: number): void {
		if (head.status === 101 && !(this.#mayUpgrade && asksForUpgrade(this.flow.request))) {
			this.askFailed(upstreamFault("the server changes to another protocol (101), and the request asks for no upgrade"));
			return;
		}
		if (head.status === 101 && !isAskedFor(head.fields, this.flow.request)) {
			this.askFailed(upstreamFault(`the server changes to ${new Headers(head.fields).get("upgrade")} (101), which the request does not ask for`));
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
		this.#hooks.decision.passesResponse = isEvents || bodies.streamsResponse(announcedSize(framing), pipeline.needsResponseBody);
		this.#responseHeadDone();
	}

	responseBody(chunk: Buffer): void {
		const { relay } = this.#response;
		this.#bring("response", () => relay.push(chunk));
		this.#chunkTimes?.add(chunk.length, now());
		if (this.#lifecycle.stage !== "response body") return;
		const { bodies, pipeline } = this.#context;
		if (bodies.refuses(relay.size)) this.#refuse("response");
		else if (bodies.streamsResponse(relay.size, pipeline.needsResponseBody)) this.#passResponse(null);
		else if (relay.isReplayable) {
			if (!bodies.lacksRoom(relay.size)) this.#wait(this.#response);
			else if (pipeline.needsResponseBody) this.#waitElsewhere(this.#response);
			else this.#passResponse(null);
		}
	}

	#passLateResponse(): void {
		if (this.#lifecycle.stage === "response body" && !this.#context.pipeline.needsResponseBody) {
			this.#passResponse(null);
			this.#host.flush();
		}
	}

	responseEnd(trailers: ByteString[] | null, at: number): void {
		const response = this.flow.response as Response;
		const passage = this.#response;
		response.timestampEnd = at;
		if (trailers !== null) response.trailers = new Headers(trailers);
		passage.isEnded = true;
		if (this.#impatience !== null) clearTimeout(this.#impatience);
		this.#bring("response", () => passage.relay.end(trailers));
		response.body = passage.relay.body();
		if (passage.isPassing && this.#lifecycle.stage !== "over") this.#hooks.lookBack("response", () => this.#endIfAnswered());
		if (this.#lifecycle.stage === "response body") this.#responseBodyDone();
		else this.#endIfAnswered();
	}

	askFailed(error: FlowtapeError): void {
		const { host, port } = this.flow.request;
		const where = formatAuthority(host, port);
		this.#context.emit({ kind: "upstream_error", message: error.message, destination: where });
		if (error instanceof UpstreamReset) this.#reset = error.reset;
		this.#fail(
			error.code === "FT_PROTOCOL"
				? `the answer of ${where} breaks the rules of HTTP: ${error.message}${this.#context.lenient ? "" : LENIENCE}`
				: error.message,
			502,
		);
	}

	// — phases of the response —

	#responseHeadDone(): void {
		const { request, response } = this.flow;
		const isOurs = this.#query === null && !this.#given?.websocket;
		if (!isOurs && this.#context.websocket && response !== null && isWebSocket(request, response)) this.flow.websocket = emptyWebSocket();
		this.#lifecycle.enter("responseheaders");
		this.#phase("responseheaders", () => {
			if (this.#isAborted()) return;
			this.#lifecycle.enter("response body");
			const { responseStream, passesResponse } = this.#hooks.decision;
			if (this.#response.isEnded) this.#responseBodyDone();
			else if (this.#context.bodies.refuses(this.#response.expectedSize)) this.#refuse("response");
			else if (responseStream ?? passesResponse) this.#passResponse(responseStream);
		});
	}

	/** The response goes on before it is whole. */
	#passResponse(said: BodyStreaming | null): void {
		this.#response.pass(said ?? true, this.#passing(said, this.flow.response as Response));
		this.#answer();
	}

	#responseBodyDone(): void {
		if (this.#response.relay.isLost) {
			this.#fail("the response's body had to wait until it was whole, and there is no room for it on the disk", 502);
			return;
		}
		this.#lifecycle.enter("response");
		this.#phase("response", () => {
			if (!this.#isAborted()) this.#answer();
		});
	}

	#answer(): void {
		const response = this.flow.response as Response;
		if (response.statusCode === 101 && !this.#mayUpgrade) {
			this.#fail("the answer is a 101, and the request did not ask for an upgrade", 502);
			return;
		}
		const { pipeline, wantsFlows } = this.#context;
		const isTouched = this.#hooks.seesAny("responseheaders", "response");
		if (isTouched || this.#given !== null) this.#holdMade(this.#response, response);
		// Hooks that see bodies may have changed it.
		const pieces = pipeline.needsResponseBody ? null : (this.#given?.pieces ?? null);
		if (this.#given?.unfinished != null) {
			this.#answerUnfinished(response, pieces);
			return;
		}
		const body: BodyLength = pieces === null ? this.#response.settle(response, isTouched) : { size: response.bodySize ?? 0 };
		const standing = pipeline.isOneAlone && !wantsFlows ? (this.#given?.standing ?? null) : null;
		const { relay } = this.#response;
		relay.onCaughtUp = () => this.#responseCaughtUp();
		relay.onBroken = (error) => this.#fail(error instanceof Error ? error.message : String(error), null);
		const writer = this.#host.sendResponse(response, this.flow.request, body, isTouched || "size" in body, standing);
		this.#lifecycle.enter("answer");
		relay.open(writer);
		if (this.#lifecycle.stage !== "answer") return;
		if (pieces !== null) this.#play(pieces, response);
		this.#endIfComplete();
	}

	/** A slow client has got all that has come. */
	#responseCaughtUp(): void {
		if (this.#lifecycle.stage !== "answer") return;
		this.#query?.resume();
		this.#host.flush();
		this.#endIfComplete();
	}

	/** A recorded answer that never was whole: nobody shall take it for one. */
	#answerUnfinished(response: Response, pieces: readonly Piece[] | null): void {
		const { request } = this.flow;
		const { relay } = this.#response;
		const framing = unfinishedFraming(response, request.method, response.bodySize ?? 0);
		this.#lifecycle.enter("answer");
		this.#response.isEnded = false;
		// a head alone would be all of it
		if (framing.kind === "none") {
			this.#breakOff();
			return;
		}
		relay.onCaughtUp = () => this.#stopShort();
		relay.onBroken = (error) => this.#fail(error instanceof Error ? error.message : String(error), null);
		if (pieces === null) relay.replaceUnfinished(response.body ?? Buffer.alloc(0));
		relay.open(this.#host.sendResponse(response, request, { framing }, true, null));
		this.#isPlayed = pieces === null;
		if (pieces === null) this.#stopShort();
		else this.#play(pieces, response);
	}

	/** Once all is sent that there is of an unfinished answer. */
	#stopShort(): void {
		if (this.#lifecycle.stage !== "answer" || !this.#isPlayed || this.#response.relay.isBehind) return;
		if (this.#given?.unfinished === "break") this.#breakOff();
		else this.#host.flush();
	}

	#play(pieces: readonly Piece[], response: Response): void {
		this.#response.isEnded = false;
		this.#given?.play(pieces, {
			piece: (bytes) => this.#response.relay.push(bytes),
			end: () => {
				this.#isPlayed = true;
				if (this.#given?.unfinished == null) this.responseEnd(response.trailers?.fields.slice() ?? null, now());
				else this.#stopShort();
			},
			flush: () => this.#host.flush(),
		});
	}

	/** Ends as the recording did that is replayed. */
	#breakOff(): void {
		const { flow } = this;
		this.#finish(BROKEN_OFF);
		flow.error = { message: BROKEN_OFF, timestamp: now() };
		flow.ended = "cut";
		this.#phase("error", () => {
			void this.#context.record(flow);
			this.#host.breakOff();
		});
	}

	// — the end —

	#endIfAnswered(): void {
		if (this.#lifecycle.stage === "answer") this.#endIfComplete();
	}

	#endIfComplete(): void {
		if (!this.#response.isEnded || this.#hooks.isLookingBack || this.#response.relay.isBehind) return;
		// A client that waits for a 100 which does not come will not send its body.
		if (!this.#request.hasCome && this.#awaitsContinue) this.#end(false);
		else if (this.#request.isEnded) {
			const isSwitch = this.flow.response?.statusCode === 101;
			const upstream = this.#query?.takeUpstream() ?? null;
			const script = this.#given?.websocket ?? null;
			if (isSwitch && upstream !== null) this.#switch(() => upstream.detach());
			else if (isSwitch && script !== null) this.#switch(() => new WebSocketPlayer(script));
			else {
				// The answer of a hook changes to no other protocol, and where a hook has changed the server's no other is spoken.
				upstream?.cancel();
				this.#end(!isSwitch);
			}
		}
	}

	/** The server has changed to another protocol, or what stands for it. */
	#switch(detach: () => Duplex): void {
		const context = this.#context;
		const { flow } = this;
		this.#finish("the connection changes its protocol");
		this.#host.flush();
		const client = this.#host.detach();
		const server = detach();
		if (flow.websocket !== null) context.track(relayWebSocket({ context, flow, decision: this.#hooks.decision, client, server }));
		else {
			void context.record(flow);
			relayTcp(client, server, { context, facts: this.#host.facts, serverConn: flow.serverConn, record: context.recordTcp });
		}
	}

	#end(reusable: boolean): void {
		this.#finish("complete");
		this.#handBack(reusable);
	}

	/** The flow goes to the tape, and the host gets its connection or stream back. */
	#handBack(reusable: boolean): void {
		this.#host.flush();
		this.#host.exchangeDone(reusable, this.#context.record(this.flow));
	}

	/** Ends without a whole response. `status` null: there is nobody to tell, or nothing shall be told. `end`: how a response ended that had begun. */
	#fail(message: string, status: ErrorStatus | null, end: "client" | "cut" = "cut"): void {
		const isTold = this.#lifecycle.stage !== "answer" && status !== null;
		const { flow } = this;
		this.#finish(message);
		this.#query?.cancel();
		this.#given?.cancel();
		this.#response.relay.close();
		if (this.#impatience !== null) clearTimeout(this.#impatience);
		flow.error = { message, timestamp: now() };
		settleOriginal(flow);
		if (flow.response !== null) flow.ended = this.#response.isEnded ? "server" : end;
		// What has come is kept; of a body that nothing has come of it is not said that it was empty.
		if (this.#request.hasCome) flow.request.body ??= this.#request.relay.body();
		if (flow.response !== null && this.#response.hasCome) flow.response.body ??= this.#response.relay.body();
		this.#phase("error", () => {
			if (isTold) {
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

// One request and its response while they happen: which phase comes next, who answers, and how it ends. It knows no sockets: the client is
// an `ExchangeHost`, the server a `Query`.
import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import type { FlowtapeError } from "../errors.ts";
import type { ByteString } from "../flow/bytes.ts";
import { type ClientConnection, type ServerConnection, serverConnection } from "../flow/connection.ts";
import { HttpFlow } from "../flow/flow.ts";
import { Headers } from "../flow/headers.ts";
import { Request, Response } from "../flow/message.ts";
import { formatAuthority } from "../flow/url.ts";
import { type BodyStreaming, type Delivery, type Phase, type Piece, Turn, type Verdict } from "../hooks/hook.ts";
import { announcedSize, isEventStream, PATIENCE_MS } from "./body-policy.ts";
import { now } from "./clock.ts";
import type { ProxyContext } from "./context.ts";
import type { Destination } from "./destination.ts";
import type { ErrorStatus } from "./error-page.ts";
import { isHttp2, isWebSocketUpgrade } from "./http2-fields.ts";
import { PacedBody } from "./paced-body.ts";
import { type Asker, Query } from "./query.ts";
import { type BodyFacts, type BodyWriter, Relay } from "./relay.ts";
import { nameTarget, type Target, type TunnelTarget } from "./target.ts";
import { relayTcp } from "./tcp-relay.ts";
import { UpstreamReset } from "./upstream-channel.ts";
import { WebSocketPlayer } from "./websocket/player.ts";
import { emptyWebSocket, isWebSocket, relayWebSocket } from "./websocket.ts";
import { type Framing, hasBody } from "./wire/framing.ts";
import type { RequestHead, ResponseHead } from "./wire/head.ts";
import { expectsContinue, upgradeOf } from "./wire/hop-by-hop.ts";

/** The client's side of an exchange, in whatever version of HTTP the client speaks: a connection, or a stream of one. */
export interface ExchangeHost {
	readonly context: ProxyContext;
	readonly facts: ClientConnection;
	readonly tunnel: TunnelTarget | null;
	/** When the last bytes came from the client; seconds. */
	readonly receivedAt: number;
	/** Hold back the rest of the request, or let it come again. */
	pauseRequest(): void;
	resumeRequest(): void;
	/** A response (1xx) before the final one. */
	sendInterim(head: ResponseHead): void;
	/** Sends the head of the response; the body goes to what comes back. `touched`: a hook made the response or may have changed it. */
	sendResponse(response: Response, request: Request, body: BodyFacts, touched: boolean): BodyWriter;
	/** Answers with a page of our own; nothing may follow. */
	sendError(status: ErrorStatus, message: string, method: ByteString): void;
	/** Writes what was added on both sides. */
	flush(): void;
	/** The exchange is over and on the tape. The client can send another unless not `reusable`; nothing new may begin before `wait` resolves. */
	exchangeDone(reusable: boolean, wait: Promise<void> | undefined): void;
	/** Hangs up, so that the client sees that what it got is not whole. `reset`: the code with which the server did so, where it gave one. */
	abort(reset: number | null): void;
	/** The other protocol's bytes, both ways; the host reads and writes no more. Whoever takes them has to resume the stream. */
	detach(): Duplex;
}

/** Where an exchange stands: a phase, or what it waits for. */
type Stage = "requestheaders" | "request body" | "request" | "wait" | "server" | "responseheaders" | "response body" | "response" | "answer" | "over";

type Answer = Extract<Verdict, { kind: "answer" }>;

const EMPTY: Buffer = Buffer.alloc(0);
/** What a client may send before its request is on its way. Bytes. */
const AHEAD_LIMIT = 1024 * 1024;

/** Parts of an event stream of which the time is kept. */
const CHUNK_COUNT = 100_000;

const CONTINUE: ResponseHead = { version: "HTTP/1.1", status: 100, reason: "Continue", fields: [] };

export class Exchange implements Asker {
	readonly flow: HttpFlow;
	readonly #host: ExchangeHost;
	readonly #context: ProxyContext;
	readonly #turn = new Turn(true);
	#stage: Stage = "requestheaders";
	#query: Query | null = null;
	/** As the client sends it; null once the hooks gave the request another body. */
	#requestFraming: Framing | null;
	readonly #request = new Relay();
	#requestEnded = false;
	/** The request passes as it comes; its hooks look back at it. */
	#requestPasses = false;
	#awaitsContinue: boolean;
	/** As the server sends it; null where a hook answers. */
	#responseFraming: Framing | null = null;
	readonly #response = new Relay();
	#responseEnded = false;
	/** The response passes as it comes. */
	#responsePasses = false;
	/** Hooks that see a message which has passed already. */
	#aside = 0;
	#impatience: NodeJS.Timeout | null = null;
	/** When each part of an event stream came: milliseconds since the head, and bytes. */
	#chunks: [age: number, size: number][] | null = null;
	/** How the answer of a hook is given; null: whole and at once. */
	#delivery: Delivery | null = null;
	#paced: PacedBody | null = null;
	#timer: NodeJS.Timeout | null = null;
	#reset: number | null = null;

	/** A request as it comes; its body is still to be brought. `authority`: the pseudo-field of HTTP/2. */
	static live(host: ExchangeHost, head: RequestHead, framing: Framing, target: Target, authority: ByteString = ""): Exchange {
		const request = new Request({
			method: head.method,
			scheme: target.scheme,
			host: target.host,
			port: target.port,
			authority,
			path: target.path,
			httpVersion: head.version,
			headers: new Headers(head.fields),
			body: hasBody(framing) ? null : EMPTY,
			timestampStart: host.receivedAt,
		});
		if (host.tunnel !== null) nameTarget(request, host.tunnel);
		const isWaiting = expectsContinue(head.version, head.fields);
		// It is between the client and us (RFC 9110 section 10.1.1): we answer it.
		if (isWaiting) request.headers.delete("expect");
		return new Exchange(host, request, framing, isWaiting);
	}

	/** A request that is all there, whatever its fields say of its body; to be ended at once. */
	static whole(host: ExchangeHost, request: Request): Exchange {
		return new Exchange(host, request, null, false);
	}

	private constructor(host: ExchangeHost, request: Request, framing: Framing | null, awaitsContinue: boolean) {
		this.#host = host;
		this.#context = host.context.for(request.host);
		this.#requestFraming = framing;
		this.#awaitsContinue = awaitsContinue;
		this.flow = new HttpFlow({
			id: randomUUID(),
			clientConn: host.facts,
			serverConn: () => serverConnection({ id: randomUUID(), address: [request.host, request.port] }),
			request,
			timestampCreated: host.receivedAt,
		});
	}

	/** To be called once, when the host knows it. */
	start(): void {
		const { bodies, pipeline } = this.#context;
		const { request } = this.flow;
		const isEvents = request.body === null && isEventStream(request.headers);
		this.#turn.requestStream = isEvents || bodies.streams(announcedSize(this.#requestFraming), pipeline.needsRequestBody);
		if (this.#context.pipeline.isIdle("requestheaders")) this.#requestHeadersDone();
		else this.#phase("requestheaders", () => this.#requestHeadersDone());
	}

	// — the client —

	requestBody(chunk: Buffer): void {
		if (this.#requestFraming === null || this.#stage === "over") return;
		this.#bring("request", () => this.#request.push(chunk));
		if (this.#stage !== "request body") return;
		const { bodies, pipeline } = this.#context;
		if (bodies.refuses(this.#request.size)) this.#refuse("request");
		else if (this.#request.isReplayable && bodies.streams(this.#request.size, pipeline.needsRequestBody)) this.#passRequest(true);
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
		this.#requestEnded = true;
		request.timestampEnd = this.#host.receivedAt;
		if (this.#requestFraming !== null) {
			request.trailers = trailers === null ? null : new Headers(trailers);
			this.#bring("request", () => this.#request.end(trailers));
			request.body = this.#request.body();
		}
		if (this.#stage === "request body") this.#requestBodyDone();
		else {
			if (this.#requestPasses && this.#stage !== "over") this.#lookBack("request");
			if (this.#stage === "answer") this.#endIfComplete();
		}
	}

	/** Hooks see a message that has passed already: nothing they do changes what was sent. The exchange ends when they are through. */
	#lookBack(phase: "request" | "response"): void {
		if (this.#context.pipeline.isIdle(phase)) return;
		const fail = (error: unknown) => this.#context.emit({ kind: "hook_error", phase, error });
		try {
			const wait = this.#context.pipeline.run(phase, this.flow, this.#turn);
			if (wait === undefined) return;
			this.#aside++;
			const done = () => {
				this.#aside--;
				if (this.#stage === "answer") this.#endIfComplete();
				this.#host.flush();
			};
			this.#context.track(wait.catch(fail).then(done));
		} catch (error) {
			fail(error);
		}
	}

	/** The client has gone, or what it sends cannot be understood; then it is told so with a status. */
	clientFailed(message: string, status: ErrorStatus | null): void {
		if (this.#stage !== "over") this.#fail(message, status);
	}

	/** The proxy ends: the flow goes to the tape as it is. */
	stop(): void {
		this.clientFailed("The proxy was stopped before the exchange was complete.", null);
	}

	/** The client takes no more of the response for now; and takes it again. */
	pauseResponse(): void {
		this.#query?.pause();
		this.#paced?.pause();
	}

	resumeResponse(): void {
		this.#query?.resume();
		this.#paced?.resume();
	}

	/** Writes what was added for the server. */
	flushRequest(): void {
		if (this.#query === null || this.#query.flushRequest() || this.#requestEnded) return;
		if (this.#stage !== "server" || this.#request.size > AHEAD_LIMIT) this.#host.pauseRequest();
	}

	resumeRequest(): void {
		this.#host.resumeRequest();
	}

	flush(): void {
		this.#host.flush();
	}

	// — phases of the request —

	/** Runs the hooks of a phase, then `next` unless the exchange has ended meanwhile. */
	#phase(phase: Phase, next: () => void): void {
		const stage = this.#stage;
		const go = () => {
			if (this.#stage === stage) next();
		};
		const fail = (error: unknown) => {
			this.#hookFailed(phase, error);
			// It has failed already, and ends as it would have.
			if (phase === "error") go();
		};
		try {
			const wait = this.#context.pipeline.run(phase, this.flow, this.#turn);
			if (wait === undefined) go();
			else this.#context.track(wait.then(go, fail).then(() => this.#host.flush()));
		} catch (error) {
			fail(error);
		}
	}

	/** Not to let pass what a hook should have changed or stopped. */
	#hookFailed(phase: Phase, error: unknown): void {
		this.#context.emit({ kind: "hook_error", phase, error });
		const why = error instanceof Error ? error.message : String(error);
		if (this.#stage !== "over") this.#fail(`a hook failed at ${phase}: ${why}`, 502);
	}

	#requestHeadersDone(): void {
		if (this.#isDecided()) return;
		this.#stage = "request body";
		if (this.#context.bodies.refuses(Math.max(this.#request.size, announcedSize(this.#requestFraming)))) {
			this.#refuse("request");
			return;
		}
		if (this.#awaitsContinue) this.#host.sendInterim(CONTINUE);
		this.#awaitsContinue = false;
		if (this.#requestEnded) this.#requestBodyDone();
		else if (this.#turn.requestStream !== false) this.#passRequest(this.#turn.requestStream);
	}

	/** The request goes on before it is whole, unless a hook must see it first: then it waits where the tape keeps it. */
	#passRequest(stream: BodyStreaming): void {
		const { pipeline, bodies, openSpool } = this.#context;
		if (this.#context.pool === null || pipeline.insistsOnRequestBody) {
			this.#request.pass({ keep: true, openSpool, transform: null, held: true });
			return;
		}
		const transform = typeof stream === "function" ? stream : null;
		const isEvents = isEventStream(this.flow.request.headers);
		this.#requestPasses = true;
		this.#request.pass({ keep: bodies.keeps(transform !== null) || isEvents, openSpool, transform });
		if (transform !== null) this.#requestFraming = reframed(this.#requestFraming);
		this.#forward();
	}

	#refuse(whose: "request" | "response"): void {
		const limit = "exceeds body_size_limit";
		this.#fail(whose === "request" ? `The request's body ${limit}.` : `The response's body ${limit}.`, whose === "request" ? 413 : 502);
	}

	#requestBodyDone(): void {
		this.#stage = "request";
		if (this.#context.pipeline.isIdle("request")) this.#forward();
		else
			this.#phase("request", () => {
				if (!this.#isDecided()) this.#forward();
			});
	}

	/** Carries out the verdict of the hooks, if there is one. */
	#isDecided(): boolean {
		if (this.#isAborted()) return true;
		const { verdict } = this.#turn;
		if (verdict?.kind !== "answer") return false;
		if (!verdict.delivery?.waitMs) this.#answered(verdict);
		else {
			this.#stage = "wait";
			this.#timer = setTimeout(() => {
				verdict.response.timestampStart = verdict.response.timestampEnd = now();
				this.#answered(verdict);
				this.#host.flush();
			}, verdict.delivery.waitMs);
		}
		return true;
	}

	/** A hook hangs up: nothing is sent from here on. */
	#isAborted(): boolean {
		const { verdict } = this.#turn;
		if (verdict?.kind !== "abort") return false;
		this.#fail(verdict.reason, null);
		return true;
	}

	#answered({ response, delivery }: Answer): void {
		this.flow.response = response;
		this.#delivery = delivery;
		this.#responseEnded = true;
		this.#responseHeadDone();
	}

	#forward(): void {
		const { pool } = this.#context;
		const { request } = this.flow;
		if (pool === null) {
			this.#fail("no hook answered this request, and this proxy does not connect to servers", 502);
			return;
		}
		if (this.#request.isLost) {
			this.#fail("the request's body had to wait until it was whole, and there is no room for it on the disk", 502);
			return;
		}
		this.#stage = "server";
		stripH2c(request);
		const isTouched = this.#isTouched("requestheaders", "request");
		const isOther = isTouched && request.body !== null && !(this.#requestEnded && request.body === this.#request.body());
		if (isOther || this.#requestFraming === null) {
			this.#requestFraming = null;
			this.#request.replace(request.rawContent ?? EMPTY, request.trailers?.fields ?? null);
		}
		const facts: BodyFacts = this.#requestFraming === null ? { size: this.#request.size } : { framing: this.#requestFraming };
		this.#query = new Query(pool, this, { to: this.#destination(), request, touched: isTouched || this.#requestFraming === null, facts, body: this.#request });
		this.#query.start();
	}

	#destination(): Destination {
		const { request } = this.flow;
		const { scheme, host, port } = request;
		const { tunnel, facts } = this.#host;
		const tls = scheme === "https";
		// The name that the client asked for counts only as long as no hook sends the request elsewhere.
		const sni = tunnel !== null && tunnel.host === host && tunnel.port === port ? tunnel.sni : null;
		const upgrade = isWebSocketUpgrade(request);
		// What the client would speak with the server, were it not for us. Without TLS, HTTP/2 is spoken by those who do so from the start.
		const http2 = isHttp2(request) ? tls || !facts.tls : tls && !upgrade && facts.alpnOffers.includes("h2");
		return { tls, host, port, sni, http2, upgrade, client: facts };
	}

	#isTouched(first: Phase, second: Phase): boolean {
		const { pipeline } = this.#context;
		return !pipeline.isIdle(first) || !pipeline.isIdle(second);
	}

	// — the server —

	asked(facts: ServerConnection): void {
		this.flow.serverConn = facts;
	}

	/** We answer 100 ourselves; the others are for clients that understand them (RFC 9110 section 15.2). */
	interim(head: ResponseHead): void {
		if (head.status !== 100 && this.flow.request.httpVersion !== "HTTP/1.0") this.#host.sendInterim(head);
	}

	responseHead(head: ResponseHead, framing: Framing, at: number): void {
		this.#responseFraming = framing;
		this.flow.response = new Response({
			statusCode: head.status,
			reason: head.reason,
			httpVersion: head.version,
			headers: new Headers(head.fields),
			body: hasBody(framing) ? null : EMPTY,
			timestampStart: at,
		});
		const { bodies, pipeline } = this.#context;
		const isEvents = isEventStream(this.flow.response.headers);
		if (isEvents) this.flow.metadata.response_chunks = this.#chunks = [];
		this.#turn.responseStream = isEvents || bodies.streams(announcedSize(framing), pipeline.needsResponseBody);
		this.#responseHeadDone();
	}

	responseBody(chunk: Buffer): void {
		this.#bring("response", () => this.#response.push(chunk));
		if (this.#chunks !== null && this.#chunks.length < CHUNK_COUNT) this.#chunks.push([this.#responseAge(), chunk.length]);
		if (this.#stage !== "response body") return;
		const { bodies, pipeline } = this.#context;
		if (bodies.refuses(this.#response.size)) this.#refuse("response");
		else if (bodies.streams(this.#response.size, pipeline.needsResponseBody)) this.#passResponse(true);
		else this.#impatience ??= setTimeout(() => this.#passLateResponse(), PATIENCE_MS).unref();
	}

	/** Milliseconds since its head. */
	#responseAge(): number {
		return Math.round((now() - (this.flow.response?.timestampStart ?? 0)) * 1000);
	}

	/** Somebody waits for what has come so far. */
	#passLateResponse(): void {
		if (this.#stage === "response body" && !this.#context.pipeline.needsResponseBody) {
			this.#passResponse(true);
			this.#host.flush();
		}
	}

	responseEnd(trailers: ByteString[] | null, at: number): void {
		const response = this.flow.response as Response;
		response.timestampEnd = at;
		if (trailers !== null) response.trailers = new Headers(trailers);
		this.#responseEnded = true;
		if (this.#impatience !== null) clearTimeout(this.#impatience);
		this.#bring("response", () => this.#response.end(trailers));
		response.body = this.#response.body();
		if (this.#responsePasses && this.#stage !== "over") this.#lookBack("response");
		if (this.#stage === "response body") this.#responseBodyDone();
		else if (this.#stage === "answer") this.#endIfComplete();
	}

	askFailed(error: FlowtapeError): void {
		const { host, port } = this.flow.request;
		const where = formatAuthority(host, port);
		this.#context.emit({ kind: "upstream_error", message: error.message, destination: where });
		if (error instanceof UpstreamReset) this.#reset = error.reset;
		this.#fail(error.code === "FT_PROTOCOL" ? `the answer of ${where} breaks the rules of HTTP: ${error.message}` : error.message, 502);
	}

	// — phases of the response —

	#responseHeadDone(): void {
		const { request, response } = this.flow;
		const isOurs = this.#query === null && !this.#delivery?.websocket;
		if (!isOurs && this.#context.websocket && response !== null && isWebSocket(request, response)) this.flow.websocket = emptyWebSocket();
		this.#stage = "responseheaders";
		const next = () => {
			if (this.#isAborted()) return;
			this.#stage = "response body";
			if (this.#responseEnded) this.#responseBodyDone();
			else if (this.#context.bodies.refuses(Math.max(this.#response.size, announcedSize(this.#responseFraming)))) this.#refuse("response");
			else if (this.#turn.responseStream !== false) this.#passResponse(this.#turn.responseStream);
		};
		if (this.#context.pipeline.isIdle("responseheaders")) next();
		else this.#phase("responseheaders", next);
	}

	/** The response goes on before it is whole. */
	#passResponse(stream: BodyStreaming): void {
		const { bodies, openSpool } = this.#context;
		const transform = typeof stream === "function" ? stream : null;
		const isEvents = isEventStream((this.flow.response as Response).headers);
		this.#responsePasses = true;
		this.#response.pass({ keep: bodies.keeps(transform !== null) || isEvents, openSpool, transform });
		if (transform !== null) this.#responseFraming = reframed(this.#responseFraming);
		this.#answer();
	}

	#responseBodyDone(): void {
		this.#stage = "response";
		if (this.#context.pipeline.isIdle("response")) this.#answer();
		else
			this.#phase("response", () => {
				if (!this.#isAborted()) this.#answer();
			});
	}

	#answer(): void {
		const response = this.flow.response as Response;
		const isTouched = this.#isTouched("responseheaders", "response");
		let body: BodyFacts;
		// Hooks that see bodies may have changed it.
		const pieces = this.#context.pipeline.needsResponseBody ? null : (this.#delivery?.pieces ?? null);
		if (pieces !== null) body = { size: response.bodySize ?? 0 };
		else if (this.#responseFraming !== null && (!isTouched || response.body === null || (this.#responseEnded && response.body === this.#response.body())))
			body = { framing: this.#responseFraming };
		else {
			this.#response.replace(response.rawContent ?? EMPTY, response.trailers?.fields ?? null);
			body = { size: this.#response.size };
		}
		this.#response.open(this.#host.sendResponse(response, this.flow.request, body, isTouched || this.#responseFraming === null));
		this.#stage = "answer";
		if (pieces !== null) this.#play(pieces, response);
		this.#endIfComplete();
	}

	#play(pieces: readonly Piece[], response: Response): void {
		this.#responseEnded = false;
		this.#paced = new PacedBody(pieces, {
			piece: (bytes) => this.#response.push(bytes),
			end: () => this.responseEnd(response.trailers?.fields.slice() ?? null, now()),
			flush: () => this.#host.flush(),
		});
	}

	// — the end —

	#endIfComplete(): void {
		if (!this.#responseEnded || this.#aside > 0) return;
		// A client that waits for a 100 which does not come will not send its body.
		if (!this.#requestEnded && this.#awaitsContinue) this.#end(false);
		else if (this.#requestEnded) {
			const isSwitch = this.flow.response?.statusCode === 101;
			const upstream = this.#query?.takeUpstream() ?? null;
			const script = this.#delivery?.websocket ?? null;
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
		this.#stage = "over";
		this.#host.flush();
		const client = this.#host.detach();
		const server = detach();
		if (flow.websocket !== null) context.track(relayWebSocket({ context, flow, turn: this.#turn, client, server }));
		else {
			void context.record(flow);
			relayTcp(client, server, { context, facts: this.#host.facts, serverConn: flow.serverConn, record: context.recordTcp });
		}
	}

	#end(reusable: boolean): void {
		this.#stage = "over";
		// The client first: it waits, the tape does not.
		this.#host.flush();
		this.#host.exchangeDone(reusable, this.#context.record(this.flow));
	}

	/** Ends without a whole response. `status` null: there is nobody to tell, or nothing shall be told. */
	#fail(message: string, status: ErrorStatus | null): void {
		const isTold = this.#stage !== "answer" && status !== null;
		const { flow } = this;
		this.#stage = "over";
		this.#query?.cancel();
		this.#paced?.cancel();
		if (this.#timer !== null) clearTimeout(this.#timer);
		if (this.#impatience !== null) clearTimeout(this.#impatience);
		flow.error = { message, timestamp: now() };
		// What has come is kept; of a body that nothing has come of it is not said that it was empty.
		if (this.#requestEnded || this.#request.size > 0) flow.request.body ??= this.#request.body();
		if (flow.response !== null && (this.#responseEnded || this.#response.size > 0)) flow.response.body ??= this.#response.body();
		const end = () => {
			if (isTold) {
				this.#host.sendError(status, message, flow.request.method);
				this.#end(false);
			} else {
				this.#host.flush();
				void this.#context.record(flow);
				this.#host.abort(this.#reset);
			}
		};
		if (this.#context.pipeline.isIdle("error")) end();
		else this.#phase("error", end);
	}
}

/** What a script makes of a body has a length of its own. */
function reframed(framing: Framing | null): Framing | null {
	return framing?.kind === "length" ? { kind: "chunked" } : framing;
}

/** HTTP/2 in clear text could not be read from here on: the offer is not passed on, and HTTP/1.1 it stays (RFC 9113 section 3.1). */
function stripH2c(request: Request): void {
	const upgrade = upgradeOf(request.httpVersion, request.headers.fields);
	if (upgrade === null || upgrade.toLowerCase() !== "h2c") return;
	for (const name of ["upgrade", "connection", "http2-settings"]) request.headers.delete(name);
}

// One request and its response while they happen: which phase comes next, who answers, and how it ends. It knows no sockets: the client is
// an `ExchangeHost`, the server a `Query`.
import { randomUUID } from "node:crypto";
import type { FlowtapeError } from "../errors.ts";
import type { ByteString } from "../flow/bytes.ts";
import { type ClientConnection, type ServerConnection, serverConnection } from "../flow/connection.ts";
import { HttpFlow } from "../flow/flow.ts";
import { Headers } from "../flow/headers.ts";
import { Request, Response } from "../flow/message.ts";
import { formatAuthority } from "../flow/url.ts";
import { type Phase, Turn } from "../hooks/hook.ts";
import { now } from "./clock.ts";
import type { ProxyContext } from "./context.ts";
import { type ErrorStatus, errorPage } from "./error-page.ts";
import { type BodyFacts, outgoingRequest, outgoingResponse } from "./framing-out.ts";
import { type Asker, Query } from "./query.ts";
import { Relay } from "./relay.ts";
import { nameTarget, type Target, type TunnelTarget } from "./target.ts";
import type { Destination } from "./upstream.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";
import { type Framing, hasBody } from "./wire/framing.ts";
import { type RequestHead, type ResponseHead, writeResponseHead } from "./wire/head.ts";
import { expectsContinue, isPersistent, upgradeOf } from "./wire/hop-by-hop.ts";
import type { WriteBatch } from "./write-batch.ts";

/** The client's side of an exchange. */
export interface ExchangeHost {
	readonly context: ProxyContext;
	readonly facts: ClientConnection;
	readonly tunnel: TunnelTarget | null;
	readonly batch: WriteBatch;
	/** When the last bytes came from the client; seconds. */
	readonly receivedAt: number;
	/** Hold back the rest of the request, or let it come again. */
	pauseRequest(): void;
	resumeRequest(): void;
	/** Writes what was added to the batches of both sides. */
	flush(): void;
	/** The exchange is over and on the tape. The connection ends unless it is `persistent`; nothing new may begin before `wait` resolves. */
	exchangeDone(persistent: boolean, wait: Promise<void> | undefined): void;
	/** Hangs up, so that the client sees that what it got is not whole. `untold`: it could not tell from the bytes. */
	abort(untold: boolean): void;
	/** The server has changed to another protocol: bytes are passed on from here. */
	switchProtocol(upstream: UpstreamConnection): void;
}

/** Where an exchange stands: a phase, or what it waits for. */
type Stage = "requestheaders" | "request body" | "request" | "server" | "responseheaders" | "response body" | "response" | "answer" | "over";

const EMPTY: Buffer = Buffer.alloc(0);
/** What a client may send before its request is on its way. Bytes. */
const AHEAD_LIMIT = 1024 * 1024;

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

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
	#awaitsContinue: boolean;
	/** As the server sends it; null where a hook answers. */
	#responseFraming: Framing | null = null;
	readonly #response = new Relay();
	#responseEnded = false;
	#persistent: boolean;
	#closeDelimited = false;

	constructor(host: ExchangeHost, head: RequestHead, framing: Framing, target: Target) {
		this.#host = host;
		this.#context = host.context.for(target.host);
		this.#requestFraming = framing;
		this.#persistent = isPersistent(head.version, head.fields);
		this.#awaitsContinue = expectsContinue(head.version, head.fields);
		const request = new Request({
			method: head.method,
			scheme: target.scheme,
			host: target.host,
			port: target.port,
			path: target.path,
			httpVersion: head.version,
			headers: new Headers(head.fields),
			body: hasBody(framing) ? null : EMPTY,
			timestampStart: host.receivedAt,
		});
		if (host.tunnel !== null) nameTarget(request, host.tunnel);
		// It is between the client and us (RFC 9110 section 10.1.1): we answer it.
		if (this.#awaitsContinue) request.headers.delete("expect");
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
		if (this.#context.pipeline.isIdle("requestheaders")) this.#requestHeadersDone();
		else this.#phase("requestheaders", () => this.#requestHeadersDone());
	}

	// — the client —

	requestBody(chunk: Buffer): void {
		if (this.#requestFraming !== null) this.#request.push(chunk);
	}

	requestEnd(trailers: ByteString[] | null): void {
		const { request } = this.flow;
		this.#requestEnded = true;
		request.timestampEnd = this.#host.receivedAt;
		if (this.#requestFraming !== null) {
			request.body = this.#request.bytes();
			request.trailers = trailers === null ? null : new Headers(trailers);
			this.#request.end(trailers);
		}
		if (this.#stage === "request body") this.#requestBodyDone();
		else if (this.#stage === "answer") this.#endIfComplete();
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
	}

	resumeResponse(): void {
		this.#query?.resume();
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
		const fail = (error: unknown) => this.#hookFailed(phase, error);
		const stage = this.#stage;
		const go = () => {
			if (this.#stage === stage) next();
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
		if (this.#awaitsContinue) this.#host.batch.add(CONTINUE);
		this.#awaitsContinue = false;
		this.#stage = "request body";
		// A request without a body is complete at once: then its hooks see it so.
		const isHeldBack = this.#context.pipeline.needsRequestBody || (this.#requestFraming !== null && !hasBody(this.#requestFraming));
		if (this.#requestEnded || !isHeldBack) this.#requestBodyDone();
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
		const { verdict } = this.#turn;
		if (verdict === null || verdict.kind === "drop") return false;
		if (verdict.kind === "abort") this.#fail(verdict.reason, null);
		else {
			this.flow.response = verdict.response;
			this.#responseEnded = true;
			this.#responseHeadDone();
		}
		return true;
	}

	#forward(): void {
		const { pool } = this.#context;
		const { request } = this.flow;
		if (pool === null) {
			this.#fail("no hook answered this request, and this proxy does not connect to servers", 502);
			return;
		}
		this.#stage = "server";
		stripH2c(request);
		const isTouched = this.#isTouched("requestheaders", "request");
		if (isTouched && request.body !== null && !(this.#requestEnded && request.body === this.#request.bytes())) {
			this.#requestFraming = null;
			this.#request.replace(request.rawContent ?? EMPTY, request.trailers?.fields ?? null);
		}
		const body: BodyFacts = this.#requestFraming === null ? { size: this.#request.size } : { framing: this.#requestFraming };
		const to = this.#destination();
		const outgoing = outgoingRequest(request, body, isTouched, pool.forwarder(to));
		this.#query = new Query(pool, this, { to, method: request.method, outgoing, body: this.#request });
		this.#query.start();
	}

	#destination(): Destination {
		const { scheme, host, port } = this.flow.request;
		const { tunnel } = this.#host;
		// The name that the client asked for counts only as long as no hook sends the request elsewhere.
		const sni = tunnel !== null && tunnel.host === host && tunnel.port === port ? tunnel.sni : null;
		return { tls: scheme === "https", host, port, sni };
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
		if (head.status !== 100 && this.flow.request.httpVersion !== "HTTP/1.0")
			this.#host.batch.add(writeResponseHead(head.version, head.status, head.reason, head.fields));
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
		this.#responseHeadDone();
	}

	responseBody(chunk: Buffer): void {
		this.#response.push(chunk);
	}

	isReusable(): boolean {
		const { request, response } = this.flow;
		if (!this.#requestEnded || this.#responseFraming?.kind === "close" || response === null) return false;
		return isPersistent(request.httpVersion, request.headers.fields) && isPersistent(response.httpVersion, response.headers.fields);
	}

	responseEnd(trailers: ByteString[] | null, at: number): void {
		const response = this.flow.response as Response;
		response.timestampEnd = at;
		response.body = this.#response.bytes();
		if (trailers !== null) response.trailers = new Headers(trailers);
		this.#responseEnded = true;
		this.#response.end(trailers);
		if (this.#stage === "response body") this.#responseBodyDone();
		else if (this.#stage === "answer") this.#endIfComplete();
	}

	askFailed(error: FlowtapeError): void {
		const { host, port } = this.flow.request;
		const where = formatAuthority(host, port);
		this.#context.emit({ kind: "upstream_error", message: error.message, destination: where });
		this.#fail(error.code === "FT_PROTOCOL" ? `the answer of ${where} breaks the rules of HTTP: ${error.message}` : error.message, 502);
	}

	// — phases of the response —

	#responseHeadDone(): void {
		this.#stage = "responseheaders";
		const next = () => {
			this.#stage = "response body";
			const framing = this.#responseFraming;
			const isHeldBack = this.#context.pipeline.needsResponseBody || (framing !== null && !hasBody(framing));
			if (this.#responseEnded || !isHeldBack) this.#responseBodyDone();
		};
		if (this.#context.pipeline.isIdle("responseheaders")) next();
		else this.#phase("responseheaders", next);
	}

	#responseBodyDone(): void {
		this.#stage = "response";
		if (this.#context.pipeline.isIdle("response")) this.#answer();
		else this.#phase("response", () => this.#answer());
	}

	#answer(): void {
		const response = this.flow.response as Response;
		const isTouched = this.#isTouched("responseheaders", "response");
		let body: BodyFacts;
		if (this.#responseFraming !== null && (!isTouched || response.body === null || (this.#responseEnded && response.body === this.#response.bytes())))
			body = { framing: this.#responseFraming };
		else {
			this.#response.replace(response.rawContent ?? EMPTY, response.trailers?.fields ?? null);
			body = { size: this.#response.size };
		}
		const { head, coding, close } = outgoingResponse(response, this.flow.request, body, isTouched || this.#responseFraming === null);
		if (close) this.#persistent = false;
		this.#closeDelimited = close && coding === "plain";
		this.#response.open(this.#host.batch, head, coding);
		this.#stage = "answer";
		this.#endIfComplete();
	}

	// — the end —

	#endIfComplete(): void {
		if (!this.#responseEnded) return;
		// A client that waits for a 100 which does not come will not send its body.
		if (!this.#requestEnded && this.#awaitsContinue) this.#end(false);
		else if (this.#requestEnded) {
			const upstream = this.flow.response?.statusCode === 101 ? this.#query?.takeUpstream() : null;
			if (upstream) this.#switch(upstream);
			else this.#end(this.#persistent);
		}
	}

	#switch(upstream: UpstreamConnection): void {
		this.#stage = "over";
		this.#host.flush();
		void this.#context.record(this.flow);
		this.#host.switchProtocol(upstream);
	}

	#end(persistent: boolean): void {
		this.#stage = "over";
		// The client first: it waits, the tape does not.
		this.#host.flush();
		this.#host.exchangeDone(persistent, this.#context.record(this.flow));
	}

	/** Ends without a whole response. `status` null: there is nobody to tell, or nothing shall be told. */
	#fail(message: string, status: ErrorStatus | null): void {
		const isTold = this.#stage !== "answer" && status !== null;
		const { flow } = this;
		this.#stage = "over";
		this.#query?.cancel();
		flow.error = { message, timestamp: now() };
		flow.request.body ??= this.#request.bytes();
		if (flow.response !== null) flow.response.body ??= this.#response.bytes();
		const end = () => {
			if (isTold) {
				this.#host.batch.add(errorPage(status, message, flow.request.method));
				this.#end(false);
			} else {
				this.#host.flush();
				void this.#context.record(flow);
				this.#host.abort(this.#closeDelimited);
			}
		};
		if (this.#context.pipeline.isIdle("error")) end();
		else this.#phase("error", end);
	}
}

/** HTTP/2 in clear text could not be read from here on: the offer is not passed on, and HTTP/1.1 it stays (RFC 9113 section 3.1). */
function stripH2c(request: Request): void {
	const upgrade = upgradeOf(request.httpVersion, request.headers.fields);
	if (upgrade === null || upgrade.toLowerCase() !== "h2c") return;
	for (const name of ["upgrade", "connection", "http2-settings"]) request.headers.delete(name);
}

// One request and its response while they happen: which phase comes next, who answers, and how it ends. It knows no sockets: the client is
// an `ExchangeHost`, the server an `UpstreamConnection`.
import { randomUUID } from "node:crypto";
import type { FlowtapeError } from "../errors.ts";
import { type ByteString, toText } from "../flow/bytes.ts";
import { type ClientConnection, serverConnection } from "../flow/connection.ts";
import { HttpFlow } from "../flow/flow.ts";
import { Headers } from "../flow/headers.ts";
import { Request, Response } from "../flow/message.ts";
import { formatAuthority } from "../flow/url.ts";
import { type Phase, Turn } from "../hooks/hook.ts";
import { now } from "./clock.ts";
import type { ProxyContext } from "./context.ts";
import { type ErrorStatus, errorPage } from "./error-page.ts";
import { type BodyFacts, outgoingRequest, outgoingResponse } from "./framing-out.ts";
import { Relay } from "./relay.ts";
import type { Target, TunnelTarget } from "./target.ts";
import type { Destination, Dial } from "./upstream.ts";
import type { ResponseListener, UpstreamConnection } from "./upstream-connection.ts";
import type { Framing } from "./wire/framing.ts";
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
	/** Hangs up, so that the client sees that what it got is not whole. */
	abort(): void;
	/** The server has changed to another protocol: bytes are passed on from here. */
	switchProtocol(upstream: UpstreamConnection): void;
}

/** Where an exchange stands. */
type Stage = "requestheaders" | "request body" | "request" | "forward" | "responseheaders" | "response body" | "response" | "respond" | "over";

const EMPTY: Buffer = Buffer.alloc(0);
/** What a client may send before its request is on its way. Bytes. */
const AHEAD_LIMIT = 1024 * 1024;

export class Exchange implements ResponseListener {
	readonly flow: HttpFlow;
	readonly #host: ExchangeHost;
	readonly #context: ProxyContext;
	readonly #requestFraming: Framing;
	readonly #request = new Relay();
	readonly #response = new Relay();
	readonly #turn = new Turn(true);
	#stage: Stage = "requestheaders";
	#responseFraming: Framing | null = null;
	#requestEnded = false;
	#responseEnded = false;
	/** The hooks gave the request another body than the client sends. */
	#requestReplaced = false;
	#isInterim = false;
	#awaitsContinue: boolean;
	#persistent: boolean;
	#upstream: UpstreamConnection | null = null;
	#dial: Dial | null = null;
	#retried = false;

	constructor(host: ExchangeHost, head: RequestHead, framing: Framing, target: Target) {
		this.#host = host;
		this.#context = host.context;
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
		if (this.#awaitsContinue) request.headers.delete("expect");
		this.flow = new HttpFlow({
			id: randomUUID(),
			clientConn: host.facts,
			serverConn: () => serverConnection({ id: randomUUID(), address: [request.host, request.port] }),
			request,
			timestampCreated: host.receivedAt,
		});
	}

	/** To be called once, when its host knows it. */
	start(): void {
		this.#phase("requestheaders", () => this.#requestHeadersDone());
	}

	// — what the client sends —

	requestBody(chunk: Buffer): void {
		if (!this.#requestReplaced) this.#request.push(chunk);
	}

	requestEnd(trailers: ByteString[] | null): void {
		const { request } = this.flow;
		this.#requestEnded = true;
		request.timestampEnd = this.#host.receivedAt;
		if (!this.#requestReplaced) {
			request.body = this.#request.bytes();
			request.trailers = trailers === null ? null : new Headers(trailers);
			this.#request.end(trailers);
		}
		if (this.#stage === "request body") this.#requestBodyDone();
		else if (this.#stage === "respond") this.#finishIfComplete();
	}

	/** The client has gone, or what it sent cannot be understood (then it is told so). */
	clientFailed(message: string, status: ErrorStatus | null): void {
		if (this.#stage !== "over") this.#fail(message, status);
	}

	/** The proxy ends: the flow goes to the tape as it is. */
	stop(): void {
		if (this.#stage !== "over") this.#fail("The proxy was stopped before the exchange was complete.", null);
	}

	/** The client's socket has had enough: less of the response, please. */
	pauseResponse(): void {
		this.#upstream?.socket.pause();
	}

	resumeResponse(): void {
		this.#upstream?.socket.resume();
	}

	/** Writes what was added for the server. */
	flushUpstream(): void {
		if (this.#upstream !== null) {
			if (!this.#upstream.batch.flush()) this.#host.pauseRequest();
		} else if (this.#stage !== "request body" && !this.#requestEnded && this.#request.size > AHEAD_LIMIT && this.#stage !== "respond")
			this.#host.pauseRequest();
	}

	// — phases —

	/** Runs the hooks of a phase, then `next`. Without hooks, and with synchronous ones, at once. */
	#phase(phase: Phase, next: () => void): void {
		const { pipeline } = this.#context;
		if (pipeline.isIdle(phase)) return next();
		let wait: void | Promise<void>;
		try {
			wait = pipeline.run(phase, this.flow, this.#turn);
		} catch (error) {
			return this.#hookFailed(phase, error);
		}
		if (wait === undefined) return next();
		wait
			.then(next, (error: unknown) => this.#hookFailed(phase, error))
			.then(
				() => this.#host.flush(),
				(error: unknown) =>
					queueMicrotask(() => {
						throw error;
					}),
			);
	}

	/** Not to let pass what a hook should have changed or stopped. */
	#hookFailed(phase: Phase, error: unknown): void {
		this.#context.emit({ kind: "hook_error", phase, error });
		const why = error instanceof Error ? error.message : String(error);
		if (this.#stage !== "over") this.#fail(`a hook failed at ${phase}: ${why}`, 502);
	}

	#requestHeadersDone(): void {
		if (this.#stage === "over" || this.#decided()) return;
		if (this.#awaitsContinue) {
			this.#host.batch.add("HTTP/1.1 100 Continue\r\n\r\n");
			this.#awaitsContinue = false;
		}
		const wait = !this.#requestEnded && (this.#context.pipeline.needsRequestBody || !hasBody(this.#requestFraming));
		this.#stage = "request body";
		if (!wait) this.#requestBodyDone();
	}

	#requestBodyDone(): void {
		this.#stage = "request";
		const body = this.flow.request.body;
		this.#phase("request", () => {
			if (this.#stage === "over") return;
			if (this.flow.request.body !== body && !(this.#requestEnded && this.flow.request.body === this.#request.bytes())) this.#replaceRequest();
			if (!this.#decided()) this.#forward();
		});
	}

	#replaceRequest(): void {
		this.#requestReplaced = true;
		this.#request.replace(this.flow.request.rawContent ?? EMPTY, this.flow.request.trailers?.fields ?? null);
	}

	/** Whether a hook has given its verdict, which is carried out. */
	#decided(): boolean {
		const { verdict } = this.#turn;
		if (verdict === null || verdict.kind === "drop") return false;
		if (verdict.kind === "abort") {
			this.#fail(verdict.reason, null);
			return true;
		}
		const { response } = verdict;
		this.flow.response = response;
		this.#responseEnded = true;
		this.#stage = "responseheaders";
		this.#phase("responseheaders", () => this.#responseBodyDone());
		return true;
	}

	// — the server —

	#forward(): void {
		this.#stage = "forward";
		const { pool } = this.#context;
		if (pool === null) return this.#fail("nothing recorded answers this request, and this proxy does not connect to servers", 502);
		const to = this.#destination();
		const kept = pool.take(to);
		if (kept === undefined) this.#connect(to);
		else this.#send(kept);
	}

	#destination(): Destination {
		const { scheme, host, port } = this.flow.request;
		const { tunnel } = this.#host;
		// A name that the client asked for counts only as long as no hook sends the request elsewhere.
		const sni = tunnel !== null && tunnel.host === host && tunnel.port === port ? tunnel.sni : null;
		return { tls: scheme === "https", host, port, sni };
	}

	#connect(to: Destination): void {
		const dial = this.#context.pool?.dial(to, (error, connection) => {
			this.#dial = null;
			if (connection !== null) this.#send(connection);
			else if (error !== null) this.#upstreamFault(error);
			this.#host.flush();
		});
		this.#dial = dial ?? null;
	}

	#send(upstream: UpstreamConnection): void {
		const { request } = this.flow;
		this.#upstream = upstream;
		this.flow.serverConn = upstream.facts;
		upstream.begin(this, request.method);
		const body: BodyFacts = this.#requestReplaced ? { size: this.#request.size } : { framing: this.#requestFraming };
		stripH2c(request);
		const { head, coding } = outgoingRequest(request, body, this.#isTouched("requestheaders", "request"));
		this.#request.open(upstream.batch, head, coding);
		this.#host.resumeRequest();
	}

	responseHead(head: ResponseHead, framing: Framing): void {
		if (head.status < 200 && head.status !== 101) return this.#interim(head);
		this.#responseFraming = framing;
		this.flow.response = new Response({
			statusCode: head.status,
			reason: head.reason,
			httpVersion: head.version,
			headers: new Headers(head.fields),
			body: hasBody(framing) ? null : EMPTY,
			timestampStart: this.#upstream?.receivedAt ?? now(),
		});
		this.#stage = "responseheaders";
		this.#phase("responseheaders", () => {
			if (this.#stage === "over") return;
			const wait = !this.#responseEnded && (this.#context.pipeline.needsResponseBody || !hasBody(framing));
			this.#stage = "response body";
			if (!wait) this.#responseBodyDone();
		});
	}

	/** 100 was answered by ourselves; others are for clients that can understand them (RFC 9110 section 15.2). */
	#interim(head: ResponseHead): void {
		this.#isInterim = true;
		if (head.status === 100 || this.flow.request.httpVersion === "HTTP/1.0") return;
		this.#host.batch.add(writeResponseHead(head.version, head.status, head.reason, head.fields));
	}

	responseBody(chunk: Buffer): void {
		this.#response.push(chunk);
	}

	responseEnd(trailers: ByteString[] | null): void {
		if (this.#isInterim) {
			this.#isInterim = false;
			return;
		}
		const response = this.flow.response as Response;
		response.timestampEnd = this.#upstream?.receivedAt ?? now();
		response.body = this.#response.bytes();
		if (trailers !== null) response.trailers = new Headers(trailers);
		this.#responseEnded = true;
		this.#response.end(trailers);
		if (response.statusCode !== 101) this.#releaseUpstream(response);
		if (this.#stage === "response body") this.#responseBodyDone();
		else if (this.#stage === "respond") this.#finishIfComplete();
	}

	#releaseUpstream(response: Response): void {
		const upstream = this.#upstream as UpstreamConnection;
		this.#upstream = null;
		this.#request.close();
		this.#host.resumeRequest();
		const { request } = this.flow;
		const isReusable =
			this.#requestEnded &&
			this.#responseFraming?.kind !== "close" &&
			isPersistent(request.httpVersion, request.headers.fields) &&
			isPersistent(response.httpVersion, response.headers.fields);
		if (isReusable && upstream.release()) this.#context.pool?.give(upstream);
		else upstream.destroy();
	}

	responseFailed(error: FlowtapeError): void {
		const upstream = this.#upstream;
		this.#upstream = null;
		// A kept connection may have been closed while the request was on its way: then the server has not seen it.
		if (upstream !== null && upstream.uses > 1 && this.flow.response === null && !this.#retried && error.code === "FT_UPSTREAM") {
			this.#retried = true;
			this.#request.close();
			this.#connect(this.#destination());
		} else this.#upstreamFault(error);
	}

	upstreamDrained(): void {
		this.#host.resumeRequest();
	}

	flush(): void {
		this.#host.flush();
	}

	#upstreamFault(error: FlowtapeError): void {
		const { host, port } = this.flow.request;
		this.#context.upstreamFailed(error, formatAuthority(host, port));
		this.#fail(error.code === "FT_PROTOCOL" ? `the answer of ${formatAuthority(host, port)} is not HTTP: ${error.message}` : error.message, 502);
	}

	// — the answer —

	#responseBodyDone(): void {
		if (this.#stage === "over") return;
		this.#stage = "response";
		this.#phase("response", () => {
			if (this.#stage !== "over") this.#respond();
		});
	}

	#respond(): void {
		const response = this.flow.response as Response;
		let body: BodyFacts;
		if (this.#responseFraming !== null && (!this.#responseEnded || response.body === this.#response.bytes())) body = { framing: this.#responseFraming };
		else {
			this.#response.replace(response.rawContent ?? EMPTY, response.trailers?.fields ?? null);
			body = { size: this.#response.size };
		}
		const { head, coding, close } = outgoingResponse(
			response,
			this.flow.request,
			body,
			this.#responseFraming === null || this.#isTouched("responseheaders", "response"),
		);
		if (close) this.#persistent = false;
		this.#response.open(this.#host.batch, head, coding);
		this.#stage = "respond";
		this.#finishIfComplete();
	}

	#isTouched(...phases: Phase[]): boolean {
		return !phases.every((phase) => this.#context.pipeline.isIdle(phase));
	}

	#finishIfComplete(): void {
		if (!this.#responseEnded || !this.#requestEnded) {
			// A client that was told to wait before it sends the body will not send it any more.
			if (this.#awaitsContinue && this.#responseEnded) this.#end(false);
			return;
		}
		if (this.flow.response?.statusCode === 101 && this.#upstream !== null) this.#switch(this.#upstream);
		else this.#end(this.#persistent);
	}

	#switch(upstream: UpstreamConnection): void {
		this.#stage = "over";
		this.#upstream = null;
		this.#host.flush();
		this.#context.record(this.flow);
		this.#host.switchProtocol(upstream);
	}

	// — the end —

	#end(persistent: boolean): void {
		this.#stage = "over";
		this.#host.flush();
		this.#host.exchangeDone(persistent, this.#context.record(this.flow));
	}

	/** Ends without a whole response. `status` null: there is nobody to tell, or nothing shall be told. */
	#fail(message: string, status: ErrorStatus | null): void {
		const isAnswered = this.#stage === "respond";
		this.#stage = "over";
		this.#dial?.cancel();
		this.#upstream?.destroy();
		this.#upstream = null;
		this.#request.close();
		const { flow } = this;
		flow.error = { message, timestamp: now() };
		if (flow.request.body === null) flow.request.body = this.#request.bytes();
		if (flow.response !== null && flow.response.body === null) flow.response.body = this.#response.bytes();
		this.#phase("error", () => {
			if (!isAnswered && status !== null) {
				this.#host.batch.add(errorPage(status, message, flow.request.method));
				this.#end(false);
			} else {
				this.#host.flush();
				this.#context.record(flow);
				this.#host.abort();
			}
		});
	}
}

function hasBody(framing: Framing): boolean {
	return framing.kind !== "none" && !(framing.kind === "length" && framing.length === 0);
}

/** HTTP/2 in clear text could not be read from here on: the offer is not passed on, and HTTP/1.1 it stays (RFC 9113 section 3.1). */
function stripH2c(request: Request): void {
	const upgrade = upgradeOf(request.httpVersion, request.headers.fields);
	if (upgrade === null || toText(upgrade).toLowerCase() !== "h2c") return;
	for (const name of ["upgrade", "connection", "http2-settings"]) request.headers.delete(name);
}

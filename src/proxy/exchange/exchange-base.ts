// The state of one exchange, and what its request and its response have in common: hooks, memory for bodies, and the end.
import { randomUUID } from "node:crypto";
import { now } from "../../clock.ts";
import { messageOf } from "../../errors.ts";
import { bodySlices } from "../../flow/body.ts";
import { serverConnection } from "../../flow/connection.ts";
import { HttpFlow } from "../../flow/flow.ts";
import type { Request, Response } from "../../flow/message.ts";
import type { BodyStreaming } from "../../hooks/decision.ts";
import type { Phase } from "../../hooks/hook.ts";
import type { Step } from "../../hooks/pipeline.ts";
import { MessageBody } from "../body/message-body.ts";
import type { StreamOptions } from "../body/pipe.ts";
import { isEventStream } from "../body/policy.ts";
import type { ProxyContext } from "../context/context.ts";
import { requestsUpgrade } from "../http2/fields.ts";
import type { Framing } from "../wire/framing.ts";
import type { ErrorStatus } from "./error-page.ts";
import type { HookResponse } from "./hook-response.ts";
import type { ExchangeHost } from "./host.ts";
import { Lifecycle } from "./lifecycle.ts";
import { takeProxyFields } from "./messages.ts";
import { dropUnchangedOriginal } from "./original.ts";
import { PhaseRunner } from "./phase-runner.ts";
import type { UpstreamRequest } from "./upstream-request.ts";

/**
 * Most bytes of a request that are buffered while the server accepts none. Larger bodies made by hooks count as waiting
 * in memory. Bytes.
 */
export const AHEAD_LIMIT = 1024 * 1024;

export abstract class ExchangeBase {
	readonly flow: HttpFlow;
	protected readonly host: ExchangeHost;
	protected readonly context: ProxyContext;
	protected readonly hooks: PhaseRunner;
	protected readonly lifecycle: Lifecycle;
	protected readonly request: MessageBody;
	protected readonly response = new MessageBody(null);
	/** The client waits for `100 Continue`. */
	protected awaitsContinue: boolean;
	/** Whether the client asked for an upgrade: only then may a server switch protocols (RFC 9110 section 7.8). */
	protected readonly mayUpgrade: boolean;
	protected upstreamRequest: UpstreamRequest | null = null;
	protected hookResponse: HookResponse | null = null;
	/** Starts to stream a response that is incomplete for too long. */
	protected lateTimer: NodeJS.Timeout | null = null;
	/** The HTTP/2 error code with which the server reset the stream. */
	protected reset: number | null = null;

	protected constructor(host: ExchangeHost, request: Request, framing: Framing | null, awaitsContinue: boolean) {
		this.host = host;
		const own = host.tunnel === null ? host.context.forOwn(host.clientConn, request.host, request.port) : null;
		this.context = own?.context ?? host.context.for(request, host.clientConn);
		// The Host field stays unchanged.
		if (own !== null) request.host = own.address;
		this.request = new MessageBody(framing);
		this.awaitsContinue = awaitsContinue;
		this.mayUpgrade = requestsUpgrade(request);
		const credentials = takeProxyFields(request.headers);
		this.flow = new HttpFlow({
			id: randomUUID(),
			clientConn: host.clientConn,
			serverConn: () => serverConnection({ id: randomUUID(), address: [request.host, request.port] }),
			request,
			timestampCreated: host.receivedAt,
			session: this.context.sessionOf(host.clientConn, credentials),
		});
		this.lifecycle = new Lifecycle(this.flow.id);
		this.hooks = new PhaseRunner(this.context, this.flow, host);
		this.hooks.decision.proxyAuthorization = credentials;
		if (request.trailers !== null) takeProxyFields(request.trailers);
	}

	/**
	 * Whether the response is sent although the client still waits for `100 Continue`. The client may then send the body
	 * or not, so that the end of the request is unknown.
	 */
	get leavesBodyUnread(): boolean {
		return this.awaitsContinue && !this.request.hasStarted;
	}

	// — hooks —

	/**
	 * Runs the hooks of a phase, then `next` unless the exchange has ended meanwhile. `step`: the part of the hooks to
	 * run.
	 */
	protected phase(phase: Phase, next: () => void, step: Step = phase): void {
		if (this.context.pipeline.isIdle(step)) {
			try {
				next();
			} catch (error) {
				this.#hookFailed(phase, error);
			}
			return;
		}
		const stage = this.lifecycle.stage;
		const go = () => {
			if (this.lifecycle.stage !== stage) return;
			if (!this.request.isEnded && this.request.pipe.size > AHEAD_LIMIT) this.host.resumeRequest();
			next();
		};
		this.hooks.run(step, go, (error) => {
			this.#hookFailed(phase, error);
			// The exchange has failed already, and ends in spite of this error.
			if (phase === "error") go();
		});
	}

	/** Fails the exchange, as the hook may have had to change or stop it. */
	#hookFailed(phase: Phase, error: unknown): void {
		this.context.emit({ kind: "hook_error", phase, error });
		const why = messageOf(error);
		if (this.lifecycle.stage !== "done") this.fail(`a hook failed at ${phase}: ${why}`, 502);
	}

	/**
	 * Calls `deliver`, in which a script that transforms chunks can throw. Then the exchange fails, since the intended
	 * bytes are not known.
	 */
	protected deliver(phase: "request" | "response", deliver: () => void): void {
		try {
			deliver();
		} catch (error) {
			this.#hookFailed(phase, error);
		}
	}

	/** Ends the exchange if a hook aborted it. False: none did. */
	protected applyAbort(): boolean {
		const { verdict } = this.hooks.decision;
		if (verdict?.kind !== "abort") return false;
		this.fail(verdict.reason, null);
		return true;
	}

	// — bodies —

	protected streamOptions(
		streaming: BodyStreaming | null,
		message: Request | Response,
	): Pick<StreamOptions, "keep" | "openSpool" | "isShort"> {
		const { bodies, openSpool } = this.context;
		const isOfRequest = message === this.flow.request;
		return {
			keep: this.#isRecorded(streaming, message),
			openSpool: () => openSpool(isOfRequest),
			isShort: () => bodies.isMemoryShort(Number.POSITIVE_INFINITY),
		};
	}

	/** Whether the body of a streamed message is recorded. */
	#isRecorded(streaming: BodyStreaming | null, { headers }: Request | Response): boolean {
		return this.context.bodies.keeps(streaming !== null) || (streaming === null && isEventStream(headers));
	}

	protected refuse(whose: "request" | "response"): void {
		const limit = "exceeds body_size_limit";
		this.fail(
			whose === "request" ? `The request's body ${limit}.` : `The response's body ${limit}.`,
			whose === "request" ? 413 : 502,
		);
	}

	/** Counts the bytes that have arrived as waiting in memory until the message is complete. */
	protected bufferInMemory(body: MessageBody): void {
		this.context.bodies.countWaiting(body.pipe.size - body.waitingBytes);
		body.waitingBytes = body.pipe.size;
	}

	/** Holds the message in the sink's spool until it is complete. */
	protected bufferInSpool(body: MessageBody): void {
		body.pipe.startStreaming({
			keep: true,
			openSpool: () => this.context.openSpool(body === this.request),
			transform: null,
			isHeldBack: true,
			isShort: () => true,
		});
		this.releaseMemory(body);
	}

	/**
	 * Counts a large body that a hook made as waiting in memory until it is sent, or moves it to the spool if memory does
	 * not suffice.
	 */
	protected holdHookBody(messageBody: MessageBody, message: Request | Response): void {
		const { body } = message;
		if (!Buffer.isBuffer(body) || body.length <= AHEAD_LIMIT || body === messageBody.pipe.body()) return;
		if (this.context.bodies.holdHookBody(body, this.hookResponse === null)) messageBody.hookBody = body;
		else {
			const spool = this.context.openSpool();
			if (spool === null) return;
			for (const piece of bodySlices(body)) spool.write(piece);
			message.body = spool.end() ?? body;
		}
	}

	/** Counts no bytes of the message as waiting in memory any more. */
	protected releaseMemory(body: MessageBody): void {
		if (body.waitingBytes > 0) this.context.bodies.countWaiting(-body.waitingBytes);
		if (body.hookBody !== null) this.context.bodies.releaseHookBody(body.hookBody);
		body.waitingBytes = 0;
		body.hookBody = null;
	}

	// — the end —

	/** Records the flow, and returns the connection or stream to the host. */
	protected handBack(reusable: boolean): void {
		this.host.flush();
		this.host.exchangeDone(reusable, this.context.record(this.flow));
	}

	/**
	 * Ends the exchange without a complete response. `status`: of the error page; null: no error page. `end`: which side
	 * ended a response that had begun.
	 */
	protected fail(message: string, status: ErrorStatus | null, end: "client" | "cut" = "cut"): void {
		const sendsErrorPage = this.lifecycle.stage !== "send response" && status !== null;
		const { flow } = this;
		this.finish(message);
		this.upstreamRequest?.cancel();
		this.hookResponse?.cancel();
		this.response.pipe.close();
		if (this.lateTimer !== null) clearTimeout(this.lateTimer);
		flow.error = { message, timestamp: now() };
		dropUnchangedOriginal(flow);
		if (flow.response !== null) flow.ended = this.response.isEnded ? "server" : end;
		// Keep the bytes that have arrived. If none have, the body stays null, because it was not empty.
		if (this.request.hasStarted) flow.request.body ??= this.request.pipe.body();
		if (flow.response !== null && this.response.hasStarted) flow.response.body ??= this.response.pipe.body();
		this.phase("error", () => {
			if (sendsErrorPage) {
				this.host.sendError(status, message, flow.request.method);
				this.handBack(false);
			} else {
				this.host.flush();
				void this.context.record(flow);
				this.host.abort(this.reset);
			}
		});
	}

	/** Ends the exchange: nothing more happens in it. */
	protected finish(reason: string): void {
		this.lifecycle.enter("done", reason);
		this.releaseMemory(this.request);
		this.releaseMemory(this.response);
	}
}

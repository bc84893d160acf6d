// The response of one exchange: arrives from the server or a hook, runs through its phases, and is sent to the client.
import type { Duplex } from "node:stream";
import { now } from "../../clock.ts";
import { type FlowtapeError, messageOf } from "../../errors.ts";
import type { ByteString } from "../../flow/bytes.ts";
import { Headers } from "../../flow/headers.ts";
import type { Response } from "../../flow/message.ts";
import { formatAuthority } from "../../flow/url.ts";
import type { BodyStreaming, Piece } from "../../hooks/decision.ts";
import { ChunkTimes } from "../body/chunk-times.ts";
import type { BodyLength } from "../body/pipe.ts";
import { announcedSize, BUFFERING_LIMIT_MS, isEventStream } from "../body/policy.ts";
import { upstreamFault } from "../connection/attempt.ts";
import { unfinishedFraming } from "../http1/outgoing.ts";
import { isRequestedProtocol, requestsUpgrade } from "../http2/fields.ts";
import { relayTcp } from "../tcp/recorded-relay.ts";
import { UpstreamReset } from "../upstream/channel.ts";
import { emptyWebSocket, isWebSocket, relayWebSocket } from "../websocket/conversation.ts";
import { WebSocketPlayer } from "../websocket/player.ts";
import type { Framing } from "../wire/framing.ts";
import type { ResponseHead } from "../wire/head.ts";
import { ExchangeBase } from "./exchange-base.ts";
import { responseOf } from "./messages.ts";

const CUT = "The recorded response ends here, incomplete.";
const LENIENT_HINT = "; --no-validate-inbound-headers accepts messages whose meaning is still clear";

export abstract class ResponseSide extends ExchangeBase {
	#chunkTimes: ChunkTimes | null = null;
	/** All pieces of the hook's response were sent. */
	#isPlayed = false;

	// — the server —

	responseHead(head: ResponseHead, framing: Framing, at: number): void {
		if (head.status === 101 && !(this.mayUpgrade && requestsUpgrade(this.flow.request))) {
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
		this.response.framing = framing;
		this.flow.response = responseOf(head, framing, at);
		const { bodies, pipeline } = this.context;
		const isEvents = isEventStream(this.flow.response.headers);
		if (isEvents) {
			this.#chunkTimes = new ChunkTimes(at);
			this.flow.metadata.response_chunks = this.#chunkTimes.list;
		}
		this.hooks.decision.streamsResponse =
			isEvents || bodies.streamsResponse(announcedSize(framing), pipeline.needsResponseBody);
		this.responseHeadDone();
	}

	responseBody(chunk: Buffer): void {
		const { pipe } = this.response;
		this.deliver("response", () => pipe.push(chunk));
		this.#chunkTimes?.record(chunk.length, now());
		if (this.lifecycle.stage !== "response body") return;
		const { bodies, pipeline } = this.context;
		if (bodies.exceedsLimit(pipe.size)) this.refuse("response");
		else if (bodies.streamsResponse(pipe.size, pipeline.needsResponseBody)) this.#streamResponse(null);
		else if (pipe.isReplayable) {
			if (!bodies.isMemoryShort(pipe.size)) this.bufferInMemory(this.response);
			else if (pipeline.needsResponseBody) this.bufferInSpool(this.response);
			else this.#streamResponse(null);
		}
	}

	#streamLateResponse(): void {
		if (this.lifecycle.stage === "response body" && !this.context.pipeline.needsResponseBody) {
			this.#streamResponse(null);
			this.host.flush();
		}
	}

	responseEnd(trailers: ByteString[] | null, at: number): void {
		const response = this.flow.response as Response;
		const body = this.response;
		response.timestampEnd = at;
		if (trailers !== null) response.trailers = new Headers(trailers);
		body.isEnded = true;
		if (this.lateTimer !== null) clearTimeout(this.lateTimer);
		this.deliver("response", () => body.pipe.end(trailers));
		response.body = body.pipe.body();
		if (body.isStreamed && this.lifecycle.stage !== "done")
			this.hooks.runAfterwards("response", () => this.endIfAnswered());
		if (this.lifecycle.stage === "response body") this.#responseBodyDone();
		else this.endIfAnswered();
	}

	requestFailed(error: FlowtapeError): void {
		const { host, port } = this.flow.request;
		const where = formatAuthority(host, port);
		this.context.emit({ kind: "upstream_error", message: error.message, destination: where });
		if (error instanceof UpstreamReset) this.reset = error.reset;
		this.fail(
			error.code === "FT_PROTOCOL"
				? `the response of ${where} breaks the rules of HTTP: ${error.message}${this.context.lenient ? "" : LENIENT_HINT}`
				: error.message,
			502,
		);
	}

	// — the client —

	/** The client accepts no more of the response until `resumeResponse`. */
	pauseResponse(): void {
		this.upstreamRequest?.pause();
		this.hookResponse?.pause();
	}

	resumeResponse(): void {
		this.response.pipe.resume();
		if (this.response.pipe.isBehind) return;
		this.upstreamRequest?.resume();
		this.hookResponse?.resume();
	}

	/**
	 * Flushes the response. If the client waits too long for the complete response, it gets the part that has arrived.
	 */
	flush(): void {
		if (this.lifecycle.stage === "response body" && this.response.pipe.size > 0)
			this.lateTimer ??= setTimeout(() => this.#streamLateResponse(), BUFFERING_LIMIT_MS).unref();
		if (this.response.pipe.isBehind) this.upstreamRequest?.pause();
		this.host.flush();
	}

	// — phases of the response —

	protected responseHeadDone(): void {
		const { request, response } = this.flow;
		const isPlainHookResponse = this.upstreamRequest === null && !this.hookResponse?.websocket;
		if (!isPlainHookResponse && this.context.websocket && response !== null && isWebSocket(request, response))
			this.flow.websocket = emptyWebSocket();
		this.lifecycle.enter("responseheaders");
		this.phase("responseheaders", () => {
			if (this.applyAbort()) return;
			this.lifecycle.enter("response body");
			const { responseStream, streamsResponse } = this.hooks.decision;
			if (this.response.isEnded) this.#responseBodyDone();
			else if (this.context.bodies.exceedsLimit(this.response.expectedSize)) this.refuse("response");
			else if (responseStream ?? streamsResponse) this.#streamResponse(responseStream);
		});
	}

	/** Sends the response before it is complete. */
	#streamResponse(streaming: BodyStreaming | null): void {
		this.response.startStreaming(streaming ?? true, this.streamOptions(streaming, this.flow.response as Response));
		this.#sendResponse();
	}

	#responseBodyDone(): void {
		if (this.response.pipe.isLost) {
			this.fail("the response body could not be buffered: the disk is full or cannot be written", 502);
			return;
		}
		this.lifecycle.enter("response");
		this.phase("response", () => {
			if (!this.applyAbort()) this.#sendResponse();
		});
	}

	#sendResponse(): void {
		const response = this.flow.response as Response;
		if (response.statusCode === 101 && !this.mayUpgrade) {
			this.fail("the response is a 101, but the request asked for no upgrade", 502);
			return;
		}
		const { pipeline, wantsFlows } = this.context;
		const isTouched = this.hooks.seesAny("responseheaders", "response");
		if (isTouched || this.hookResponse !== null) this.holdHookBody(this.response, response);
		// Hooks that see bodies may have changed this one.
		const pieces = pipeline.needsResponseBody ? null : (this.hookResponse?.pieces ?? null);
		if (this.hookResponse?.unfinished != null) {
			this.#sendUnfinished(response, pieces);
			return;
		}
		const body: BodyLength =
			pieces === null ? this.response.outgoingLength(response, isTouched) : { size: response.bodySize ?? 0 };
		const cached = pipeline.hasSingleHook && !wantsFlows ? (this.hookResponse?.cached ?? null) : null;
		const { pipe } = this.response;
		pipe.onCaughtUp = () => this.#responseCaughtUp();
		pipe.onBroken = (error) => this.fail(messageOf(error), null);
		const writer = this.host.sendResponse(response, this.flow.request, body, isTouched || "size" in body, cached);
		this.lifecycle.enter("send response");
		pipe.open(writer);
		if (this.lifecycle.stage !== "send response") return;
		if (pieces !== null) this.#play(pieces, response);
		this.#endIfComplete();
	}

	/** Everything that has arrived is written to a slow client. */
	#responseCaughtUp(): void {
		if (this.lifecycle.stage !== "send response") return;
		this.upstreamRequest?.resume();
		this.host.flush();
		this.#endIfComplete();
	}

	/** Sends an incomplete recorded response in such a way that the client sees that it is incomplete. */
	#sendUnfinished(response: Response, pieces: readonly Piece[] | null): void {
		const { request } = this.flow;
		const { pipe } = this.response;
		const framing = unfinishedFraming(response, request.method, response.bodySize ?? 0);
		this.lifecycle.enter("send response");
		this.response.isEnded = false;
		// Without a body, the message would look complete.
		if (framing.kind === "none") {
			this.#breakOff();
			return;
		}
		pipe.onCaughtUp = () => this.#stopShort();
		pipe.onBroken = (error) => this.fail(messageOf(error), null);
		if (pieces === null) pipe.replaceUnfinished(response.body ?? Buffer.alloc(0));
		pipe.open(this.host.sendResponse(response, request, { framing }, true, null));
		this.#isPlayed = pieces === null;
		if (pieces === null) this.#stopShort();
		else this.#play(pieces, response);
	}

	/** Holds the connection open or closes it once all of an incomplete response is sent. */
	#stopShort(): void {
		if (this.lifecycle.stage !== "send response" || !this.#isPlayed || this.response.pipe.isBehind) return;
		if (this.hookResponse?.unfinished === "break") this.#breakOff();
		else this.host.flush();
	}

	#play(pieces: readonly Piece[], response: Response): void {
		this.response.isEnded = false;
		this.hookResponse?.play(pieces, {
			piece: (bytes) => this.response.pipe.push(bytes),
			end: () => {
				this.#isPlayed = true;
				if (this.hookResponse?.unfinished == null) this.responseEnd(response.trailers?.fields.slice() ?? null, now());
				else this.#stopShort();
			},
			flush: () => this.host.flush(),
		});
	}

	/** Closes the connection as the recorded server did. */
	#breakOff(): void {
		const { flow } = this;
		this.finish(CUT);
		flow.error = { message: CUT, timestamp: now() };
		flow.ended = "cut";
		this.phase("error", () => {
			void this.context.record(flow);
			this.host.breakOff();
		});
	}

	// — the end —

	protected endIfAnswered(): void {
		if (this.lifecycle.stage === "send response") this.#endIfComplete();
	}

	#endIfComplete(): void {
		if (!this.response.isEnded || this.hooks.isRunningAfterwards || this.response.pipe.isBehind) return;
		// A client that gets no 100 will not send its body.
		if (this.leavesBodyUnread) this.#end(false);
		else if (this.request.isEnded) {
			const isSwitch = this.flow.response?.statusCode === 101;
			const upstream = this.upstreamRequest?.takeUpstream() ?? null;
			const script = this.hookResponse?.websocket ?? null;
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
		const context = this.context;
		const { flow } = this;
		this.finish("the connection switches protocols");
		this.host.flush();
		const client = this.host.detach();
		const server = detach();
		if (flow.websocket !== null)
			context.track(relayWebSocket({ context, flow, decision: this.hooks.decision, client, server }));
		else {
			void context.record(flow);
			relayTcp(client, server, {
				context,
				clientConn: this.host.clientConn,
				serverConn: flow.serverConn,
				record: context.recordTcp,
			});
		}
	}

	#end(reusable: boolean): void {
		this.finish("complete");
		this.handBack(reusable);
	}
}

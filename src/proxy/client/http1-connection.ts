// A client's HTTP/1.1 connection, plain or decrypted: parses requests, and runs one exchange after the other.
import type { Socket } from "node:net";
import { now } from "../../clock.ts";
import { FlowtapeError } from "../../errors.ts";
import { type ByteString, NO_BYTES } from "../../flow/bytes.ts";
import type { ClientConnection } from "../../flow/connection.ts";
import { CLIENT_GONE } from "../../flow/ending.ts";
import type { Request, Response } from "../../flow/message.ts";
import { standardReason } from "../../flow/reason.ts";
import type { CachedResponse } from "../../hooks/decision.ts";
import type { BodyLength, BodyWriter } from "../body/pipe.ts";
import { breakOff, reset } from "../connection/break-off.ts";
import { continueInTurn, FairReader, isCrowded } from "../connection/fair-reader.ts";
import { HeldHeads, TOO_MUCH } from "../connection/held-heads.ts";
import type { ProxyContext } from "../context/context.ts";
import { type ErrorStatus, errorPage } from "../exchange/error-page.ts";
import { Exchange } from "../exchange/exchange.ts";
import type { ExchangeHost } from "../exchange/host.ts";
import { outgoingResponse } from "../http1/outgoing.ts";
import { WriteBatch } from "../http1/write-batch.ts";
import { Http1Writer } from "../http1/writer.ts";
import { addHost, type TunnelTarget, targetOf } from "../route/target.ts";
import { HANDSHAKE } from "../tls/client-hello.ts";
import type { Framing } from "../wire/framing.ts";
import { type RequestHead, type ResponseHead, writeResponseHead } from "../wire/head.ts";
import { isPersistent } from "../wire/hop-by-hop.ts";
import { type MessageHandler, RequestParser } from "../wire/parser.ts";

export interface ClientSettings {
	context: ProxyContext;
	clientConn: ClientConnection;
	/** The tunnel that the connection came through; null: none. */
	tunnel: TunnelTarget | null;
	/** Takes over the paused socket after a CONNECT. null: CONNECT is not allowed here. */
	onConnect: ((socket: Socket, head: RequestHead) => void) | null;
	/**
	 * Takes over the paused socket of a client that begins with HTTP/2 (RFC 9113 section 3.3). null: HTTP/2 is not
	 * allowed here.
	 */
	onHttp2: ((socket: Socket) => void) | null;
	/** Takes over the paused socket of a client that begins with TLS. null: TLS is not allowed here. */
	onTls: ((socket: Socket) => void) | null;
	/** The connection was closed or handed over. */
	onClose: (connection: Http1ClientConnection) => void;
}

/** How long a half-closed client may still receive its response. Milliseconds. */
const HALF_CLOSED_MS = 2_000;
/** Most pipelined bytes that are buffered during an exchange. */
const PIPELINE_LIMIT = 64 * 1024;

/** Most pipelined requests that are answered in one turn of the event loop. */
const TURN_REQUESTS = 16;

/** Larger requests are not looked up in the response cache. Bytes. */
const CACHEABLE_BYTES = 4096;

const TOO_MANY_HEADS = `request head: expected a smaller one, because ${TOO_MUCH}`;

/** Ignores `error` events: a `close` event follows each. */
const ignore = (): void => {};

export class Http1ClientConnection implements MessageHandler<RequestHead>, ExchangeHost {
	readonly context: ProxyContext;
	readonly clientConn: ClientConnection;
	readonly tunnel: TunnelTarget | null;
	receivedAt = 0;
	readonly #socket: Socket;
	readonly #reader: FairReader;
	readonly #batch: WriteBatch;
	readonly #writer: Http1Writer;
	readonly #settings: ClientSettings;
	readonly #parser: RequestParser;
	readonly #heads = new HeldHeads();
	/** The size of the head of the current request. Bytes. */
	#headBytes = 0;
	#exchange: Exchange | null = null;
	#connect: RequestHead | null = null;
	#requestEnded = true;
	/** The last chunk, if the current request starts at its first byte: the key for the response cache. */
	#requestBytes: Buffer | null = null;
	/**
	 * Properties of the current exchange: whether another request may follow, and whether closing the connection ends the
	 * response body.
	 */
	#isPersistent = true;
	#isCloseDelimited = false;
	#ending = false;
	/** The reason why the next request waits after an exchange; null: it does not wait. */
	#waitsFor: "tape" | "drain" | "turn" | null = null;
	/** Requests answered in this turn of the event loop. */
	#inTurn = 0;
	#isRequestPaused = false;
	/** The connection has switched to another protocol. */
	#isDetached = false;
	/** The connection is about to be reset: an orderly close would make the body look complete. */
	#isBreaking = false;
	#halfClosed: NodeJS.Timeout | null = null;

	constructor(socket: Socket, settings: ClientSettings) {
		this.#socket = socket;
		this.#settings = settings;
		this.context = settings.context;
		this.clientConn = settings.clientConn;
		this.tunnel = settings.tunnel;
		this.#batch = new WriteBatch(socket);
		this.#writer = new Http1Writer(this.#batch);
		this.#parser = new RequestParser(this, { lenient: this.context.lenient });
		this.#reader = new FairReader(
			socket,
			(chunk) => this.#onData(chunk),
			() => this.#onEnd(),
		);
		socket.on("drain", () => this.#onDrain());
		// An earlier Http1ClientConnection may have used this socket.
		socket.removeListener("error", ignore).on("error", ignore);
		socket.on("close", this.#onClose);
		// A callback given to `setTimeout` would be called only once.
		socket.on("timeout", () => this.#onTimeout());
		socket.setTimeout(this.context.timeoutMs);
		socket.resume();
	}

	/** The proxy is shutting down: reads no further request. */
	drain(): void {
		this.#ending = true;
		if (this.#exchange !== null || this.#isDetached || this.#isBreaking) return;
		this.#waitsFor = null;
		this.#batch.write();
		this.#socket.destroySoon();
	}

	/** Closes at once; an exchange in progress is recorded. */
	stop(): void {
		this.#ending = true;
		if (this.#halfClosed !== null) this.#exchange?.clientFailed(CLIENT_GONE, null);
		this.#exchange?.stop();
		this.#hangUp();
	}

	// — called by the parser —

	head(head: RequestHead, framing: Framing): void {
		this.#headBytes = this.#parser.blockBytes;
		if (!this.#heads.resize(this.#headBytes)) throw new FlowtapeError("FT_PROTOCOL", TOO_MANY_HEADS);
		this.#parser.pause();
		this.#requestEnded = false;
		if (head.method === "CONNECT") {
			if (this.#settings.onConnect === null) throw new FlowtapeError("FT_PROTOCOL", "CONNECT inside a tunnel");
			this.#connect = head;
			return;
		}
		this.#isPersistent = isPersistent(head.version, head.fields);
		this.#isCloseDelimited = false;
		const target = targetOf(head, this.tunnel);
		addHost(head, target);
		const exchange = Exchange.live(this, head, framing, target);
		this.#exchange = exchange;
		exchange.start();
	}

	body(chunk: Buffer): void {
		this.#exchange?.requestBody(chunk);
	}

	end(trailers: ByteString[] | null): void {
		this.#requestEnded = true;
		if (this.#connect !== null) this.#handOver(this.#connect);
		else this.#exchange?.requestEnd(trailers);
	}

	// — called by the exchange —

	get isLeaving(): boolean {
		return this.#halfClosed !== null;
	}

	pauseRequest(): void {
		if (this.#requestEnded) return;
		this.#isRequestPaused = true;
		this.#reader.pause();
	}

	resumeRequest(): void {
		this.#isRequestPaused = false;
		if (this.#reader.isPaused) this.#reader.resume();
	}

	sendInterim({ status, reason, fields }: ResponseHead): void {
		this.#batch.add(writeResponseHead("HTTP/1.1", status, reason || standardReason(status), fields));
	}

	sendResponse(
		response: Response,
		request: Request,
		body: BodyLength,
		touched: boolean,
		cached: CachedResponse | null,
	): BodyWriter {
		const { head, coding, close, untilClose } = outgoingResponse(
			response,
			request,
			body,
			touched,
			this.#exchange?.leavesBodyUnread,
		);
		if (close) this.#isPersistent = false;
		if (cached !== null && Buffer.isBuffer(response.body) && coding !== "chunked")
			this.#cache(request, cached, head.length + response.body.length);
		this.#requestBytes = null;
		this.#isCloseDelimited = untilClose;
		this.#writer.begin(head, coding);
		return this.#writer;
	}

	/** Caches a response if the chunk held the whole request and nothing else. */
	#cache(request: Request, response: CachedResponse, size: number): void {
		if (this.#requestBytes === null || this.tunnel !== null || this.context.mayBeOwn(request.host)) return;
		if (this.#isPersistent && this.#parser.idle && this.#batch.isEmpty)
			this.context.responseCache.set(this.#requestBytes, request, response, size);
	}

	sendError(status: ErrorStatus, message: string, method: ByteString): void {
		this.#batch.add(errorPage(status, message, method));
	}

	flush(): void {
		if (!this.#batch.flush()) this.#exchange?.pauseResponse();
		this.#exchange?.flushRequest();
	}

	exchangeDone(reusable: boolean, wait: Promise<void> | undefined): void {
		this.#exchange = null;
		this.#countHeads();
		this.flush();
		if (!reusable || !this.#isPersistent || this.#ending || (this.#halfClosed !== null && this.#parser.idle))
			this.#finish();
		else if (wait === undefined) this.#next();
		else {
			this.#waitsFor = "tape";
			this.context.track(wait.then(() => this.#next()));
		}
	}

	breakOff(): void {
		if (this.#isCloseDelimited) this.abort();
		else {
			this.#exchange = null;
			this.#ending = true;
			this.#batch.write();
			// The callback runs when everything before it was sent.
			this.#socket.write(NO_BYTES, () => this.abort());
		}
	}

	abort(): void {
		this.#exchange = null;
		this.#ending = true;
		this.#batch.write();
		if (!this.#isCloseDelimited) this.#socket.destroy();
		else if (!this.#isBreaking) {
			this.#isBreaking = true;
			breakOff(this.#socket);
		}
	}

	detach(): Socket {
		const socket = this.#release();
		this.#exchange = null;
		this.#isDetached = true;
		socket.once("close", () => {
			this.clientConn.timestampEnd = now();
			this.#heads.resize(0);
			this.#settings.onClose(this);
		});
		return socket;
	}

	// — events of the socket —

	#onData(chunk: Buffer): void {
		if (this.#ending && this.#exchange === null) return;
		const isFirst = this.receivedAt === 0;
		this.receivedAt = now();
		if (isFirst) {
			const { onHttp2, onTls } = this.#settings;
			const takeOver = onHttp2 !== null && isPreface(chunk) ? onHttp2 : chunk[0] === HANDSHAKE ? onTls : null;
			if (takeOver !== null) {
				this.#handOverFrom(chunk, takeOver);
				return;
			}
		}
		this.#requestBytes = this.#exchange === null && this.#parser.idle && chunk.length <= CACHEABLE_BYTES ? chunk : null;
		if (this.#requestBytes !== null && this.#answerFromCache(this.#requestBytes)) return;
		this.#inTurn = 0;
		this.#guard(() => this.#parser.feed(chunk));
		this.flush();
		if (!this.#countHeads()) {
			this.#malformed(new FlowtapeError("FT_PROTOCOL", TOO_MANY_HEADS));
			// An orderly close would keep the head until the client closes too.
			this.#socket.destroySoon();
			return;
		}
		if (this.#holdsRequests && this.#parser.waitingBytes > PIPELINE_LIMIT) this.#reader.pause();
	}

	/** Counts the head of the current request, and what is unfinished. Returns false if that takes too much memory. */
	#countHeads(): boolean {
		return this.#heads.resize(this.#parser.heldBytes + (this.#exchange === null ? 0 : this.#headBytes));
	}

	/** Whether the next request has to wait. */
	get #holdsRequests(): boolean {
		return this.#requestEnded && (this.#exchange !== null || this.#waitsFor !== null);
	}

	/** The kernel has accepted all bytes written to the client. */
	#onDrain(): void {
		this.#halfClosed?.refresh();
		if (this.#waitsFor === "drain") this.#next();
		else this.#exchange?.resumeResponse();
	}

	/**
	 * Answers a request from the response cache. Returns false if it has no response, or earlier responses are still
	 * unsent.
	 */
	#answerFromCache(requestBytes: Buffer): boolean {
		if (this.tunnel !== null || this.#socket.writableLength > 0 || !this.#batch.isEmpty) return false;
		const response = this.context.responseCache.get(requestBytes, this.receivedAt);
		if (response === null) return false;
		response.writeTo(this.#batch);
		this.#batch.flush();
		return true;
	}

	/** Whether an orderly close would make an incomplete body look complete. */
	get #isCut(): boolean {
		return this.#isBreaking || (this.#exchange !== null && this.#isCloseDelimited);
	}

	#hangUp(): void {
		if (this.#isCut) reset(this.#socket);
		else this.#socket.destroy();
	}

	#onEnd(): void {
		if (this.#isBreaking) return;
		const hasRequest = this.#exchange !== null || (this.#waitsFor !== null && !this.#parser.idle);
		if (!hasRequest || !this.#requestEnded) {
			this.#exchange?.clientFailed(CLIENT_GONE, null);
			this.#batch.write();
			if (!this.#isCut) this.#socket.end();
			return;
		}
		this.#halfClosed = setTimeout(() => {
			this.#exchange?.clientFailed(CLIENT_GONE, null);
			this.#hangUp();
		}, HALF_CLOSED_MS);
	}

	readonly #onClose = (): void => {
		this.clientConn.timestampEnd = now();
		this.#heads.resize(0);
		if (this.#halfClosed !== null) clearTimeout(this.#halfClosed);
		this.#ending = true;
		this.#exchange?.clientFailed(CLIENT_GONE, null);
		this.#settings.onClose(this);
	};

	/**
	 * Does nothing while the server processes a complete request: then the timeout of the server's connection applies.
	 */
	#onTimeout(): void {
		if (this.#socket.writableEnded) this.#socket.destroy();
		else if (this.#exchange === null) this.#socket.setTimeout(this.context.timeoutMs).end();
		else if (!this.#requestEnded) this.#exchange.clientFailed("The client stopped in the middle of its request.", null);
	}

	/**
	 * Continues with the next request, which may have arrived already. The request waits while the client does not read
	 * its responses.
	 */
	#next(): void {
		this.#waitsFor = null;
		if (this.#socket.destroyed) return;
		if (this.#batch.isFull) this.#waitsFor = "drain";
		else if (!this.#parser.idle && (++this.#inTurn > TURN_REQUESTS || isCrowded())) {
			this.#waitsFor = "turn";
			continueInTurn(() => this.#nextTurn());
		} else this.#read();
	}

	#nextTurn(): void {
		this.#inTurn = 0;
		if (this.#waitsFor !== "turn") return;
		this.#waitsFor = null;
		if (this.#socket.destroyed) return;
		if (this.#batch.isFull) this.#waitsFor = "drain";
		else this.#read();
	}

	#read(): void {
		this.#guard(() => this.#parser.resume());
		this.flush();
		if (!this.#isRequestPaused && (!this.#holdsRequests || this.#parser.waitingBytes <= PIPELINE_LIMIT))
			this.resumeRequest();
	}

	#guard(read: () => void): void {
		try {
			read();
		} catch (error) {
			if (!(error instanceof FlowtapeError)) throw error;
			this.#malformed(error);
		}
	}

	#malformed(error: FlowtapeError): void {
		this.context.reportClientError(this.clientConn, error.message);
		this.#ending = true;
		if (this.#exchange !== null) this.#exchange.clientFailed(error.message, 400);
		else {
			this.sendError(400, error.message, "GET");
			this.flush();
			this.#finish();
		}
	}

	#finish(): void {
		this.#ending = true;
		this.#waitsFor = null;
		this.#batch.write();
		this.#socket.end();
		// Read and drop further input: a reset could destroy the response before the client has read it.
		if (this.#reader.isPaused) this.#reader.resume();
	}

	#handOverFrom(firstBytes: Buffer, takeOver: (socket: Socket) => void): void {
		const socket = this.#release();
		socket.unshift(firstBytes);
		this.#settings.onClose(this);
		takeOver(socket);
	}

	#handOver(head: RequestHead): void {
		const socket = this.#release();
		this.#heads.resize(0);
		this.#settings.onClose(this);
		this.#settings.onConnect?.(socket, head);
	}

	/** Stops using the socket. Returns it paused, with the unread bytes put back. */
	#release(): Socket {
		const socket = this.#socket;
		this.#batch.write();
		this.#reader.stop();
		socket.removeAllListeners("drain").removeAllListeners("timeout");
		socket.removeListener("close", this.#onClose);
		socket.setTimeout(0);
		const unread = this.#parser.detach();
		if (unread.length > 0) socket.unshift(unread);
		return socket;
	}
}

/** The start of the HTTP/2 connection preface, with which no HTTP/1.1 request starts (RFC 9113 section 3.4). */
const PREFACE = "PRI * HTTP/2.0\r\n";

function isPreface(chunk: Buffer): boolean {
	return chunk[0] === 0x50 && chunk.toString("latin1", 0, PREFACE.length) === PREFACE;
}

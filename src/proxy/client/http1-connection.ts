// One connection of a client, plain or out of TLS: reads requests and lets one exchange after the other happen.
import type { Socket } from "node:net";
import { now } from "../../clock.ts";
import { FlowtapeError } from "../../errors.ts";
import type { ByteString } from "../../flow/bytes.ts";
import type { ClientConnection as ClientFacts } from "../../flow/connection.ts";
import { CLIENT_GONE } from "../../flow/ending.ts";
import type { Request, Response } from "../../flow/message.ts";
import { standardReason } from "../../flow/reason.ts";
import { formatAuthority } from "../../flow/url.ts";
import type { CachedResponse } from "../../hooks/decision.ts";
import type { BodyLength, BodyWriter } from "../body/pipe.ts";
import { breakOff, reset } from "../connection/break-off.ts";
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
	facts: ClientFacts;
	/** The tunnel that the connection came through. */
	tunnel: TunnelTarget | null;
	/** Takes over the socket, paused, of a client that asks for a tunnel. null: not here. */
	onConnect: ((socket: Socket, head: RequestHead) => void) | null;
	/** Takes over the socket, paused, of a client that speaks HTTP/2 from its first byte (RFC 9113 section 3.3). null: not here. */
	onHttp2: ((socket: Socket) => void) | null;
	/** Takes over the socket, paused, of a client that begins with TLS. null: not here. */
	onTls: ((socket: Socket) => void) | null;
	/** The connection is over, or somebody else's. */
	onClose: (connection: ClientConnection) => void;
}

/** A client that has closed its side may still want its answer, but after this time it has rather gone away. */
const HALF_CLOSED_MS = 2_000;
/** Pipelined bytes kept in memory while an exchange goes on. */
const PIPELINE_LIMIT = 64 * 1024;

/** Requests that came together and are answered before others have their turn. */
const TURN_REQUESTS = 16;

/** Larger requests are not known by their bytes. */
const ASKED_LIMIT = 4096;

/** The close that follows tells enough. */
const ignore = (): void => {};

/** Sent behind all else, to hear when that was sent. */
const NOTHING: Buffer = Buffer.alloc(0);

export class ClientConnection implements MessageHandler<RequestHead>, ExchangeHost {
	readonly context: ProxyContext;
	readonly facts: ClientFacts;
	readonly tunnel: TunnelTarget | null;
	receivedAt = 0;
	readonly #socket: Socket;
	readonly #batch: WriteBatch;
	readonly #writer: Http1Writer;
	readonly #settings: ClientSettings;
	readonly #parser: RequestParser;
	#exchange: Exchange | null = null;
	#connect: RequestHead | null = null;
	#requestEnded = true;
	/** The bytes that came last, where they begin with a request that was not answered yet. */
	#asked: Buffer | null = null;
	/** What the messages of the current exchange say: whether another may follow, and whether the end of the connection ends the body. */
	#isPersistent = true;
	#isCloseDelimited = false;
	#ending = false;
	/** What the next request waits for, between two exchanges; null: for nothing, or there is none. */
	#waitsFor: "tape" | "drain" | "turn" | null = null;
	/** Requests answered since other connections had their turn. */
	#inTurn = 0;
	#isRequestPaused = false;
	/** Another protocol is spoken, whose end is its own. */
	#isDetached = false;
	/** It is being broken off: an orderly end would say that the body is whole. */
	#isBreaking = false;
	#halfClosed: NodeJS.Timeout | null = null;

	constructor(socket: Socket, settings: ClientSettings) {
		this.#socket = socket;
		this.#settings = settings;
		this.context = settings.context;
		this.facts = settings.facts;
		this.tunnel = settings.tunnel;
		this.#batch = new WriteBatch(socket);
		this.#writer = new Http1Writer(this.#batch);
		this.#parser = new RequestParser(this, { lenient: this.context.lenient });
		socket.on("data", (chunk: Buffer) => this.#onData(chunk));
		socket.on("end", () => this.#onEnd());
		socket.on("drain", () => this.#onDrain());
		// The socket may have been served before.
		socket.removeListener("error", ignore).on("error", ignore);
		socket.on("close", this.#onClose);
		// Not as the callback of setTimeout, which is called once only.
		socket.on("timeout", () => this.#onTimeout());
		socket.setTimeout(this.context.timeoutMs);
		socket.resume();
	}

	/** The proxy ends: no further request is read. */
	drain(): void {
		this.#ending = true;
		if (this.#exchange !== null || this.#isDetached || this.#isBreaking) return;
		this.#waitsFor = null;
		this.#batch.write();
		this.#socket.destroySoon();
	}

	/** Ends at once; a request still open goes to the tape. */
	stop(): void {
		this.#ending = true;
		if (this.#halfClosed !== null) this.#exchange?.clientFailed(CLIENT_GONE, null);
		this.#exchange?.stop();
		this.#hangUp();
	}

	// — what the parser reads —

	head(head: RequestHead, framing: Framing): void {
		this.#parser.pause();
		this.#requestEnded = false;
		if (head.method === "CONNECT") {
			if (this.#settings.onConnect === null) throw new FlowtapeError("FT_PROTOCOL", "CONNECT inside of a tunnel");
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

	// — what the exchange asks for —

	get isLeaving(): boolean {
		return this.#halfClosed !== null;
	}

	pauseRequest(): void {
		if (this.#requestEnded) return;
		this.#isRequestPaused = true;
		this.#socket.pause();
	}

	resumeRequest(): void {
		this.#isRequestPaused = false;
		if (this.#socket.isPaused() && !this.#socket.destroyed) this.#socket.resume();
	}

	sendInterim({ status, reason, fields }: ResponseHead): void {
		this.#batch.add(writeResponseHead("HTTP/1.1", status, reason || standardReason(status), fields));
	}

	sendResponse(response: Response, request: Request, body: BodyLength, touched: boolean, standing: CachedResponse | null): BodyWriter {
		const { head, coding, close, untilClose } = outgoingResponse(response, request, body, touched);
		if (close) this.#isPersistent = false;
		if (standing !== null && Buffer.isBuffer(response.body) && coding !== "chunked") this.#remember(request, standing, head.length + response.body.length);
		this.#asked = null;
		this.#isCloseDelimited = untilClose;
		this.#writer.begin(head, coding);
		return this.#writer;
	}

	/** The whole request, and nothing else, came in one piece. */
	#remember(request: Request, standing: CachedResponse, size: number): void {
		if (this.#asked !== null && this.tunnel === null && this.#isPersistent && this.#parser.idle && this.#batch.isEmpty)
			this.context.standing.add(this.#asked, request, standing, size);
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
		this.flush();
		if (!reusable || !this.#isPersistent || this.#ending || (this.#halfClosed !== null && this.#parser.idle)) this.#finish();
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
			this.#socket.write(NOTHING, () => this.abort());
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
			this.facts.timestampEnd = now();
			this.#settings.onClose(this);
		});
		return socket;
	}

	// — what the socket says —

	#onData(chunk: Buffer): void {
		if (this.#ending && this.#exchange === null) return;
		const isFirst = this.receivedAt === 0;
		this.receivedAt = now();
		if (isFirst) {
			const { onHttp2, onTls } = this.#settings;
			const taker = onHttp2 !== null && isPreface(chunk) ? onHttp2 : chunk[0] === HANDSHAKE ? onTls : null;
			if (taker !== null) {
				this.#handOverWhole(chunk, taker);
				return;
			}
		}
		this.#asked = this.#exchange === null && this.#parser.idle && chunk.length <= ASKED_LIMIT ? chunk : null;
		if (this.#asked !== null && this.#answerAtOnce(this.#asked)) return;
		this.#inTurn = 0;
		this.#guard(() => this.#parser.feed(chunk));
		this.flush();
		if (this.#holdsRequests && this.#parser.waitingBytes > PIPELINE_LIMIT) this.#socket.pause();
	}

	/** Whether the next request has to wait, if it has come. */
	get #holdsRequests(): boolean {
		return this.#requestEnded && (this.#exchange !== null || this.#waitsFor !== null);
	}

	/** The client has taken what was written. */
	#onDrain(): void {
		this.#halfClosed?.refresh();
		if (this.#waitsFor === "drain") this.#next();
		else this.#exchange?.resumeResponse();
	}

	/** Where it is known what these bytes are answered, and the client takes it. */
	#answerAtOnce(asked: Buffer): boolean {
		if (this.tunnel !== null || this.#socket.writableLength > 0 || !this.#batch.isEmpty) return false;
		const answer = this.context.standing.find(asked, this.receivedAt);
		if (answer === null) return false;
		answer.give(this.#batch);
		this.#batch.flush();
		return true;
	}

	/** Whether an orderly end would make a body look whole that is not. */
	get #isCut(): boolean {
		return this.#isBreaking || (this.#exchange !== null && this.#isCloseDelimited);
	}

	#hangUp(): void {
		if (this.#isCut) reset(this.#socket);
		else this.#socket.destroy();
	}

	#onEnd(): void {
		if (this.#isBreaking) return;
		const isAsked = this.#exchange !== null || (this.#waitsFor !== null && !this.#parser.idle);
		if (!isAsked || !this.#requestEnded) {
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
		this.facts.timestampEnd = now();
		if (this.#halfClosed !== null) clearTimeout(this.#halfClosed);
		this.#ending = true;
		this.#exchange?.clientFailed(CLIENT_GONE, null);
		this.#settings.onClose(this);
	};

	/** While the server is asked, its own timeout counts. */
	#onTimeout(): void {
		if (this.#socket.writableEnded) this.#socket.destroy();
		else if (this.#exchange === null) this.#socket.setTimeout(this.context.timeoutMs).end();
		else if (!this.#requestEnded) this.#exchange.clientFailed("The client stopped in the middle of its request.", null);
	}

	/** Reads on; the next request may have come already. It waits as long as the client does not take its answers. */
	#next(): void {
		this.#waitsFor = null;
		if (this.#socket.destroyed) return;
		if (this.#batch.isFull) this.#waitsFor = "drain";
		else if (!this.#parser.idle && ++this.#inTurn > TURN_REQUESTS) {
			this.#waitsFor = "turn";
			setImmediate(() => this.#nextTurn());
		} else this.#read();
	}

	#nextTurn(): void {
		this.#inTurn = 0;
		if (this.#waitsFor === "turn") this.#next();
	}

	#read(): void {
		this.#guard(() => this.#parser.resume());
		this.flush();
		if (!this.#isRequestPaused && (!this.#holdsRequests || this.#parser.waitingBytes <= PIPELINE_LIMIT)) this.resumeRequest();
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
		const [host, port] = this.facts.peername ?? ["?", 0];
		this.context.emit({ kind: "client_error", message: error.message, client: formatAuthority(host, port) });
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
		// What the client still sends is of no interest, but a reset would destroy what it has not read yet.
		if (this.#socket.isPaused()) this.#socket.resume();
	}

	#handOverWhole(early: Buffer, taker: (socket: Socket) => void): void {
		const socket = this.#release();
		socket.unshift(early);
		this.#settings.onClose(this);
		taker(socket);
	}

	#handOver(head: RequestHead): void {
		const socket = this.#release();
		this.#settings.onClose(this);
		this.#settings.onConnect?.(socket, head);
	}

	/** The socket, paused, with what was not read of it. */
	#release(): Socket {
		const socket = this.#socket;
		this.#batch.write();
		socket.removeAllListeners("data").removeAllListeners("end").removeAllListeners("drain").removeAllListeners("timeout");
		socket.removeListener("close", this.#onClose);
		socket.setTimeout(0);
		socket.pause();
		const early = this.#parser.detach();
		if (early.length > 0) socket.unshift(early);
		return socket;
	}
}

/** What no request begins with (RFC 9113 section 3.4). */
const PREFACE = "PRI * HTTP/2.0\r\n";

function isPreface(chunk: Buffer): boolean {
	return chunk[0] === 0x50 && chunk.toString("latin1", 0, PREFACE.length) === PREFACE;
}

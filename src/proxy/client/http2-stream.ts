// One stream of a client's HTTP/2 connection: the client's side of one exchange.
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { now } from "../../clock.ts";
import { FlowtapeError } from "../../errors.ts";
import { type ByteString, toText } from "../../flow/bytes.ts";
import type { ClientConnection } from "../../flow/connection.ts";
import type { Request, Response } from "../../flow/message.ts";
import { type BodyLength, type BodyWriter, isEmptyBody } from "../body/pipe.ts";
import type { FairSession } from "../connection/fair-reader.ts";
import type { ProxyContext } from "../context/context.ts";
import { ERROR_TYPE, type ErrorStatus, errorBody } from "../exchange/error-page.ts";
import { Exchange } from "../exchange/exchange.ts";
import type { ExchangeHost } from "../exchange/host.ts";
import {
	HTTP2_VERSION,
	hasOtherHost,
	http2Fields,
	http2Framing,
	http2ResponseHeaders,
	regularFields,
	upgradeRequestFields,
} from "../http2/fields.ts";
import { END_STREAM, errorName, INTERNAL_ERROR, NO_ERROR } from "../http2/module.ts";
import { checkHost, type TunnelTarget, targetOf } from "../route/target.ts";
import { isBodiless } from "../wire/framing.ts";
import type { ResponseHead } from "../wire/head.ts";

export interface ClientStreamSettings {
	context: ProxyContext;
	clientConn: ClientConnection;
	tunnel: TunnelTarget | null;
	reader: FairSession;
	/** The exchange is over; nothing new may begin before `wait` resolves. */
	onDone: (wait: Promise<void> | undefined) => void;
	/** The stream is closed; this may happen later than `onDone`. */
	onClose: () => void;
}

export class ClientStream implements ExchangeHost, BodyWriter {
	readonly context: ProxyContext;
	readonly clientConn: ClientConnection;
	readonly tunnel: TunnelTarget | null;
	/** Always false: HTTP/2 has no half-closed connections, and a client that disconnects resets its streams. */
	readonly isLeaving = false;
	receivedAt = now();
	readonly #stream: ServerHttp2Stream;
	readonly #settings: ClientStreamSettings;
	#exchange: Exchange | null = null;
	#requestEnded = false;
	#requestTrailers: ByteString[] | null = null;
	/** The whole response has been written. */
	#isAnswered = false;
	#responseTrailers: readonly ByteString[] | null = null;
	/** The stream has switched to another protocol. */
	#isSwitched = false;

	constructor(stream: ServerHttp2Stream, settings: ClientStreamSettings) {
		this.#stream = stream;
		this.#settings = settings;
		this.context = settings.context;
		this.clientConn = settings.clientConn;
		this.tunnel = settings.tunnel;
		stream.on("trailers", (_headers, _flags, raw: string[] = []) => {
			this.#requestTrailers = raw;
		});
		stream.on("drain", () => this.#exchange?.resumeResponse());
		stream.on("error", () => {});
		stream.on("close", () => this.#onClose(stream.rstCode));
	}

	/** Begins the exchange with the arguments of Node's `stream` event. */
	start(headers: IncomingHttpHeaders, flags: number, raw: string[]): void {
		try {
			this.#begin(headers, (flags & END_STREAM) !== 0, raw);
		} catch (error) {
			if (!(error instanceof FlowtapeError)) throw error;
			this.sendError(400, error.message, "GET");
		}
	}

	/** The proxy is shutting down. */
	stop(): void {
		this.#exchange?.stop();
	}

	#begin(headers: IncomingHttpHeaders, ended: boolean, raw: string[]): void {
		const {
			":method": method = "",
			":scheme": scheme = "",
			":authority": authority = "",
			":path": path = "/",
			":protocol": protocol,
		} = headers;
		const isUpgrade = method === "CONNECT" && protocol === "websocket";
		if (method === "CONNECT" && !isUpgrade)
			throw new FlowtapeError("FT_PROTOCOL", `CONNECT ${protocol ?? "inside a tunnel"}`);
		checkHost(authority, ":authority");
		const fields = regularFields(raw);
		// Otherwise rules would match one of the two, while the other would decide on the server.
		if (hasOtherHost(fields, authority, scheme))
			throw new FlowtapeError("FT_PROTOCOL", `:authority is ${authority}, but Host is different`);
		if (isUpgrade) fields.push(...upgradeRequestFields());
		const target = this.tunnel === null ? `${scheme}://${authority}${path}` : path;
		const head = { method: isUpgrade ? "GET" : method, target, version: HTTP2_VERSION, fields };
		const framing = isUpgrade ? ({ kind: "none" } as const) : http2Framing(fields, ended);
		this.#exchange = Exchange.live(this, head, framing, targetOf(head, this.tunnel), String(authority));
		// A request that is reset at once opens no connection to a server: thousands of those are an attack (rapid reset,
		// CVE-2023-44487).
		if (isGone(this.#stream)) {
			this.#onClose(this.#stream.rstCode);
			return;
		}
		this.#exchange.start();
		if (isUpgrade) this.#exchange.requestEnd(null);
		else if (ended) this.#onRequestEnd();
		else this.#listen();
		this.flush();
	}

	#listen(): void {
		const stream = this.#stream;
		const { reader } = this.#settings;
		stream.on("data", (chunk: Buffer) =>
			reader.take(() => {
				this.receivedAt = now();
				this.#exchange?.requestBody(chunk);
				this.flush();
			}),
		);
		stream.on("end", () => {
			if (!stream.aborted && stream.rstCode === NO_ERROR) this.#onRequestEnd();
			this.flush();
		});
	}

	#onRequestEnd(): void {
		this.#requestEnded = true;
		this.#exchange?.requestEnd(this.#requestTrailers);
	}

	#onClose(code: number): void {
		const exchange = this.#exchange;
		this.#exchange = null;
		this.#settings.onClose();
		// A client that has the complete response need not finish its request.
		if (this.#isAnswered && !this.#requestEnded) exchange?.requestEnd(null);
		else exchange?.clientFailed(`Client disconnected (${errorName(code)}).`, null);
	}

	// — called by the exchange —

	pauseRequest(): void {
		if (!this.#requestEnded) this.#stream.pause();
	}

	resumeRequest(): void {
		if (this.#stream.isPaused()) this.#stream.resume();
	}

	sendInterim({ status, fields }: ResponseHead): void {
		const stream = this.#stream;
		if (isGone(stream) || stream.headersSent) return;
		stream.additionalHeaders({ ":status": status, ...http2Fields(fields, this.#leftOut()) });
	}

	sendResponse(response: Response, request: Request, body: BodyLength, touched: boolean): BodyWriter {
		const stream = this.#stream;
		if (isGone(stream)) return this;
		this.#isSwitched = response.statusCode === 101;
		const endStream = isEmptyBody(body, response.trailers) && !this.#isSwitched;
		const waitForTrailers =
			!endStream && !("size" in body && response.trailers === null) && !isBodiless(request.method, response.statusCode);
		// Only an origin server adds a Date field.
		const options = { endStream, waitForTrailers, sendDate: false };
		const leftOut = this.#leftOut(request);
		const sendTrailers = () =>
			isGone(stream) || stream.sendTrailers(http2Fields(this.#responseTrailers ?? [], leftOut));
		if (waitForTrailers) stream.on("wantTrailers", sendTrailers);
		try {
			stream.respond(http2ResponseHeaders(response, request, body, touched, leftOut), options);
		} catch (error) {
			// A hook or a recording can have a status that HTTP/2 cannot represent.
			stream.removeListener("wantTrailers", sendTrailers);
			this.sendError(502, `the response cannot be sent over HTTP/2: ${(error as Error).message}`, request.method);
		}
		return this;
	}

	sendError(status: ErrorStatus, message: string, method: ByteString): void {
		const stream = this.#stream;
		if (isGone(stream)) return;
		const body = errorBody(message);
		stream.respond({ ":status": status, "content-type": ERROR_TYPE, "content-length": String(body.length) });
		stream.end(method === "HEAD" ? undefined : body);
	}

	#leftOut(request = this.#exchange?.flow.request): (field: string) => void {
		return (field) =>
			this.context.emit({ kind: "left_out", field: toText(field), of: "response", url: request?.prettyUrl ?? "" });
	}

	acceptsMore(): boolean {
		return !this.#stream.writableNeedDrain;
	}

	write(chunk: Buffer): void {
		if (this.#stream.writable) this.#stream.write(chunk);
	}

	end(trailers: readonly ByteString[] | null): void {
		this.#isAnswered = true;
		this.#responseTrailers = trailers;
		if (!this.#isSwitched && this.#stream.writable) this.#stream.end();
	}

	flush(): void {
		if (this.#stream.writableNeedDrain) this.#exchange?.pauseResponse();
		this.#exchange?.flushRequest();
	}

	exchangeDone(_reusable: boolean, wait: Promise<void> | undefined): void {
		const stream = this.#stream;
		this.#exchange = null;
		this.#settings.onDone(wait);
		// RFC 9113 section 8.1: NO_ERROR tells the client not to send the rest of its request.
		if (!this.#requestEnded && !stream.destroyed) stream.once("finish", () => closeAfterResponse(stream));
	}

	/**
	 * Resets the stream. Node would end a stream that waits for nothing as complete, but this one still waits for its
	 * head or its trailers.
	 */
	abort(reset: number | null): void {
		this.#exchange = null;
		this.#stream.close(reset || INTERNAL_ERROR);
	}

	breakOff(): void {
		const stream = this.#stream;
		this.#exchange = null;
		if (!stream.writable || !stream.headersSent) this.abort(null);
		else stream.write(Buffer.alloc(0), () => setImmediate(() => this.abort(null)));
	}

	detach(): Duplex {
		const stream = this.#stream;
		this.#exchange = null;
		stream.removeAllListeners("drain");
		return stream;
	}
}

/** Interval between two checks whether a response has been sent. Milliseconds. */
const SENT_CHECK_MS = 20;

/**
 * Resets a stream once END_STREAM has been sent. Node has no event for that: `finish` comes earlier, and nghttp2 sends
 * a reset before pending data, so a complete response would look incomplete.
 */
function closeAfterResponse(stream: ServerHttp2Stream): void {
	if (isGone(stream)) return;
	if (stream.state.localClose === 1) stream.close(NO_ERROR);
	else setTimeout(closeAfterResponse, SENT_CHECK_MS, stream).unref();
}

/** Whether nothing more can be sent: a stream is closed before it is destroyed. */
function isGone(stream: ServerHttp2Stream): boolean {
	return stream.destroyed || stream.closed;
}

// One stream of a client's HTTP/2 connection: the client's side of one exchange.
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { now } from "../../clock.ts";
import { FlowtapeError } from "../../errors.ts";
import { type ByteString, toText } from "../../flow/bytes.ts";
import type { ClientConnection as ClientFacts } from "../../flow/connection.ts";
import type { Request, Response } from "../../flow/message.ts";
import { type BodyLength, type BodyWriter, isEmptyBody } from "../body/pipe.ts";
import type { ProxyContext } from "../context/context.ts";
import { ERROR_TYPE, type ErrorStatus, errorBody } from "../exchange/error-page.ts";
import { Exchange } from "../exchange/exchange.ts";
import type { ExchangeHost } from "../exchange/host.ts";
import { HTTP2_VERSION, hasOtherHost, http2Fields, http2Framing, http2ResponseHeaders, regularFields, upgradeRequestFields } from "../http2/fields.ts";
import { END_STREAM, errorName, INTERNAL_ERROR, NO_ERROR } from "../http2/module.ts";
import { checkHost, type TunnelTarget, targetOf } from "../route/target.ts";
import { isBodiless } from "../wire/framing.ts";
import type { ResponseHead } from "../wire/head.ts";

export interface ClientStreamSettings {
	context: ProxyContext;
	facts: ClientFacts;
	tunnel: TunnelTarget | null;
	/** The exchange is over; nothing new may begin before `wait` resolves. */
	onDone: (wait: Promise<void> | undefined) => void;
	/** The stream is over, which may be later. */
	onClose: () => void;
}

export class ClientStream implements ExchangeHost, BodyWriter {
	readonly context: ProxyContext;
	readonly facts: ClientFacts;
	readonly tunnel: TunnelTarget | null;
	/** A client that goes resets its streams. */
	readonly isLeaving = false;
	receivedAt = now();
	readonly #stream: ServerHttp2Stream;
	readonly #settings: ClientStreamSettings;
	#exchange: Exchange | null = null;
	#requestEnded = false;
	#requestTrailers: ByteString[] | null = null;
	/** The response is on its way as a whole. */
	#isAnswered = false;
	#responseTrailers: readonly ByteString[] | null = null;
	/** The stream goes on, in another protocol. */
	#isSwitched = false;

	constructor(stream: ServerHttp2Stream, settings: ClientStreamSettings) {
		this.#stream = stream;
		this.#settings = settings;
		this.context = settings.context;
		this.facts = settings.facts;
		this.tunnel = settings.tunnel;
		stream.on("trailers", (_headers, _flags, raw: string[] = []) => {
			this.#requestTrailers = raw;
		});
		stream.on("drain", () => this.#exchange?.resumeResponse());
		stream.on("error", () => {});
		stream.on("close", () => this.#onClose(stream.rstCode));
	}

	/** With what the stream began with. */
	start(headers: IncomingHttpHeaders, flags: number, raw: string[]): void {
		try {
			this.#begin(headers, (flags & END_STREAM) !== 0, raw);
		} catch (error) {
			if (!(error instanceof FlowtapeError)) throw error;
			this.sendError(400, error.message, "GET");
		}
	}

	/** The proxy ends. */
	stop(): void {
		this.#exchange?.stop();
	}

	#begin(headers: IncomingHttpHeaders, ended: boolean, raw: string[]): void {
		const { ":method": method = "", ":scheme": scheme = "", ":authority": authority = "", ":path": path = "/", ":protocol": protocol } = headers;
		const isUpgrade = method === "CONNECT" && protocol === "websocket";
		if (method === "CONNECT" && !isUpgrade) throw new FlowtapeError("FT_PROTOCOL", `CONNECT ${protocol ?? "inside of a tunnel"}`);
		checkHost(authority, ":authority");
		const fields = regularFields(raw);
		// One would decide which rules hold, and the other who answers.
		if (hasOtherHost(fields, authority, scheme)) throw new FlowtapeError("FT_PROTOCOL", `:authority is ${authority}, and Host is another`);
		if (isUpgrade) fields.push(...upgradeRequestFields());
		const target = this.tunnel === null ? `${scheme}://${authority}${path}` : path;
		const head = { method: isUpgrade ? "GET" : method, target, version: HTTP2_VERSION, fields };
		const framing = isUpgrade ? ({ kind: "none" } as const) : http2Framing(fields, ended);
		this.#exchange = Exchange.live(this, head, framing, targetOf(head, this.tunnel), String(authority));
		// A client that takes its request back in the same breath costs no way to a server: thousands of those are an attack (CVE-2023-44487).
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
		stream.on("data", (chunk: Buffer) => {
			this.receivedAt = now();
			this.#exchange?.requestBody(chunk);
			this.flush();
		});
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
		// A client that has its answer need not go on asking.
		if (this.#isAnswered && !this.#requestEnded) exchange?.requestEnd(null);
		else exchange?.clientFailed(`Client disconnected (${errorName(code)}).`, null);
	}

	// — what the exchange asks for —

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
		const waitForTrailers = !endStream && !("size" in body && response.trailers === null) && !isBodiless(request.method, response.statusCode);
		// A date is the origin's to give.
		const options = { endStream, waitForTrailers, sendDate: false };
		const leftOut = this.#leftOut(request);
		const sendTrailers = () => isGone(stream) || stream.sendTrailers(http2Fields(this.#responseTrailers ?? [], leftOut));
		if (waitForTrailers) stream.on("wantTrailers", sendTrailers);
		try {
			stream.respond(http2ResponseHeaders(response, request, body, touched, leftOut), options);
		} catch (error) {
			// A status of a hook or a recording can be one that HTTP/2 has no form for.
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
		return (field) => this.context.emit({ kind: "left_out", field: toText(field), of: "response", url: request?.prettyUrl ?? "" });
	}

	takes(): boolean {
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
		// RFC 9113 section 8.1: the rest of the request is of no interest.
		if (!this.#requestEnded && !stream.destroyed) stream.once("finish", () => stream.close(NO_ERROR));
	}

	/** Node would end a stream that waits for nothing as if it were whole: this one waits for its trailers, or has no head yet. */
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

/** Whether nothing can be sent in it any more: it is closed before it is destroyed. */
function isGone(stream: ServerHttp2Stream): boolean {
	return stream.destroyed || stream.closed;
}

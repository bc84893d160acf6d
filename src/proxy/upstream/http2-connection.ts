// An HTTP/2 connection to a server, shared by concurrent requests, and the stream of one request.
import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { now } from "../../clock.ts";
import type { FlowtapeError } from "../../errors.ts";
import type { ByteString } from "../../flow/bytes.ts";
import type { ServerConnection } from "../../flow/connection.ts";
import type { Request } from "../../flow/message.ts";
import { type BodyLength, type BodyWriter, isEmptyBody } from "../body/pipe.ts";
import { type Dial, upstreamFault } from "../connection/attempt.ts";
import {
	HTTP2_VERSION,
	http2Fields,
	http2Framing,
	http2RequestHeaders,
	isWebSocketUpgrade,
	regularFields,
	upgradeResponseFields,
} from "../http2/fields.ts";
import {
	CANCEL,
	END_STREAM,
	errorName,
	HTTP_1_1_REQUIRED,
	http2,
	NO_ERROR,
	REFUSED_STREAM,
	sessionOptions,
	sessionSettings,
	setLocalWindow,
} from "../http2/module.ts";
import { adviceOnAlert } from "../tls/upstream-options.ts";
import type { Framing } from "../wire/framing.ts";
import { isIdempotent } from "../wire/hop-by-hop.ts";
import { type ResponseListener, type UpstreamChannel, UpstreamReset } from "./channel.ts";
import { detectInvalidSettings, detectStall } from "./http2-stall.ts";

export interface Http2Settings {
	/** How long a stream may be idle before it fails. Milliseconds; 0: no limit. */
	timeoutMs: number;
	/** Called for each field of a request that HTTP/2 cannot represent. */
	onOmittedField?: ((field: string, request: Request) => void) | undefined;
}

const NONE: Framing = { kind: "none" };

/** Error codes of requests that the server has not processed (RFC 9113 sections 7 and 8.7). */
const UNPROCESSED = new Set([REFUSED_STREAM, HTTP_1_1_REQUIRED]);

/** nghttp2's error if the first frame is not SETTINGS, for example because the response is HTTP/1.1. */
const PROTOCOL_ERROR = -505;
export class UpstreamHttp2 {
	readonly serverConn: ServerConnection;
	/** When the last stream was closed, in milliseconds of `performance.now()`; infinite while a stream is open. */
	idleSince = performance.now();
	readonly #session: ClientHttp2Session;
	readonly #socket: Socket;
	readonly #settings: Http2Settings;
	/** The error that ended the session. */
	#error: Error | null = null;
	readonly #streams = new Set<ClientHttp2Stream>();
	/** Whether the server has responded to a request. */
	hasAnswered = false;
	/** The server accepts no further streams. */
	#isClosing = false;
	/** The last stream id of the server's GOAWAY, up to which it may have processed streams; infinite: no GOAWAY. */
	#lastStream = Number.POSITIVE_INFINITY;
	/** Whether the server is known to speak HTTP/2. A request sent to another server would be lost. */
	#isConfirmed: boolean;

	/** `onClose` is called once, when the connection accepts no further requests. */
	constructor(
		socket: Socket,
		serverConn: ServerConnection,
		settings: Http2Settings,
		onClose: (connection: UpstreamHttp2) => void,
	) {
		this.serverConn = serverConn;
		this.#socket = socket;
		this.#settings = settings;
		this.#isConfirmed = (socket as TLSSocket).alpnProtocol === "h2";
		// Each request sets its own authority.
		const session = http2().connect("https://server.invalid", {
			...sessionOptions,
			settings: { ...sessionSettings, enablePush: false },
			createConnection: () => socket,
		});
		this.#session = session;
		const close = () => {
			if (!this.#isClosing) onClose(this);
			this.#isClosing = true;
		};
		session.once("connect", () => setLocalWindow(session));
		// Each stream gets its own error. TLS alerts are errors of the socket only.
		const onError = (error: Error) => {
			this.#error ??= error;
		};
		session.on("error", onError);
		socket.on("error", onError);
		const fail = (reason: string) => {
			this.#error ??= new Error(reason);
			session.destroy(this.#error);
		};
		detectInvalidSettings(session, socket, fail);
		detectStall(session, socket, () => this.#isWaiting, fail);
		session.on("goaway", (code, lastStream) => {
			if (code !== NO_ERROR) this.#error ??= new Error(`it sent GOAWAY (${errorName(code)})`);
			this.#lastStream = lastStream;
			close();
		});
		session.on("close", () => {
			serverConn.timestampEnd = now();
			close();
		});
	}

	/**
	 * Calls `done` once it is known whether the server speaks HTTP/2, and it accepts a request. Without TLS, there is no
	 * ALPN to decide that. The server does not speak HTTP/2 if it closed the connection or sent something other than a
	 * frame. An invalid frame is an error, and so is a server that accepts no request within `timeoutMs`.
	 */
	confirm(timeoutMs: number, done: (isHttp2: boolean, error: FlowtapeError | null) => void): Dial {
		const session = this.#session;
		const stop = () => {
			clearTimeout(timer);
			session.removeListener("remoteSettings", onSettings).removeListener("close", onClose);
		};
		const settle = (isHttp2: boolean, error: FlowtapeError | null) => {
			stop();
			done(isHttp2, error);
		};
		const onSettings = () => {
			this.#isConfirmed = true;
			if (this.canOpenStream) settle(true, null);
		};
		const onClose = () => {
			const error = this.#error as (Error & { errno?: number }) | null;
			if (this.#isConfirmed) settle(false, this.fault ?? upstreamFault("the server closed the connection", error));
			else if (this.#socket.bytesRead === 0 || error?.errno === PROTOCOL_ERROR || error === null) settle(false, null);
			else settle(false, upstreamFault(`the server's first HTTP/2 frame is invalid: ${error.message}`, error));
		};
		const cancel = () => {
			stop();
			session.destroy();
		};
		const timer = setTimeout(() => {
			cancel();
			const missing = this.#isConfirmed
				? "accepted no request, as its SETTINGS_MAX_CONCURRENT_STREAMS is 0,"
				: "sent no SETTINGS frame";
			done(false, upstreamFault(`the server ${missing} within ${timeoutMs / 1000} s`));
		}, timeoutMs);
		session.on("remoteSettings", onSettings).once("close", onClose);
		return { cancel };
	}

	/** Whether all requests were sent, and a response is still to come. */
	get #isWaiting(): boolean {
		return this.#streams.size > 0 && [...this.#streams].every((stream) => stream.writableFinished);
	}

	/** Whether another stream can be opened now. */
	get canOpenStream(): boolean {
		const session = this.#session;
		return (
			this.#isConfirmed &&
			!this.#isClosing &&
			!session.closed &&
			!session.destroyed &&
			this.#streams.size < (session.remoteSettings.maxConcurrentStreams ?? Number.POSITIVE_INFINITY)
		);
	}

	/** Whether a stream can become a WebSocket (RFC 8441 section 3). */
	get supportsWebSockets(): boolean {
		return this.#session.remoteSettings.enableConnectProtocol === true;
	}

	get isVerified(): boolean {
		return (this.#socket as TLSSocket).authorized === true;
	}

	openStream(): UpstreamStream {
		return new UpstreamStream(this, this.#settings);
	}

	/** Sends GOAWAY; open streams may finish. */
	close(): void {
		this.#session.close();
	}

	/**
	 * Opens the HTTP/2 stream of a request; for `UpstreamStream`.
	 * @throws Error of Node if the connection is closed, or the head cannot be sent
	 */
	request(request: Request, body: BodyLength, touched: boolean): ClientHttp2Stream {
		const endStream = isEmptyBody(body, request.trailers) && !isWebSocketUpgrade(request);
		const stream = this.#session.request(
			http2RequestHeaders(request, body, touched, this.omittedFieldReporter(request)),
			{
				endStream,
				waitForTrailers: !endStream,
			},
		);
		this.#streams.add(stream);
		this.idleSince = Number.POSITIVE_INFINITY;
		stream.once("close", () => {
			this.#streams.delete(stream);
			if (this.#streams.size === 0) this.idleSince = performance.now();
		});
		return stream;
	}

	/** Reports the fields of a request that are not sent; for `UpstreamStream`. */
	omittedFieldReporter(request: Request): (field: string) => void {
		return (field) => this.#settings.onOmittedField?.(field, request);
	}

	/**
	 * Whether the server's GOAWAY excludes this stream, so that it was not processed (RFC 9113 section 6.8). A stream
	 * that was not sent has no id.
	 */
	isUnprocessed({ id = Number.POSITIVE_INFINITY }: ClientHttp2Stream): boolean {
		return id > this.#lastStream;
	}

	/** The error that ended the connection; null: none is known. */
	get fault(): FlowtapeError | null {
		return this.#error === null
			? null
			: upstreamFault(
					`the connection to the server failed: ${this.#error.message}${adviceOnAlert(this.#error)}`,
					this.#error,
				);
	}

	get isDestroyed(): boolean {
		return this.#session.destroyed;
	}
}

class UpstreamStream implements UpstreamChannel, BodyWriter {
	readonly serverConn: ServerConnection;
	receivedAt = 0;
	readonly #connection: UpstreamHttp2;
	readonly #settings: Http2Settings;
	#stream: ClientHttp2Stream | null = null;
	#request: Request | null = null;
	#listener: ResponseListener | null = null;
	#requestTrailers: readonly ByteString[] | null = null;
	#responseTrailers: ByteString[] | null = null;
	#isAnswered = false;
	/**
	 * Whether the request can be retried if the connection closes now: it is idempotent, and the server may have closed
	 * before it arrived.
	 */
	#isUnprocessed = false;
	/** The server has ended the stream with END_STREAM. */
	#isWhole = false;
	/** Bytes of the response still to come; null: no length was announced. */
	#due: number | null = null;
	#error: Error | null = null;

	constructor(connection: UpstreamHttp2, settings: Http2Settings) {
		this.serverConn = connection.serverConn;
		this.#connection = connection;
		this.#settings = settings;
	}

	get isVerified(): boolean {
		return this.#connection.isVerified;
	}

	get isOpen(): boolean {
		return !this.#connection.isDestroyed;
	}

	send(listener: ResponseListener, request: Request, body: BodyLength, touched: boolean): BodyWriter {
		this.#listener = listener;
		this.#request = request;
		this.#isUnprocessed = this.#connection.hasAnswered && isIdempotent(request.method);
		try {
			this.#listen(this.#connection.request(request, body, touched));
		} catch (error) {
			const fault = upstreamFault(`the request could not be sent: ${(error as Error).message}`, error);
			// If the connection has closed meanwhile, the request can be retried; otherwise its head is invalid.
			process.nextTick(() => this.#fail(fault, !this.#connection.canOpenStream));
		}
		return this;
	}

	#listen(stream: ClientHttp2Stream): void {
		this.#stream = stream;
		// Node ends a stream that is reset with NO_ERROR like a complete one, but the body is complete only without a
		// reset.
		const push = stream.push.bind(stream);
		stream.push = (chunk, encoding) => {
			if (chunk === null) this.#isWhole ||= !stream.closed;
			return push(chunk, encoding);
		};
		stream.on("headers", (headers, _flags, raw: string[] = []) => {
			this.#isUnprocessed = false;
			this.#onHead(Number(headers[":status"]), regularFields(raw), NONE);
		});
		stream.on("response", (headers, flags, raw: string[] = []) =>
			this.#onResponse(Number(headers[":status"]), flags, raw),
		);
		stream.on("data", (chunk: Buffer) => {
			this.receivedAt = now();
			if (this.#due !== null) this.#due -= chunk.length;
			this.#listener?.responseBody(chunk);
			this.#listener?.flush();
		});
		stream.on("trailers", (_headers, _flags, raw: string[] = []) => {
			this.#responseTrailers = raw;
		});
		stream.on("end", () => this.#onEnd());
		stream.on("wantTrailers", () => {
			const leftOut = this.#connection.omittedFieldReporter(this.#request as Request);
			if (!stream.destroyed && !stream.closed) stream.sendTrailers(http2Fields(this.#requestTrailers ?? [], leftOut));
		});
		stream.on("drain", () => {
			this.#listener?.upstreamDrained();
			this.#listener?.flush();
		});
		stream.on("error", (error) => {
			this.#error = error;
		});
		stream.on("close", () => this.#onClose(stream.rstCode));
		const { timeoutMs } = this.#settings;
		if (timeoutMs > 0) stream.setTimeout(timeoutMs, () => this.#timeOut(timeoutMs));
	}

	#onResponse(status: number, flags: number, raw: string[]): void {
		const fields = regularFields(raw);
		const isEnded = (flags & END_STREAM) !== 0;
		const request = this.#request as Request;
		this.#isAnswered = true;
		this.#connection.hasAnswered = true;
		if (isWebSocketUpgrade(request) && status >= 200 && status < 300 && !isEnded) {
			this.#onHead(101, [...fields, ...upgradeResponseFields(request)], NONE);
			return;
		}
		const framing: Framing = isEnded ? { kind: "length", length: 0 } : http2Framing(fields, false);
		this.#due = framing.kind === "length" ? framing.length : null;
		this.#onHead(status, fields, framing);
	}

	/** Delivers a head. A message with framing "none" ends at once. */
	#onHead(status: number, fields: ByteString[], framing: Framing): void {
		// Node does not reject a status below 100.
		if (!(status >= 100)) {
			this.#fail(upstreamFault(`the server responded with the invalid status ${status}: expected 100 or above`), false);
			return;
		}
		this.receivedAt = now();
		const listener = this.#listener;
		listener?.responseHead({ version: HTTP2_VERSION, status, reason: "", fields }, framing);
		if (framing.kind === "none") listener?.responseEnd(null);
		listener?.flush();
	}

	#onEnd(): void {
		const listener = this.#listener;
		// Node also ends a stream that was reset; "close" handles that.
		if (!this.#isAnswered || this.#stream?.rstCode !== NO_ERROR) return;
		if (!this.#isWhole && this.#due !== 0) {
			this.#fail(
				new UpstreamReset(NO_ERROR, "the server reset the stream before the response was complete", null),
				false,
			);
			return;
		}
		this.receivedAt = now();
		listener?.responseEnd(this.#responseTrailers);
		listener?.flush();
	}

	#onClose(code: number): void {
		if (this.#listener === null || this.#stream === null) return;
		const isUnprocessed = this.#isUnprocessed || this.#connection.isUnprocessed(this.#stream);
		if (this.#connection.isDestroyed)
			this.#fail(
				this.#connection.fault ?? upstreamFault("the server closed the connection", this.#error),
				isUnprocessed,
			);
		else
			this.#fail(
				new UpstreamReset(code, `the server reset the stream (${errorName(code)})`, this.#error),
				UNPROCESSED.has(code),
			);
	}

	#timeOut(timeoutMs: number): void {
		this.#fail(upstreamFault(`the server sent nothing for ${timeoutMs / 1000} s`), false);
	}

	#fail(error: FlowtapeError, isUnprocessed: boolean): void {
		const listener = this.#listener;
		this.cancel();
		listener?.responseFailed(error, isUnprocessed);
		listener?.flush();
	}

	// — the request —

	acceptsMore(): boolean {
		return !this.#stream?.writableNeedDrain;
	}

	write(chunk: Buffer): void {
		if (this.#stream?.writable) this.#stream.write(chunk);
	}

	end(trailers: readonly ByteString[] | null): void {
		this.#requestTrailers = trailers;
		// A WebSocket handshake keeps the stream open.
		if (this.#stream?.writable && !isWebSocketUpgrade(this.#request as Request)) this.#stream.end();
	}

	flush(): boolean {
		return !this.#stream?.writableNeedDrain;
	}

	pause(): void {
		this.#stream?.pause();
	}

	resume(): void {
		this.#stream?.resume();
	}

	release(sent: boolean): void {
		const stream = this.#stream;
		this.#listener = null;
		stream?.resume();
		if (!sent || stream?.writable) this.#closeStream(NO_ERROR);
	}

	cancel(): void {
		this.#listener = null;
		this.#closeStream(CANCEL);
	}

	/**
	 * Closes the stream. A stream that the server has reset is destroyed, because closing it would wait for pending
	 * writes.
	 */
	#closeStream(code: number): void {
		const stream = this.#stream;
		if (stream?.closed) stream.destroy();
		else stream?.close(code);
	}

	detach(): Duplex {
		const stream = this.#stream as ClientHttp2Stream;
		this.#listener = null;
		stream.removeAllListeners("data").removeAllListeners("end").removeAllListeners("drain");
		stream.pause();
		return stream;
	}
}

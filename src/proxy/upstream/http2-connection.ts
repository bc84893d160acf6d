// One HTTP/2 connection to a server, shared by all requests to it, and the stream of one request.
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
import { upstreamFault } from "../connection/attempt.ts";
import { HTTP2_VERSION, http2Fields, http2Framing, http2RequestHeaders, isWebSocketUpgrade, regularFields, upgradeResponseFields } from "../http2/fields.ts";
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

export interface Http2Settings {
	/** A stream in which nothing moves for so long has failed; 0: never. */
	timeoutMs: number;
	/** Told of each field of a request that HTTP/2 has no form for. */
	onLeftOut?: ((field: string, request: Request) => void) | undefined;
}

const NONE: Framing = { kind: "none" };

/** What a server says that has not acted on a request (RFC 9113 sections 7 and 8.7). */
const UNPROCESSED = new Set([REFUSED_STREAM, HTTP_1_1_REQUIRED]);

/** nghttp2's number for a first frame that is no SETTINGS, which is how an answer of HTTP/1.1 looks to it. */
const PROTOCOL_ERROR = -505;
/** How often it is looked whether what has come was a SETTINGS frame. Milliseconds. */
const GREETING_MS = 100;
/** The size of a frame without content. */
const FRAME_BYTES = 9;
/** How often it is looked whether the session still reads. Milliseconds. */
const LOOK_MS = 500;

export class UpstreamHttp2 {
	readonly facts: ServerConnection;
	/** Since when no stream has been open, in milliseconds of `performance.now()`; infinite while one is. */
	idleSince = performance.now();
	readonly #session: ClientHttp2Session;
	readonly #socket: Socket;
	readonly #settings: Http2Settings;
	/** What broke the session. */
	#error: Error | null = null;
	readonly #streams = new Set<ClientHttp2Stream>();
	/** Whether it has served a request. */
	hasAnswered = false;
	/** The server takes no further streams. */
	#isClosing = false;
	/** The last one that it may have acted on, as it has gone away; infinite: it has not said so. */
	#lastStream = Number.POSITIVE_INFINITY;
	/** Whether the server is known to speak HTTP/2: what is sent to one that does not is lost. */
	#isConfirmed: boolean;

	/** `onClose` is called once, when it cannot be used any more. */
	constructor(socket: Socket, facts: ServerConnection, settings: Http2Settings, onClose: (connection: UpstreamHttp2) => void) {
		this.facts = facts;
		this.#socket = socket;
		this.#settings = settings;
		this.#isConfirmed = (socket as TLSSocket).alpnProtocol === "h2";
		// Every request brings its own authority.
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
		// The streams are told, each by itself. Of an alert of TLS the socket tells alone.
		const onError = (error: Error) => {
			this.#error ??= error;
		};
		session.on("error", onError);
		socket.on("error", onError);
		this.#awaitGreeting();
		this.#watch();
		session.on("goaway", (code, lastStream) => {
			if (code !== NO_ERROR) this.#error ??= new Error(`it went away (${errorName(code)})`);
			this.#lastStream = lastStream;
			close();
		});
		session.on("close", () => {
			facts.timestampEnd = now();
			close();
		});
	}

	/**
	 * Calls back once it is known whether the server speaks HTTP/2 at all, which no ALPN tells in clear text: it may not where it hung up, or what it
	 * sent was no frame. Where it was one that breaks the rules there is an error.
	 */
	confirm(done: (isHttp2: boolean, error: FlowtapeError | null) => void): void {
		const session = this.#session;
		const settle = (isHttp2: boolean, error: FlowtapeError | null) => {
			session.removeListener("remoteSettings", onSettings).removeListener("close", onClose);
			done(isHttp2, error);
		};
		const onSettings = () => {
			this.#isConfirmed = true;
			settle(true, null);
		};
		const onClose = () => {
			const error = this.#error as (Error & { errno?: number }) | null;
			const mayBeOther = this.#socket.bytesRead === 0 || error?.errno === PROTOCOL_ERROR || error === null;
			settle(false, mayBeOther ? null : upstreamFault(`the server's first frame of HTTP/2 breaks the rules: ${error.message}`, error));
		};
		session.once("remoteSettings", onSettings).once("close", onClose);
	}

	/**
	 * A first frame with a length that it cannot have (RFC 9113 section 6.5) makes nghttp2 say good-bye and read no more, of which Node 20 does not tell:
	 * nothing would happen until a timeout.
	 */
	#awaitGreeting(): void {
		const session = this.#session;
		let looks = 0;
		const timer = setInterval(() => {
			if (this.#socket.bytesRead < FRAME_BYTES || ++looks < 2) return;
			this.#error ??= new Error("its SETTINGS cannot be read");
			session.destroy(this.#error);
		}, GREETING_MS).unref();
		const stop = () => clearInterval(timer);
		session.once("remoteSettings", stop).once("close", stop);
	}

	/**
	 * Where a frame breaks the rules for the whole connection (fields of more than 64 KiB, HPACK or a length that cannot be), nghttp2 says good-bye to the
	 * server and reads no more; Node is not told, and a server that does not hang up leaves all streams waiting. But then nothing is sent either: a PING
	 * stays where it is. One is sent when something has come and no more follows. While a request is still on its way, it may be held back for other
	 * reasons, and servers of gRPC take PINGs then for an attack.
	 */
	#watch(): void {
		const session = this.#session;
		const socket = this.#socket;
		let lastRead = 0;
		let soundAt = 0;
		let writtenAtPing: number | null = null;
		const look = () => {
			const { bytesRead, bytesWritten } = socket;
			if (writtenAtPing === bytesWritten && (session.state.outboundQueueSize ?? 0) > 0) {
				this.#error ??= new Error("it sent a frame that breaks the rules");
				session.destroy(this.#error);
				return;
			}
			writtenAtPing = null;
			const isLull = bytesRead === lastRead;
			lastRead = bytesRead;
			if (!isLull || bytesRead === soundAt || this.#streams.size === 0 || [...this.#streams].some((stream) => !stream.writableFinished)) return;
			writtenAtPing = bytesWritten;
			soundAt = bytesRead;
			session.ping(() => {
				soundAt = socket.bytesRead;
			});
		};
		const timer = setInterval(look, LOOK_MS).unref();
		session.once("close", () => clearInterval(timer));
	}

	/** Whether another stream can be opened now. */
	get hasRoom(): boolean {
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
	get takesWebSockets(): boolean {
		return this.#session.remoteSettings.enableConnectProtocol === true;
	}

	get isVerified(): boolean {
		return (this.#socket as TLSSocket).authorized === true;
	}

	open(): UpstreamStream {
		return new UpstreamStream(this, this.#settings);
	}

	/** Says good-bye; streams that are open go on to their end. */
	close(): void {
		this.#session.close();
	}

	/** For its streams. @throws when the connection is not there any more, or the head cannot be sent */
	request(request: Request, body: BodyLength, touched: boolean): ClientHttp2Stream {
		const endStream = isEmptyBody(body, request.trailers) && !isWebSocketUpgrade(request);
		const stream = this.#session.request(http2RequestHeaders(request, body, touched, this.leftOut(request)), { endStream, waitForTrailers: !endStream });
		this.#streams.add(stream);
		this.idleSince = Number.POSITIVE_INFINITY;
		stream.once("close", () => {
			this.#streams.delete(stream);
			if (this.#streams.size === 0) this.idleSince = performance.now();
		});
		return stream;
	}

	/** For its streams. */
	leftOut(request: Request): (field: string) => void {
		return (field) => this.#settings.onLeftOut?.(field, request);
	}

	/** Whether the server has gone away before it acted on a stream (RFC 9113 section 6.8). One that was not sent has no number. */
	hasPassedOver({ id = Number.POSITIVE_INFINITY }: ClientHttp2Stream): boolean {
		return id > this.#lastStream;
	}

	/** What the server did wrong that ended it; null: nothing that is known. */
	get fault(): FlowtapeError | null {
		return this.#error === null ? null : upstreamFault(`the connection to the server broke: ${this.#error.message}${adviceOnAlert(this.#error)}`, this.#error);
	}

	get isDestroyed(): boolean {
		return this.#session.destroyed;
	}
}

class UpstreamStream implements UpstreamChannel, BodyWriter {
	readonly facts: ServerConnection;
	receivedAt = 0;
	readonly #connection: UpstreamHttp2;
	readonly #settings: Http2Settings;
	#stream: ClientHttp2Stream | null = null;
	#request: Request | null = null;
	#listener: ResponseListener | null = null;
	#requestTrailers: readonly ByteString[] | null = null;
	#responseTrailers: ByteString[] | null = null;
	#isAnswered = false;
	/** Whether the server may have closed the connection before it saw the request, and it may be sent again. */
	#isUnseen = false;
	/** The server has ended the stream, or has sent as many bytes as it said. */
	#isWhole = false;
	/** Bytes of the response that are still to come; null: it is not said. */
	#due: number | null = null;
	#error: Error | null = null;

	constructor(connection: UpstreamHttp2, settings: Http2Settings) {
		this.facts = connection.facts;
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
		this.#isUnseen = this.#connection.hasAnswered && isIdempotent(request.method);
		try {
			this.#listen(this.#connection.request(request, body, touched));
		} catch (error) {
			const fault = upstreamFault(`the request could not be sent: ${(error as Error).message}`, error);
			// The connection may have closed since it was chosen; else the head is to blame.
			process.nextTick(() => this.#fail(fault, !this.#connection.hasRoom));
		}
		return this;
	}

	#listen(stream: ClientHttp2Stream): void {
		this.#stream = stream;
		// To Node a stream that is reset without an error ends like any other: what is behind is not asked for, and may be missing.
		const push = stream.push.bind(stream);
		stream.push = (chunk, encoding) => {
			if (chunk === null) this.#isWhole ||= !stream.closed;
			return push(chunk, encoding);
		};
		stream.on("headers", (headers, _flags, raw: string[] = []) => {
			this.#isUnseen = false;
			this.#onHead(Number(headers[":status"]), raw, NONE);
		});
		stream.on("response", (headers, flags, raw: string[] = []) => this.#onResponse(Number(headers[":status"]), flags, raw));
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
			const leftOut = this.#connection.leftOut(this.#request as Request);
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

	/** What has no body of its own in the stream ends at once. */
	#onHead(status: number, raw: string[], framing: Framing): void {
		// Node brings what is below 100 as an interim answer, or as a final one.
		if (!(status >= 100)) {
			this.#fail(upstreamFault(`the server answers with the status ${status}: expected one from 100 on`), false);
			return;
		}
		this.receivedAt = now();
		const listener = this.#listener;
		listener?.responseHead({ version: HTTP2_VERSION, status, reason: "", fields: regularFields(raw) }, framing);
		if (framing.kind === "none") listener?.responseEnd(null);
		listener?.flush();
	}

	#onEnd(): void {
		const listener = this.#listener;
		// Node ends a stream that was reset as well; its close tells.
		if (!this.#isAnswered || this.#stream?.rstCode !== NO_ERROR) return;
		if (!this.#isWhole && this.#due !== 0) {
			this.#fail(new UpstreamReset(NO_ERROR, "the server reset the stream before its answer was complete", null), false);
			return;
		}
		this.receivedAt = now();
		listener?.responseEnd(this.#responseTrailers);
		listener?.flush();
	}

	#onClose(code: number): void {
		if (this.#listener === null || this.#stream === null) return;
		const unseen = this.#isUnseen || this.#connection.hasPassedOver(this.#stream);
		if (this.#connection.isDestroyed) this.#fail(this.#connection.fault ?? upstreamFault("the server closed the connection", this.#error), unseen);
		else this.#fail(new UpstreamReset(code, `the server reset the stream (${errorName(code)})`, this.#error), UNPROCESSED.has(code));
	}

	#timeOut(timeoutMs: number): void {
		this.#fail(upstreamFault(`the server sent nothing for ${timeoutMs / 1000} s`), false);
	}

	#fail(error: FlowtapeError, unseen: boolean): void {
		const listener = this.#listener;
		this.cancel();
		listener?.responseFailed(error, unseen);
		listener?.flush();
	}

	// — the request —

	takes(): boolean {
		return !this.#stream?.writableNeedDrain;
	}

	write(chunk: Buffer): void {
		if (this.#stream?.writable) this.#stream.write(chunk);
	}

	end(trailers: readonly ByteString[] | null): void {
		this.#requestTrailers = trailers;
		// What asks to become a WebSocket goes on.
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
		if (!sent || stream?.writable) this.#leave(NO_ERROR);
	}

	cancel(): void {
		this.#listener = null;
		this.#leave(CANCEL);
	}

	/** One that the server has reset would wait for what is still to be written. */
	#leave(code: number): void {
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

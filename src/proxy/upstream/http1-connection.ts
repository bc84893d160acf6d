// An HTTP/1.1 connection to a server: sends one request at a time and reads its response.
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { now } from "../../clock.ts";
import { FlowtapeError } from "../../errors.ts";
import type { ByteString } from "../../flow/bytes.ts";
import type { ClientConnection, ServerConnection } from "../../flow/connection.ts";
import type { Request } from "../../flow/message.ts";
import { type BodyLength, type BodyWriter, isEmptyBody } from "../body/pipe.ts";
import { upstreamFault } from "../connection/attempt.ts";
import { FairReader } from "../connection/fair-reader.ts";
import { outgoingRequest } from "../http1/outgoing.ts";
import { WriteBatch } from "../http1/write-batch.ts";
import { Http1Writer } from "../http1/writer.ts";
import type { UpstreamProxy } from "../route/destination.ts";
import { adviceOnAlert } from "../tls/upstream-options.ts";
import type { Framing } from "../wire/framing.ts";
import type { ResponseHead } from "../wire/head.ts";
import { isBoundLogin, isIdempotent, isPersistent } from "../wire/hop-by-hop.ts";
import { type MessageHandler, ResponseParser } from "../wire/parser.ts";
import type { ResponseListener, UpstreamChannel } from "./channel.ts";
import { reportWriteErrorsLate } from "./late-write-error.ts";

export interface UpstreamSettings {
	/**
	 * The upstream proxy at the other end, if it forwards requests. Default: none, the connection or a tunnel in it leads
	 * to the server.
	 */
	forwarder?: UpstreamProxy | null;
	lenient: boolean;
	/**
	 * Called once to report whether the server speaks HTTP/1: true after the first valid response head, false if the
	 * connection failed before that.
	 */
	onVersion?: ((isHttp1: boolean) => void) | undefined;
	/** The request fails if the server sends nothing for this time. Milliseconds; 0: no limit. */
	timeoutMs: number;
}

export class UpstreamConnection implements UpstreamChannel, MessageHandler<ResponseHead> {
	/** The pool key of its destination. */
	readonly key: string;
	readonly serverConn: ServerConnection;
	readonly socket: Socket;
	/** When the last bytes arrived, in seconds since 1970. */
	receivedAt = 0;
	/** When it was last returned to the pool, in milliseconds of `performance.now()`. */
	idleSince = 0;
	/** The client that used it last. */
	client: ClientConnection | null = null;
	/** Whether connection-oriented authentication was used on the connection: then only its client may use it. */
	isBound = false;
	/** Called when it is ready for another request. */
	onIdle: ((connection: UpstreamConnection) => void) | null = null;
	/** Called once, when it is closed. */
	onClose: ((connection: UpstreamConnection) => void) | null = null;
	readonly #reader: FairReader;
	readonly #batch: WriteBatch;
	readonly #writer: Http1Writer;
	readonly #parser: ResponseParser;
	readonly #forwarder: UpstreamProxy | null;
	#onVersion: ((isHttp1: boolean) => void) | undefined;
	#listener: ResponseListener | null = null;
	/** Whether `reportWriteErrorsLate` is applied to the socket. */
	#delaysWriteErrors = false;
	/** Whether a request has been sent on this connection. */
	#isKept = false;
	/**
	 * Whether the current request can be retried if the connection closes now: it is idempotent, and the server may have
	 * closed before it arrived.
	 */
	#isUnseen = false;
	/** Bytes written to the socket before the current request; -1 for the first request. */
	#writtenBefore = 0;
	/** Whether the messages of the current exchange keep the connection open. */
	#isPersistent = true;

	constructor(key: string, socket: Socket, serverConn: ServerConnection, settings: UpstreamSettings) {
		this.key = key;
		this.socket = socket;
		this.serverConn = serverConn;
		this.#forwarder = settings.forwarder ?? null;
		this.#onVersion = settings.onVersion;
		this.#batch = new WriteBatch(socket);
		this.#writer = new Http1Writer(this.#batch);
		this.#parser = new ResponseParser(this, { lenient: settings.lenient });
		this.#reader = new FairReader(socket, (chunk) => this.#onData(chunk));
		socket.on("end", () => this.#onEnd());
		socket.on("error", (error) =>
			this.#fail(upstreamFault(`the connection to the server failed: ${error.message}${adviceOnAlert(error)}`, error)),
		);
		socket.on("close", () => this.#onClose());
		socket.on("drain", () => this.#listener?.upstreamDrained());
		if (settings.timeoutMs > 0) {
			socket.setTimeout(settings.timeoutMs, () => {
				this.#isUnseen = false;
				this.#fail(upstreamFault(`the server sent nothing for ${settings.timeoutMs / 1000} s`));
			});
		}
	}

	get isVerified(): boolean {
		return (this.socket as TLSSocket).authorized === true;
	}

	get isOpen(): boolean {
		return this.socket.writable && this.socket.readable && !this.socket.destroyed;
	}

	send(
		listener: ResponseListener,
		request: Request,
		body: BodyLength,
		touched: boolean,
		credentials: ByteString | null = null,
	): BodyWriter {
		const forwarder = this.#forwarder;
		const authorization = forwarder?.authorization ?? credentials;
		const { version, fields, head, coding } = outgoingRequest(
			request,
			body,
			touched,
			forwarder === null ? null : { ...forwarder, authorization },
		);
		if (
			isBoundLogin(request.headers.raw("authorization") ?? "") ||
			(forwarder !== null && isBoundLogin(authorization ?? ""))
		)
			this.isBound = true;
		if (!this.#delaysWriteErrors && !isEmptyBody(body, request.trailers)) {
			this.#delaysWriteErrors = true;
			reportWriteErrorsLate(this.socket);
		}
		this.#listener = listener;
		this.#isUnseen = this.#isKept && isIdempotent(request.method);
		this.#writtenBefore = this.#isKept ? this.socket.bytesWritten : -1;
		this.#isKept = true;
		this.#isPersistent = isPersistent(version, fields);
		this.#parser.expect(request.method);
		this.#writer.begin(head, coding);
		return this.#writer;
	}

	flush(): boolean {
		return this.#batch.flush();
	}

	pause(): void {
		this.#reader.pause();
	}

	resume(): void {
		this.#reader.resume();
	}

	release(sent: boolean): void {
		this.#listener = null;
		if (this.#reader.isPaused) this.#reader.resume();
		if (sent && this.#isPersistent && this.#parser.idle && this.socket.writable && this.socket.readable)
			this.onIdle?.(this);
		else this.destroy();
	}

	cancel(): void {
		this.destroy();
	}

	detach(): Socket {
		const { socket } = this;
		this.#listener = null;
		this.#batch.write();
		this.#reader.stop();
		socket.removeAllListeners("end").removeAllListeners("drain");
		const early = this.#parser.detach();
		if (early.length > 0) socket.unshift(early);
		return socket;
	}

	destroy(): void {
		this.#listener = null;
		this.socket.destroy();
	}

	head(head: ResponseHead, framing: Framing): void {
		this.#isUnseen = false;
		this.#reportVersion(true);
		if ((head.status === 401 || head.status === 407) && requiresBoundLogin(head)) this.isBound = true;
		if (framing.kind === "close" || !isPersistent(head.version, head.fields)) this.#isPersistent = false;
		this.#listener?.responseHead(head, framing);
	}

	#reportVersion(isHttp1: boolean): void {
		this.#onVersion?.(isHttp1);
		this.#onVersion = undefined;
	}

	body(chunk: Buffer): void {
		this.#listener?.responseBody(chunk);
	}

	end(trailers: ByteString[] | null): void {
		this.#listener?.responseEnd(trailers);
	}

	#onData(chunk: Buffer): void {
		this.receivedAt = now();
		const listener = this.#listener;
		try {
			this.#parser.feed(chunk);
		} catch (error) {
			this.#fail(error);
		}
		listener?.flush();
	}

	#onEnd(): void {
		const listener = this.#listener;
		try {
			this.#parser.finish();
			if (this.#listener !== null) this.#fail(upstreamFault("the server closed the connection before it responded"));
			else this.socket.destroy();
		} catch (error) {
			this.#fail(error);
		}
		listener?.flush();
	}

	#onClose(): void {
		this.serverConn.timestampEnd = now();
		this.onClose?.(this);
		if (this.#listener !== null) this.#fail(upstreamFault("the server closed the connection"));
	}

	/** Ends the connection after an error of the parser or the socket. Any other error is a defect, and is rethrown. */
	#fail(error: unknown): void {
		const listener = this.#listener;
		const isUnwritten = this.socket.bytesWritten === this.#writtenBefore;
		this.destroy();
		this.#reportVersion(false);
		if (!(error instanceof FlowtapeError)) throw error;
		if (listener === null) return;
		listener.responseFailed(error, (this.#isUnseen || isUnwritten) && error.code === "FT_UPSTREAM");
		listener.flush();
	}
}

function requiresBoundLogin({ fields }: ResponseHead): boolean {
	return fields.some(
		(value, i) =>
			i % 2 === 1 && /^(?:www|proxy)-authenticate$/i.test(fields[i - 1] as ByteString) && isBoundLogin(value),
	);
}

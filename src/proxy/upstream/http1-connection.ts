// One HTTP/1.1 connection to a server: sends a request at a time and reads its response, for whoever has taken it.
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { now } from "../../clock.ts";
import { FlowtapeError } from "../../errors.ts";
import type { ByteString } from "../../flow/bytes.ts";
import type { ClientConnection, ServerConnection } from "../../flow/connection.ts";
import type { Request } from "../../flow/message.ts";
import { type BodyLength, type BodyWriter, isEmptyBody } from "../body/pipe.ts";
import { upstreamFault } from "../connection/attempt.ts";
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
	/** The proxy at the other end, if it is to forward the requests; default: the server is there, or a tunnel leads to it. */
	forwarder?: UpstreamProxy | null;
	lenient: boolean;
	/** Told once whether the server speaks HTTP/1: whether its first answer on this connection could be read, or whether it failed before that. */
	onVersion?: ((isHttp1: boolean) => void) | undefined;
	/** A server that sends nothing for so long while it is asked has failed; 0: never. */
	timeoutMs: number;
}

export class UpstreamConnection implements UpstreamChannel, MessageHandler<ResponseHead> {
	/** Names what can be reached through it. */
	readonly key: string;
	readonly facts: ServerConnection;
	readonly socket: Socket;
	/** When the last bytes came; seconds. */
	receivedAt = 0;
	/** When it was last given back, in milliseconds of `performance.now()`. */
	idleSince = 0;
	/** Who has taken it last. */
	client: ClientConnection | null = null;
	/** Somebody logs in, or has logged in, for all that goes over it: it belongs to its client from then on. */
	isBound = false;
	/** Called when it can serve another request. */
	onIdle: ((connection: UpstreamConnection) => void) | null = null;
	/** Called once, when it cannot be used any more. */
	onClose: ((connection: UpstreamConnection) => void) | null = null;
	readonly #batch: WriteBatch;
	readonly #writer: Http1Writer;
	readonly #parser: ResponseParser;
	readonly #forwarder: UpstreamProxy | null;
	#onVersion: ((isHttp1: boolean) => void) | undefined;
	#listener: ResponseListener | null = null;
	/** Its answer may be read behind a write that fails. */
	#isLate = false;
	/** Whether it has served a request. */
	#isKept = false;
	/** Whether the server may have closed it before it saw the request that is on its way. */
	#isUnseen = false;
	/** What had been written to the socket before the request. Bytes. */
	#writtenBefore = 0;
	/** Whether the messages of the current exchange leave it open. */
	#isPersistent = true;

	constructor(key: string, socket: Socket, facts: ServerConnection, settings: UpstreamSettings) {
		this.key = key;
		this.socket = socket;
		this.facts = facts;
		this.#forwarder = settings.forwarder ?? null;
		this.#onVersion = settings.onVersion;
		this.#batch = new WriteBatch(socket);
		this.#writer = new Http1Writer(this.#batch);
		this.#parser = new ResponseParser(this, { lenient: settings.lenient });
		socket.on("data", (chunk: Buffer) => this.#onData(chunk));
		socket.on("end", () => this.#onEnd());
		socket.on("error", (error) => this.#fail(upstreamFault(`the connection to the server broke: ${error.message}${adviceOnAlert(error)}`, error)));
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

	send(listener: ResponseListener, request: Request, body: BodyLength, touched: boolean, credentials: ByteString | null = null): BodyWriter {
		const forwarder = this.#forwarder;
		const authorization = forwarder?.authorization ?? credentials;
		const { version, fields, head, coding } = outgoingRequest(request, body, touched, forwarder === null ? null : { ...forwarder, authorization });
		if (isBoundLogin(request.headers.raw("authorization") ?? "") || (forwarder !== null && isBoundLogin(authorization ?? ""))) this.isBound = true;
		if (!this.#isLate && !isEmptyBody(body, request.trailers)) {
			this.#isLate = true;
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
		this.socket.pause();
	}

	resume(): void {
		this.socket.resume();
	}

	release(sent: boolean): void {
		this.#listener = null;
		if (this.socket.isPaused()) this.socket.resume();
		if (sent && this.#isPersistent && this.#parser.idle && this.socket.writable && this.socket.readable) this.onIdle?.(this);
		else this.destroy();
	}

	cancel(): void {
		this.destroy();
	}

	detach(): Socket {
		const { socket } = this;
		this.#listener = null;
		this.#batch.write();
		socket.removeAllListeners("data").removeAllListeners("end").removeAllListeners("drain");
		socket.pause();
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
		this.#tellVersion(true);
		if ((head.status === 401 || head.status === 407) && asksForBoundLogin(head)) this.isBound = true;
		if (framing.kind === "close" || !isPersistent(head.version, head.fields)) this.#isPersistent = false;
		this.#listener?.responseHead(head, framing);
	}

	#tellVersion(isHttp1: boolean): void {
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
			if (this.#listener !== null) this.#fail(upstreamFault("the server closed the connection before it answered"));
			else this.socket.destroy();
		} catch (error) {
			this.#fail(error);
		}
		listener?.flush();
	}

	#onClose(): void {
		this.facts.timestampEnd = now();
		this.onClose?.(this);
		if (this.#listener !== null) this.#fail(upstreamFault("the server closed the connection"));
	}

	/** Faults of the parser end the connection as those of the socket do; anything else is a defect of our own. */
	#fail(error: unknown): void {
		const listener = this.#listener;
		const isUnwritten = this.socket.bytesWritten === this.#writtenBefore;
		this.destroy();
		this.#tellVersion(false);
		if (!(error instanceof FlowtapeError)) throw error;
		if (listener === null) return;
		listener.responseFailed(error, (this.#isUnseen || isUnwritten) && error.code === "FT_UPSTREAM");
		listener.flush();
	}
}

function asksForBoundLogin({ fields }: ResponseHead): boolean {
	return fields.some((value, i) => i % 2 === 1 && /^(?:www|proxy)-authenticate$/i.test(fields[i - 1] as ByteString) && isBoundLogin(value));
}

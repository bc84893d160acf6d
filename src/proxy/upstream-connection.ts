// One connection to a server: sends a request at a time and reads its response, for whoever has taken it.
import type { Socket } from "node:net";
import { FlowtapeError } from "../errors.ts";
import type { ByteString } from "../flow/bytes.ts";
import type { ServerConnection } from "../flow/connection.ts";
import { now } from "./clock.ts";
import type { Framing } from "./wire/framing.ts";
import type { ResponseHead } from "./wire/head.ts";
import { type MessageHandler, ResponseParser } from "./wire/parser.ts";
import { WriteBatch } from "./write-batch.ts";

/** Hears of the response to one request. */
export interface ResponseListener {
	/** Interim responses (1xx) come here too, each followed by `responseEnd`. */
	responseHead(head: ResponseHead, framing: Framing): void;
	responseBody(chunk: Buffer): void;
	responseEnd(trailers: ByteString[] | null): void;
	/** Instead of the end; nothing comes after it. */
	responseFailed(error: FlowtapeError): void;
	/** The socket wants more of the request. */
	upstreamDrained(): void;
	/** All that was there has been told: the moment to write. */
	flush(): void;
}

export interface UpstreamSettings {
	lenient: boolean;
	/** A server that sends nothing for so long while it is asked has failed; 0: never. */
	timeoutMs: number;
}

export class UpstreamConnection implements MessageHandler<ResponseHead> {
	/** Names what can be reached through it. */
	readonly key: string;
	readonly facts: ServerConnection;
	readonly batch: WriteBatch;
	readonly socket: Socket;
	/** Requests sent on it so far. */
	uses = 0;
	/** When it was last given back, in milliseconds of `performance.now()`. */
	idleSince = 0;
	/** Called once, when it cannot be used any more. */
	onClose: ((connection: UpstreamConnection) => void) | null = null;
	readonly #parser: ResponseParser;
	#listener: ResponseListener | null = null;

	constructor(key: string, socket: Socket, facts: ServerConnection, settings: UpstreamSettings) {
		this.key = key;
		this.socket = socket;
		this.facts = facts;
		this.batch = new WriteBatch(socket);
		this.#parser = new ResponseParser(this, { lenient: settings.lenient });
		socket.on("data", (chunk: Buffer) => this.#onData(chunk));
		socket.on("end", () => this.#onEnd());
		socket.on("error", (error) => this.#fail(upstreamFault(`the connection to the server broke: ${error.message}`, error)));
		socket.on("close", () => this.#onClose());
		socket.on("drain", () => this.#listener?.upstreamDrained());
		if (settings.timeoutMs > 0) {
			socket.setTimeout(settings.timeoutMs, () => this.#fail(upstreamFault(`the server sent nothing for ${settings.timeoutMs / 1000} s`)));
		}
	}

	/** When the last bytes came; seconds. */
	receivedAt = 0;

	/** Takes it for one request, which the caller writes to `batch`. */
	begin(listener: ResponseListener, method: ByteString): void {
		this.#listener = listener;
		this.uses++;
		this.#parser.expect(method);
	}

	/** The listener hears nothing more. True: the connection can serve another request. */
	release(): boolean {
		this.#listener = null;
		if (this.socket.isPaused()) this.socket.resume();
		return this.#parser.idle && this.socket.writable && this.socket.readable;
	}

	/** Ends its life as HTTP: the bytes that came behind the head of the response. The socket has no reader then. */
	detach(): Buffer {
		this.#listener = null;
		this.socket.removeAllListeners("data").removeAllListeners("end").removeAllListeners("drain");
		return this.#parser.detach();
	}

	destroy(): void {
		this.#listener = null;
		this.socket.destroy();
	}

	head(head: ResponseHead, framing: Framing): void {
		this.#listener?.responseHead(head, framing);
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
		this.#fail(upstreamFault("the server closed the connection"));
	}

	/** Faults of the parser end the connection as those of the socket do; anything else is a defect of our own. */
	#fail(error: unknown): void {
		const listener = this.#listener;
		this.destroy();
		if (!(error instanceof FlowtapeError)) throw error;
		if (listener === null) return;
		listener.responseFailed(error);
		listener.flush();
	}
}

export function upstreamFault(message: string, cause?: unknown): FlowtapeError {
	return new FlowtapeError("FT_UPSTREAM", message, { cause });
}

// A channel carries one request to a server and its response back: an HTTP/1.1 connection, or a stream of an HTTP/2
// connection.
import type { Duplex } from "node:stream";
import { FlowtapeError } from "../../errors.ts";
import type { ByteString } from "../../flow/bytes.ts";
import type { ServerConnection } from "../../flow/connection.ts";
import type { Request } from "../../flow/message.ts";
import type { BodyLength, BodyWriter } from "../body/pipe.ts";
import type { Framing } from "../wire/framing.ts";
import type { ResponseHead } from "../wire/head.ts";

/** Receives the response to one request. */
export interface ResponseListener {
	/** Also called for interim responses (1xx), each followed by `responseEnd`. */
	responseHead(head: ResponseHead, framing: Framing): void;
	responseBody(chunk: Buffer): void;
	responseEnd(trailers: ByteString[] | null): void;
	/**
	 * Called in place of `responseEnd`, as the last call. `isUnprocessed`: the request can be retried, because the server
	 * has not processed it or it is idempotent.
	 */
	responseFailed(error: FlowtapeError, isUnprocessed: boolean): void;
	/** The server accepts more of the request. */
	upstreamDrained(): void;
	/** Called after the other calls for one chunk from the server: write to the client now. */
	flush(): void;
}

export interface UpstreamChannel {
	readonly serverConn: ServerConnection;
	/** Whether the certificate of the server was verified. */
	readonly isVerified: boolean;
	/** When the last bytes arrived, in seconds since 1970. */
	readonly receivedAt: number;
	/** Whether a request can be sent, as far as the proxy knows. */
	readonly isOpen: boolean;
	/**
	 * Sends the head of a request and returns the writer for its body. `touched`: a hook may have changed the request.
	 * `credentials`: the Proxy-Authorization for a proxy that forwards the request, unless that proxy has its own; null:
	 * none.
	 */
	send(
		listener: ResponseListener,
		request: Request,
		body: BodyLength,
		touched: boolean,
		credentials?: ByteString | null,
	): BodyWriter;
	/** Writes the buffered bytes. Returns false if the caller should pause until `upstreamDrained`. */
	flush(): boolean;
	/** Pauses reading the response; `resume` continues. */
	pause(): void;
	resume(): void;
	/**
	 * Call when the response is complete, or no request was sent; the listener is not called again. `sent`: the whole
	 * request has been written.
	 */
	release(sent: boolean): void;
	/** Cancels the request; the listener is not called again. */
	cancel(): void;
	/** Returns the byte stream that follows a switch of protocols, in both directions. It is paused; call `resume`. */
	detach(): Duplex;
}

/** Receives an error, or a channel to the server. */
export type ChannelCallback = (error: FlowtapeError | null, channel: UpstreamChannel | null) => void;

/** The server reset the HTTP/2 stream of this request. */
export class UpstreamReset extends FlowtapeError {
	/** The error code (RFC 9113 section 7). */
	readonly reset: number;

	constructor(reset: number, message: string, cause: unknown) {
		super("FT_UPSTREAM", message, { cause });
		this.reset = reset;
	}
}

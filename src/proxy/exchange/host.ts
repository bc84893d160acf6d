// The client's side of an exchange, the same for all versions of HTTP: an HTTP/1.1 connection or an HTTP/2 stream.
import type { Duplex } from "node:stream";
import type { ByteString } from "../../flow/bytes.ts";
import type { ClientConnection } from "../../flow/connection.ts";
import type { Request, Response } from "../../flow/message.ts";
import type { CachedResponse } from "../../hooks/decision.ts";
import type { BodyLength, BodyWriter } from "../body/pipe.ts";
import type { ProxyContext } from "../context/context.ts";
import type { TunnelTarget } from "../route/target.ts";
import type { ResponseHead } from "../wire/head.ts";
import type { ErrorStatus } from "./error-page.ts";

export interface ExchangeHost {
	readonly context: ProxyContext;
	readonly clientConn: ClientConnection;
	readonly tunnel: TunnelTarget | null;
	/** When the client's last bytes arrived. Seconds since 1970. */
	readonly receivedAt: number;
	/** The client has half-closed its connection, and has probably disconnected. */
	readonly isLeaving: boolean;
	/** Stops reading the rest of the request; `resumeRequest` continues. */
	pauseRequest(): void;
	resumeRequest(): void;
	/** Sends an interim response (1xx). */
	sendInterim(head: ResponseHead): void;
	/**
	 * Sends the head of the response and returns the writer for its body. `touched`: a hook made the response or may have
	 * changed it. `cached`: the response that equal requests may get without an exchange, because no other hook and no
	 * sink would see one; null: not cacheable.
	 */
	sendResponse(
		response: Response,
		request: Request,
		body: BodyLength,
		touched: boolean,
		cached: CachedResponse | null,
	): BodyWriter;
	/** Sends an error page of the proxy; nothing may follow. */
	sendError(status: ErrorStatus, message: string, method: ByteString): void;
	/** Flushes buffered writes to the client and to the server. */
	flush(): void;
	/**
	 * The exchange is over and recorded. If `reusable`, the client can send another request; nothing new may begin before
	 * `wait` resolves.
	 */
	exchangeDone(reusable: boolean, wait: Promise<void> | undefined): void;
	/**
	 * Closes the connection or stream in such a way that the client sees an incomplete response. `reset`: the HTTP/2
	 * error code of the server, if it sent one.
	 */
	abort(reset: number | null): void;
	/** As `abort`, but only after everything written has been sent. */
	breakOff(): void;
	/**
	 * Returns the stream for another protocol: the host reads and writes no more. The new owner has to resume the stream.
	 */
	detach(): Duplex;
}

// What an exchange asks of its client's side, in whatever version of HTTP the client speaks: a connection, or a stream of one.
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
	readonly facts: ClientConnection;
	readonly tunnel: TunnelTarget | null;
	/** When the last bytes came from the client; seconds. */
	readonly receivedAt: number;
	/** The client has closed its side, and has probably gone. */
	readonly isLeaving: boolean;
	/** Hold back the rest of the request, or let it come again. */
	pauseRequest(): void;
	resumeRequest(): void;
	/** A response (1xx) before the final one. */
	sendInterim(head: ResponseHead): void;
	/**
	 * Sends the head of the response; the body goes to what comes back. `touched`: a hook made the response or may have changed it.
	 * `standing`: what equal requests may be answered without an exchange, as nobody else would see it.
	 */
	sendResponse(response: Response, request: Request, body: BodyLength, touched: boolean, standing: CachedResponse | null): BodyWriter;
	/** Answers with a page of our own; nothing may follow. */
	sendError(status: ErrorStatus, message: string, method: ByteString): void;
	/** Writes what was added on both sides. */
	flush(): void;
	/** The exchange is over and on the tape. The client can send another unless not `reusable`; nothing new may begin before `wait` resolves. */
	exchangeDone(reusable: boolean, wait: Promise<void> | undefined): void;
	/** Hangs up, so that the client sees that what it got is not whole. `reset`: the code with which the server did so, where it gave one. */
	abort(reset: number | null): void;
	/** As `abort`, once all that was added is sent. */
	breakOff(): void;
	/** The other protocol's bytes, both ways; the host reads and writes no more. Whoever takes them has to resume the stream. */
	detach(): Duplex;
}

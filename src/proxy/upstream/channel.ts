// The way of one request to a server and of its response back, in whatever version of HTTP the server speaks: a connection, or a stream of one.

import type { Duplex } from "node:stream";
import { FlowtapeError } from "../../errors.ts";
import type { ByteString } from "../../flow/bytes.ts";
import type { ServerConnection } from "../../flow/connection.ts";
import type { Request } from "../../flow/message.ts";
import type { BodyLength, BodyWriter } from "../body/pipe.ts";
import type { Framing } from "../wire/framing.ts";
import type { ResponseHead } from "../wire/head.ts";

/** Hears of the response to one request. */
export interface ResponseListener {
	/** Interim responses (1xx) come here too, each followed by `responseEnd`. */
	responseHead(head: ResponseHead, framing: Framing): void;
	responseBody(chunk: Buffer): void;
	responseEnd(trailers: ByteString[] | null): void;
	/** Instead of the end; nothing comes after it. `unseen`: it can be sent once more, as the server has not seen it, or does no harm by acting on it twice. */
	responseFailed(error: FlowtapeError, unseen: boolean): void;
	/** The server takes more of the request. */
	upstreamDrained(): void;
	/** All that was there has been told: the moment to write. */
	flush(): void;
}

export interface UpstreamChannel {
	readonly facts: ServerConnection;
	/** Whether the server has shown a certificate that was found to be its own. */
	readonly isVerified: boolean;
	/** When the last bytes came; seconds. */
	readonly receivedAt: number;
	/** Whether a request can still be sent, as far as is known. */
	readonly isOpen: boolean;
	/**
	 * Sends the head of the request; the body goes to what comes back. `touched`: a hook may have changed the request. `credentials`: what a proxy that
	 * forwards the request gets as Proxy-Authorization, unless it has some of its own; null: nothing.
	 */
	send(listener: ResponseListener, request: Request, body: BodyLength, touched: boolean, credentials?: ByteString | null): BodyWriter;
	/** Writes what was added. False: the server has enough for now, and `upstreamDrained` tells when it takes more. */
	flush(): boolean;
	/** Less of the response, please; and go on. */
	pause(): void;
	resume(): void;
	/** The response is complete, or nothing was ever asked: the listener hears nothing more. `sent`: the whole request is on its way. */
	release(sent: boolean): void;
	/** No answer is wanted any more. */
	cancel(): void;
	/** After a change of protocol: the bytes behind the response, both ways. Whoever takes them has to resume the stream. */
	detach(): Duplex;
}

/** Gets a sentence for people, or a way to the server. */
export type Dialled = (error: FlowtapeError | null, channel: UpstreamChannel | null) => void;

/** The server gave up on this one request, with an error code of HTTP/2. */
export class UpstreamReset extends FlowtapeError {
	/** RFC 9113 section 7. */
	readonly reset: number;

	constructor(reset: number, message: string, cause: unknown) {
		super("FT_UPSTREAM", message, { cause });
		this.reset = reset;
	}
}

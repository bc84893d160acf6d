// An attempt to connect to a server: its callback, its cancellation and its error.
import type { Socket } from "node:net";
import { FlowtapeError } from "../../errors.ts";

/**
 * Receives an error, or the socket, which may be paused. Receives both if the upstream proxy refused the tunnel, and
 * can be asked again over the same socket.
 */
export type DialCallback = (error: FlowtapeError | null, socket: Socket | null) => void;

export interface Dial {
	/** Cancels the attempt; the callback is not called any more. */
	cancel(): void;
}

export function upstreamFault(message: string, cause?: unknown): FlowtapeError {
	return new FlowtapeError("FT_UPSTREAM", message, { cause });
}

// An attempt to connect to a server: how it is given up, and the error that it may end with.
import type { Socket } from "node:net";
import { FlowtapeError } from "../../errors.ts";

/** Gets an error with a sentence for people, or the socket, which may be paused. Both: the proxy refused, and can be asked again over the socket. */
export type DialDone = (error: FlowtapeError | null, socket: Socket | null) => void;

export interface Dial {
	/** Gives up; the callback is not called any more. */
	cancel(): void;
}

export function upstreamFault(message: string, cause?: unknown): FlowtapeError {
	return new FlowtapeError("FT_UPSTREAM", message, { cause });
}

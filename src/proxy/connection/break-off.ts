// Resets a connection, so that its peer sees an error. After an orderly close, a body that is delimited by the close
// would look complete (RFC 9112 section 8).
import type { Socket } from "node:net";
import { NO_BYTES } from "../../flow/bytes.ts";

/**
 * The delay before the reset, so that the peer reads the last bytes first: libuv reports both together as an orderly
 * end. Milliseconds.
 */
const READING_MS = 100;
/** How long the peer may accept nothing while bytes wait to be sent. Milliseconds. */
const STUCK_MS = 30_000;

/** The transport socket below each TLS socket. */
const transports = new WeakMap<Socket, Socket>();

/** Records the transport socket of a TLS socket. Call for each TLS socket that may be reset. */
export function recordTransport(secured: Socket, socket: Socket): void {
	transports.set(secured, socket);
}

/**
 * Resets the connection when everything written has been sent, or when the peer has accepted nothing for 30 s. Do not
 * write to the socket or end it afterwards. No TLS close_notify is sent.
 */
export function breakOff(socket: Socket): void {
	socket.removeAllListeners("timeout").setTimeout(STUCK_MS, () => reset(socket));
	socket.write(NO_BYTES, () => setTimeout(() => setImmediate(() => reset(socket)), READING_MS));
}

/** Resets the connection at once. */
export function reset(socket: Socket): void {
	let lowest = socket;
	for (let next = transports.get(lowest); next !== undefined; next = transports.get(lowest)) lowest = next;
	if (!lowest.destroyed) lowest.resetAndDestroy();
	socket.destroy();
}

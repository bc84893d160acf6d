// Breaks a connection off so that its peer cannot take that for an orderly end: where a body ends with the connection, it would look whole
// (RFC 9112 section 8).
import type { Socket } from "node:net";

/** What was written last is read before the reset comes: libuv takes both at once for an orderly end. Milliseconds. */
const READING_MS = 100;
/** How long the peer may take nothing of what is still to be sent. Milliseconds. */
const STUCK_MS = 30_000;

const NOTHING: Buffer = Buffer.alloc(0);

/** The socket that one of TLS speaks through. */
const below = new WeakMap<Socket, Socket>();

/** To be called for each socket of TLS that may be broken off. */
export function noteBelow(secured: Socket, socket: Socket): void {
	below.set(secured, socket);
}

/**
 * Once all is sent that was written, or the peer has taken nothing for a while: nothing may be written from here on, nor the socket be ended. In TLS no
 * close_notify is sent either.
 */
export function breakOff(socket: Socket): void {
	socket.removeAllListeners("timeout").setTimeout(STUCK_MS, () => reset(socket));
	socket.write(NOTHING, () => setTimeout(() => setImmediate(() => reset(socket)), READING_MS));
}

/** At once. */
export function reset(socket: Socket): void {
	let lowest = socket;
	for (let next = below.get(lowest); next !== undefined; next = below.get(lowest)) lowest = next;
	if (!lowest.destroyed) lowest.resetAndDestroy();
	socket.destroy();
}

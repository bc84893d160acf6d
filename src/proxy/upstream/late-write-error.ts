// Delays write errors of a server's socket. A server may respond and close before it has read the whole request: then a
// write fails while the response is still unread.
import type { Socket } from "node:net";

/** How long to read on after a failed write, if the response does not end. Milliseconds. */
const READING_MS = 2_000;

type Done = (error?: Error | null) => void;

/** Delays the errors of failed writes until everything that the peer has sent is read, or the connection ends. */
export function reportWriteErrorsLate(socket: Socket): void {
	const { _write: write, _writev: writev } = socket;
	const late =
		(done: Done): Done =>
		(error) => {
			if (error == null || socket.readableEnded) done(error);
			else {
				const timer = setTimeout(done, READING_MS, error);
				socket.once("close", () => clearTimeout(timer));
			}
		};
	socket._write = (chunk, encoding, done) => write.call(socket, chunk, encoding, late(done));
	if (writev !== undefined) socket._writev = (chunks, done) => writev.call(socket, chunks, late(done));
}

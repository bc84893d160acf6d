// A server may answer before a request is whole, close, and leave the rest unread. Then a write fails while its answer is still to be read.
import type { Socket } from "node:net";

/** How long the rest of what came may take, where no end of it comes. */
const READING_MS = 2_000;

type Done = (error?: Error | null) => void;

/** From here on a failed write breaks the socket only behind all that the other side has sent; most often its end is heard of first. */
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

// What a client speaks inside of TLS that has not said so in its hello: told from what it sends first.
import type { Socket } from "node:net";
import { sniff } from "../tls/client-hello.ts";

/** "undecided": it has begun with what may become a request, and does not go on. */
export type Look = "http" | "other" | "undecided";

/** How long a client may stop in the middle of the first word that it sends, before it is taken for one that waits for an answer. */
export const FIRST_WORD_MS = 5_000;

/**
 * @param timeoutMs how long it may say nothing; 0: as long as it likes
 * @param done gets what it is, and the socket paused, as if nothing had been read from it; it is never called for a client that leaves
 * @param isPatient nobody is undecided: what it is has to be known
 * @returns `stop`: no more looking, the socket is left as if nothing had been read from it
 */
export function sniffDecrypted(socket: Socket, timeoutMs: number, done: (look: Look) => void, isPatient = false): { stop(): void } {
	let bytes: Buffer = Buffer.alloc(0);
	let impatience: NodeJS.Timeout | null = null;
	const onData = (chunk: Buffer): void => {
		bytes = Buffer.concat([bytes, chunk]);
		const found = sniff(bytes);
		if (found !== "more") settle(found === "http" ? "http" : "other");
		else if (!isPatient) impatience ??= setTimeout(settle, FIRST_WORD_MS, "undecided");
	};
	const settle = (look: Look): void => {
		stop();
		done(look);
	};
	const stop = (): void => {
		if (impatience !== null) clearTimeout(impatience);
		socket.pause();
		socket.removeListener("data", onData).removeListener("end", onEnd).removeListener("timeout", onEnd).removeListener("close", onClose).setTimeout(0);
		if (bytes.length > 0) socket.unshift(bytes);
	};
	const onEnd = (): void => void socket.destroy();
	const onClose = (): void => {
		if (impatience !== null) clearTimeout(impatience);
	};
	socket.on("data", onData).on("end", onEnd).on("close", onClose).setTimeout(timeoutMs, onEnd);
	socket.resume();
	return { stop };
}

/** For a client that is undecided: whether its next bytes may pass. What turns out to be a request, or TLS, may not, as no rule would apply to it. */
export function unlessRequest(): (bytes: Buffer) => boolean {
	let seen: Buffer | null = Buffer.alloc(0);
	return (bytes) => {
		if (seen === null) return true;
		seen = Buffer.concat([seen, bytes]);
		const found = sniff(seen);
		if (found !== "more") seen = null;
		return found === "more" || found === "other";
	};
}

// Detects the protocol inside a client's TLS from the first bytes, if ALPN does not determine it.
import type { Socket } from "node:net";
import { Sniffer } from "../tls/client-hello.ts";

/** "undecided": the client sent bytes that may begin a request, and then nothing. */
export type InnerProtocol = "http" | "other" | "undecided";

/** How long a client may pause within its first line before it counts as waiting for the server. Milliseconds. */
export const FIRST_WORD_MS = 5_000;

/**
 * @param timeoutMs how long the client may send nothing; 0: no limit
 * @param done called with the protocol; the socket is then paused, with its bytes put back. Not called if the client
 * disconnects
 * @param isPatient whether to wait until the protocol is known, so that no client is "undecided"
 * @returns `stop`: stops sniffing, and leaves the socket paused, with its bytes put back
 */
export function sniffDecrypted(
	socket: Socket,
	timeoutMs: number,
	done: (protocol: InnerProtocol) => void,
	isPatient = false,
): { stop(): void } {
	const sniffer = new Sniffer();
	let timer: NodeJS.Timeout | null = null;
	const onData = (chunk: Buffer): void => {
		const found = sniffer.add(chunk);
		if (found !== "more") settle(found === "http" ? "http" : "other");
		else if (!isPatient) timer ??= setTimeout(settle, FIRST_WORD_MS, "undecided");
	};
	const settle = (protocol: InnerProtocol): void => {
		stop();
		done(protocol);
	};
	const stop = (): void => {
		if (timer !== null) clearTimeout(timer);
		socket.pause();
		socket
			.removeListener("data", onData)
			.removeListener("end", onEnd)
			.removeListener("timeout", onEnd)
			.removeListener("close", onClose)
			.setTimeout(0);
		if (sniffer.bytes.length > 0) socket.unshift(sniffer.bytes);
	};
	const onEnd = (): void => void socket.destroy();
	const onClose = (): void => {
		if (timer !== null) clearTimeout(timer);
	};
	socket.on("data", onData).on("end", onEnd).on("close", onClose).setTimeout(timeoutMs, onEnd);
	socket.resume();
	return { stop };
}

/**
 * For an undecided client: returns a function that decides whether the next bytes may pass. A request or TLS may not,
 * because no rule would apply to it.
 */
export function unlessRequest(): (bytes: Buffer) => boolean {
	let sniffer: Sniffer | null = new Sniffer();
	return (bytes) => {
		if (sniffer === null) return true;
		const found = sniffer.add(bytes);
		if (found !== "more") sniffer = null;
		return found === "more" || found === "other";
	};
}

// What a client speaks inside of TLS that has not said so in its hello: told from what it sends first.
import type { Socket } from "node:net";
import { sniff } from "./client-hello.ts";

/**
 * @param timeoutMs how long it may say nothing; 0: as long as it likes
 * @param done gets whether it is HTTP, and the socket paused, as if nothing had been read from it; it is never called for a client that leaves
 */
export function lookInto(socket: Socket, timeoutMs: number, done: (isHttp: boolean) => void): void {
	let bytes: Buffer = Buffer.alloc(0);
	const onData = (chunk: Buffer): void => {
		bytes = Buffer.concat([bytes, chunk]);
		const found = sniff(bytes);
		if (found === "more") return;
		socket.pause();
		socket.removeListener("data", onData).removeListener("end", onEnd).removeListener("timeout", onEnd).setTimeout(0);
		socket.unshift(bytes);
		done(found === "http");
	};
	const onEnd = (): void => void socket.destroy();
	socket.on("data", onData).on("end", onEnd).setTimeout(timeoutMs, onEnd);
	socket.resume();
}

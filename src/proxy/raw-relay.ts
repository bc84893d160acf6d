// Two streams joined: what comes from one goes to the other, untouched, with back-pressure and half-closed sides kept.
import type { Duplex } from "node:stream";

export interface RawRelay {
	/** Sees the bytes as they pass. */
	onBytes?(bytes: Buffer, fromClient: boolean): void;
	/** Both sides are closed, or one broke. */
	onDone(error: Error | null): void;
}

export function relayStreams(client: Duplex, server: Duplex, relay: RawRelay): void {
	let open = 2;
	let failed: Error | null = null;
	const closed = () => {
		if (--open === 0) relay.onDone(failed);
		client.destroy();
		server.destroy();
	};
	for (const [from, to] of [
		[client, server],
		[server, client],
	] as const) {
		from.on("data", (bytes: Buffer) => {
			relay.onBytes?.(bytes, from === client);
			if (to.writable && !to.write(bytes)) from.pause();
		});
		from.on("drain", () => to.resume());
		from.on("end", () => to.end());
		from.on("error", (error) => {
			failed ??= error;
		});
		if (from.destroyed) queueMicrotask(closed);
		else from.once("close", closed);
		from.resume();
	}
}

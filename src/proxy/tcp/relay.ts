// Two sockets joined, or streams of HTTP/2: what comes from one goes to the other, with back-pressure and half-closed sides kept.
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { breakOff } from "../connection/break-off.ts";

export interface RawRelay {
	/** Whether the bytes of the client may pass; else both are hung up on. */
	mayPass?(bytes: Buffer): boolean;
	/** Sees the bytes as they pass. */
	onBytes?(bytes: Buffer, fromClient: boolean): void;
	/** Gets the bytes of one side in place of the other, and passes on what it likes by `way.write`. */
	take?(bytes: Buffer, way: Way): void;
	/** With `take`: one side has sent all it had; calls `way.end` when it has passed everything on. */
	takeEnd?(way: Way): void;
	/** Both sides are closed, or one broke. */
	onDone(error: Error | null): void;
}

/** From one side to the other. */
export class Way {
	readonly fromClient: boolean;
	readonly #from: Duplex;
	readonly #to: Duplex;
	#isHeld = false;
	#isEnded = false;
	#isBroken = false;

	constructor(from: Duplex, to: Duplex, fromClient: boolean) {
		this.#from = from;
		this.#to = to;
		this.fromClient = fromClient;
		to.on("drain", () => this.#update());
	}

	write(bytes: Buffer): void {
		if (this.#to.writable && !this.#to.write(bytes)) this.#from.pause();
	}

	/** As the one side did: one that broke is not passed on as an orderly end. */
	end(): void {
		const to = this.#to;
		this.#isEnded = true;
		if (this.#from.errored && to instanceof Socket && to.writable) this.#break(to);
		else if (to.writable) to.end();
		this.close();
	}

	#break(to: Socket): void {
		if (this.#isBroken) return;
		this.#isBroken = true;
		breakOff(to);
	}

	/** Nothing more, please; and go on. */
	hold(): void {
		this.#isHeld = true;
		this.#from.pause();
	}

	release(): void {
		this.#isHeld = false;
		this.#update();
	}

	/** Where the one side has gone, the other goes as well, once what is on its way has arrived. */
	close(): void {
		const to = this.#to;
		if (!this.#isEnded || !this.#from.destroyed || this.#isBroken) return;
		if (this.#from.errored || to.writableFinished) to.destroy();
		else to.once("finish", () => to.destroy());
	}

	#update(): void {
		if (!this.#isHeld && !this.#to.writableNeedDrain) this.#from.resume();
	}
}

/** Takes both over; they may be paused. The ways are those from client to server and back. */
export function relaySockets(client: Duplex, server: Duplex, relay: RawRelay): readonly [Way, Way] {
	let open = 2;
	let failed: Error | null = null;
	const join = (from: Duplex, to: Duplex): Way => {
		const way = new Way(from, to, from === client);
		let hasEnded = false;
		const ended = () => {
			if (hasEnded) return;
			hasEnded = true;
			if (relay.takeEnd === undefined) way.end();
			else relay.takeEnd(way);
		};
		const closed = () => {
			ended();
			way.close();
			if (--open === 0) relay.onDone(failed);
		};
		from.on("data", (bytes: Buffer) => {
			if (way.fromClient && relay.mayPass?.(bytes) === false) {
				client.destroy();
				server.destroy();
				return;
			}
			relay.onBytes?.(bytes, way.fromClient);
			if (relay.take === undefined) way.write(bytes);
			else relay.take(bytes, way);
		});
		from.on("end", ended);
		from.on("error", (error) => {
			failed ??= error;
		});
		if (from.destroyed) queueMicrotask(closed);
		else from.once("close", closed);
		return way;
	};
	const ways = [join(client, server), join(server, client)] as const;
	client.resume();
	server.resume();
	return ways;
}

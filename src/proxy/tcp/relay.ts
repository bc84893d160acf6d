// Joins two sockets or HTTP/2 streams: copies bytes both ways, with back-pressure and half-close.
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { breakOff } from "../connection/break-off.ts";
import { FairReader } from "../connection/fair-reader.ts";

/** The callbacks of a relay. Only `onDone` is required; without the others, bytes are forwarded without callbacks. */
export interface RelayHandlers {
	/** Whether bytes from the client may pass; if not, both sides are closed. */
	mayPass?(bytes: Buffer): boolean;
	/** Called with the bytes before they are forwarded. */
	onBytes?(bytes: Buffer, fromClient: boolean): void;
	/** Called with the bytes in place of the receiver; it forwards them, changed or not, with `pipe.write`. */
	handleBytes?(bytes: Buffer, pipe: SocketPipe): void;
	/** With `handleBytes`: called when the sender has ended; it calls `pipe.end` after everything has been forwarded. */
	handleEnd?(pipe: SocketPipe): void;
	/** Called when both sides are closed. `error`: that of the side which failed first; null: neither failed. */
	onDone(error: Error | null): void;
}

/** One direction of a relay: from the sender to the receiver, with back-pressure. */
export class SocketPipe {
	readonly fromClient: boolean;
	readonly #from: Duplex;
	readonly #to: Duplex;
	readonly #reader: FairReader;
	#isPaused = false;
	#isEnded = false;
	#isBroken = false;

	/** @param take receives the sender's bytes */
	constructor(from: Duplex, to: Duplex, fromClient: boolean, take: (bytes: Buffer, pipe: SocketPipe) => void) {
		this.#from = from;
		this.#to = to;
		this.#reader = new FairReader(from, (bytes) => take(bytes, this));
		this.fromClient = fromClient;
		to.on("drain", () => this.#update());
	}

	write(bytes: Buffer): void {
		if (this.#to.writable && !this.#to.write(bytes)) this.#reader.pause();
	}

	/** Resolves when the receiver accepts more bytes, or is closed. */
	async drained(): Promise<void> {
		const to = this.#to;
		if (!to.writable || !to.writableNeedDrain) return;
		await new Promise<void>((resolve) => {
			const done = () => {
				to.off("drain", done).off("close", done);
				resolve();
			};
			to.on("drain", done).on("close", done);
		});
	}

	/**
	 * Ends the receiver in the same way as the sender ended: after an error of the sender, a socket is reset, because an
	 * orderly end would hide the error.
	 */
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

	/** Reads nothing more from the sender until `resume`. */
	pause(): void {
		this.#isPaused = true;
		this.#reader.pause();
	}

	resume(): void {
		this.#isPaused = false;
		this.#update();
	}

	/** Destroys the receiver if the sender is destroyed and `end` was called, once pending writes are finished. */
	close(): void {
		const to = this.#to;
		if (!this.#isEnded || !this.#from.destroyed || this.#isBroken) return;
		if (this.#from.errored || to.writableFinished) to.destroy();
		else to.once("finish", () => to.destroy());
	}

	#update(): void {
		if (!this.#isPaused && !this.#to.writableNeedDrain) this.#reader.resume();
	}
}

/** Relays both sockets, which may be paused. Returns the pipes from client to server and from server to client. */
export function relaySockets(client: Duplex, server: Duplex, relay: RelayHandlers): readonly [SocketPipe, SocketPipe] {
	let open = 2;
	let failed: Error | null = null;
	const pass = (bytes: Buffer, pipe: SocketPipe): void => {
		if (pipe.fromClient && relay.mayPass?.(bytes) === false) {
			client.destroy();
			server.destroy();
			return;
		}
		relay.onBytes?.(bytes, pipe.fromClient);
		if (relay.handleBytes === undefined) pipe.write(bytes);
		else relay.handleBytes(bytes, pipe);
	};
	const join = (from: Duplex, to: Duplex): SocketPipe => {
		const pipe = new SocketPipe(from, to, from === client, pass);
		let hasEnded = false;
		const ended = () => {
			if (hasEnded) return;
			hasEnded = true;
			if (relay.handleEnd === undefined) pipe.end();
			else relay.handleEnd(pipe);
		};
		const closed = () => {
			ended();
			pipe.close();
			if (--open === 0) relay.onDone(failed);
		};
		from.on("end", ended);
		from.on("error", (error) => {
			failed ??= error;
		});
		if (from.destroyed) queueMicrotask(closed);
		else from.once("close", closed);
		return pipe;
	};
	const pipes = [join(client, server), join(server, client)] as const;
	client.resume();
	server.resume();
	return pipes;
}

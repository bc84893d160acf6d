// A tunnel that the next proxy has opened for a client: where what the client sends through its own goes on.
import type { Socket } from "node:net";
import type { ByteString } from "../../flow/bytes.ts";
import type { ServerConnection } from "../../flow/connection.ts";
import { isLastingLogin } from "../wire/hop-by-hop.ts";

interface Place {
	host: string;
	port: number;
}

export class OpenedTunnel {
	/** What it was opened with: nobody else's requests go through it. */
	readonly credentials: ByteString | null;
	readonly #place: Place;
	#way: { socket: Socket; facts: ServerConnection } | null;
	#onOver: (() => void) | null = null;

	constructor(place: Place, socket: Socket, facts: ServerConnection, credentials: ByteString | null) {
		this.#place = place;
		this.credentials = credentials;
		this.#way = { socket, facts };
		if (credentials !== null && !isLastingLogin(credentials)) socket.once("close", () => this.end());
	}

	/** For the first who connects to this place. */
	take({ host, port }: Place): { socket: Socket; facts: ServerConnection } | null {
		if (host !== this.#place.host || port !== this.#place.port) return null;
		const way = this.#way;
		this.#way = null;
		return way?.socket.destroyed ? null : way;
	}

	/** Calls back when the client has to ask for another, as it has to log in again. */
	whenOver(tell: () => void): void {
		this.#onOver = tell;
	}

	end(): void {
		this.#onOver?.();
	}

	/** The client has gone. */
	close(): void {
		this.#way?.socket.destroy();
		this.#way = null;
	}
}

// A tunnel that the upstream proxy opened for one client's CONNECT. It carries the client's traffic.
import type { Socket } from "node:net";
import type { ByteString } from "../../flow/bytes.ts";
import type { ServerConnection } from "../../flow/connection.ts";
import { isLastingLogin } from "../wire/hop-by-hop.ts";

interface Endpoint {
	host: string;
	port: number;
}

export class OpenedTunnel {
	/** The credentials with which the tunnel was opened; requests with other credentials do not use it. */
	readonly credentials: ByteString | null;
	readonly #endpoint: Endpoint;
	#connection: { socket: Socket; serverConn: ServerConnection } | null;
	#onEnd: (() => void) | null = null;

	constructor(endpoint: Endpoint, socket: Socket, serverConn: ServerConnection, credentials: ByteString | null) {
		this.#endpoint = endpoint;
		this.credentials = credentials;
		this.#connection = { socket, serverConn };
		if (credentials !== null && !isLastingLogin(credentials)) socket.once("close", () => this.end());
	}

	/**
	 * The socket, for the first caller that connects to this endpoint; null: for another endpoint, or if the socket is
	 * taken or closed.
	 */
	takeSocket({ host, port }: Endpoint): { socket: Socket; serverConn: ServerConnection } | null {
		if (host !== this.#endpoint.host || port !== this.#endpoint.port) return null;
		const connection = this.#connection;
		this.#connection = null;
		return connection?.socket.destroyed ? null : connection;
	}

	/** Sets the function to call when the client has to open another tunnel, because it must authenticate again. */
	whenEnded(onEnd: () => void): void {
		this.#onEnd = onEnd;
	}

	end(): void {
		this.#onEnd?.();
	}

	/** Call when the client has disconnected. */
	close(): void {
		this.#connection?.socket.destroy();
		this.#connection = null;
	}
}

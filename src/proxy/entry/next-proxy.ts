// Forwards a client's CONNECT requests to the next proxy, which accepts or refuses them. They share one connection
// while the next proxy keeps it open, since a login may be bound to the connection (RFC 4559 section 6). The tunnel
// that the next proxy opens then carries the client's bytes.
import type { Socket } from "node:net";
import type { FlowtapeError } from "../../errors.ts";
import type { ByteString } from "../../flow/bytes.ts";
import type { Dial } from "../connection/attempt.ts";
import type { TunnelEndpoint } from "../route/destination.ts";
import { OpenedTunnel } from "../route/opened-tunnel.ts";
import type { UpstreamPool } from "../upstream/pool.ts";
import { TunnelRefusal } from "../upstream/proxy.ts";
import { isBoundLogin } from "../wire/hop-by-hop.ts";

/** Receives the tunnel, or an error: a TunnelRefusal with the next proxy's response if that proxy refused. */
export type TunnelDone = (error: FlowtapeError | null, opened: OpenedTunnel | null) => void;

export class NextProxy {
	readonly #pool: UpstreamPool;
	/** The connection on which the next proxy last refused a tunnel; null: none is open. */
	#kept: KeptSocket | null = null;
	/** The credentials of the login that is bound to that connection. */
	#login: ByteString | null = null;

	constructor(pool: UpstreamPool) {
		this.#pool = pool;
	}

	/**
	 * Whether to ask the next proxy: no credentials are configured for it, and the pool has no connection for this client
	 * and endpoint.
	 */
	decidesOn(endpoint: TunnelEndpoint): boolean {
		return this.#pool.usesNextProxy(endpoint) && !this.#pool.hasChannelFor(endpoint);
	}

	requestTunnel(endpoint: TunnelEndpoint, done: TunnelDone): Dial {
		const over = this.#kept?.take() ?? null;
		this.#kept = null;
		if (over === null) this.#login = null;
		return this.#sendConnect(endpoint, over, done);
	}

	#sendConnect(endpoint: TunnelEndpoint, over: Socket | null, done: TunnelDone): Dial {
		const { credentials = null } = endpoint;
		if (credentials !== null && isBoundLogin(credentials)) this.#login = credentials;
		let dial = this.#pool.dialTunnel(endpoint, over, (error, socket, serverConn) => {
			if (error === null && socket !== null) {
				const opened = new OpenedTunnel(endpoint, socket, serverConn, credentials ?? this.#login);
				this.#login = null;
				done(null, opened);
			} else if (over !== null && !(error instanceof TunnelRefusal)) {
				// The connection was closed meanwhile. A CONNECT can safely be repeated.
				dial = this.requestTunnel(endpoint, done);
			} else {
				if (socket !== null) this.#kept = new KeptSocket(socket);
				done(error, null);
			}
		});
		return { cancel: () => dial.cancel() };
	}

	close(): void {
		this.#kept?.take()?.destroy();
	}
}

/** An idle connection for the client's next CONNECT. */
class KeptSocket {
	readonly #socket: Socket;

	constructor(socket: Socket) {
		this.#socket = socket;
		// Unexpected bytes, or its end, make the connection unusable.
		socket.on("data", this.#drop).on("end", this.#drop).resume();
	}

	/** The socket, paused; null: it was closed meanwhile. */
	take(): Socket | null {
		const socket = this.#socket;
		socket.removeListener("data", this.#drop).removeListener("end", this.#drop).pause();
		return socket.destroyed ? null : socket;
	}

	readonly #drop = (): void => void this.#socket.destroy();
}

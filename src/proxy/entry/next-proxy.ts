// A client's CONNECTs in front of the next proxy: that one decides on them, over one connection as long as it keeps it, since a login may be bound
// to it (RFC 4559 section 6), and what it opens is the way of what the client sends through its tunnel.
import type { Socket } from "node:net";
import type { FlowtapeError } from "../../errors.ts";
import type { ByteString } from "../../flow/bytes.ts";
import type { Dial } from "../connection/attempt.ts";
import type { TunnelPlace } from "../route/destination.ts";
import { OpenedTunnel } from "../route/opened-tunnel.ts";
import type { UpstreamPool } from "../upstream/pool.ts";
import { TunnelRefusal } from "../upstream/proxy.ts";
import { isBoundLogin } from "../wire/hop-by-hop.ts";

/** Gets the tunnel, or why there is none; what the next proxy itself said comes as a TunnelRefusal. */
export type TunnelDone = (error: FlowtapeError | null, opened: OpenedTunnel | null) => void;

export class NextProxy {
	readonly #pool: UpstreamPool;
	/** The connection over which it refused last. */
	#kept: KeptSocket | null = null;
	/** Who has logged in on it. */
	#login: ByteString | null = null;

	constructor(pool: UpstreamPool) {
		this.#pool = pool;
	}

	/** Whether it is to be asked: it gets nothing of our own as credentials, and there is no way yet that serves the client as well. */
	decidesOn(place: TunnelPlace): boolean {
		return this.#pool.asksNextProxy(place) && !this.#pool.hasFor(place);
	}

	ask(place: TunnelPlace, done: TunnelDone): Dial {
		const over = this.#kept?.take() ?? null;
		this.#kept = null;
		if (over === null) this.#login = null;
		return this.#ask(place, over, done);
	}

	#ask(place: TunnelPlace, over: Socket | null, done: TunnelDone): Dial {
		const { credentials = null } = place;
		if (credentials !== null && isBoundLogin(credentials)) this.#login = credentials;
		let dial = this.#pool.dialTunnel(place, over, (error, socket, facts) => {
			if (error === null && socket !== null) {
				const opened = new OpenedTunnel(place, socket, facts, credentials ?? this.#login);
				this.#login = null;
				done(null, opened);
			} else if (over !== null && !(error instanceof TunnelRefusal)) {
				// It was closed since, and asking for a tunnel twice does no harm.
				dial = this.ask(place, done);
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

/** A connection that waits to be asked again. */
class KeptSocket {
	readonly #socket: Socket;

	constructor(socket: Socket) {
		this.#socket = socket;
		// Without being asked it has nothing to say.
		socket.on("data", this.#drop).on("end", this.#drop).resume();
	}

	/** null: it has been closed meanwhile. */
	take(): Socket | null {
		const socket = this.#socket;
		socket.removeListener("data", this.#drop).removeListener("end", this.#drop).pause();
		return socket.destroyed ? null : socket;
	}

	readonly #drop = (): void => void this.#socket.destroy();
}

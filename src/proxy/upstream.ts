// The connections to servers: dialled, kept for the next request, and closed when nobody needs them.
import type { Socket } from "node:net";
import type { FlowtapeError } from "../errors.ts";
import type { ServerConnection } from "../flow/connection.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import { serverFacts } from "./connection-facts.ts";
import { type Dial, type DialPlan, dial } from "./dial.ts";
import { UpstreamConnection } from "./upstream-connection.ts";
import { options as proxyOptions, type Route, type UpstreamProxy } from "./upstream-proxy.ts";
import { options as tlsOptions, UpstreamTls } from "./upstream-tls.ts";

export const options = {
	...tlsOptions,
	...proxyOptions,
	connect_timeout: { type: "integer", default: 30, min: 1, metavar: "SECONDS", help: "How long connecting to a server may take, TLS included." },
	tcp_timeout: { type: "integer", default: 600, min: 0, metavar: "SECONDS", help: "Close connections on which nothing moves for so long (0: never)." },
	validate_inbound_headers: { type: "boolean", default: true, help: "Refuse messages whose headers leave doubt about where they end." },
} as const satisfies OptionTable;

/** Where a request goes. */
export interface Destination {
	tls: boolean;
	host: string;
	port: number;
	/** The name to ask the server for, if not `host`. */
	sni: string | null;
}

export interface PoolSetup {
	/** The proxies on the way. */
	route: Route;
	/** Whether a socket that was connected leads back to this proxy. */
	isOwn: (socket: Socket) => boolean;
}

/** Kept connections are closed after this time without use: most servers close theirs after 5 to 75 s. */
const IDLE_MS = 30_000;
const SWEEP_MS = 5_000;
/** Kept connections, per destination. */
const IDLE_COUNT = 256;

export class UpstreamPool {
	readonly #values: OptionValues<typeof options>;
	readonly #setup: PoolSetup;
	readonly #tls: UpstreamTls;
	/** The last one given back is taken first. */
	readonly #idle = new Map<string, UpstreamConnection[]>();
	readonly #open = new Set<Socket>();
	#sweeper: NodeJS.Timeout | null = null;

	/** @throws FlowtapeError FT_BAD_OPTION */
	constructor(values: OptionValues<typeof options>, setup: PoolSetup) {
		this.#values = values;
		this.#tls = new UpstreamTls(values);
		this.#setup = setup;
	}

	/** A connection that was used before, if there is one. */
	take(to: Destination): UpstreamConnection | undefined {
		const kept = this.#idle.get(keyOf(to));
		return kept?.pop();
	}

	/** Takes back what can serve another request. */
	give(connection: UpstreamConnection): void {
		const kept = this.#idle.get(connection.key);
		if (kept === undefined) this.#idle.set(connection.key, [connection]);
		else if (kept.length < IDLE_COUNT) kept.push(connection);
		else connection.destroy();
		connection.idleSince = performance.now();
		this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
	}

	/** The proxy that a request for this destination is sent to, in absolute form; null: it goes to the server itself, through a tunnel or not. */
	forwarder(to: Destination): UpstreamProxy | null {
		return to.tls ? null : this.#setup.route(to);
	}

	/** A new connection. The callback gets an error with a sentence for people, or the connection. */
	dial(to: Destination, done: (error: FlowtapeError | null, connection: UpstreamConnection | null) => void): Dial {
		return this.#dial(to, to.tls, (error, socket, facts) => {
			if (socket === null) return done(error, null);
			const settings = { lenient: !this.#values.validate_inbound_headers, timeoutMs: this.#values.tcp_timeout * 1000 };
			const connection = new UpstreamConnection(keyOf(to), socket, facts, settings);
			connection.onClose = (closed) => this.#forget(closed);
			socket.resume();
			done(null, connection);
		});
	}

	/** A socket for bytes that are not HTTP. */
	dialRaw(to: Destination, done: (error: FlowtapeError | null, socket: Socket | null, facts: ServerConnection) => void): Dial {
		return this.#dial(to, true, done);
	}

	/** Closes all connections, used or not. */
	close(): void {
		if (this.#sweeper !== null) clearInterval(this.#sweeper);
		for (const socket of this.#open) socket.destroy();
	}

	#dial(to: Destination, tunnel: boolean, done: (error: FlowtapeError | null, socket: Socket | null, facts: ServerConnection) => void): Dial {
		const via = this.#setup.route(to);
		const facts = serverFacts(to.host, to.port, via);
		const plan: DialPlan = {
			...{ to, via, tunnel, facts, tls: this.#tls, isOwn: this.#setup.isOwn },
			sendHost: this.#values.http_connect_send_host_header,
			timeoutMs: this.#values.connect_timeout * 1000,
			onSocket: (socket) => this.#keepTrack(socket),
		};
		return dial(plan, (error, socket) => done(error, socket, facts));
	}

	#keepTrack(socket: Socket): void {
		this.#open.add(socket);
		socket.on("error", () => {}).once("close", () => this.#open.delete(socket));
	}

	#forget(connection: UpstreamConnection): void {
		const kept = this.#idle.get(connection.key);
		const at = kept?.indexOf(connection) ?? -1;
		if (kept === undefined || at < 0) return;
		kept.splice(at, 1);
		if (kept.length === 0) this.#idle.delete(connection.key);
	}

	#sweep(): void {
		const limit = performance.now() - IDLE_MS;
		for (const kept of this.#idle.values()) for (const connection of kept.filter(({ idleSince }) => idleSince < limit)) connection.destroy();
	}
}

function keyOf({ tls, host, port, sni }: Destination): string {
	return tls ? `s ${host} ${port} ${sni ?? ""}` : `p ${host} ${port}`;
}

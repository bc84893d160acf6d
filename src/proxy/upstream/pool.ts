// The connections to servers: dialled, kept for the next request, and closed when nobody needs them.

import { isIP, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { type FlowtapeError, hasErrno } from "../../errors.ts";
import type { ClientConnection, ServerConnection } from "../../flow/connection.ts";
import type { Request } from "../../flow/message.ts";
import { formatAuthority } from "../../flow/url.ts";
import { Decision } from "../../hooks/decision.ts";
import type { OptionTable, OptionValues } from "../../options.ts";
import type { Dial, DialDone } from "../connection/attempt.ts";
import { connectFlow } from "../connection/connect-flow.ts";
import type { ConnectionEvents } from "../connection/events.ts";
import { serverFacts } from "../connection/facts.ts";
import { options as http2Options } from "../http2/module.ts";
import type { Destination, Route, TunnelPlace, UpstreamProxy } from "../route/destination.ts";
import { options as tlsOptions, UpstreamTls } from "../tls/upstream-options.ts";
import type { Dialled, UpstreamChannel } from "./channel.ts";
import { type DialPlan, dial } from "./dial.ts";
import { UpstreamConnection } from "./http1-connection.ts";
import { UpstreamHttp2 } from "./http2-connection.ts";
import { UpstreamSessions } from "./http2-sessions.ts";
import { options as proxyOptions, TunnelRefusal } from "./proxy.ts";

export const options = {
	...tlsOptions,
	...http2Options,
	...proxyOptions,
	connect_timeout: { type: "integer", default: 30, min: 1, metavar: "SECONDS", help: "How long connecting to a server may take, TLS included." },
	tcp_timeout: {
		type: "integer",
		default: 600,
		min: 0,
		metavar: "SECONDS",
		help: "Close connections on which nothing moves for so long, WebSockets and tunnels too (0: never).",
	},
	validate_inbound_headers: { type: "boolean", default: true, help: "Refuse messages whose headers leave doubt about where they end." },
} as const satisfies OptionTable;

export interface PoolSetup {
	/** The proxies on the way. */
	route: Route;
	/** Whether a socket that was connected leads back to this proxy. */
	isOwn: (socket: Socket) => boolean;
	/** Told of every attempt to reach a server, before a name is looked up or a socket opened. */
	onDial?: (destination: string) => void;
	/** Told of each field of a request that HTTP/2 has no form for, and that was not sent. */
	onLeftOut?: (field: string, request: Request) => void;
	/** Who wants to know of connections; nobody unless given. */
	events?: ConnectionEvents | null;
}

/** What a connection is made for. */
type How = Pick<DialPlan, "protocols" | "tunnel" | "announce" | "ready" | "asksAgain">;

/** Gets a sentence for people, or a socket; and what is known of it. */
type Connected = (error: FlowtapeError | null, socket: Socket | null, facts: ServerConnection) => void;

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
	readonly #sessions = new UpstreamSessions();
	readonly #open = new Set<Socket>();
	#sweeper: NodeJS.Timeout | null = null;
	/** Whether there ever was a connection that belongs to one client. */
	#hasBound = false;

	/** @throws FlowtapeError FT_BAD_OPTION */
	constructor(values: OptionValues<typeof options>, setup: PoolSetup) {
		this.#values = values;
		this.#tls = new UpstreamTls(values);
		this.#setup = setup;
	}

	/** A way that is there already, if one is. */
	take(to: Destination): UpstreamChannel | undefined {
		const key = keyOf(to);
		if (this.#wantsHttp2(to)) {
			const stream = this.#sessions.take(key, to.upgrade);
			if (stream !== undefined) return stream;
			if (!to.upgrade && !this.#sessions.isHttp1(key)) return undefined;
		}
		const kept = this.#takeKept(this.#connectionKeyOf(to), to.client ?? null);
		if (kept !== undefined) kept.client = to.client ?? null;
		return kept;
	}

	/** First one that the client has logged in on: where it goes on with its login, no other does. */
	#takeKept(key: string, client: ClientConnection | null): UpstreamConnection | undefined {
		const own = client === null || !this.#hasBound ? undefined : this.#idle.get(boundKeyOf(key, client))?.pop();
		return own ?? this.#idle.get(key)?.pop();
	}

	/** As `keyOf`, but for a WebSocket, which goes through a tunnel to a server that other requests are forwarded to. */
	#connectionKeyOf(to: Destination): string {
		return !to.tls && to.upgrade && this.#setup.route(to) !== null ? tunnelKeyOf(to) : keyOf(to);
	}

	/** Whether there is a way already for the TLS that most clients speak in a tunnel to this place. */
	hasFor(place: TunnelPlace): boolean {
		const key = keyOf({ ...plainTo(place), tls: true, sni: isIP(place.host) === 0 ? place.host : null });
		return this.#sessions.has(key) || this.#idle.has(key);
	}

	/** A new way. */
	dial(to: Destination, done: Dialled): Dial {
		const key = keyOf(to);
		if (!this.#wantsHttp2(to) || to.upgrade) return this.#dialHttp1(to, done);
		// In TLS the server chooses again each time.
		if (this.#sessions.isHttp1(key)) return to.tls ? this.#dialHttp2(to, done) : this.#dialHttp1(to, done);
		return this.#sessions.dial(key, (settle) => this.#dialHttp2(to, settle), done);
	}

	/** A proxy that forwards requests gets them in HTTP/1.1. */
	#wantsHttp2(to: Destination): boolean {
		return this.#values.http2 && to.http2 && this.#forwarder(to) === null;
	}

	/** The proxy that a request for this destination is sent to, in absolute form; null: it goes to the server itself, through a tunnel or not. */
	#forwarder(to: Destination): UpstreamProxy | null {
		return isTunnelled(to) ? null : this.#setup.route(to);
	}

	/** HTTP/1.1, unless the server refuses all but HTTP/2. */
	#dialHttp1(to: Destination, done: Dialled): Dial {
		let dial = this.#connect(to, { protocols: HTTP1, tunnel: isTunnelled(to) }, (error, socket, facts) => {
			if (socket !== null) this.#addHttp1(to, socket, facts, done);
			else if (this.#values.http2 && isHttp2Only(error)) dial = this.#dialHttp2(to, done);
			else done(error, null);
		});
		return { cancel: () => dial.cancel() };
	}

	/** HTTP/2, unless the server wants HTTP/1.1. */
	#dialHttp2(to: Destination, done: Dialled): Dial {
		let dial = this.#connect(to, { protocols: HTTP2, tunnel: true }, (error, socket, facts) => {
			if (socket === null) return done(error, null);
			if (to.tls && (socket as TLSSocket).alpnProtocol !== "h2") {
				this.#sessions.addHttp1(keyOf(to));
				this.#addHttp1(to, socket, facts, done);
				return;
			}
			const session = this.#addHttp2(to, socket, facts);
			if (to.tls) done(null, session.open());
			else
				session.confirm((isHttp2, fault) => {
					if (isHttp2) done(null, session.open());
					else if (fault !== null) done(fault, null);
					else dial = this.#dialHttp1(to, done);
				});
		});
		return { cancel: () => dial.cancel() };
	}

	#addHttp1(to: Destination, socket: Socket, facts: ServerConnection, done: Dialled): void {
		const settings = {
			forwarder: this.#forwarder(to),
			// In TLS the server says so itself; and one that was not asked in HTTP/2 first may speak both.
			...(to.tls || to.upgrade || !this.#wantsHttp2(to) ? {} : { onVersion: (isHttp1: boolean) => this.#sessions.noteHttp1(keyOf(to), isHttp1) }),
			lenient: !this.#values.validate_inbound_headers,
			timeoutMs: this.#values.tcp_timeout * 1000,
		};
		const connection = new UpstreamConnection(this.#connectionKeyOf(to), socket, facts, settings);
		connection.client = to.client ?? null;
		connection.onIdle = (idle) => this.#keep(idle);
		connection.onClose = (closed) => this.#forget(closed);
		socket.resume();
		done(null, connection);
	}

	#addHttp2(to: Destination, socket: Socket, facts: ServerConnection): UpstreamHttp2 {
		const key = keyOf(to);
		const settings = { timeoutMs: this.#values.tcp_timeout * 1000, onLeftOut: this.#setup.onLeftOut };
		const session = new UpstreamHttp2(socket, facts, settings, (closed) => this.#sessions.remove(key, closed));
		this.#sessions.add(key, session);
		this.#startSweeper();
		return session;
	}

	/** Whether those who ask for a tunnel there get the answer of the next proxy: what it gets as credentials is theirs. */
	asksNextProxy(place: TunnelPlace): boolean {
		return this.#setup.route(plainTo(place))?.authorization === null;
	}

	/**
	 * Asks the next proxy for a tunnel.
	 * @param over a connection to it on which it has refused before
	 * @param done gets the tunnel; or an error, and with it the connection where the proxy can be asked again over it
	 */
	dialTunnel(place: TunnelPlace, over: Socket | null, done: Connected): Dial {
		const ready = over === null ? null : { socket: over, leadsTo: "proxy" as const };
		return this.#connect(plainTo(place), { protocols: HTTP1, tunnel: true, ready, asksAgain: true }, done);
	}

	/** A socket for bytes that are not HTTP. */
	dialRaw(to: Destination, done: Connected): Dial {
		return this.#connect(to, { protocols: to.protocols ?? HTTP1, tunnel: true }, done);
	}

	/** Closes all connections, used or not. */
	close(): void {
		if (this.#sweeper !== null) clearInterval(this.#sweeper);
		for (const socket of this.#open) socket.destroy();
	}

	#connect(to: Destination, how: How, done: Connected): Dial {
		const { events = null } = this.#setup;
		const opened = how.tunnel ? (to.opened?.take(to) ?? null) : null;
		if (opened !== null) {
			const { socket, facts } = opened;
			const goOn = (settle: DialDone) => this.#dial(to, { ...how, ready: { socket, leadsTo: "server" } }, facts, settle);
			const settle: DialDone = (error, secured) => done(error, secured, facts);
			return events === null ? goOn(settle) : events.goOn({ server: facts, client: to.client ?? null }, goOn, settle);
		}
		const facts = serverFacts(to.host, to.port, this.#setup.route(to));
		const settle: DialDone = (error, socket) => {
			if (error instanceof TunnelRefusal && error.response.statusCode === 407) to.opened?.end();
			done(error, socket, facts);
		};
		if (events === null) return this.#dial(to, how, facts, settle);
		const { client = null } = to;
		const announce = (request: Request) => events.tunnel("http_connect_upstream", connectFlow(request, client, facts), new Decision(true));
		return events.connect({ server: facts, client }, (connected) => this.#dial(placeOf(to, facts), { ...how, announce }, facts, connected), settle);
	}

	#dial(to: Destination, how: How, facts: ServerConnection, done: DialDone): Dial {
		if (how.ready?.leadsTo !== "server") this.#setup.onDial?.(formatAuthority(to.host, to.port));
		const via = how.tunnel ? withCredentials(this.#setup.route(to), to) : this.#setup.route(to);
		const plan: DialPlan = {
			...{ ...how, to, via, facts, tls: this.#tls, isOwn: this.#setup.isOwn },
			sendHost: this.#values.http_connect_send_host_header,
			timeoutMs: this.#values.connect_timeout * 1000,
			onSocket: (socket) => this.#keepTrack(socket),
		};
		return dial(plan, done);
	}

	#keepTrack(socket: Socket): void {
		if (this.#open.has(socket)) return;
		this.#open.add(socket);
		socket.on("error", () => {}).once("close", () => this.#open.delete(socket));
	}

	/** For the next request. */
	#keep(connection: UpstreamConnection): void {
		const { isBound, client } = connection;
		if (isBound && (client === null || client.timestampEnd !== null)) {
			connection.destroy();
			return;
		}
		if (isBound) this.#hasBound = true;
		const key = idleKeyOf(connection);
		const kept = this.#idle.get(key);
		if (kept === undefined) this.#idle.set(key, [connection]);
		else if (kept.length < IDLE_COUNT) kept.push(connection);
		else connection.destroy();
		connection.idleSince = performance.now();
		this.#startSweeper();
	}

	#forget(connection: UpstreamConnection): void {
		const key = idleKeyOf(connection);
		const kept = this.#idle.get(key);
		if (kept === undefined) return;
		const at = kept.indexOf(connection);
		if (at >= 0) kept.splice(at, 1);
		if (kept.length === 0) this.#idle.delete(key);
	}

	#startSweeper(): void {
		this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
	}

	#sweep(): void {
		const limit = performance.now() - IDLE_MS;
		this.#sessions.sweep(limit);
		const isOver = ({ idleSince, isBound, client }: UpstreamConnection) => idleSince < limit || (isBound && client?.timestampEnd != null);
		for (const kept of this.#idle.values()) for (const connection of kept.filter(isOver)) connection.destroy();
	}
}

const HTTP1 = ["http/1.1"];
const HTTP2 = ["h2", "http/1.1"];

/** Whether a proxy on the way is asked for a tunnel: for TLS, for every WebSocket (RFC 6455 section 4.1), and where the client has asked it for one. */
function isTunnelled({ tls, upgrade, opened = null }: Destination): boolean {
	return tls || upgrade === true || opened !== null;
}

/** A tunnel that somebody's credentials have opened is for nobody else. */
function keyOf(to: Destination): string {
	const { tls, host, port, sni, credentials, opened = null } = to;
	if (tls) return `s ${host} ${port} ${sni ?? ""} ${credentials ?? ""}`;
	return opened === null ? `p ${host} ${port}` : tunnelKeyOf(to);
}

function tunnelKeyOf({ host, port, credentials }: Destination): string {
	return `t ${host} ${port} ${credentials ?? ""}`;
}

/** A place that nothing is said to yet. */
function plainTo({ host, port, client, credentials = null }: TunnelPlace): Destination {
	return { tls: false, host, port, sni: null, http2: false, credentials, ...(client === undefined ? {} : { client }) };
}

/** Where a connection is kept that belongs to one client. */
function boundKeyOf(key: string, client: ClientConnection): string {
	return `${key}\n${client.id}`;
}

function idleKeyOf({ key, isBound, client }: UpstreamConnection): string {
	return isBound && client !== null ? boundKeyOf(key, client) : key;
}

/** The next proxy, with what the client sent for it, unless it gets something of our own. */
function withCredentials(via: UpstreamProxy | null, { credentials = null }: Destination): UpstreamProxy | null {
	return via === null || via.authorization !== null || credentials === null ? via : { ...via, authorization: credentials };
}

/** Where a hook may have led the connection elsewhere: the certificate is still to be that of the server that was asked for. */
function placeOf(to: Destination, { address }: ServerConnection): Destination {
	if (address === null) return to;
	const [host, port] = address;
	return { ...to, host, port, sni: to.sni ?? to.host };
}

/** RFC 7301 section 3.2: no protocol that we offered. */
function isHttp2Only(error: FlowtapeError | null): boolean {
	return hasErrno(error?.cause, "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL");
}

// The pool of connections to servers: opens them, keeps them for further requests, and closes idle ones.
import { isIP, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { type FlowtapeError, hasErrno } from "../../errors.ts";
import type { ClientConnection, ServerConnection } from "../../flow/connection.ts";
import type { Request } from "../../flow/message.ts";
import { formatAuthority } from "../../flow/url.ts";
import { Decision } from "../../hooks/decision.ts";
import type { OptionTable, OptionValues } from "../../options.ts";
import type { Dial, DialCallback } from "../connection/attempt.ts";
import { connectFlow } from "../connection/connect-flow.ts";
import { newServerConnection } from "../connection/connection-info.ts";
import type { ConnectionEvents } from "../connection/events.ts";
import { options as http2Options } from "../http2/module.ts";
import type { Destination, Route, TunnelEndpoint, UpstreamProxy } from "../route/destination.ts";
import { options as tlsOptions, UpstreamTls } from "../tls/upstream-options.ts";
import type { ChannelCallback, UpstreamChannel } from "./channel.ts";
import { type DialPlan, dial } from "./dial.ts";
import { UpstreamConnection } from "./http1-connection.ts";
import { UpstreamHttp2 } from "./http2-connection.ts";
import { UpstreamSessions } from "./http2-sessions.ts";
import { options as proxyOptions, TunnelRefusal } from "./proxy.ts";

export const options = {
	...tlsOptions,
	...http2Options,
	...proxyOptions,
	connect_timeout: {
		type: "integer",
		default: 30,
		min: 1,
		metavar: "SECONDS",
		help: "Maximum time to connect to a server, including TLS.",
	},
	tcp_timeout: {
		type: "integer",
		default: 600,
		min: 0,
		metavar: "SECONDS",
		help: "Close idle connections after this time, including WebSockets and tunnels; 0: never.",
	},
	validate_inbound_headers: {
		type: "boolean",
		default: true,
		help: "Reject messages whose headers make their length ambiguous.",
	},
} as const satisfies OptionTable;

export interface PoolSetup {
	/** Returns the upstream proxy for a destination. */
	route: Route;
	/** Whether a connected socket leads back to this proxy. */
	isOwn: (socket: Socket) => boolean;
	/** Called for every attempt to connect to a server, before a DNS lookup or a connection. */
	onDial?: (destination: string) => void;
	/** Called for each field of a request that HTTP/2 cannot represent and that was not sent. */
	onOmittedField?: (field: string, request: Request) => void;
	/** Runs the hooks on connections. Default: none. */
	events?: ConnectionEvents | null;
}

/** The purpose of a connection. */
type DialPurpose = Pick<DialPlan, "protocols" | "tunnel" | "announce" | "ready" | "asksAgain">;

/** Receives an error or a socket, and the properties of the connection. */
type SocketCallback = (error: FlowtapeError | null, socket: Socket | null, serverConn: ServerConnection) => void;

/** Idle connections are closed after this time: most servers close theirs after 5 to 75 s. Milliseconds. */
const IDLE_MS = 30_000;
const SWEEP_MS = 5_000;
/** Most idle connections per destination. */
const IDLE_COUNT = 256;

export class UpstreamPool {
	readonly #values: OptionValues<typeof options>;
	readonly #setup: PoolSetup;
	readonly #tls: UpstreamTls;
	/** Idle connections by key; the most recently returned one is used first. */
	readonly #idle = new Map<string, UpstreamConnection[]>();
	readonly #sessions = new UpstreamSessions();
	readonly #open = new Set<Socket>();
	#sweeper: NodeJS.Timeout | null = null;
	/** Whether the pool has ever kept a connection bound to one client. */
	#hasBound = false;

	/** @throws FlowtapeError FT_BAD_OPTION */
	constructor(values: OptionValues<typeof options>, setup: PoolSetup) {
		this.#values = values;
		this.#tls = new UpstreamTls(values);
		this.#setup = setup;
	}

	/** A channel over an open connection, if there is one. */
	takeChannel(to: Destination): UpstreamChannel | undefined {
		const key = keyOf(to);
		if (this.#wantsHttp2(to)) {
			const stream = this.#sessions.openStream(key, to.upgrade);
			if (stream !== undefined) return stream;
			if (!to.upgrade && !this.#sessions.isHttp1(key)) return undefined;
		}
		const kept = this.#takeIdle(this.#connectionKeyOf(to), to.client ?? null);
		if (kept !== undefined) kept.client = to.client ?? null;
		return kept;
	}

	/** An idle connection; one that the client has authenticated on takes precedence. */
	#takeIdle(key: string, client: ClientConnection | null): UpstreamConnection | undefined {
		const own = client === null || !this.#hasBound ? undefined : this.#idle.get(boundKeyOf(key, client))?.pop();
		return own ?? this.#idle.get(key)?.pop();
	}

	/** As `keyOf`, except for WebSockets, which use a tunnel where other requests are forwarded by the upstream proxy. */
	#connectionKeyOf(to: Destination): string {
		return !to.tls && to.upgrade && this.#setup.route(to) !== null ? tunnelKeyOf(to) : keyOf(to);
	}

	/** Whether there is an open TLS connection for a tunnel to this endpoint, assuming the usual server name. */
	hasChannelFor(endpoint: TunnelEndpoint): boolean {
		const key = keyOf({
			...plainDestination(endpoint),
			tls: true,
			sni: isIP(endpoint.host) === 0 ? endpoint.host : null,
		});
		return this.#sessions.hasSession(key) || this.#idle.has(key);
	}

	/**
	 * Opens a channel over a new connection. A request that may use HTTP/2 joins an attempt in progress for its
	 * destination.
	 */
	dial(to: Destination, done: ChannelCallback): Dial {
		const key = keyOf(to);
		if (!this.#wantsHttp2(to) || to.upgrade) return this.#dialHttp1(to, done);
		// With TLS, the server chooses the version anew for each connection.
		if (this.#sessions.isHttp1(key)) return to.tls ? this.#dialHttp2(to, done) : this.#dialHttp1(to, done);
		return this.#sessions.dial(key, (settle) => this.#dialHttp2(to, settle), done);
	}

	/** Whether to use HTTP/2. A proxy that forwards requests gets them in HTTP/1.1. */
	#wantsHttp2(to: Destination): boolean {
		return this.#values.http2 && to.http2 && this.#forwarder(to) === null;
	}

	/**
	 * The proxy that forwards requests to this destination; null: they go to the server, directly or through a tunnel.
	 */
	#forwarder(to: Destination): UpstreamProxy | null {
		return isTunnelled(to) ? null : this.#setup.route(to);
	}

	/** Opens an HTTP/1.1 channel, or an HTTP/2 channel if the server accepts only that. */
	#dialHttp1(to: Destination, done: ChannelCallback): Dial {
		let dial = this.#connect(to, { protocols: HTTP1, tunnel: isTunnelled(to) }, (error, socket, serverConn) => {
			if (socket !== null) this.#addHttp1(to, socket, serverConn, done);
			else if (this.#values.http2 && isHttp2Only(error)) dial = this.#dialHttp2(to, done);
			else done(error, null);
		});
		return { cancel: () => dial.cancel() };
	}

	/** Opens an HTTP/2 channel, or an HTTP/1.1 channel if the server chooses that. */
	#dialHttp2(to: Destination, done: ChannelCallback): Dial {
		let dial = this.#connect(to, { protocols: HTTP2, tunnel: true }, (error, socket, serverConn) => {
			if (socket === null) return done(error, null);
			if (to.tls && (socket as TLSSocket).alpnProtocol !== "h2") {
				this.#sessions.rememberHttp1(keyOf(to));
				this.#addHttp1(to, socket, serverConn, done);
				return;
			}
			const session = this.#addHttp2(to, socket, serverConn);
			if (to.tls) done(null, session.openStream());
			else
				dial = session.confirm(this.#values.connect_timeout * 1000, (isHttp2, fault) => {
					if (isHttp2) done(null, session.openStream());
					else if (fault !== null) done(fault, null);
					else dial = this.#dialHttp1(to, done);
				});
		});
		return { cancel: () => dial.cancel() };
	}

	#addHttp1(to: Destination, socket: Socket, serverConn: ServerConnection, done: ChannelCallback): void {
		// With TLS, ALPN determines the version. A server that was not tried with HTTP/2 may speak both.
		const revealsVersion = !to.tls && !to.upgrade && this.#wantsHttp2(to);
		const settings = {
			forwarder: this.#forwarder(to),
			onVersion: revealsVersion ? (isHttp1: boolean) => this.#sessions.updateVersion(keyOf(to), isHttp1) : undefined,
			lenient: !this.#values.validate_inbound_headers,
			timeoutMs: this.#values.tcp_timeout * 1000,
		};
		const connection = new UpstreamConnection(this.#connectionKeyOf(to), socket, serverConn, settings);
		connection.client = to.client ?? null;
		connection.onIdle = (idle) => this.#keepIdle(idle);
		connection.onClose = (closed) => this.#removeIdle(closed);
		socket.resume();
		done(null, connection);
	}

	#addHttp2(to: Destination, socket: Socket, serverConn: ServerConnection): UpstreamHttp2 {
		const key = keyOf(to);
		const settings = { timeoutMs: this.#values.tcp_timeout * 1000, onOmittedField: this.#setup.onOmittedField };
		const session = new UpstreamHttp2(socket, serverConn, settings, (closed) =>
			this.#sessions.removeSession(key, closed),
		);
		this.#sessions.addSession(key, session);
		this.#startSweeper();
		return session;
	}

	/**
	 * Whether clients get the upstream proxy's own response to their CONNECT: no credentials are configured for it, so
	 * they authenticate to it themselves.
	 */
	usesNextProxy(endpoint: TunnelEndpoint): boolean {
		return this.#setup.route(plainDestination(endpoint))?.authorization === null;
	}

	/**
	 * Asks the upstream proxy for a tunnel.
	 * @param over a connection on which the proxy has refused before; null: open a new one
	 * @param done receives the tunnel, or an error, together with the connection if the proxy can be asked again over it
	 */
	dialTunnel(endpoint: TunnelEndpoint, over: Socket | null, done: SocketCallback): Dial {
		const ready = over === null ? null : { socket: over, leadsTo: "proxy" as const };
		return this.#connect(plainDestination(endpoint), { protocols: HTTP1, tunnel: true, ready, asksAgain: true }, done);
	}

	/** Opens a socket for bytes that are not HTTP. */
	dialRaw(to: Destination, done: SocketCallback): Dial {
		return this.#connect(to, { protocols: to.protocols ?? HTTP1, tunnel: true }, done);
	}

	/** Closes all connections, active or idle. */
	close(): void {
		if (this.#sweeper !== null) clearInterval(this.#sweeper);
		this.#sessions.close();
		for (const socket of this.#open) socket.destroy();
	}

	#connect(to: Destination, how: DialPurpose, done: SocketCallback): Dial {
		const { events = null } = this.#setup;
		const opened = how.tunnel ? (to.opened?.takeSocket(to) ?? null) : null;
		if (opened !== null) {
			const { socket, serverConn } = opened;
			const continueDial = (settle: DialCallback) =>
				this.#dial(to, { ...how, ready: { socket, leadsTo: "server" } }, serverConn, settle);
			const settle: DialCallback = (error, secured) => done(error, secured, serverConn);
			return events === null
				? continueDial(settle)
				: events.continueConnection({ server: serverConn, client: to.client ?? null }, continueDial, settle);
		}
		const serverConn = newServerConnection(to.host, to.port, this.#setup.route(to));
		const settle: DialCallback = (error, socket) => {
			if (error instanceof TunnelRefusal && error.response.statusCode === 407) to.opened?.end();
			done(error, socket, serverConn);
		};
		if (events === null) return this.#dial(to, how, serverConn, settle);
		const { client = null } = to;
		const announce = (request: Request) =>
			events.tunnel("http_connect_upstream", connectFlow(request, client, serverConn), new Decision(true));
		return events.connect(
			{ server: serverConn, client },
			(connected) => this.#dial(redirected(to, serverConn), { ...how, announce }, serverConn, connected),
			settle,
		);
	}

	#dial(to: Destination, how: DialPurpose, serverConn: ServerConnection, done: DialCallback): Dial {
		if (how.ready?.leadsTo !== "server") this.#setup.onDial?.(formatAuthority(to.host, to.port));
		const via = how.tunnel ? withCredentials(this.#setup.route(to), to) : this.#setup.route(to);
		const plan: DialPlan = {
			...how,
			to,
			via,
			serverConn,
			tls: this.#tls,
			isOwn: this.#setup.isOwn,
			sendHost: this.#values.http_connect_send_host_header,
			timeoutMs: this.#values.connect_timeout * 1000,
			onSocket: (socket) => this.#track(socket),
		};
		return dial(plan, done);
	}

	#track(socket: Socket): void {
		if (this.#open.has(socket)) return;
		this.#open.add(socket);
		socket.on("error", () => {}).once("close", () => this.#open.delete(socket));
	}

	/** Keeps a connection for further requests. */
	#keepIdle(connection: UpstreamConnection): void {
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

	#removeIdle(connection: UpstreamConnection): void {
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
		const isOver = ({ idleSince, isBound, client }: UpstreamConnection) =>
			idleSince < limit || (isBound && client?.timestampEnd != null);
		for (const kept of this.#idle.values()) for (const connection of kept.filter(isOver)) connection.destroy();
	}
}

const HTTP1 = ["http/1.1"];
const HTTP2 = ["h2", "http/1.1"];

/**
 * Whether an upstream proxy is asked for a tunnel: for TLS, for WebSockets (RFC 6455 section 4.1), and if the client
 * sent a CONNECT.
 */
function isTunnelled({ tls, upgrade, opened = null }: Destination): boolean {
	return tls || upgrade === true || opened !== null;
}

/** The pool key. It contains the credentials, as a tunnel is only for the client whose credentials opened it. */
function keyOf(to: Destination): string {
	const { tls, host, port, sni, credentials, opened = null } = to;
	if (tls) return `s ${host} ${port} ${sni ?? ""} ${credentials ?? ""}`;
	return opened === null ? `p ${host} ${port}` : tunnelKeyOf(to);
}

function tunnelKeyOf({ host, port, credentials }: Destination): string {
	return `t ${host} ${port} ${credentials ?? ""}`;
}

/** The destination of a tunnel whose content is not known yet. */
function plainDestination({ host, port, client, credentials = null }: TunnelEndpoint): Destination {
	return { tls: false, host, port, sni: null, http2: false, credentials, ...(client === undefined ? {} : { client }) };
}

/** The key of connections bound to one client. */
function boundKeyOf(key: string, client: ClientConnection): string {
	return `${key}\n${client.id}`;
}

function idleKeyOf({ key, isBound, client }: UpstreamConnection): string {
	return isBound && client !== null ? boundKeyOf(key, client) : key;
}

/** The upstream proxy with the client's credentials, unless our own are configured. */
function withCredentials(via: UpstreamProxy | null, { credentials = null }: Destination): UpstreamProxy | null {
	return via === null || via.authorization !== null || credentials === null
		? via
		: { ...via, authorization: credentials };
}

/**
 * The destination after a hook may have redirected the connection. The certificate must still match the original
 * server.
 */
function redirected(to: Destination, { address }: ServerConnection): Destination {
	if (address === null) return to;
	const [host, port] = address;
	return { ...to, host, port, sni: to.sni ?? to.host };
}

/** Whether the server accepts none of the offered protocols (RFC 7301 section 3.2). */
function isHttp2Only(error: FlowtapeError | null): boolean {
	return hasErrno(error?.cause, "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL");
}

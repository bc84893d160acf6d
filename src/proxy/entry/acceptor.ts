// Serves accepted connections in the mode of their port: as HTTP with CONNECT, as SOCKS 5, or as a reverse proxy.
import type { Socket } from "node:net";
import type { LeafIssuer } from "../../ca/authority.ts";
import { FlowtapeError } from "../../errors.ts";
import { parseBasic } from "../../flow/basic-credentials.ts";
import type { ByteString } from "../../flow/bytes.ts";
import type { ClientConnection } from "../../flow/connection.ts";
import { Headers } from "../../flow/headers.ts";
import { Response } from "../../flow/message.ts";
import { formatAuthority } from "../../flow/url.ts";
import type { HostNames, PassthroughHosts, ProxyAuthenticator } from "../../hooks/authenticator.ts";
import { Decision } from "../../hooks/decision.ts";
import type { MaybeAsync } from "../../maybe-async.ts";
import type { OptionTable, OptionValues } from "../../options.ts";
import { Http1ClientConnection } from "../client/http1-connection.ts";
import { Http2ClientConnection } from "../client/http2-connection.ts";
import type { Dial } from "../connection/attempt.ts";
import { connectFlow, connectRequest } from "../connection/connect-flow.ts";
import { clearTls, clientAddress, newClientConnection, newServerConnection } from "../connection/connection-info.ts";
import type { ConnectionEvents } from "../connection/events.ts";
import type { ProxyContext } from "../context/context.ts";
import { errorPage } from "../exchange/error-page.ts";
import { isForNextProxy } from "../route/destination.ts";
import type { ProxyMode } from "../route/modes.ts";
import { OWN_SERVER_FIELD } from "../route/own-servers.ts";
import { connectTarget, reverseTo, type TunnelTarget, tunnelTo } from "../route/target.ts";
import { Socks5Connection } from "../tunnel/socks5.ts";
import { Tunnel, type TunnelSettings, options as tunnelOptions } from "../tunnel/tunnel.ts";
import { TunnelRefusal } from "../upstream/proxy.ts";
import { type RequestHead, writeResponseHead } from "../wire/head.ts";
import { isPersistent } from "../wire/hop-by-hop.ts";
import { options as accessOptions, refusalOf } from "./access.ts";
import { NextProxy, type TunnelDone } from "./next-proxy.ts";
import { ProxyTls } from "./proxy-tls.ts";

export const options = {
	...tunnelOptions,
	...accessOptions,
	keep_host_header: {
		type: "boolean",
		default: false,
		help: "Reverse mode: keep the Host header of requests instead of replacing it with the target's host.",
	},
} as const satisfies OptionTable;

/** A connection that the proxy tracks until it is closed. */
export interface TrackedConnection {
	/** The proxy is shutting down: starts nothing new. */
	drain(): void;
	/** Closes at once. */
	stop(): void;
}

export interface AcceptorSettings {
	mode: ProxyMode;
	context: ProxyContext;
	values: OptionValues<typeof options>;
	authority: LeafIssuer;
	/** Authenticates clients that ask for a tunnel; null: no authentication. */
	authenticator: ProxyAuthenticator | null;
	/** Hosts whose traffic is not read as HTTP; null: none. */
	hosts: PassthroughHosts | null;
	/** Whether to offer a host's clients HTTP/1.1 first while its server's choice is unknown; null: never. */
	prefersHttp1: ((names: HostNames) => boolean) | null;
	onOpen: (connection: TrackedConnection) => void;
	onClose: (connection: TrackedConnection) => void;
}

/** A client's CONNECT. */
interface TunnelRequest {
	socket: Socket;
	head: RequestHead;
	clientConn: ClientConnection;
	/** The proxy that accepts or refuses it; null: this one. */
	next: NextProxy | null;
}

/** How long a client may take to close its side after a rejection. Milliseconds. */
const CLOSING_MS = 2_000;

/** Receives the response to a CONNECT, and the target of the tunnel; null: the tunnel was refused. */
type OnDecided = (response: Response, opened: TunnelTarget | null) => void;

/** Serves the connections of one listener. */
export class ConnectionAcceptor {
	readonly #settings: AcceptorSettings;
	readonly #reverse: TunnelTarget | null;

	constructor(settings: AcceptorSettings) {
		const { mode, values } = settings;
		this.#settings = settings;
		this.#reverse = mode.kind === "reverse" ? reverseTo(mode.server, values.keep_host_header) : null;
	}

	accept(socket: Socket): void {
		socket.on("error", () => {});
		if (socket.destroyed) return;
		const { mode, context, values } = this.#settings;
		const { events } = context;
		const clientConn = newClientConnection(socket, mode.text);
		const refusal = refusalOf(clientAddress(clientConn), values);
		if (refusal !== null) {
			context.reportClientError(clientConn, `connections from this address are refused (${refusal})`);
			socket.destroy();
		} else if (events !== null) this.#admit(socket, clientConn, events);
		else this.#begin(socket, clientConn);
	}

	/** Serves a socket as an open tunnel to a host, as after a CONNECT. */
	acceptTunnel(socket: Socket, host: string, port: number, user: string | null): void {
		socket.on("error", () => {});
		if (socket.destroyed) return;
		const { mode, context } = this.#settings;
		const clientConn = newClientConnection(socket, mode.text);
		if (user !== null) clientConn.proxyUser = user;
		const target = this.#targetFrom(socket, () => tunnelTo(host, port));
		if (target === null) return;
		const own = context.forOwn(clientConn, target.host, target.port);
		if (own === null) this.#openTunnel(socket, target, clientConn);
		else this.#relayToOwn(socket, { ...target, host: own.address }, clientConn, own.context);
	}

	#begin(socket: Socket, clientConn: ClientConnection): void {
		if (this.#reverse !== null) this.#openTunnel(socket, this.#reverse, clientConn);
		else if (this.#settings.mode.kind === "socks5") this.#serveSocks5(socket, clientConn);
		else this.#serve(socket, clientConn);
	}

	/** Runs the hooks for new clients, then serves this one unless they rejected it. */
	#admit(socket: Socket, clientConn: ClientConnection, events: ConnectionEvents): void {
		const { context } = this.#settings;
		const decided = () => {
			if (clientConn.error === null) return this.#begin(socket, clientConn);
			context.reportClientError(clientConn, `a script closed this client's connection: ${clientConn.error}`);
			socket.destroy();
		};
		this.#after(socket, events.clientConnected(socket, clientConn), decided);
	}

	/**
	 * Calls `next` when `wait` has resolved, or at once if there is no promise. Does not call it if the client has
	 * disconnected or the proxy was stopped by then.
	 */
	#after(socket: Socket, wait: MaybeAsync, next: () => void): void {
		if (wait === undefined) {
			next();
			return;
		}
		const { onOpen, onClose } = this.#settings;
		const waiting = destroyable(socket);
		onOpen(waiting);
		void wait.then(() => {
			onClose(waiting);
			if (!socket.destroyed) next();
		});
	}

	/**
	 * Serves HTTP to a client that is configured to use a proxy. `next`: the proxy that decided on its earlier CONNECTs.
	 */
	#serve(socket: Socket, clientConn: ClientConnection, next: NextProxy | null = null): void {
		const { context, onOpen, onClose } = this.#settings;
		const onConnect = (accepted: Socket, head: RequestHead) => this.#connect(accepted, head, clientConn, next);
		const onTls = clientConn.tls ? null : (accepted: Socket) => this.#secure(accepted, clientConn);
		onOpen(
			new Http1ClientConnection(socket, {
				context,
				clientConn,
				tunnel: null,
				onConnect,
				onHttp2: null,
				onTls,
				onClose,
			}),
		);
	}

	/** Performs TLS between the client and the proxy itself, and then serves the client as without TLS. */
	#secure(socket: Socket, clientConn: ClientConnection): void {
		const { context, authority, onOpen, onClose } = this.#settings;
		onOpen(
			new ProxyTls(socket, {
				context,
				authority,
				clientConn,
				onSecure: (secured) => this.#serve(secured, clientConn),
				onClose,
			}),
		);
	}

	/** Serves HTTP in a tunnel, in the version that ALPN or the client's first bytes select. */
	#serveInside(socket: Socket, tunnel: TunnelTarget, clientConn: ClientConnection): void {
		const { context, values, onOpen, onClose } = this.#settings;
		const settings = { context, clientConn, tunnel, onClose };
		const serve = (connection: TrackedConnection) => {
			tunnel.opened?.whenEnded(() => connection.drain());
			onOpen(connection);
		};
		const onHttp2 = (accepted: Socket) => serve(new Http2ClientConnection(accepted, settings));
		if (clientConn.alpn === "h2") onHttp2(socket);
		else
			serve(
				new Http1ClientConnection(socket, {
					...settings,
					onConnect: null,
					onTls: null,
					onHttp2: values.http2 ? onHttp2 : null,
				}),
			);
	}

	/** Handles a CONNECT. */
	#connect(socket: Socket, head: RequestHead, clientConn: ClientConnection, next: NextProxy | null): void {
		const { authenticator, context } = this.#settings;
		const fields = new Headers(head.fields);
		const given = fields.get("proxy-authorization");
		// If this proxy does not authenticate clients, the credentials are for the next proxy.
		const credentials = authenticator === null && isForNextProxy(clientConn) ? given : null;
		const target = this.#targetFrom(socket, () => connectTarget(head));
		if (target === null) return;
		const request: TunnelRequest = { socket, head, clientConn, next: next ?? this.#nextProxyOf(clientConn, socket) };
		const establish = () => {
			const own = context.forOwn(clientConn, target.host, target.port, fields.get(OWN_SERVER_FIELD));
			if (own !== null) this.#passThrough(request, { ...target, host: own.address }, own.context);
			else if (context.events?.watchesTunnels)
				this.#runConnectHooks(request, { ...target, credentials }, context.events);
			else
				this.#open(request, { ...target, credentials }, (response, opened) => {
					if (opened === null) this.#refuse(request, response);
					else this.#establish(request, response, opened);
				});
		};
		const user = parseBasic(given)?.[0];
		if (user !== undefined) clientConn.proxyUser = user;
		if (authenticator === null) establish();
		else this.#guard(socket, authenticator, authenticator.admitByHeader(clientConn, given), establish);
	}

	/** Relays a tunnel to one of the client's own servers without reading its content. */
	#passThrough({ socket, clientConn }: TunnelRequest, target: TunnelTarget, context: ProxyContext): void {
		this.#answerConnect(socket, clientConn, established());
		this.#relayToOwn(socket, target, clientConn, context);
	}

	/** Relays a socket to one of the client's own servers without reading its content. */
	#relayToOwn(socket: Socket, target: TunnelTarget, clientConn: ClientConnection, context: ProxyContext): void {
		this.#startTunnel(socket, target, clientConn, { context, hosts: ALL_IGNORED, requestsOnly: false });
	}

	/** The proxy that decides on the client's CONNECTs; null: this one. */
	#nextProxyOf(clientConn: ClientConnection, socket: Socket): NextProxy | null {
		const { authenticator, context, values } = this.#settings;
		if (
			context.pool === null ||
			authenticator !== null ||
			!isForNextProxy(clientConn) ||
			values.connection_strategy !== "eager"
		)
			return null;
		const next = new NextProxy(context.pool);
		socket.once("close", () => next.close());
		return next;
	}

	/**
	 * Opens the tunnel if the next proxy decides on it; otherwise this proxy accepts it, and connects to the server
	 * later.
	 */
	#open(request: TunnelRequest, target: TunnelTarget, done: OnDecided): void {
		const { clientConn, next } = request;
		const endpoint = { ...target, client: clientConn };
		if (next?.decidesOn(endpoint))
			this.#requestFromNextProxy(request.socket, target, (decided) => next.requestTunnel(endpoint, decided), done);
		else done(established(), target);
	}

	/** Waits for the next proxy's decision, and gives up if the client disconnects first. */
	#requestFromNextProxy(
		socket: Socket,
		target: TunnelTarget,
		request: (decided: TunnelDone) => Dial,
		done: OnDecided,
	): void {
		const { onOpen, onClose } = this.#settings;
		const waiting = destroyable(socket);
		const dial = request((error, opened) => {
			socket.removeListener("close", giveUp);
			onClose(waiting);
			if (opened !== null) {
				socket.once("close", () => opened.close());
				done(established(), { ...target, credentials: opened.credentials, opened });
			} else if (error instanceof TunnelRefusal) {
				this.#reportRefusal(error, target);
				done(error.response, null);
			}
			// Other errors are reported in the response to the request in the tunnel.
			else done(established(), { ...target, opened: null });
		});
		const giveUp = () => {
			onClose(waiting);
			dial.cancel();
		};
		onOpen(waiting);
		socket.once("close", giveUp);
	}

	/** Reports a refusal by the next proxy, except a 407, which is part of every login. */
	#reportRefusal({ message, response }: TunnelRefusal, { host, port }: TunnelTarget): void {
		if (response.statusCode !== 407)
			this.#settings.context.emit({ kind: "upstream_error", message, destination: formatAuthority(host, port) });
	}

	#establish({ socket, clientConn }: TunnelRequest, response: Response, target: TunnelTarget): void {
		this.#answerConnect(socket, clientConn, response);
		this.#openTunnel(socket, target, clientConn);
	}

	#answerConnect(socket: Socket, clientConn: ClientConnection, { statusCode, reason, headers }: Response): void {
		if (clientConn.tls) clearTls(clientConn);
		socket.write(writeResponseHead("HTTP/1.1", statusCode, reason, headers.fields), "latin1");
	}

	/**
	 * Sends the refusal of a tunnel. As a login takes several rounds, the client may then send another CONNECT, unless it
	 * has already sent bytes for the tunnel.
	 */
	#refuse({ socket, head, clientConn, next }: TunnelRequest, response: Response): void {
		if (next === null || !isPersistent(head.version, head.fields) || socket.readableLength > 0) {
			this.#reject(socket, writeWhole(response, CLOSE));
			return;
		}
		response.headers.set("Content-Length", String(response.rawContent?.length ?? 0));
		socket.write(writeWhole(response), "latin1");
		this.#serve(socket, clientConn, next);
	}

	/** The target; null if its host or port is invalid: then the client gets a 400. */
	#targetFrom(socket: Socket, read: () => TunnelTarget): TunnelTarget | null {
		try {
			return read();
		} catch (error) {
			if (!(error instanceof FlowtapeError)) throw error;
			this.#reject(socket, errorPage(400, error.message));
			return null;
		}
	}

	/** Runs the hooks for a CONNECT: they may change its target, respond to it, or close the connection. */
	#runConnectHooks(
		request: TunnelRequest,
		{ host, port, credentials = null }: TunnelTarget,
		events: ConnectionEvents,
	): void {
		const { socket, head, clientConn } = request;
		const flow = connectFlow(
			connectRequest(host, port, head.target, head.fields),
			clientConn,
			newServerConnection(host, port),
		);
		const decision = new Decision(true);
		const onDecided: OnDecided = (response, opened) => {
			flow.response = response;
			this.#after(
				socket,
				events.tunnel(opened === null ? "http_connect_error" : "http_connected", flow, decision),
				() => {
					if (opened === null) this.#refuse(request, response);
					else this.#establish(request, response, opened);
				},
			);
		};
		this.#after(socket, events.tunnel("http_connect", flow, decision), () => {
			const { verdict } = decision;
			if (verdict !== null && verdict.kind !== "answer") return void socket.destroy();
			const hooked = verdict?.response ?? null;
			if (hooked !== null && hooked.statusCode >= 300) return onDecided(hooked, null);
			const target = this.#targetFrom(socket, () => tunnelTo(flow.request.host, flow.request.port));
			if (target === null) return;
			this.#open(request, { ...target, credentials }, (response, opened) =>
				onDecided(opened === null ? response : (hooked ?? response), opened),
			);
		});
	}

	/** Calls `next` once the authenticator has admitted the client. */
	#guard(socket: Socket, authenticator: ProxyAuthenticator, admission: Promise<boolean>, next: () => void): void {
		let isAdmitted = false;
		const decided = admission.then(
			(admitted) => {
				isAdmitted = admitted;
			},
			() => {},
		);
		this.#after(socket, decided, () =>
			isAdmitted ? next() : this.#reject(socket, writeWhole(authenticator.challenge(), CLOSE)),
		);
	}

	/**
	 * Sends a response and closes the connection. Further input is read and dropped: otherwise a reset could destroy the
	 * response before the client has read it.
	 */
	#reject(socket: Socket, response: ByteString): void {
		const { onOpen, onClose } = this.#settings;
		const closing = destroyable(socket);
		onOpen(closing);
		socket.once("close", () => onClose(closing)).setTimeout(CLOSING_MS, closing.stop);
		socket.end(response, "latin1");
		socket.resume();
	}

	#openTunnel(socket: Socket, target: TunnelTarget, clientConn: ClientConnection): void {
		const { context, hosts, authenticator } = this.#settings;
		context.emit({ kind: "tunnel", host: target.host, port: target.port });
		this.#startTunnel(socket, target, clientConn, {
			context,
			hosts,
			requestsOnly: authenticator !== null && target.fixed !== undefined,
		});
	}

	#startTunnel(
		socket: Socket,
		target: TunnelTarget,
		clientConn: ClientConnection,
		settings: Pick<TunnelSettings, "context" | "hosts" | "requestsOnly">,
	): void {
		const { values, authority, prefersHttp1, onOpen, onClose } = this.#settings;
		const onHttp = (inner: Socket, to: TunnelTarget) => this.#serveInside(inner, to, clientConn);
		const tunnel = new Tunnel(socket, target, {
			...settings,
			values,
			authority,
			prefersHttp1,
			clientConn,
			onHttp,
			onClose,
		});
		onOpen(tunnel);
		tunnel.start();
	}

	#serveSocks5(socket: Socket, clientConn: ClientConnection): void {
		const { context, authenticator, onOpen, onClose } = this.#settings;
		const connection = new Socks5Connection(socket, {
			login:
				authenticator === null
					? null
					: (user, password) => {
							clientConn.proxyUser = user;
							return authenticator.admit(clientConn, user, password);
						},
			timeoutMs: context.timeoutMs,
			onTunnel: (accepted, target) => this.#openTunnel(accepted, target, clientConn),
			onRefused: (reason) => context.reportClientError(clientConn, reason),
			onClose,
		});
		onOpen(connection);
	}
}

/** Tracks a socket that has no exchange to wait for: when the proxy stops, it destroys the socket. */
function destroyable(socket: Socket): TrackedConnection {
	return { drain() {}, stop: () => socket.destroy() };
}

/** Settings with which every tunnel is relayed untouched. */
const ALL_IGNORED: PassthroughHosts = {
	showIgnored: false,
	isIgnoredAtOnce: () => true,
	isIgnored: () => true,
	isOpaque: () => false,
};

function established(): Response {
	return new Response({ statusCode: 200, reason: "Connection established" });
}

const CLOSE = ["Connection", "close"];

function writeWhole(
	{ statusCode, reason, headers, rawContent }: Response,
	more: readonly ByteString[] = [],
): ByteString {
	return (
		writeResponseHead("HTTP/1.1", statusCode, reason, [...headers.fields, ...more]) + (rawContent?.latin1Slice() ?? "")
	);
}

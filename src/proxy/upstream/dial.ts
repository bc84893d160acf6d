// Opens a connection to a server, directly or through an upstream proxy, with or without TLS, and explains failures.
import { lookup } from "node:dns";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { FlowtapeError } from "../../errors.ts";
import type { ServerConnection } from "../../flow/connection.ts";
import type { Request } from "../../flow/message.ts";
import { formatAuthority } from "../../flow/url.ts";
import { after, type MaybeAsync } from "../../maybe-async.ts";
import { type Dial, type DialCallback, upstreamFault } from "../connection/attempt.ts";
import { certificateChain, recordTcpSetup, recordTlsSetup } from "../connection/connection-info.ts";
import type { Destination, UpstreamProxy } from "../route/destination.ts";
import { adviceOnAlert, type UpstreamTls } from "../tls/upstream-options.ts";
import { Lookups } from "./lookups.ts";
import { nameOfProxy, requestTunnel, tunnelRequest } from "./proxy.ts";

export interface DialPlan {
	to: Destination;
	/** The upstream proxy; null: connect directly. */
	via: UpstreamProxy | null;
	/** Whether to ask that proxy for a tunnel; if not, it gets requests in absolute form. */
	tunnel: boolean;
	/** The ALPN protocols to offer the server, in order of preference. */
	protocols: readonly string[];
	/** Whether to send a Host header with the CONNECT. */
	sendHost: boolean;
	tls: UpstreamTls;
	/** Limit for the whole attempt. Milliseconds. */
	timeoutMs: number;
	/** A connected socket to continue from. */
	ready?: ReadySocket | null;
	/** Whether the proxy may be asked again over the same socket after a refusal. */
	asksAgain?: boolean;
	/** Called with the CONNECT request before it is sent. */
	announce?: ((request: Request) => MaybeAsync) | undefined;
	/** Updated with the properties of the connection. */
	serverConn: ServerConnection;
	/** Whether a connected socket leads back to this proxy. */
	isOwn: (socket: Socket) => boolean;
	/**
	 * Called with every socket of the attempt: the pool adds an error handler, and closes the socket when the pool is
	 * closed.
	 */
	onSocket: (socket: Socket) => void;
}

export interface ReadySocket {
	socket: Socket;
	/** The peer: the proxy, which has not opened a tunnel yet, or the server, through an open tunnel. */
	leadsTo: "proxy" | "server";
}

const lookups = new Lookups(lookup);

export function dial(plan: DialPlan, done: DialCallback): Dial {
	return new Attempt(plan, done);
}

class Attempt implements Dial {
	readonly #plan: DialPlan;
	readonly #done: DialCallback;
	readonly #timer: NodeJS.Timeout;
	/** The peer and the current step, for errors. */
	#where: string;
	#during = "";
	/** The socket that the attempt currently depends on. */
	#socket: Socket | null = null;
	#isOver = false;

	constructor(plan: DialPlan, done: DialCallback) {
		const { to, via, timeoutMs, ready = null } = plan;
		this.#plan = plan;
		this.#done = done;
		this.#where = via === null ? formatAuthority(to.host, to.port) : nameOfProxy(via);
		this.#timer = setTimeout(() => this.#fail(`${this.#where} did not answer within ${timeoutMs / 1000} s`), timeoutMs);
		if (ready !== null) this.#continueFrom(ready, via);
		else if (via === null) this.#connect(to, to.tls ? serverNameOf(to) : null, (socket) => this.#onServerReady(socket));
		else this.#connect(via, via.scheme === "https" ? via.host : null, (socket) => this.#openTunnel(socket, via));
	}

	cancel(): void {
		this.#isOver = true;
		clearTimeout(this.#timer);
		this.#unwatch()?.destroy();
	}

	/** Continues from a connected socket; calls back in a later tick. */
	#continueFrom({ socket, leadsTo }: ReadySocket, via: UpstreamProxy | null): void {
		this.#watch(socket);
		process.nextTick(() => {
			if (this.#isOver) return;
			if (leadsTo === "server" || via === null) this.#secure(socket);
			else {
				recordTcpSetup(this.#plan.serverConn, socket);
				this.#openTunnel(socket, via);
			}
		});
	}

	/** `tlsName`: the server name for TLS; null: no TLS. */
	#connect(
		{ host, port }: { host: string; port: number },
		tlsName: string | null,
		next: (socket: Socket) => void,
	): void {
		const client = this.#plan.to.client?.peername?.[0] ?? "";
		const address = { host, port, noDelay: true, lookup: lookups.for(client, () => !this.#isOver) };
		const socket =
			tlsName === null
				? connectTcp(address)
				: connectTls({
						...address,
						...this.#plan.tls.optionsFor(tlsName, this.#plan.via === null ? this.#plan.protocols : ["http/1.1"]),
					});
		socket.once("connect", () => this.#connected(socket));
		if (tlsName !== null) this.#handshake(socket as TLSSocket, next);
		else this.#watch(socket).once("connect", () => this.#isOver || next(socket));
	}

	#handshake(socket: TLSSocket, next: (socket: TLSSocket) => void): void {
		this.#during = " during the TLS handshake";
		this.#watch(socket).once("secureConnect", () => this.#isOver || next(socket));
	}

	#connected(socket: Socket): void {
		const { serverConn, to, via } = this.#plan;
		recordTcpSetup(serverConn, socket);
		if (via === null && to.tls) serverConn.sni = serverNameOf(to);
		if (this.#plan.isOwn(socket)) this.#fail(`${this.#where} is this proxy itself: the request would loop`);
	}

	/** Asks the connected proxy for a tunnel, if the plan needs one. */
	#openTunnel(socket: Socket, via: UpstreamProxy): void {
		const { to, tunnel, sendHost } = this.#plan;
		if (!tunnel) {
			this.#succeed(socket);
			return;
		}
		this.#during = "";
		const request = tunnelRequest(via, to, sendHost);
		void after(this.#plan.announce?.(request), () => {
			if (!this.#isOver)
				requestTunnel(
					socket,
					via,
					request,
					(error, isOpen) => this.#isOver || this.#onTunnelResponse(error, socket, isOpen),
				);
		});
	}

	/** The proxy has responded to the CONNECT. */
	#onTunnelResponse(error: FlowtapeError | null, socket: Socket, isOpen: boolean): void {
		if (error === null) this.#secure(socket);
		else this.#end(error, isOpen && this.#plan.asksAgain === true ? socket : null);
	}

	/** Starts TLS on a socket that leads to the server, if TLS is needed. */
	#secure(socket: Socket): void {
		const { serverConn, to, via, tls, protocols } = this.#plan;
		this.#where = `${formatAuthority(to.host, to.port)}${via === null ? "" : `, through ${nameOfProxy(via)},`}`;
		if (!to.tls) {
			this.#succeed(socket);
			return;
		}
		serverConn.sni = serverNameOf(to);
		this.#handshake(connectTls({ socket, ...tls.optionsFor(serverNameOf(to), protocols) }), (secured) =>
			this.#onServerReady(secured),
		);
	}

	/** The connection to the server, including TLS, is complete. */
	#onServerReady(socket: Socket): void {
		const { serverConn, to } = this.#plan;
		if (to.tls) {
			recordTlsSetup(serverConn, socket as TLSSocket);
			serverConn.certificateList = certificateChain(socket as TLSSocket).map((certificate) =>
				Buffer.from(certificate.toString()),
			);
		}
		this.#succeed(socket);
	}

	// — outcome —

	readonly #onError = (error: Error): void => this.#end(upstreamFault(explain(this.#where, error), error), null);
	readonly #onClose = (): void => this.#fail(`${this.#where} closed the connection${this.#during}`);

	#watch<S extends Socket>(socket: S): S {
		this.#unwatch();
		this.#socket = socket;
		this.#plan.onSocket(socket);
		return socket.on("error", this.#onError).on("close", this.#onClose);
	}

	#unwatch(): Socket | undefined {
		return this.#socket?.removeListener("error", this.#onError).removeListener("close", this.#onClose);
	}

	#succeed(socket: Socket): void {
		this.#end(null, socket);
	}

	#fail(message: string): void {
		this.#end(upstreamFault(message), null);
	}

	#end(error: FlowtapeError | null, socket: Socket | null): void {
		if (this.#isOver) return;
		this.#isOver = true;
		clearTimeout(this.#timer);
		const last = this.#unwatch();
		if (socket === null) last?.destroy();
		this.#done(error, socket);
	}
}

/** The name that the certificate of the server must have. */
function serverNameOf({ sni, host }: Destination): string {
	return sni ?? host;
}

/** Descriptions of Node's error codes. */
const causes: Record<string, string> = {
	ECONNREFUSED: "refused the connection",
	ECONNRESET: "reset the connection",
	ENOTFOUND: "cannot be found: the name does not exist",
	EAI_AGAIN: "cannot be found: the DNS server did not respond",
	ETIMEDOUT: "did not answer",
	EHOSTUNREACH: "cannot be reached",
	ENETUNREACH: "cannot be reached: there is no network",
	DEPTH_ZERO_SELF_SIGNED_CERT: "has a self-signed certificate",
	SELF_SIGNED_CERT_IN_CHAIN: "has a certificate from an untrusted authority",
	UNABLE_TO_VERIFY_LEAF_SIGNATURE: "has a certificate from an unknown authority",
	UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "has a certificate from an unknown authority",
	CERT_HAS_EXPIRED: "has an expired certificate",
	CERT_NOT_YET_VALID: "has a certificate that is not valid yet",
	INVALID_PURPOSE: "has a certificate that is not for servers",
	ERR_TLS_CERT_ALTNAME_INVALID: "has a certificate for another name",
};

function explain(where: string, error: Error): string {
	const first = error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error;
	const code = "code" in first ? String(first.code) : "";
	const isCertificate = /CERT|SIGNATURE|^INVALID_(CA|PURPOSE)$|^PATH_LENGTH/.test(code);
	const trust = "; trust its authority with ssl_verify_upstream_trusted_ca, or turn verification off with ssl_insecure";
	const advice = adviceOnAlert(first) || (isCertificate ? trust : "");
	return `${where} ${causes[code] ?? "cannot be connected to"} (${code === "" ? first.message : isCertificate ? first.message : code})${advice}`;
}

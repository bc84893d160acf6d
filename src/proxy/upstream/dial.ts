// Opens a connection to a server, directly or through an upstream proxy, with TLS where it is wanted, and says in words why it could not.
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { FlowtapeError } from "../../errors.ts";
import type { ServerConnection } from "../../flow/connection.ts";
import type { Request } from "../../flow/message.ts";
import { formatAuthority } from "../../flow/url.ts";
import { after } from "../../maybe-async.ts";
import { type Dial, type DialDone, upstreamFault } from "../connection/attempt.ts";
import { addTcpFacts, addTlsFacts, certificateChain } from "../connection/facts.ts";
import type { Destination, UpstreamProxy } from "../route/destination.ts";
import { adviceOnAlert, type UpstreamTls } from "../tls/upstream-options.ts";
import { nameOfProxy, requestTunnel, tunnelRequest } from "./proxy.ts";

export interface DialPlan {
	to: Destination;
	/** The proxy to go through. */
	via: UpstreamProxy | null;
	/** Ask that proxy for a tunnel; without, it is to get requests in absolute form. */
	tunnel: boolean;
	/** What the server is offered in TLS, the first choice first. */
	protocols: readonly string[];
	/** Send the proxy a Host header with that. */
	sendHost: boolean;
	tls: UpstreamTls;
	/** For all of it. */
	timeoutMs: number;
	/** A socket that is there already. */
	ready?: ReadySocket | null;
	/** Whether that proxy may be asked again over the same socket where it refuses. */
	asksAgain?: boolean;
	/** Sees the request for a tunnel before the proxy does. */
	announce?: ((request: Request) => void | Promise<void>) | undefined;
	/** Filled with what comes to be known. */
	facts: ServerConnection;
	/** Whether a socket that was connected leads back to this proxy. */
	isOwn: (socket: Socket) => boolean;
	/** Told of every socket on the way, so that none is left open and none has an error that nobody hears. */
	onSocket: (socket: Socket) => void;
}

export interface ReadySocket {
	socket: Socket;
	/** How far: to the proxy that is to be asked for a tunnel, or through it. */
	leadsTo: "proxy" | "server";
}

export function dial(plan: DialPlan, done: DialDone): Dial {
	return new Attempt(plan, done);
}

class Attempt implements Dial {
	readonly #plan: DialPlan;
	readonly #done: DialDone;
	readonly #timer: NodeJS.Timeout;
	/** Who is being talked to, and what for. */
	#where: string;
	#during = "";
	/** The socket whose end would be the end of the attempt. */
	#socket: Socket | null = null;
	#isOver = false;

	constructor(plan: DialPlan, done: DialDone) {
		const { to, via, timeoutMs, ready = null } = plan;
		this.#plan = plan;
		this.#done = done;
		this.#where = via === null ? formatAuthority(to.host, to.port) : nameOfProxy(via);
		this.#timer = setTimeout(() => this.#fail(`${this.#where} did not answer within ${timeoutMs / 1000} s`), timeoutMs);
		if (ready !== null) this.#goOn(ready, via);
		else if (via === null) this.#connect(to, to.tls ? nameOf(to) : null, (socket) => this.#arrive(socket));
		else this.#connect(via, via.scheme === "https" ? via.host : null, (socket) => this.#pass(socket, via));
	}

	cancel(): void {
		this.#isOver = true;
		clearTimeout(this.#timer);
		this.#unwatch()?.destroy();
	}

	/** From a socket that is there; nobody is told before this turn is over. */
	#goOn({ socket, leadsTo }: ReadySocket, via: UpstreamProxy | null): void {
		this.#watch(socket);
		process.nextTick(() => {
			if (this.#isOver) return;
			if (leadsTo === "server" || via === null) this.#lead(socket);
			else {
				addTcpFacts(this.#plan.facts, socket);
				this.#pass(socket, via);
			}
		});
	}

	/** `tlsName`: the name to ask for in TLS; null: none. */
	#connect({ host, port }: { host: string; port: number }, tlsName: string | null, next: (socket: Socket) => void): void {
		const address = { host, port, noDelay: true };
		const socket =
			tlsName === null
				? connectTcp(address)
				: connectTls({ ...address, ...this.#plan.tls.optionsFor(tlsName, this.#plan.via === null ? this.#plan.protocols : ["http/1.1"]) });
		socket.once("connect", () => this.#connected(socket));
		if (tlsName !== null) this.#shake(socket as TLSSocket, next);
		else this.#watch(socket).once("connect", () => this.#isOver || next(socket));
	}

	#shake(socket: TLSSocket, next: (socket: TLSSocket) => void): void {
		this.#during = " during the TLS handshake";
		this.#watch(socket).once("secureConnect", () => this.#isOver || next(socket));
	}

	#connected(socket: Socket): void {
		const { facts, to, via } = this.#plan;
		addTcpFacts(facts, socket);
		if (via === null && to.tls) facts.sni = nameOf(to);
		if (this.#plan.isOwn(socket)) this.#fail(`${this.#where} is this proxy itself: the request would go round in circles`);
	}

	/** The proxy is there. */
	#pass(socket: Socket, via: UpstreamProxy): void {
		const { to, tunnel, sendHost } = this.#plan;
		if (!tunnel) {
			this.#succeed(socket);
			return;
		}
		this.#during = "";
		const request = tunnelRequest(via, to, sendHost);
		void after(this.#plan.announce?.(request), () => {
			if (!this.#isOver) requestTunnel(socket, via, request, (error, isOpen) => this.#isOver || this.#passed(error, socket, isOpen));
		});
	}

	/** The proxy has answered. */
	#passed(error: FlowtapeError | null, socket: Socket, isOpen: boolean): void {
		if (error === null) this.#lead(socket);
		else this.#end(error, isOpen && this.#plan.asksAgain === true ? socket : null);
	}

	/** The socket leads to the server. */
	#lead(socket: Socket): void {
		const { facts, to, via, tls, protocols } = this.#plan;
		this.#where = `${formatAuthority(to.host, to.port)}${via === null ? "" : `, through ${nameOfProxy(via)},`}`;
		if (!to.tls) {
			this.#succeed(socket);
			return;
		}
		facts.sni = nameOf(to);
		this.#shake(connectTls({ socket, ...tls.optionsFor(nameOf(to), protocols) }), (secured) => this.#arrive(secured));
	}

	/** The server is there. */
	#arrive(socket: Socket): void {
		const { facts, to } = this.#plan;
		if (to.tls) {
			addTlsFacts(facts, socket as TLSSocket);
			facts.certificateList = certificateChain(socket as TLSSocket).map((certificate) => Buffer.from(certificate.toString()));
		}
		this.#succeed(socket);
	}

	// — how it ends —

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

/** The name that a server is to show a certificate for. */
function nameOf({ sni, host }: Destination): string {
	return sni ?? host;
}

/** What a person can do something with, for what Node calls by its errno. */
const causes: Record<string, string> = {
	ECONNREFUSED: "refused the connection",
	ECONNRESET: "broke off the connection",
	ENOTFOUND: "cannot be found: there is no such name",
	EAI_AGAIN: "cannot be found: the name server did not answer",
	ETIMEDOUT: "did not answer",
	EHOSTUNREACH: "cannot be reached",
	ENETUNREACH: "cannot be reached: there is no network",
	DEPTH_ZERO_SELF_SIGNED_CERT: "shows a certificate that nobody but itself vouches for",
	SELF_SIGNED_CERT_IN_CHAIN: "shows a certificate of an authority that is not trusted",
	UNABLE_TO_VERIFY_LEAF_SIGNATURE: "shows a certificate of an authority that is not known",
	UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "shows a certificate of an authority that is not known",
	CERT_HAS_EXPIRED: "shows a certificate that has expired",
	CERT_NOT_YET_VALID: "shows a certificate that is not valid yet",
	INVALID_PURPOSE: "shows a certificate that is not made for servers",
	ERR_TLS_CERT_ALTNAME_INVALID: "shows a certificate for another name",
};

function explain(where: string, error: Error): string {
	const first = error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error;
	const code = "code" in first ? String(first.code) : "";
	const isCertificate = /CERT|SIGNATURE|^INVALID_(CA|PURPOSE)$|^PATH_LENGTH/.test(code);
	const trust = "; trust its authority with ssl_verify_upstream_trusted_ca, or turn verification off with ssl_insecure";
	const advice = adviceOnAlert(first) || (isCertificate ? trust : "");
	return `${where} ${causes[code] ?? "cannot be connected to"} (${code === "" ? first.message : isCertificate ? first.message : code})${advice}`;
}

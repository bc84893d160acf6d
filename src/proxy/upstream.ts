// The connections to servers: dialled, verified, kept for the next request, and closed when nobody needs them.
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { type FlowtapeError, hasErrno } from "../errors.ts";
import type { ServerConnection } from "../flow/connection.ts";
import { formatAuthority } from "../flow/url.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import { addTcpFacts, addTlsFacts, certificateChain, serverFacts } from "./connection-facts.ts";
import { options as http2Options } from "./http2-module.ts";
import { type Dial, type Dialled, type UpstreamChannel, upstreamFault } from "./upstream-channel.ts";
import { UpstreamConnection } from "./upstream-connection.ts";
import { UpstreamHttp2 } from "./upstream-http2.ts";
import { UpstreamSessions } from "./upstream-sessions.ts";
import { options as tlsOptions, UpstreamTls } from "./upstream-tls.ts";

export const options = {
	...tlsOptions,
	...http2Options,
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
	/** Whether HTTP/2 is wanted, if the server speaks it. */
	http2: boolean;
	/** For a change to WebSocket: HTTP/2 only over a connection that is there and can do it. */
	upgrade?: boolean;
}

/** Kept connections are closed after this time without use: most servers close theirs after 5 to 75 s. */
const IDLE_MS = 30_000;
const SWEEP_MS = 5_000;
/** Kept connections, per destination. */
const IDLE_COUNT = 256;

export class UpstreamPool {
	readonly #values: OptionValues<typeof options>;
	readonly #tls: UpstreamTls;
	/** The last one given back is taken first. */
	readonly #idle = new Map<string, UpstreamConnection[]>();
	readonly #sessions = new UpstreamSessions();
	readonly #open = new Set<Socket>();
	#sweeper: NodeJS.Timeout | null = null;
	/** Told of every attempt to reach a server, before a name is looked up or a socket opened. */
	onDial: ((destination: string) => void) | null = null;
	/** Whether an address is the proxy's own. */
	readonly #isOwn: (socket: Socket) => boolean;

	/** @throws FlowtapeError FT_BAD_OPTION */
	constructor(values: OptionValues<typeof options>, isOwn: (socket: Socket) => boolean) {
		this.#values = values;
		this.#tls = new UpstreamTls(values);
		this.#isOwn = isOwn;
	}

	/** A way that is there already, if one is. */
	take(to: Destination): UpstreamChannel | undefined {
		const key = keyOf(to);
		if (this.#values.http2 && to.http2) {
			const stream = this.#sessions.take(key, to.upgrade);
			if (stream !== undefined) return stream;
			if (!to.upgrade && !this.#sessions.isHttp1(key)) return undefined;
		}
		return this.#idle.get(key)?.pop();
	}

	/** A new way. */
	dial(to: Destination, done: Dialled): Dial {
		const key = keyOf(to);
		if (!this.#values.http2 || !to.http2 || to.upgrade) return this.#dialHttp1(to, done);
		// In TLS the server chooses again each time.
		if (this.#sessions.isHttp1(key)) return to.tls ? this.#dialHttp2(to, done) : this.#dialHttp1(to, done);
		return this.#sessions.dial(key, (settle) => this.#dialHttp2(to, settle), done);
	}

	/** HTTP/1.1, unless the server refuses all but HTTP/2. */
	#dialHttp1(to: Destination, done: Dialled): Dial {
		const facts = serverFacts(to.host, to.port);
		let dial = this.#connect(to, false, (error, socket) => {
			if (socket !== null) this.#addHttp1(to, socket, facts, done);
			else if (this.#values.http2 && isHttp2Only(error)) dial = this.#dialHttp2(to, done);
			else done(error, null);
		});
		return { cancel: () => dial.cancel() };
	}

	/** HTTP/2, unless the server wants HTTP/1.1. */
	#dialHttp2(to: Destination, done: Dialled): Dial {
		const facts = serverFacts(to.host, to.port);
		let dial = this.#connect(to, true, (error, socket) => {
			if (socket === null) return done(error, null);
			if (to.tls && (socket as TLSSocket).alpnProtocol !== "h2") {
				this.#sessions.addHttp1(keyOf(to));
				this.#addHttp1(to, socket, facts, done);
				return;
			}
			const session = this.#addHttp2(to, socket, facts);
			if (to.tls) done(null, session.open());
			else
				session.confirm((isHttp2) => {
					if (isHttp2) return done(null, session.open());
					this.#sessions.addHttp1(keyOf(to));
					dial = this.#dialHttp1(to, done);
				});
		});
		return { cancel: () => dial.cancel() };
	}

	#addHttp1(to: Destination, socket: Socket, facts: ServerConnection, done: Dialled): void {
		const settings = { lenient: !this.#values.validate_inbound_headers, timeoutMs: this.#values.tcp_timeout * 1000 };
		addFacts(facts, to, socket);
		const connection = new UpstreamConnection(keyOf(to), socket, facts, settings);
		connection.onIdle = (idle) => this.#keep(idle);
		connection.onClose = (closed) => this.#forget(closed);
		done(null, connection);
	}

	#addHttp2(to: Destination, socket: Socket, facts: ServerConnection): UpstreamHttp2 {
		addFacts(facts, to, socket);
		const key = keyOf(to);
		const settings = { timeoutMs: this.#values.tcp_timeout * 1000 };
		const session = new UpstreamHttp2(socket, facts, settings, (closed) => this.#sessions.remove(key, closed));
		this.#sessions.add(key, session);
		this.#startSweeper();
		return session;
	}

	/** A socket for bytes that are not HTTP. */
	dialRaw(to: Destination, done: (error: FlowtapeError | null, socket: Socket | null) => void): Dial {
		return this.#connect(to, false, done);
	}

	/** Closes all connections, used or not. */
	close(): void {
		if (this.#sweeper !== null) clearInterval(this.#sweeper);
		for (const socket of this.#open) socket.destroy();
	}

	#connect(to: Destination, http2: boolean, done: (error: FlowtapeError | null, socket: Socket | null) => void): Dial {
		const where = formatAuthority(to.host, to.port);
		this.onDial?.(where);
		const address = { host: to.host, port: to.port, noDelay: true };
		const socket = to.tls ? connectTls({ ...address, ...this.#tls.optionsFor(to.sni ?? to.host, http2) }) : connectTcp(address);
		this.#open.add(socket);
		const fail = (message: string, cause?: unknown) => finish(upstreamFault(message, cause));
		const onError = (error: Error) => fail(explain(where, error), error);
		const onClose = () => fail(`${where} closed the connection during the TLS handshake`);
		const timer = setTimeout(() => fail(`${where} did not answer within ${this.#values.connect_timeout} s`), this.#values.connect_timeout * 1000);
		const finish = (error: FlowtapeError | null) => {
			clearTimeout(timer);
			socket.removeListener("error", onError).removeListener("close", onClose);
			if (error !== null) {
				socket.on("error", () => {});
				socket.destroy();
			}
			done(error, error === null ? socket : null);
		};
		socket.once("error", onError).once("close", onClose);
		socket.once("close", () => this.#open.delete(socket));
		socket.once(to.tls ? "secureConnect" : "connect", () => {
			if (this.#isOwn(socket)) fail(`${where} is this proxy itself: the request would go round in circles`);
			else finish(null);
		});
		return {
			cancel: () => {
				clearTimeout(timer);
				socket.removeListener("error", onError).removeListener("close", onClose);
				socket.on("error", () => {});
				socket.destroy();
			},
		};
	}

	/** For the next request. */
	#keep(connection: UpstreamConnection): void {
		const kept = this.#idle.get(connection.key);
		if (kept === undefined) this.#idle.set(connection.key, [connection]);
		else if (kept.length < IDLE_COUNT) kept.push(connection);
		else connection.destroy();
		connection.idleSince = performance.now();
		this.#startSweeper();
	}

	#forget(connection: UpstreamConnection): void {
		const kept = this.#idle.get(connection.key);
		const at = kept?.indexOf(connection) ?? -1;
		if (kept === undefined || at < 0) return;
		kept.splice(at, 1);
		if (kept.length === 0) this.#idle.delete(connection.key);
	}

	#startSweeper(): void {
		this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
	}

	#sweep(): void {
		const limit = performance.now() - IDLE_MS;
		this.#sessions.sweep(limit);
		for (const kept of this.#idle.values()) for (const connection of kept.filter(({ idleSince }) => idleSince < limit)) connection.destroy();
	}
}

function keyOf({ tls, host, port, sni }: Destination): string {
	return tls ? `s ${host} ${port} ${sni ?? ""}` : `p ${host} ${port}`;
}

function addFacts(facts: ServerConnection, to: Destination, socket: Socket): void {
	addTcpFacts(facts, socket);
	if (!("getPeerX509Certificate" in socket)) return;
	facts.sni = to.sni ?? to.host;
	addTlsFacts(facts, socket as TLSSocket);
	facts.certificateList = certificateChain(socket as TLSSocket).map((certificate) => Buffer.from(certificate.toString()));
}

/** RFC 7301 section 3.2: no protocol that we offered. */
function isHttp2Only(error: FlowtapeError | null): boolean {
	return hasErrno(error?.cause, "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL");
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
	ERR_TLS_CERT_ALTNAME_INVALID: "shows a certificate for another name",
};

function explain(where: string, error: Error): string {
	const first = error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error;
	const code = "code" in first ? String(first.code) : "";
	const isCertificate = /CERT|SIGNATURE/.test(code);
	const advice = isCertificate ? "; trust its authority with ssl_verify_upstream_trusted_ca, or turn verification off with ssl_insecure" : "";
	return `${where} ${causes[code] ?? "cannot be connected to"} (${code === "" ? first.message : isCertificate ? first.message : code})${advice}`;
}

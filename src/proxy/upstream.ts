// The connections to servers: dialled, verified, kept for the next request, and closed when nobody needs them.
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { FlowtapeError } from "../errors.ts";
import { formatAuthority } from "../flow/url.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import { addTcpFacts, addTlsFacts, certificateChain, serverFacts } from "./connection-facts.ts";
import { UpstreamConnection, upstreamFault } from "./upstream-connection.ts";
import { options as tlsOptions, UpstreamTls } from "./upstream-tls.ts";

export const options = {
	...tlsOptions,
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

export interface Dial {
	/** Gives up; the callback is not called any more. */
	cancel(): void;
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
	readonly #open = new Set<Socket>();
	#sweeper: NodeJS.Timeout | null = null;
	/** Whether an address is the proxy's own. */
	readonly #isOwn: (socket: Socket) => boolean;

	/** @throws FlowtapeError FT_BAD_OPTION */
	constructor(values: OptionValues<typeof options>, isOwn: (socket: Socket) => boolean) {
		this.#values = values;
		this.#tls = new UpstreamTls(values);
		this.#isOwn = isOwn;
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

	/** A new connection. The callback gets an error with a sentence for people, or the connection. */
	dial(to: Destination, done: (error: FlowtapeError | null, connection: UpstreamConnection | null) => void): Dial {
		const facts = serverFacts(to.host, to.port);
		const key = keyOf(to);
		return this.#connect(to, (error, socket) => {
			if (socket === null) return done(error, null);
			addTcpFacts(facts, socket);
			if ("getPeerX509Certificate" in socket) {
				facts.sni = to.sni ?? to.host;
				addTlsFacts(facts, socket as TLSSocket);
				facts.certificateList = certificateChain(socket as TLSSocket).map((certificate) => Buffer.from(certificate.toString()));
			}
			const settings = { lenient: !this.#values.validate_inbound_headers, timeoutMs: this.#values.tcp_timeout * 1000 };
			const connection = new UpstreamConnection(key, socket, facts, settings);
			connection.onClose = (closed) => this.#forget(closed);
			done(null, connection);
		});
	}

	/** A socket for bytes that are not HTTP. */
	dialRaw(to: Destination, done: (error: FlowtapeError | null, socket: Socket | null) => void): Dial {
		return this.#connect(to, done);
	}

	/** Closes all connections, used or not. */
	close(): void {
		if (this.#sweeper !== null) clearInterval(this.#sweeper);
		for (const socket of this.#open) socket.destroy();
	}

	#connect(to: Destination, done: (error: FlowtapeError | null, socket: Socket | null) => void): Dial {
		const where = formatAuthority(to.host, to.port);
		const address = { host: to.host, port: to.port, noDelay: true };
		const socket = to.tls ? connectTls({ ...address, ...this.#tls.optionsFor(to.sni ?? to.host) }) : connectTcp(address);
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

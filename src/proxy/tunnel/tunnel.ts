// Serves a tunnel, from CONNECT, SOCKS 5 or reverse mode: intercepts TLS with a certificate of our own, reads plain
// HTTP, and relays anything else untouched.
import type { Socket } from "node:net";
import type { LeafIssuer } from "../../ca/authority.ts";
import { coversHost, type Naming, namingOf } from "../../ca/certificate-names.ts";
import type { ClientConnection, ServerConnection } from "../../flow/connection.ts";
import { formatAuthority } from "../../flow/url.ts";
import type { HostNames, PassthroughHosts } from "../../hooks/authenticator.ts";
import type { ClientHelloEvent, TlsEventName } from "../../hooks/connection-hooks.ts";
import { after, type MaybeAsync } from "../../maybe-async.ts";
import type { OptionTable, OptionValues } from "../../options.ts";
import type { Dial } from "../connection/attempt.ts";
import { clientAddress, newServerConnection } from "../connection/connection-info.ts";
import { startInTurn } from "../connection/fair-reader.ts";
import { HeldHeads, TOO_MUCH } from "../connection/held-heads.ts";
import type { ProxyContext } from "../context/context.ts";
import { options as http2Options } from "../http2/module.ts";
import type { TunnelTarget } from "../route/target.ts";
import { relayTcp } from "../tcp/recorded-relay.ts";
import { acceptTls, type Handshake, HTTP1_ONLY } from "../tls/client-handshake.ts";
import { type ClientHello, HANDSHAKE, Sniffer } from "../tls/client-hello.ts";
import { handshakeFailure, silentClose } from "../tls/client-trust.ts";
import type { UpstreamChannel } from "../upstream/channel.ts";
import { contentOf } from "./content.ts";
import { FIRST_WORD_MS, type InnerProtocol, sniffDecrypted, unlessRequest } from "./sniff.ts";

export const options = {
	...http2Options,
	connection_strategy: {
		type: "string",
		default: "eager",
		choices: ["eager", "lazy"],
		help: "When to connect to the server of a TLS tunnel. eager: at once, so that the names in its certificate are known; lazy: for the first request.",
	},
	upstream_cert: {
		type: "boolean",
		default: true,
		help: "Copy names and organization from the server's certificate, if it is known and is for the requested host.",
	},
	add_upstream_certs_to_client_chain: {
		type: "boolean",
		default: false,
		help: "Append the server's certificates, if known, to the certificate chain for clients.",
	},
	record_tcp: { type: "boolean", default: false, help: "Record tunnels that do not carry HTTP, as TCP flows." },
} as const satisfies OptionTable;

export interface TunnelSettings {
	context: ProxyContext;
	values: OptionValues<typeof options>;
	authority: LeafIssuer;
	clientConn: ClientConnection;
	/** Hosts whose traffic is not read as HTTP; null: none. */
	hosts: PassthroughHosts | null;
	/** Whether only HTTP may pass, because clients authenticate in each request. */
	requestsOnly: boolean;
	/** Whether to offer a host's clients HTTP/1.1 first while its server's choice is unknown; null: never. */
	prefersHttp1: ((names: HostNames) => boolean) | null;
	/** Takes over the HTTP inside a tunnel, and must resume the socket. */
	onHttp: (socket: Socket, target: TunnelTarget) => void;
	/** The tunnel was closed or handed over. */
	onClose: (tunnel: Tunnel) => void;
}

/** ALPN lists for clients that are offered both versions, in order of preference. */
const HTTP1_FIRST = Buffer.from("\x08http/1.1\x02h2");
const HTTP2_FIRST = Buffer.from("\x02h2\x08http/1.1");

const isHttp = (protocol: string) => protocol === "h2" || protocol.startsWith("http/");

const unknown: Naming = { names: [], organization: null };

export class Tunnel {
	readonly #socket: Socket;
	readonly #settings: TunnelSettings;
	readonly #target: TunnelTarget;
	readonly #sniffer = new Sniffer();
	readonly #head = new HeldHeads();
	#dial: Dial | null = null;
	#firstWordTimer: NodeJS.Timeout | null = null;
	/** The decrypted socket. */
	#inner: Socket | null = null;

	/** @param socket paused or new; nothing sent through the tunnel has been read from it */
	constructor(socket: Socket, target: TunnelTarget, settings: TunnelSettings) {
		this.#socket = socket;
		this.#settings = settings;
		this.#target = target;
		socket.on("close", this.#onClose).on("data", this.#onData).on("end", this.#onEnd);
		if (settings.context.timeoutMs > 0) socket.setTimeout(settings.context.timeoutMs, this.#onTimeout);
	}

	/** Call once, after the owner has registered the tunnel. */
	start(): void {
		this.#socket.resume();
		this.#decide();
	}

	/** Does nothing: unlike an exchange, a tunnel has no end to wait for. */
	drain(): void {}

	stop(): void {
		if (this.#firstWordTimer !== null) clearTimeout(this.#firstWordTimer);
		this.#dial?.cancel();
		this.#inner?.destroy();
		this.#socket.destroy();
	}

	readonly #onData = (chunk: Buffer): void => {
		this.#sniffer.add(chunk);
		this.#decide(this.#head.resize(this.#sniffer.bytes.length));
	};

	/** Destroys the socket: after `end`, the socket would also wait for the client to close. */
	readonly #onTimeout = (): void => {
		this.#socket.destroy();
	};

	/** The client closed its side before the protocol was detected. */
	readonly #onEnd = (): void => {
		this.#socket.end();
	};

	readonly #onClose = (): void => {
		if (this.#firstWordTimer !== null) clearTimeout(this.#firstWordTimer);
		this.#dial?.cancel();
		this.#head.resize(0);
		this.#settings.onClose(this);
	};

	/** @param hasRoom whether more bytes may be held until the protocol is known */
	#decide(hasRoom = true): void {
		const target = this.#target;
		const found = contentOf(this.#sniffer, target, this.#settings.hosts);
		if (found === "more") {
			if (hasRoom) this.#waitForMore();
			else {
				this.#reportClientError(`its first bytes are not complete, and ${TOO_MUCH}`);
				this.#socket.destroy();
			}
			return;
		}
		this.#release();
		if (found === "http") this.#handOver(this.#socket, target);
		else if (found === "ignored") this.#relayUntouched(target);
		else if (found === "opaque") this.#relay(this.#socket, target, true);
		else if (found === "other") this.#relay(this.#socket, target, this.#settings.values.record_tcp);
		else this.#startInTurn(() => this.#runClientHelloHooks(found, target));
	}

	#startInTurn(work: () => void): void {
		const { host, port } = this.#target;
		const client = clientAddress(this.#settings.clientConn);
		startInTurn(client, formatAuthority(host, port), () => this.#socket.destroyed || work());
	}

	/**
	 * A client that pauses within its first line may be waiting for the server. After a time it is relayed as another
	 * protocol, unless it continues with a request.
	 */
	#waitForMore(): void {
		const { requestsOnly, context, values } = this.#settings;
		const { bytes, found } = this.#sniffer;
		if (bytes.length === 0 || found !== "more" || bytes[0] === HANDSHAKE || requestsOnly || context.pool === null)
			return;
		this.#firstWordTimer ??= setTimeout(() => {
			if (this.#sniffer.found !== "more") return;
			this.#release();
			this.#relay(this.#socket, this.#target, values.record_tcp, this.#unlessRequest());
		}, FIRST_WORD_MS);
	}

	#unlessRequest(): (bytes: Buffer) => boolean {
		const mayPass = unlessRequest();
		return (bytes) => {
			const passes = mayPass(bytes);
			if (!passes)
				this.#reportClientError(
					"it paused within its first word, was relayed as another protocol, and then continued with a request",
				);
			return passes;
		};
	}

	/** Pauses the socket and puts its bytes back. */
	#release(): void {
		if (this.#firstWordTimer !== null) clearTimeout(this.#firstWordTimer);
		this.#socket.pause();
		this.#socket
			.removeListener("data", this.#onData)
			.removeListener("end", this.#onEnd)
			.removeListener("timeout", this.#onTimeout);
		this.#socket.setTimeout(0);
		this.#head.resize(0);
		if (this.#sniffer.bytes.length > 0) this.#socket.unshift(this.#sniffer.bytes);
	}

	#handOver(socket: Socket, target: TunnelTarget): void {
		this.#socket.removeListener("close", this.#onClose);
		this.#settings.onClose(this);
		this.#settings.onHttp(socket, target);
	}

	// — TLS —

	/** Runs the hooks for a ClientHello, which may decide that the connection is relayed untouched. */
	#runClientHelloHooks(hello: ClientHello, target: TunnelTarget): void {
		const { context, clientConn, values } = this.#settings;
		const isEager = values.connection_strategy === "eager";
		if (context.events === null) {
			this.#intercept(hello, target, isEager);
			return;
		}
		const event: ClientHelloEvent = {
			client_hello: { sni: hello.serverName, alpn_protocols: hello.alpn },
			context: { client: clientConn, server: newServerConnection(target.host, target.port) },
			ignore_connection: false,
			establish_server_tls_first: false,
		};
		void after(context.events.clientHello(event), () => {
			if (this.#socket.destroyed) return;
			if (event.ignore_connection) this.#relayUntouched(target);
			else this.#intercept(hello, target, isEager || event.establish_server_tls_first);
		});
	}

	/** @param isEager whether to connect to the server before the handshake with the client */
	#intercept(hello: ClientHello, plain: TunnelTarget, isEager: boolean): void {
		const target: TunnelTarget =
			plain.fixed === undefined ? { ...plain, scheme: "https", sni: hello.serverName } : plain;
		const { context, clientConn } = this.#settings;
		const { pool } = context;
		if (pool === null || !isEager || target.scheme === "http" || target.opened === null) {
			this.#issue(hello, target, null, false);
			return;
		}
		const to = {
			tls: true,
			host: target.host,
			port: target.port,
			sni: target.sni,
			http2: hello.alpn.includes("h2"),
			client: clientConn,
			credentials: target.credentials ?? null,
			opened: target.opened ?? null,
		};
		// If the server cannot be reached, the request in the tunnel gets an error response, which is recorded.
		const use = (channel: UpstreamChannel | null) => {
			channel?.release(true);
			const [server, isVerified] = [channel?.serverConn ?? null, channel?.isVerified === true];
			this.#startInTurn(() => this.#issue(hello, target, server, isVerified));
		};
		const kept = pool.takeChannel(to);
		if (kept !== undefined) use(kept);
		else
			this.#dial = pool.dial(to, (_error, channel) => {
				this.#dial = null;
				use(channel);
			});
	}

	/**
	 * Chooses the certificate and the ALPN list for the client. `server`: the connection to the server; null: none yet.
	 */
	#issue(hello: ClientHello, target: TunnelTarget, server: ServerConnection | null, isVerified: boolean): void {
		const { authority, values } = this.#settings;
		// The certificate is in the recorded connection: Node returns a peer's certificate only once.
		const [shown] = values.upstream_cert && server !== null ? server.certificateList : [];
		const naming = shown === undefined ? unknown : namingOf(shown);
		const { names: upstreamNames, organization } =
			isVerified || this.#mayCopyNames(naming, hello, target) ? naming : unknown;
		const chain = values.add_upstream_certs_to_client_chain ? (server?.certificateList ?? []) : [];
		const extraChain = chain.map((pem) => Buffer.from(pem).toString());
		const leaf = authority.leafFor({
			sni: hello.serverName,
			host: target.host,
			upstreamNames,
			organization,
			extraChain,
		});
		this.#handshake(target, server, { hello, leaf, protocols: this.#protocolsFor(hello, target, server) });
	}

	/**
	 * Whether to copy names from an unverified certificate (`ssl_insecure`). The certificate must cover the requested
	 * host. The client must not offer HTTP/2: it would send requests for the other names on the same connection (RFC 9113
	 * section 9.1.1), perhaps to the wrong server.
	 */
	#mayCopyNames(naming: Naming, { alpn, serverName }: ClientHello, { host }: TunnelTarget): boolean {
		return !alpn.includes("h2") && coversHost(naming, serverName ?? host);
	}

	/** The ALPN list for the client. */
	#protocolsFor(hello: ClientHello, target: TunnelTarget, server: ServerConnection | null): Buffer {
		if (!hello.alpn.some(isHttp))
			return Buffer.concat(
				hello.alpn.map((name) => Buffer.from(`${String.fromCharCode(name.length)}${name}`, "latin1")),
			);
		if (!this.#settings.values.http2) return HTTP1_ONLY;
		// Opaque traffic is not translated between HTTP versions. While the server's choice is unknown, prefer HTTP/1.1,
		// which all servers speak.
		const isHttp2 =
			server === null
				? !this.#isOpaque(hello, target) && !this.#settings.prefersHttp1?.(namesOf(hello, target))
				: server.alpn === "h2";
		return isHttp2 ? HTTP2_FIRST : HTTP1_FIRST;
	}

	#handshake(target: TunnelTarget, server: ServerConnection | null, handshake: Omit<Handshake, "clientConn">): void {
		const { clientConn, context } = this.#settings;
		const { events } = context;
		const runHooks = (name: TlsEventName) =>
			events?.tls(name, {
				conn: clientConn,
				context: { client: clientConn, server: server ?? newServerConnection(target.host, target.port) },
			});
		void after(runHooks("tls_start_client"), () => {
			if (this.#socket.destroyed) return;
			const secured = acceptTls(this.#socket, { ...handshake, clientConn }, (failure) => {
				if (failure === null)
					void after(runHooks("tls_established_client"), () => this.#secured(secured, handshake.hello, target));
				else this.#failed(failure, handshake.hello.serverName ?? target.host, runHooks);
			});
			this.#inner = secured;
		});
	}

	#secured(secured: Socket, hello: ClientHello, target: TunnelTarget): void {
		if (secured.destroyed) return;
		const { requestsOnly, context, clientConn } = this.#settings;
		const { alpn } = clientConn;
		const serve = (protocol: InnerProtocol) => {
			if (protocol === "http") this.#handOver(secured, target);
			else
				this.#relay(
					secured,
					target,
					this.#settings.values.record_tcp,
					protocol === "undecided" ? this.#unlessRequest() : undefined,
				);
		};
		if (this.#isOpaque(hello, target)) {
			this.#relay(secured, target, true);
			return;
		}
		const host = hello.serverName ?? target.host;
		context.clientTrust.watch(host, secured, () => this.#reportClientError(silentClose(host)));
		if (alpn === "h2" || (alpn !== null && isHttp(alpn) && !requestsOnly)) this.#handOver(secured, target);
		else if (alpn === null || requestsOnly || context.pool === null)
			sniffDecrypted(secured, context.timeoutMs, serve, requestsOnly);
		else this.#relayUnlessHttp(secured, target);
	}

	#failed(why: string, host: string, runHooks: (name: TlsEventName) => MaybeAsync): void {
		const { clientConn, context } = this.#settings;
		const { message, refusal } = handshakeFailure(host, why);
		const { clientTrust } = context;
		if (refusal === null) this.#reportClientError(message);
		else if (refusal === "alert" ? clientTrust.isFirst(host) : clientTrust.isSuspect(host))
			this.#reportClientError(message, host);
		clientConn.error = why;
		const wait = runHooks("tls_failed_client");
		if (wait !== undefined) context.track(wait);
	}

	#isOpaque(hello: ClientHello, target: TunnelTarget): boolean {
		return this.#settings.hosts?.isOpaque(namesOf(hello, target)) ?? false;
	}

	// — other protocols —

	/**
	 * A client whose ALPN names another protocol may wait for the server to send first. If the client sends first, and
	 * sends HTTP, it is served as HTTP.
	 */
	#relayUnlessHttp(client: Socket, target: TunnelTarget): void {
		const { context, values } = this.#settings;
		this.#dialRaw(client, target, (server, serverConn) => {
			const onClientClose = () => void server.destroy();
			const removeListeners = () => {
				client.removeListener("close", onClientClose);
				server.removeListener("data", onServerData).removeListener("close", onServerClose);
			};
			const sniffing = sniffDecrypted(client, context.timeoutMs, (protocol) => {
				removeListeners();
				if (protocol === "http") {
					server.destroy();
					this.#handOver(client, target);
				} else
					this.#join(
						client,
						server,
						serverConn,
						values.record_tcp,
						protocol === "undecided" ? this.#unlessRequest() : undefined,
					);
			});
			const onServerClose = () => void client.destroy();
			const onServerData = (bytes: Buffer) => {
				sniffing.stop();
				removeListeners();
				server.pause();
				server.unshift(bytes);
				this.#join(client, server, serverConn, values.record_tcp);
			};
			client.once("close", onClientClose);
			server.on("data", onServerData).once("close", onServerClose).resume();
		});
	}

	/** @param untrusted the host whose certificate the client refused */
	#reportClientError(message: string, untrusted?: string): void {
		const { context, clientConn } = this.#settings;
		context.reportClientError(clientConn, message, untrusted);
	}

	/** Relays a tunnel without interception, TLS included. */
	#relayUntouched(target: TunnelTarget): void {
		this.#relay(this.#socket, { ...target, scheme: "http" }, this.#settings.hosts?.showIgnored === true);
	}

	#relay(client: Socket, target: TunnelTarget, record: boolean, mayPass?: (bytes: Buffer) => boolean): void {
		if (this.#settings.requestsOnly)
			this.#reportClientError("only HTTP can carry the password that proxyauth requires; other protocols are refused");
		if (this.#settings.context.pool === null || this.#settings.requestsOnly) {
			this.stop();
			return;
		}
		this.#dialRaw(client, target, (server, serverConn) => this.#join(client, server, serverConn, record, mayPass));
	}

	/** @param done called with the connected server */
	#dialRaw(
		client: Socket,
		{ scheme, host, port, sni, credentials = null, opened = null }: TunnelTarget,
		done: (server: Socket, serverConn: ServerConnection) => void,
	): void {
		const { context, clientConn } = this.#settings;
		client.pause();
		const protocols = clientConn.alpn === null ? [] : [clientConn.alpn];
		const to = {
			tls: scheme === "https",
			host,
			port,
			sni,
			http2: false,
			protocols,
			client: clientConn,
			credentials,
			opened,
		};
		this.#dial =
			context.pool?.dialRaw(to, (error, server, serverConn) => {
				this.#dial = null;
				if (server !== null) done(server, serverConn);
				else {
					if (error !== null)
						context.emit({ kind: "upstream_error", message: error.message, destination: formatAuthority(host, port) });
					this.#socket.destroy();
				}
			}) ?? null;
	}

	#join(
		client: Socket,
		server: Socket,
		serverConn: ServerConnection,
		record: boolean,
		mayPass?: (bytes: Buffer) => boolean,
	): void {
		const { context, clientConn } = this.#settings;
		// Each byte passes both sockets, so the timeout of one covers both.
		client.setTimeout(context.timeoutMs, () => client.destroy());
		relayTcp(client, server, { context, clientConn, serverConn, record, mayPass });
	}
}

function namesOf({ serverName }: ClientHello, { host, port }: TunnelTarget): HostNames {
	return { hosts: serverName === null ? [host] : [host, serverName], port };
}

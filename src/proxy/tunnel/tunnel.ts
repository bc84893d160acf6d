// What happens in a tunnel, however the client came to it: TLS is intercepted with a certificate of our own, HTTP is read as it is, and
// anything else passes untouched.
import type { Socket } from "node:net";
import type { LeafIssuer } from "../../ca/authority.ts";
import { isFor, type Naming, namingOf } from "../../ca/certificate-names.ts";
import type { Leaf } from "../../ca/leaf-contexts.ts";
import type { ClientConnection as ClientFacts, ServerConnection as ServerFacts } from "../../flow/connection.ts";
import { formatAuthority } from "../../flow/url.ts";
import type { HostNames, PassthroughHosts } from "../../hooks/authenticator.ts";
import type { ClientHelloEvent, TlsEventName } from "../../hooks/connection-hooks.ts";
import { after } from "../../maybe-async.ts";
import type { OptionTable, OptionValues } from "../../options.ts";
import type { Dial } from "../connection/attempt.ts";
import { serverFacts } from "../connection/facts.ts";
import type { ProxyContext } from "../context/context.ts";
import { options as http2Options } from "../http2/module.ts";
import type { TunnelTarget } from "../route/target.ts";
import { relayTcp } from "../tcp/recorded-relay.ts";
import { type Handshake, shakeHands } from "../tls/client-handshake.ts";
import { type ClientHello, HANDSHAKE, sniff } from "../tls/client-hello.ts";
import type { UpstreamChannel } from "../upstream/channel.ts";
import { contentOf } from "./content.ts";
import { FIRST_WORD_MS, type Look, sniffDecrypted, unlessRequest } from "./sniff.ts";

export const options = {
	...http2Options,
	connection_strategy: {
		type: "string",
		default: "eager",
		choices: ["eager", "lazy"],
		help: "When to connect to the server of a TLS tunnel: at once, which tells the names of its certificate, or when there is a request to send.",
	},
	upstream_cert: {
		type: "boolean",
		default: true,
		help: "Copy names and organization from the certificate of the server, where it is known and for the host that was asked for.",
	},
	add_upstream_certs_to_client_chain: {
		type: "boolean",
		default: false,
		help: "Show clients the certificates of the server too, behind our own, where they are known.",
	},
	record_tcp: { type: "boolean", default: false, help: "Record the bytes of tunnels that hold no HTTP, as TCP flows." },
} as const satisfies OptionTable;

export interface TunnelSettings {
	context: ProxyContext;
	values: OptionValues<typeof options>;
	authority: LeafIssuer;
	facts: ClientFacts;
	/** Those that are not to be looked into; null: there are none. */
	hosts: PassthroughHosts | null;
	/** Nothing but requests may pass: clients have to say in each who they are. */
	requestsOnly: boolean;
	/** Whether clients of a host are offered HTTP/1.1 first where its server is not asked; null: none are. */
	prefersHttp1: ((names: HostNames) => boolean) | null;
	/** The inside of the tunnel, when it is HTTP; it has to be resumed. */
	onHttp: (socket: Socket, target: TunnelTarget) => void;
	/** The tunnel has ended without having been HTTP. */
	onClose: (tunnel: Tunnel) => void;
}

/** What we speak, the first choice first. */
const HTTP1_ONLY = Buffer.from("\x08http/1.1");
const HTTP1_FIRST = Buffer.from("\x08http/1.1\x02h2");
const HTTP2_FIRST = Buffer.from("\x02h2\x08http/1.1");

const isHttp = (protocol: string) => protocol === "h2" || protocol.startsWith("http/");

const unknown: Naming = { names: [], organization: null };

export class Tunnel {
	readonly #socket: Socket;
	readonly #settings: TunnelSettings;
	readonly #target: TunnelTarget;
	#bytes: Buffer = Buffer.alloc(0);
	#dial: Dial | null = null;
	#impatience: NodeJS.Timeout | null = null;
	/** Hung up on when the proxy ends. */
	#inner: Socket | null = null;

	/** The socket is paused or new; nothing that goes through the tunnel has been read from it. */
	constructor(socket: Socket, target: TunnelTarget, settings: TunnelSettings) {
		this.#socket = socket;
		this.#settings = settings;
		this.#target = target;
		socket.on("close", this.#onClose).on("data", this.#onData).on("end", this.#onEnd);
		if (settings.context.timeoutMs > 0) socket.setTimeout(settings.context.timeoutMs, this.#onTimeout);
	}

	/** To be called once, when whoever made it knows it. */
	start(): void {
		this.#socket.resume();
		this.#decide();
	}

	/** The proxy ends; a tunnel has no end of its own to wait for. */
	drain(): void {}

	stop(): void {
		if (this.#impatience !== null) clearTimeout(this.#impatience);
		this.#dial?.cancel();
		this.#inner?.destroy();
		this.#socket.destroy();
	}

	readonly #onData = (chunk: Buffer): void => {
		this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
		this.#decide();
	};

	/** It would have to close its side, too, if it were told. */
	readonly #onTimeout = (): void => {
		this.#socket.destroy();
	};

	/** A client that asked for a tunnel and then did not use it, or said too little to know what it is. */
	readonly #onEnd = (): void => {
		this.#socket.end();
	};

	readonly #onClose = (): void => {
		if (this.#impatience !== null) clearTimeout(this.#impatience);
		this.#dial?.cancel();
		this.#settings.onClose(this);
	};

	#decide(): void {
		const target = this.#target;
		const found = contentOf(this.#bytes, target, this.#settings.hosts);
		if (found === "more") {
			this.#waitForMore();
			return;
		}
		this.#release();
		if (found === "http") this.#handOver(this.#socket, target);
		else if (found === "ignored") this.#relay(this.#socket, { ...target, scheme: "http" }, this.#settings.hosts?.showIgnored === true);
		else if (found === "opaque") this.#relay(this.#socket, target, true);
		else if (found === "other") this.#relay(this.#socket, target, this.#settings.values.record_tcp);
		else this.#announce(found, target);
	}

	/** A client that sends a word and no more may wait for its answer: then it passes, unless it goes on as a request. */
	#waitForMore(): void {
		const { requestsOnly, context, values } = this.#settings;
		if (this.#bytes.length === 0 || sniff(this.#bytes) !== "more" || this.#bytes[0] === HANDSHAKE || requestsOnly || context.pool === null) return;
		this.#impatience ??= setTimeout(() => {
			if (sniff(this.#bytes) !== "more") return;
			this.#release();
			this.#relay(this.#socket, this.#target, values.record_tcp, this.#unlessRequest());
		}, FIRST_WORD_MS);
	}

	#unlessRequest(): (bytes: Buffer) => boolean {
		const mayPass = unlessRequest();
		return (bytes) => {
			const may = mayPass(bytes);
			if (!may) this.#tellClient("it stopped in the middle of its first word, and went on with a request when it had been connected as another protocol");
			return may;
		};
	}

	/** The socket as if nothing had been read from it. */
	#release(): void {
		if (this.#impatience !== null) clearTimeout(this.#impatience);
		this.#socket.pause();
		this.#socket.removeListener("data", this.#onData).removeListener("end", this.#onEnd).removeListener("timeout", this.#onTimeout);
		this.#socket.setTimeout(0);
		if (this.#bytes.length > 0) this.#socket.unshift(this.#bytes);
	}

	#handOver(socket: Socket, target: TunnelTarget): void {
		this.#socket.removeListener("close", this.#onClose);
		this.#settings.onClose(this);
		this.#settings.onHttp(socket, target);
	}

	// — TLS —

	/** Lets hooks see the hello: they may have it pass untouched. */
	#announce(hello: ClientHello, target: TunnelTarget): void {
		const { context, facts, values } = this.#settings;
		const isEager = values.connection_strategy === "eager";
		if (context.events === null) {
			this.#intercept(hello, target, isEager);
			return;
		}
		const event: ClientHelloEvent = {
			client_hello: { sni: hello.serverName, alpn_protocols: hello.alpn },
			context: { client: facts, server: serverFacts(target.host, target.port) },
			ignore_connection: false,
			establish_server_tls_first: false,
		};
		void after(context.events.clientHello(event), () => {
			if (this.#socket.destroyed) return;
			if (event.ignore_connection) this.#relay(this.#socket, { ...target, scheme: "http" }, this.#settings.hosts?.showIgnored === true);
			else this.#intercept(hello, target, isEager || event.establish_server_tls_first);
		});
	}

	/** @param isEager the server is connected to first */
	#intercept(hello: ClientHello, plain: TunnelTarget, isEager: boolean): void {
		const target: TunnelTarget = plain.fixed === undefined ? { ...plain, scheme: "https", sni: hello.serverName } : plain;
		const { context, facts } = this.#settings;
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
			client: facts,
			credentials: target.credentials ?? null,
			opened: target.opened ?? null,
		};
		// A server that cannot be reached is told of in the answer to the request, which goes to the tape as well.
		const use = (channel: UpstreamChannel | null) => {
			channel?.release(true);
			this.#issue(hello, target, channel?.facts ?? null, channel?.isVerified === true);
		};
		const kept = pool.take(to);
		if (kept !== undefined) use(kept);
		else
			this.#dial = pool.dial(to, (_error, channel) => {
				this.#dial = null;
				use(channel);
			});
	}

	/** Chooses the certificate to show and the versions to offer: `server` is the connection to the server, where there is one. */
	#issue(hello: ClientHello, target: TunnelTarget, server: ServerFacts | null, isVerified: boolean): void {
		const { authority, values } = this.#settings;
		// Read from the facts: Node gives the certificate of a client's socket only once, and those who note the facts have had it.
		const [shown] = values.upstream_cert && server !== null ? server.certificateList : [];
		const naming = shown === undefined ? unknown : namingOf(shown);
		const { names: upstreamNames, organization } = isVerified || this.#isHarmless(naming, hello, target) ? naming : unknown;
		const chain = values.add_upstream_certs_to_client_chain ? (server?.certificateList ?? []) : [];
		const extraChain = chain.map((pem) => Buffer.from(pem).toString());
		const issued = authority.leafFor({ sni: hello.serverName, host: target.host, upstreamNames, organization, extraChain });
		const protocols = this.#protocolsFor(hello, target, server);
		const shake = (leaf: Leaf) => this.#shake(target, server, { hello, leaf, protocols });
		if (issued instanceof Promise) issued.then(shake, () => this.#socket.destroy());
		else shake(issued);
	}

	/**
	 * Whether a certificate that `ssl_insecure` let pass may name others beside the host that was asked for. It has to be for that host at least; and a
	 * client with HTTP/2 would send the requests for those others over the same connection (RFC 9113 section 9.1.1), to a server that may not be theirs.
	 */
	#isHarmless(naming: Naming, { alpn, serverName }: ClientHello, { host }: TunnelTarget): boolean {
		return !alpn.includes("h2") && isFor(naming, serverName ?? host);
	}

	/** What the client may choose from. */
	#protocolsFor(hello: ClientHello, target: TunnelTarget, server: ServerFacts | null): Buffer {
		if (!hello.alpn.some(isHttp)) return Buffer.concat(hello.alpn.map((name) => Buffer.from(`${String.fromCharCode(name.length)}${name}`, "latin1")));
		if (!this.#settings.values.http2) return HTTP1_ONLY;
		// HTTP that is not read is not translated either: without knowing the server, what all servers speak.
		const isHttp2 = server === null ? !this.#isOpaque(hello, target) && !this.#settings.prefersHttp1?.(namesOf(hello, target)) : server.alpn === "h2";
		return isHttp2 ? HTTP2_FIRST : HTTP1_FIRST;
	}

	#shake(target: TunnelTarget, server: ServerFacts | null, shake: Omit<Handshake, "facts">): void {
		const { facts, context } = this.#settings;
		const { events } = context;
		const tell = (name: TlsEventName) =>
			events?.tls(name, { conn: facts, context: { client: facts, server: server ?? serverFacts(target.host, target.port) } });
		void after(tell("tls_start_client"), () => {
			if (this.#socket.destroyed) return;
			const secured = shakeHands(this.#socket, { ...shake, facts }, (failure) => {
				if (failure === null) void after(tell("tls_established_client"), () => this.#secured(secured, shake.hello, target));
				else this.#failed(failure, shake.hello.serverName ?? target.host, tell);
			});
			this.#inner = secured;
		});
	}

	#secured(secured: Socket, hello: ClientHello, target: TunnelTarget): void {
		if (secured.destroyed) return;
		const { requestsOnly, context, facts } = this.#settings;
		const { alpn } = facts;
		const settle = (look: Look) => {
			if (look === "http") this.#handOver(secured, target);
			else this.#relay(secured, target, this.#settings.values.record_tcp, look === "undecided" ? this.#unlessRequest() : undefined);
		};
		if (this.#isOpaque(hello, target)) this.#relay(secured, target, true);
		else if (alpn === "h2" || (alpn !== null && isHttp(alpn) && !requestsOnly)) this.#handOver(secured, target);
		else if (alpn === null || requestsOnly || context.pool === null) sniffDecrypted(secured, context.timeoutMs, settle, requestsOnly);
		else this.#relayUnlessHttp(secured, target);
	}

	#failed(why: string, host: string, tell: (name: TlsEventName) => void | Promise<void>): void {
		const { facts, context } = this.#settings;
		const client = formatAuthority(...((facts.peername ?? ["?", 0]) as [string, number]));
		const message = `no TLS with the client for ${host}: ${why}; does it trust the certificate authority? (flowtape ca export)`;
		context.emit({ kind: "client_error", message, client, untrusted: host });
		facts.error = why;
		const wait = tell("tls_failed_client");
		if (wait !== undefined) context.track(wait);
	}

	#isOpaque(hello: ClientHello, target: TunnelTarget): boolean {
		return this.#settings.hosts?.isOpaque(namesOf(hello, target)) ?? false;
	}

	// — bytes, whatever they are —

	/** A client that names another protocol may wait for the server to speak first. If it speaks itself, and it is HTTP, that is read. */
	#relayUnlessHttp(client: Socket, target: TunnelTarget): void {
		const { context, values } = this.#settings;
		this.#dialRaw(client, target, (server, serverConn) => {
			const onLeave = () => void server.destroy();
			const settle = () => {
				client.removeListener("close", onLeave);
				server.removeListener("data", onData).removeListener("close", onClose);
			};
			const look = sniffDecrypted(client, context.timeoutMs, (look) => {
				settle();
				if (look === "http") {
					server.destroy();
					this.#handOver(client, target);
				} else this.#join(client, server, serverConn, values.record_tcp, look === "undecided" ? this.#unlessRequest() : undefined);
			});
			const onClose = () => void client.destroy();
			const onData = (bytes: Buffer) => {
				look.stop();
				settle();
				server.pause();
				server.unshift(bytes);
				this.#join(client, server, serverConn, values.record_tcp);
			};
			client.once("close", onLeave);
			server.on("data", onData).once("close", onClose).resume();
		});
	}

	#tellClient(message: string): void {
		const { context, facts } = this.#settings;
		context.emit({ kind: "client_error", message, client: formatAuthority(...((facts.peername ?? ["?", 0]) as [string, number])) });
	}

	#relay(client: Socket, target: TunnelTarget, record: boolean, mayPass?: (bytes: Buffer) => boolean): void {
		if (this.#settings.requestsOnly) this.#tellClient("what is not read as HTTP cannot be asked for a password, which proxyauth wants");
		if (this.#settings.context.pool === null || this.#settings.requestsOnly) {
			this.stop();
			return;
		}
		this.#dialRaw(client, target, (server, serverConn) => this.#join(client, server, serverConn, record, mayPass));
	}

	/** @param done gets the server, connected */
	#dialRaw(
		client: Socket,
		{ scheme, host, port, sni, credentials = null, opened = null }: TunnelTarget,
		done: (server: Socket, serverConn: ServerFacts) => void,
	): void {
		const { context, facts } = this.#settings;
		client.pause();
		const protocols = facts.alpn === null ? [] : [facts.alpn];
		const to = { tls: scheme === "https", host, port, sni, http2: false, protocols, client: facts, credentials, opened };
		this.#dial =
			context.pool?.dialRaw(to, (error, server, serverConn) => {
				this.#dial = null;
				if (server !== null) done(server, serverConn);
				else {
					if (error !== null) context.emit({ kind: "upstream_error", message: error.message, destination: formatAuthority(host, port) });
					this.#socket.destroy();
				}
			}) ?? null;
	}

	#join(client: Socket, server: Socket, serverConn: ServerFacts, record: boolean, mayPass?: (bytes: Buffer) => boolean): void {
		const { context, facts } = this.#settings;
		// What moves passes both sockets, so that one of them tells for both.
		client.setTimeout(context.timeoutMs, () => client.destroy());
		relayTcp(client, server, { context, facts, serverConn, record, mayPass });
	}
}

function namesOf({ serverName }: ClientHello, { host, port }: TunnelTarget): HostNames {
	return { hosts: serverName === null ? [host] : [host, serverName], port };
}

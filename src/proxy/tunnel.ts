// What happens in a tunnel, however the client came to it: TLS is intercepted with a certificate of our own, HTTP is read as it is, and
// anything else passes untouched.
import { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { type SecureContext, TLSSocket } from "node:tls";
import type { ClientConnection as ClientFacts } from "../flow/connection.ts";
import { formatAuthority } from "../flow/url.ts";
import type { PassedHosts } from "../hooks/passed-hosts.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import type { LeafIssuer } from "./ca.ts";
import { namesOf, organizationOf } from "./certificate-names.ts";
import type { ClientHello } from "./client-hello.ts";
import { addTlsFacts, ownCertificate } from "./connection-facts.ts";
import type { ProxyContext } from "./context.ts";
import type { Dial } from "./dial.ts";
import type { TunnelTarget } from "./target.ts";
import { relayTcp } from "./tcp-relay.ts";
import { contentOf } from "./tunnel-content.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";

export const options = {
	connection_strategy: {
		type: "string",
		default: "eager",
		choices: ["eager", "lazy"],
		help: "When to connect to the server of a TLS tunnel: at once, which tells the names of its certificate, or when there is a request to send.",
	},
	upstream_cert: { type: "boolean", default: true, help: "Copy names and organization from the certificate of the server, where it is known." },
	add_upstream_certs_to_client_chain: {
		type: "boolean",
		default: false,
		help: "Show clients the certificates of the server too, behind our own, where they are known.",
	},
	record_tcp: { type: "boolean", default: false, help: "Record the bytes of tunnels that hold neither TLS nor HTTP, as TCP flows." },
} as const satisfies OptionTable;

export interface TunnelSettings {
	context: ProxyContext;
	values: OptionValues<typeof options>;
	authority: LeafIssuer;
	facts: ClientFacts;
	/** Those that are not to be looked into; null: there are none. */
	hosts: PassedHosts | null;
	/** The inside of the tunnel, when it is HTTP. */
	onHttp: (socket: Socket, target: TunnelTarget) => void;
	/** The tunnel has ended without having been HTTP. */
	onClose: (tunnel: Tunnel) => void;
}

/** In the form that goes on the wire (RFC 7301 section 3.1), which is what `TLSSocket` wants. */
const HTTP_1_1 = Buffer.from("\x08http/1.1");

export class Tunnel {
	readonly #socket: Socket;
	readonly #settings: TunnelSettings;
	readonly #target: TunnelTarget;
	#bytes: Buffer;
	#dial: Dial | null = null;
	/** Hung up on when the proxy ends. */
	#inner: Socket | null = null;

	/** `early`: what the client has sent into the tunnel already. */
	constructor(socket: Socket, target: TunnelTarget, early: Buffer, settings: TunnelSettings) {
		this.#socket = socket;
		this.#settings = settings;
		this.#target = target;
		this.#bytes = early;
		socket.on("close", this.#onClose);
		socket.on("data", this.#onData);
		socket.on("end", this.#onEnd);
		if (settings.context.timeoutMs > 0) socket.setTimeout(settings.context.timeoutMs, this.#onEnd);
		socket.resume();
	}

	/** To be called once, when whoever made it knows it. */
	start(): void {
		this.#decide();
	}

	/** The proxy ends; a tunnel has no end of its own to wait for. */
	drain(): void {}

	stop(): void {
		this.#dial?.cancel();
		this.#inner?.destroy();
		this.#socket.destroy();
	}

	readonly #onData = (chunk: Buffer): void => {
		this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
		this.#decide();
	};

	/** A client that asked for a tunnel and then did not use it, or said too little to know what it is. */
	readonly #onEnd = (): void => {
		this.#socket.end();
	};

	readonly #onClose = (): void => {
		this.#dial?.cancel();
		this.#settings.onClose(this);
	};

	#decide(): void {
		const target = this.#target;
		const found = contentOf(this.#bytes, target, this.#settings.hosts);
		if (found === "more") return;
		this.#socket.pause();
		this.#socket.removeListener("data", this.#onData).removeListener("end", this.#onEnd).removeListener("timeout", this.#onEnd);
		this.#socket.setTimeout(0);
		if (this.#bytes.length > 0) this.#socket.unshift(this.#bytes);
		if (found === "http") this.#handOver(this.#socket, target);
		else if (found === "ignored") this.#relay(this.#socket, { ...target, scheme: "http" }, this.#settings.hosts?.showIgnored === true);
		else if (found === "opaque") this.#relay(this.#socket, target, true);
		else if (found === "other") this.#relay(this.#socket, target, this.#settings.values.record_tcp);
		else this.#intercept(found, target);
	}

	#handOver(socket: Socket, target: TunnelTarget): void {
		this.#socket.removeListener("close", this.#onClose);
		this.#settings.onClose(this);
		this.#settings.onHttp(socket, target);
		socket.resume();
	}

	// — TLS —

	#intercept(hello: ClientHello, plain: TunnelTarget): void {
		const target: TunnelTarget = plain.fixed === undefined ? { ...plain, scheme: "https", sni: hello.serverName } : plain;
		const { context, values } = this.#settings;
		const { pool } = context;
		if (pool === null || values.connection_strategy === "lazy" || target.scheme === "http") {
			this.#issue(hello, target, []);
			return;
		}
		const to = { tls: true, host: target.host, port: target.port, sni: target.sni };
		// A server that cannot be reached is told of in the answer to the request, which goes to the tape as well.
		const use = (connection: UpstreamConnection | null) => {
			if (connection !== null) pool.give(connection);
			this.#issue(hello, target, connection?.facts.certificateList ?? []);
		};
		const kept = pool.take(to);
		if (kept !== undefined) use(kept);
		else
			this.#dial = pool.dial(to, (_error, connection) => {
				this.#dial = null;
				use(connection);
			});
	}

	/** Chooses the certificate to show. `chain`: what the server shows, where that is known. */
	#issue(hello: ClientHello, target: TunnelTarget, chain: readonly Uint8Array[]): void {
		const { authority, values } = this.#settings;
		const server = values.upstream_cert && chain[0] !== undefined ? new X509Certificate(chain[0]) : null;
		const known = server === null ? {} : { upstreamNames: namesOf(server), organization: organizationOf(server) };
		const extra = values.add_upstream_certs_to_client_chain ? { extraChain: chain.map((pem) => Buffer.from(pem).toString()) } : {};
		const issued = authority.contextFor({ sni: hello.serverName, host: target.host, ...known, ...extra });
		if (issued instanceof Promise)
			issued.then(
				(context) => this.#shake(hello, target, context),
				() => this.#socket.destroy(),
			);
		else this.#shake(hello, target, issued);
	}

	#shake(hello: ClientHello, target: TunnelTarget, secureContext: SecureContext): void {
		const { facts, context } = this.#settings;
		if (this.#socket.destroyed) return;
		const secured = new TLSSocket(this.#socket, { isServer: true, secureContext, ...(hello.alpn.length > 0 ? { ALPNProtocols: HTTP_1_1 } : {}) });
		this.#inner = secured;
		const host = hello.serverName ?? target.host;
		const fail = (why: string) => {
			const client = formatAuthority(...((facts.peername ?? ["?", 0]) as [string, number]));
			const message = `no TLS with the client for ${host}: ${why}; does it trust the certificate authority? (flowtape ca export)`;
			context.emit({ kind: "client_error", message, client, untrusted: host });
		};
		const onError = (error: Error) => {
			secured.removeListener("close", onClose);
			fail(error.message);
			secured.destroy();
		};
		const onClose = () => fail("it hung up during the handshake");
		secured.once("error", onError).once("close", onClose);
		secured.once("secure", () => {
			secured.removeListener("error", onError).removeListener("close", onClose);
			facts.sni = hello.serverName;
			facts.alpnOffers = hello.alpn;
			facts.mitmcert = ownCertificate(secured, secureContext);
			addTlsFacts(facts, secured);
			if (this.#isOpaque(hello, target)) this.#relay(secured, target, true);
			else this.#handOver(secured, target);
		});
	}

	#isOpaque({ serverName }: ClientHello, { host, port }: TunnelTarget): boolean {
		return this.#settings.hosts?.isOpaque({ hosts: serverName === null ? [host] : [host, serverName], port }) ?? false;
	}

	// — bytes, whatever they are —

	#relay(client: Socket, { scheme, host, port, sni }: TunnelTarget, record: boolean): void {
		const { context, facts } = this.#settings;
		if (context.pool === null) {
			this.stop();
			return;
		}
		client.pause();
		this.#dial = context.pool.dialRaw({ tls: scheme === "https", host, port, sni }, (error, server, serverConn) => {
			this.#dial = null;
			if (server !== null) relayTcp(client, server, { context, facts, serverConn, record });
			else {
				if (error !== null) context.emit({ kind: "upstream_error", message: error.message, destination: formatAuthority(host, port) });
				this.#socket.destroy();
			}
		});
	}
}

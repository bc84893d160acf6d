// What happens behind a CONNECT: TLS is intercepted with a certificate of our own, HTTP is read as it is, and anything else passes untouched.
import { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { type SecureContext, TLSSocket } from "node:tls";
import { FlowtapeError } from "../errors.ts";
import type { ClientConnection as ClientFacts, ServerConnection as ServerFacts } from "../flow/connection.ts";
import { formatAuthority } from "../flow/url.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import type { LeafIssuer } from "./ca.ts";
import { type ClientHello, sniff } from "./client-hello.ts";
import { addTcpFacts, addTlsFacts, ownCertificate, serverFacts } from "./connection-facts.ts";
import type { ProxyContext } from "./context.ts";
import { errorPage } from "./error-page.ts";
import { options as http2Options } from "./http2-module.ts";
import { connectTarget, type TunnelTarget } from "./target.ts";
import { relayTcp } from "./tcp-relay.ts";
import type { Dial, UpstreamChannel } from "./upstream-channel.ts";
import type { RequestHead } from "./wire/head.ts";

export const options = {
	...http2Options,
	connection_strategy: {
		type: "string",
		default: "eager",
		choices: ["eager", "lazy"],
		help: "When to connect to the server of a TLS tunnel: at once, which tells the names of its certificate, or when there is a request to send.",
	},
	upstream_cert: { type: "boolean", default: true, help: "Copy names and organization from the certificate of the server, where it is known." },
	record_tcp: { type: "boolean", default: false, help: "Record the bytes of tunnels that hold neither TLS nor HTTP, as TCP flows." },
} as const satisfies OptionTable;

export interface TunnelSettings {
	context: ProxyContext;
	values: OptionValues<typeof options>;
	authority: LeafIssuer;
	facts: ClientFacts;
	/** The inside of the tunnel, when it is HTTP; it has to be resumed. */
	onHttp: (socket: Socket, target: TunnelTarget) => void;
	/** The tunnel has ended without having been HTTP. */
	onClose: (tunnel: Tunnel) => void;
}

const ESTABLISHED = "HTTP/1.1 200 Connection established\r\n\r\n";
/** What we speak, the first choice first, in the form that goes on the wire (RFC 7301 section 3.1): that is what `TLSSocket` wants. */
const HTTP1_ONLY = Buffer.from("\x08http/1.1");
const HTTP1_FIRST = Buffer.from("\x08http/1.1\x02h2");
const HTTP2_FIRST = Buffer.from("\x02h2\x08http/1.1");

export class Tunnel {
	readonly #socket: Socket;
	readonly #settings: TunnelSettings;
	#target: TunnelTarget | null = null;
	#bytes: Buffer = Buffer.alloc(0);
	#dial: Dial | null = null;
	/** Hung up on when the proxy ends. */
	#inner: Socket | null = null;

	/** The socket is paused; nothing behind the request has been read. */
	constructor(socket: Socket, head: RequestHead, settings: TunnelSettings) {
		this.#socket = socket;
		this.#settings = settings;
		socket.on("close", this.#onClose);
		this.#open(head);
	}

	/** The proxy ends; a tunnel has no end of its own to wait for. */
	drain(): void {}

	stop(): void {
		this.#dial?.cancel();
		this.#inner?.destroy();
		this.#socket.destroy();
	}

	#open(head: RequestHead): void {
		try {
			this.#target = { scheme: "http", sni: null, ...connectTarget(head) };
		} catch (error) {
			if (!(error instanceof FlowtapeError)) throw error;
			this.#socket.end(errorPage(400, error.message), "latin1");
			this.#socket.resume();
			return;
		}
		this.#socket.write(ESTABLISHED, "latin1");
		this.#socket.on("data", this.#onData);
		this.#socket.on("end", this.#onEnd);
		this.#socket.resume();
	}

	readonly #onData = (chunk: Buffer): void => {
		this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
		if (this.#target !== null) this.#decide(this.#target);
	};

	/** A client that asked for a tunnel and then did not use it, or said too little to know what it is. */
	readonly #onEnd = (): void => {
		this.#socket.end();
	};

	readonly #onClose = (): void => {
		this.#dial?.cancel();
		this.#settings.onClose(this);
	};

	#decide(target: TunnelTarget): void {
		const found = sniff(this.#bytes);
		if (found === "more") return;
		this.#socket.pause();
		this.#socket.removeListener("data", this.#onData).removeListener("end", this.#onEnd);
		if (this.#bytes.length > 0) this.#socket.unshift(this.#bytes);
		if (found === "http") this.#handOver(this.#socket, target);
		else if (found === "other") this.#relay(target);
		else this.#intercept(found, target);
	}

	#handOver(socket: Socket, target: TunnelTarget): void {
		this.#socket.removeListener("close", this.#onClose);
		this.#settings.onClose(this);
		this.#settings.onHttp(socket, target);
	}

	// — TLS —

	#intercept(hello: ClientHello, plain: TunnelTarget): void {
		const target: TunnelTarget = { ...plain, scheme: "https", sni: hello.serverName };
		const { context, values } = this.#settings;
		const { pool } = context;
		if (pool === null || values.connection_strategy === "lazy") {
			this.#issue(hello, target, null);
			return;
		}
		const to = { tls: true, host: target.host, port: target.port, sni: target.sni, http2: hello.alpn.includes("h2") };
		// A server that cannot be reached is told of in the answer to the request, which goes to the tape as well.
		const use = (channel: UpstreamChannel | null) => {
			channel?.release(true);
			this.#issue(hello, target, channel?.facts ?? null);
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
	#issue(hello: ClientHello, target: TunnelTarget, server: ServerFacts | null): void {
		const { authority, values } = this.#settings;
		const certificate = values.upstream_cert && server !== null ? serverCertificate(server) : null;
		const known = certificate === null ? {} : { upstreamNames: namesOf(certificate), organization: organizationOf(certificate) };
		const protocols = !values.http2 ? HTTP1_ONLY : server === null || server.alpn === "h2" ? HTTP2_FIRST : HTTP1_FIRST;
		const issued = authority.contextFor({ sni: target.sni, host: target.host, ...known });
		if (issued instanceof Promise)
			issued.then(
				(context) => this.#shake(hello, target, context, protocols),
				() => this.#socket.destroy(),
			);
		else this.#shake(hello, target, issued, protocols);
	}

	#shake(hello: ClientHello, target: TunnelTarget, secureContext: SecureContext, protocols: Buffer): void {
		const { facts, context } = this.#settings;
		if (this.#socket.destroyed) return;
		const secured = new TLSSocket(this.#socket, { isServer: true, secureContext, ...(hello.alpn.length > 0 ? { ALPNProtocols: protocols } : {}) });
		this.#inner = secured;
		const onError = (error: Error) => {
			const client = formatAuthority(...((facts.peername ?? ["?", 0]) as [string, number]));
			const message = `no TLS with the client for ${target.sni ?? target.host}: ${error.message}; does it trust the certificate authority? (flowtape ca export)`;
			context.emit({ kind: "client_error", message, client });
			secured.destroy();
		};
		secured.once("error", onError);
		secured.once("secure", () => {
			secured.removeListener("error", onError);
			facts.sni = hello.serverName;
			facts.alpnOffers = hello.alpn;
			facts.mitmcert = ownCertificate(secured, secureContext);
			addTlsFacts(facts, secured);
			this.#handOver(secured, target);
		});
	}

	// — neither TLS nor HTTP —

	#relay(target: TunnelTarget): void {
		const { context, facts, values } = this.#settings;
		const to = { tls: false, host: target.host, port: target.port, sni: null, http2: false };
		if (context.pool === null) {
			this.stop();
			return;
		}
		this.#dial = context.pool.dialRaw(to, (error, server) => {
			this.#dial = null;
			if (server === null) {
				if (error !== null) context.emit({ kind: "upstream_error", message: error.message, destination: formatAuthority(to.host, to.port) });
				this.#socket.destroy();
			} else {
				const serverConn = serverFacts(to.host, to.port);
				addTcpFacts(serverConn, server);
				relayTcp(this.#socket, server, { context, facts, serverConn, record: values.record_tcp });
			}
		});
	}
}

/** Read from the facts: Node gives the certificate of a client's socket only once, and those who note the facts have had it. */
function serverCertificate({ certificateList: [leaf] }: ServerFacts): X509Certificate | null {
	return leaf === undefined ? null : new X509Certificate(leaf);
}

/** Names and addresses in a certificate, its common name first. */
export function namesOf(certificate: X509Certificate): string[] {
	const common = /^CN=(.+)$/m.exec(certificate.subject)?.[1];
	const alternative = [...(certificate.subjectAltName ?? "").matchAll(/(?:DNS|IP Address):([^,"\s]+)/g)].map((match) => match[1] as string);
	return common !== undefined && /^[\w*.:-]+$/.test(common) ? [common, ...alternative] : alternative;
}

/** The organization in a certificate's subject. */
export function organizationOf(certificate: X509Certificate): string | null {
	return /^O=(.+)$/m.exec(certificate.subject)?.[1] ?? null;
}

// The client and server connection of a flow: addresses, TLS, times. Times are seconds since 1970, with fractions.
import type { ByteString } from "./bytes.ts";

/** Host and port; for IPv6 optionally flow label and scope id. */
export type Address = readonly [host: string, port: number, ...more: number[]];

/** The properties common to client and server connections. Times are in seconds since 1970; null if unknown. */
export interface Connection {
	id: string;
	/** Address of the peer. */
	peername: Address | null;
	/** Address of the proxy's end. */
	sockname: Address | null;
	transportProtocol: "tcp" | "udp";
	error: string | null;
	/** Whether the connection was meant to use TLS. `timestampTlsSetup` is set once TLS is established. */
	tls: boolean;
	/** The peer's chain, leaf first, each in PEM. */
	certificateList: Uint8Array[];
	alpn: ByteString | null;
	alpnOffers: ByteString[];
	/** OpenSSL's name of the cipher. */
	cipher: string | null;
	cipherList: string[];
	/** Such as "TLSv1.3". */
	tlsVersion: string | null;
	sni: string | null;
	timestampStart: number | null;
	timestampEnd: number | null;
	timestampTlsSetup: number | null;
	/** Unknown fields, written by a newer version. */
	extra?: Record<string, unknown> | undefined;
}

/** The connection between a client and the proxy. */
export interface ClientConnection extends Connection {
	/** The certificate that the proxy presented, in PEM. */
	mitmcert: Uint8Array | null;
	/** mitmproxy's notation, such as `regular` or `reverse:http://example.com@8080`. */
	proxyMode: string;
	/**
	 * User name in the Proxy-Authorization header or the SOCKS login with which the client opened its tunnel. It is
	 * neither verified nor stored.
	 */
	proxyUser?: string;
}

/** The connection between the proxy and a server. */
export interface ServerConnection extends Connection {
	/** Destination; null: not known yet. */
	address: Address | null;
	timestampTcpSetup: number | null;
	/** The upstream proxy; null: none. */
	via: readonly [scheme: string, address: Address] | null;
}

/** A client connection with defaults for everything that is not given. */
export function clientConnection(known: Partial<ClientConnection> & { id: string }): ClientConnection {
	const client = connection(known) as ClientConnection;
	client.mitmcert = known.mitmcert ?? null;
	client.proxyMode = known.proxyMode ?? "regular";
	return client;
}

/** A server connection with defaults for everything that is not given. */
export function serverConnection(known: Partial<ServerConnection> & { id: string }): ServerConnection {
	const server = connection(known) as ServerConnection;
	server.address = known.address ?? null;
	server.timestampTcpSetup = known.timestampTcpSetup ?? null;
	server.via = known.via ?? null;
	return server;
}

/** Every property is written out because object spread takes ten times as long. */
function connection(known: Partial<Connection> & { id: string }): Connection {
	return {
		id: known.id,
		peername: known.peername ?? null,
		sockname: known.sockname ?? null,
		transportProtocol: known.transportProtocol ?? "tcp",
		error: known.error ?? null,
		tls: known.tls ?? false,
		certificateList: known.certificateList ?? [],
		alpn: known.alpn ?? null,
		alpnOffers: known.alpnOffers ?? [],
		cipher: known.cipher ?? null,
		cipherList: known.cipherList ?? [],
		tlsVersion: known.tlsVersion ?? null,
		sni: known.sni ?? null,
		timestampStart: known.timestampStart ?? null,
		timestampEnd: known.timestampEnd ?? null,
		timestampTlsSetup: known.timestampTlsSetup ?? null,
		extra: known.extra,
	};
}

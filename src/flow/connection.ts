// What is known of the two connections of a flow: addresses, TLS, times. Seconds since 1970, with fractions.
import type { ByteString } from "./bytes.ts";

/** Host and port; for IPv6 possibly flow label and scope too. */
export type Address = readonly [host: string, port: number, ...more: number[]];

export interface Connection {
	id: string;
	/** The other end. */
	peername: Address | null;
	/** Our end. */
	sockname: Address | null;
	transportProtocol: "tcp" | "udp";
	error: string | null;
	/** TLS was meant; it was there once `timestampTlsSetup` is set. */
	tls: boolean;
	/** The peer's chain, leaf first, each in PEM. */
	certificateList: Uint8Array[];
	alpn: ByteString | null;
	alpnOffers: ByteString[];
	/** OpenSSL's name. */
	cipher: string | null;
	cipherList: string[];
	/** "TLSv1.3" and the like. */
	tlsVersion: string | null;
	sni: string | null;
	timestampStart: number | null;
	timestampEnd: number | null;
	timestampTlsSetup: number | null;
	/** Fields that a newer writer put there. */
	extra?: Record<string, unknown> | undefined;
}

export interface ClientConnection extends Connection {
	/** The certificate that the proxy showed, in PEM. */
	mitmcert: Uint8Array | null;
	/** mitmproxy's notation, such as `regular` or `reverse:http://example.com@8080`. */
	proxyMode: string;
	/** As whom the client asked the proxy for its tunnel: its own word, which nobody has checked. Not stored. */
	proxyUser?: string;
}

export interface ServerConnection extends Connection {
	/** Where the connection was to go; null as long as that is not known. */
	address: Address | null;
	timestampTcpSetup: number | null;
	/** The upstream proxy. */
	via: readonly [scheme: string, address: Address] | null;
}

/** A client connection of which nothing is known but what is given. */
export function clientConnection(known: Partial<ClientConnection> & { id: string }): ClientConnection {
	const client = connection(known) as ClientConnection;
	client.mitmcert = known.mitmcert ?? null;
	client.proxyMode = known.proxyMode ?? "regular";
	return client;
}

/** A server connection of which nothing is known but what is given. */
export function serverConnection(known: Partial<ServerConnection> & { id: string }): ServerConnection {
	const server = connection(known) as ServerConnection;
	server.address = known.address ?? null;
	server.timestampTcpSetup = known.timestampTcpSetup ?? null;
	server.via = known.via ?? null;
	return server;
}

/** Written out: spreading one object over another costs ten times as much. */
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

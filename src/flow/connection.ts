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
}

export interface ServerConnection extends Connection {
	/** Where the connection was to go; null as long as that is not known. */
	address: Address | null;
	timestampTcpSetup: number | null;
	/** The upstream proxy. */
	via: readonly [scheme: string, address: Address] | null;
}

function connection(id: string): Connection {
	return {
		id,
		peername: null,
		sockname: null,
		transportProtocol: "tcp",
		error: null,
		tls: false,
		certificateList: [],
		alpn: null,
		alpnOffers: [],
		cipher: null,
		cipherList: [],
		tlsVersion: null,
		sni: null,
		timestampStart: null,
		timestampEnd: null,
		timestampTlsSetup: null,
	};
}

/** A client connection of which nothing is known but what is given. */
export function clientConnection(known: Partial<ClientConnection> & { id: string }): ClientConnection {
	return { ...connection(known.id), mitmcert: null, proxyMode: "regular", ...known };
}

/** A server connection of which nothing is known but what is given. */
export function serverConnection(known: Partial<ServerConnection> & { id: string }): ServerConnection {
	return { ...connection(known.id), address: null, timestampTcpSetup: null, via: null, ...known };
}

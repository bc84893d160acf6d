// Reads from sockets the properties of client and server connections that flows record.
import { randomUUID, type X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { now } from "../../clock.ts";
import {
	type Address,
	type ClientConnection,
	type Connection,
	clientConnection,
	type ServerConnection,
	serverConnection,
} from "../../flow/connection.ts";
import type { UpstreamProxy } from "../route/destination.ts";

/** The record of a client connection that has just been accepted. */
export function newClientConnection(socket: Socket, proxyMode = "regular"): ClientConnection {
	return clientConnection({
		id: randomUUID(),
		proxyMode,
		peername: address(socket.remoteAddress, socket.remotePort),
		sockname: address(socket.localAddress, socket.localPort),
		timestampStart: now(),
	});
}

/** The address of a client; "": it has disconnected. */
export function clientAddress({ peername }: ClientConnection): string {
	return peername?.[0] ?? "";
}

/** The record of a server connection that is about to be opened, directly or through a proxy (`via`). */
export function newServerConnection(host: string, port: number, via: UpstreamProxy | null = null): ServerConnection {
	return serverConnection({
		id: randomUUID(),
		address: [host, port],
		via: via === null ? null : [via.scheme, [via.host, via.port]],
		timestampStart: now(),
	});
}

/** The server for hooks on TLS between a client and the proxy itself, where there is none. */
export function unnamedServerConnection(): ServerConnection {
	return serverConnection({ id: randomUUID() });
}

/** Records the addresses and the time. Call once TCP is connected. */
export function recordTcpSetup(server: ServerConnection, socket: Socket): void {
	server.peername = address(socket.remoteAddress, socket.remotePort);
	server.sockname = address(socket.localAddress, socket.localPort);
	server.timestampTcpSetup = now();
}

/** Records the TLS properties. Call once the TLS handshake is complete. */
export function recordTlsSetup(connection: Connection, socket: TLSSocket): void {
	const cipher = socket.getCipher();
	connection.tls = true;
	connection.tlsVersion = socket.getProtocol();
	// The cipher's name in OpenSSL, as in other tools; for TLS 1.3 it equals the standard name.
	connection.cipher = cipher?.name ?? null;
	connection.alpn = socket.alpnProtocol || null;
	connection.timestampTlsSetup = now();
}

/** Clears the properties of TLS with the proxy, before those of TLS in the tunnel are recorded. */
export function clearTls(client: ClientConnection): void {
	Object.assign(
		client,
		clientConnection({
			...client,
			tls: false,
			tlsVersion: null,
			cipher: null,
			alpn: null,
			alpnOffers: [],
			sni: null,
			mitmcert: null,
			timestampTlsSetup: null,
		}),
	);
}

/**
 * The certificate chain of a server, leaf first, with at most ten certificates. Call once per socket: Node removes the
 * leaf from the chain when it returns it.
 */
export function certificateChain(socket: TLSSocket): X509Certificate[] {
	const chain: X509Certificate[] = [];
	let certificate = socket.getPeerX509Certificate();
	while (certificate !== undefined && chain.length < 10) {
		chain.push(certificate);
		certificate = certificate.issuerCertificate;
	}
	return chain;
}

function address(host: string | undefined, port: number | undefined): Address | null {
	return host === undefined || port === undefined ? null : [withoutMapping(host), port];
}

/** An address without the prefix of an IPv4-mapped IPv6 address, in which dual-stack sockets report IPv4 addresses. */
export function withoutMapping(address: string): string {
	return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

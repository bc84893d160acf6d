// What the tape keeps of the two connections of a flow, read from their sockets once a connection.
import { randomUUID, type X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { now } from "../../clock.ts";
import { type Address, type ClientConnection, type Connection, clientConnection, type ServerConnection, serverConnection } from "../../flow/connection.ts";
import type { UpstreamProxy } from "../route/destination.ts";

/** A client that has just been accepted. */
export function clientFacts(socket: Socket, proxyMode = "regular"): ClientConnection {
	return clientConnection({
		id: randomUUID(),
		proxyMode,
		peername: address(socket.remoteAddress, socket.remotePort),
		sockname: address(socket.localAddress, socket.localPort),
		timestampStart: now(),
	});
}

/** A server that is about to be connected to, perhaps through a proxy. */
export function serverFacts(host: string, port: number, via: UpstreamProxy | null = null): ServerConnection {
	return serverConnection({
		id: randomUUID(),
		address: [host, port],
		via: via === null ? null : [via.scheme, [via.host, via.port]],
		timestampStart: now(),
	});
}

/** For TLS that no server is meant by. */
export function serverOfNoName(): ServerConnection {
	return serverConnection({ id: randomUUID() });
}

/** To be called once TCP is set up. */
export function addTcpFacts(facts: ServerConnection, socket: Socket): void {
	facts.peername = address(socket.remoteAddress, socket.remotePort);
	facts.sockname = address(socket.localAddress, socket.localPort);
	facts.timestampTcpSetup = now();
}

/** To be called once TLS is set up. */
export function addTlsFacts(facts: Connection, socket: TLSSocket): void {
	const cipher = socket.getCipher();
	facts.tls = true;
	facts.tlsVersion = socket.getProtocol();
	// OpenSSL's name, as other tools have it: the standard one of TLS 1.3 is the same.
	facts.cipher = cipher?.name ?? null;
	facts.alpn = socket.alpnProtocol || null;
	facts.timestampTlsSetup = now();
}

/** What the facts say of TLS with the proxy gives way to what is said in the tunnel. */
export function forgetTls(facts: ClientConnection): void {
	Object.assign(
		facts,
		clientConnection({ ...facts, tls: false, tlsVersion: null, cipher: null, alpn: null, alpnOffers: [], sni: null, mitmcert: null, timestampTlsSetup: null }),
	);
}

/** The certificates that a server showed, leaf first. To be called once a socket: Node takes the leaf out of its chain when it gives it. */
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
	if (host === undefined || port === undefined) return null;
	// An IPv4 client of a socket that listens on both.
	return [host.startsWith("::ffff:") && host.includes(".") ? host.slice(7) : host, port];
}

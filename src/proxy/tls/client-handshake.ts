// The TLS handshake with a client whose ClientHello has been parsed and put back.
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Leaf } from "../../ca/leaf-contexts.ts";
import type { ClientConnection } from "../../flow/connection.ts";
import { recordTransport } from "../connection/break-off.ts";
import { recordTlsSetup } from "../connection/connection-info.ts";
import type { ClientHello } from "./client-hello.ts";
import { CLOSED } from "./client-trust.ts";

export interface Handshake {
	hello: ClientHello;
	leaf: Leaf;
	/** The ALPN protocols to accept, in wire format (RFC 7301 section 3.1), as `TLSSocket` expects them. */
	protocols: Buffer;
	/** Updated with the properties of the TLS connection. */
	clientConn: ClientConnection;
}

/** The ALPN list for clients that are offered HTTP/1.1 only. */
export const HTTP1_ONLY: Buffer = Buffer.from("\x08http/1.1");

/** How long a client may pause during the handshake. Milliseconds. */
export const HANDSHAKE_MS = 30_000;

/**
 * Performs the handshake on a socket whose ClientHello is still unread. `done` receives null, or the reason why the
 * handshake failed.
 */
export function acceptTls(
	socket: Socket,
	{ hello, leaf, protocols, clientConn }: Handshake,
	done: (failure: string | null) => void,
): TLSSocket {
	const secured = new TLSSocket(socket, {
		isServer: true,
		secureContext: leaf.contextNow(),
		...(hello.alpn.length > 0 ? { ALPNProtocols: protocols } : {}),
	});
	recordTransport(secured, socket);
	const onError = (error: Error) => {
		secured.removeListener("close", onClose);
		done(error.message);
		secured.destroy();
	};
	const onClose = () => done(CLOSED);
	// If the client closes its side during the handshake, Node reports no error and keeps the connection.
	const onEnd = () => secured.destroy();
	secured.setTimeout(HANDSHAKE_MS, () => onError(new Error("it did not continue the handshake")));
	secured.once("error", onError).once("close", onClose).once("end", onEnd);
	// The next owner may attach its own handler only later.
	secured.on("error", () => {});
	secured.once("secure", () => {
		secured.removeAllListeners("timeout").setTimeout(0);
		secured.removeListener("error", onError).removeListener("close", onClose).removeListener("end", onEnd);
		clientConn.sni = hello.serverName;
		clientConn.alpnOffers = hello.alpn;
		clientConn.mitmcert = leaf.certificate;
		recordTlsSetup(clientConn, secured);
		done(null);
	});
	return secured;
}

// TLS with a client that has sent its hello, with a certificate of ours.
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Leaf } from "../../ca/leaf-contexts.ts";
import type { ClientConnection as ClientFacts } from "../../flow/connection.ts";
import { noteBelow } from "../connection/break-off.ts";
import { addTlsFacts } from "../connection/facts.ts";
import type { ClientHello } from "./client-hello.ts";

export interface Handshake {
	hello: ClientHello;
	leaf: Leaf;
	/** What we speak, in the form that goes on the wire (RFC 7301 section 3.1): that is what `TLSSocket` wants. */
	protocols: Buffer;
	/** Filled with what comes to be known. */
	facts: ClientFacts;
}

/** How long a client may stop in the middle of a handshake. */
export const HANDSHAKE_MS = 30_000;

/** The socket has its hello still to be read. `done` gets null, or why there is no TLS. */
export function shakeHands(socket: Socket, { hello, leaf, protocols, facts }: Handshake, done: (failure: string | null) => void): TLSSocket {
	const secured = new TLSSocket(socket, { isServer: true, secureContext: leaf.contextNow(), ...(hello.alpn.length > 0 ? { ALPNProtocols: protocols } : {}) });
	noteBelow(secured, socket);
	const onError = (error: Error) => {
		secured.removeListener("close", onClose);
		done(error.message);
		secured.destroy();
	};
	const onClose = () => done("it hung up during the handshake");
	// A client that closes its side in the middle of it: to Node that is no error, and no end of the connection.
	const onEnd = () => secured.destroy();
	secured.setTimeout(HANDSHAKE_MS, () => onError(new Error("it did not go on")));
	secured.once("error", onError).once("close", onClose).once("end", onEnd);
	// Whoever takes it over may still have to wait.
	secured.on("error", () => {});
	secured.once("secure", () => {
		secured.removeAllListeners("timeout").setTimeout(0);
		secured.removeListener("error", onError).removeListener("close", onClose).removeListener("end", onEnd);
		facts.sni = hello.serverName;
		facts.alpnOffers = hello.alpn;
		facts.mitmcert = leaf.certificate;
		addTlsFacts(facts, secured);
		done(null);
	});
	return secured;
}

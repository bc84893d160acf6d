// Servers that the clients of a proxy run themselves: a test suite and the program that it starts. Requests to them
// pass untouched.
import { staysHere } from "../../flow/loopback.ts";

/** Finds servers that the clients of a proxy run on this machine. */
export interface OwnServers {
	/**
	 * The loopback address of a server that the clients run themselves; null: there is none. Called for every new
	 * connection, because another process may take over a port.
	 * @param host a loopback address or a name for it
	 * @param claim the value of the client's `OWN_SERVER_FIELD`; null: none
	 */
	addressOf(host: string, port: number, claim: string | null): string | null;
}

/**
 * The field of a CONNECT in which a Node process claims that the target is its own server (src/child/node-preload.cts).
 */
export const OWN_SERVER_FIELD = "flowtape-own-server";

/**
 * The address of a client's own server; null: the host and port do not belong to one. Connect to the address, as the
 * name could lead elsewhere. Only clients on this machine have own servers.
 */
export function ownAddress(
	own: OwnServers,
	client: string | undefined,
	host: string,
	port: number,
	claim: string | null,
): string | null {
	if (client === undefined || !staysHere(client) || !staysHere(host)) return null;
	return own.addressOf(host, port, claim);
}

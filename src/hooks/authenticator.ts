// Checks before there is a flow: whether a client may use the proxy, and which hosts are tunnelled without
// interception.
import type { ClientConnection } from "../flow/connection.ts";
import type { Response } from "../flow/message.ts";

/** Authenticates clients before there is a flow. An admitted connection is trusted from then on. */
export interface ProxyAuthenticator {
	/** Checks a user and password. */
	admit(client: ClientConnection, user: string, password: string): Promise<boolean>;
	/** Checks a Proxy-Authorization header. A missing header (null) is not admitted. */
	admitByHeader(client: ClientConnection, header: string | null): Promise<boolean>;
	/** The response for clients that are not admitted. */
	challenge(): Response;
}

/** The names of a host from the CONNECT, the TLS server name and the Host header. */
export interface HostNames {
	/** Without ports. */
	readonly hosts: readonly string[];
	/** The port of the connection. */
	readonly port: number;
}

/** Hosts whose tunnels are not intercepted, or not parsed as HTTP, so that there is no HTTP flow. */
export interface PassthroughHosts {
	/** Whether tunnels without interception are recorded. */
	readonly showIgnored: boolean;
	/** Whether to tunnel without interception as soon as these names are known, before others are. */
	isIgnoredAtOnce(names: HostNames): boolean;
	/** Whether to tunnel without interception, once all names are known. */
	isIgnored(names: HostNames): boolean;
	/** Whether to record the decrypted content of a tunnel as bytes and not parse it as HTTP. */
	isOpaque(names: HostNames): boolean;
}

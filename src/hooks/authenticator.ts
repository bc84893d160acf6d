// What the proxy has to know before there is a flow: whether a client may use it, and which hosts it tunnels without interception.
import type { ClientConnection } from "../flow/connection.ts";
import type { Response } from "../flow/message.ts";

/** Lets clients in before there is a flow. Their connection is trusted from then on. */
export interface ProxyAuthenticator {
	/** By user and password. */
	admit(client: ClientConnection, user: string, password: string): Promise<boolean>;
	/** By what they sent as Proxy-Authorization. */
	admitBy(client: ClientConnection, header: string | null): Promise<boolean>;
	/** The answer for those who are not let in. */
	challenge(): Response;
}

/** A host as the client names it in one place or another. */
export interface HostNames {
	/** Without ports. */
	readonly hosts: readonly string[];
	/** The port that is connected to. */
	readonly port: number;
}

/** Hosts that tunnels are not looked into for, or not as far as others: where there will be no flow that hooks see. */
export interface PassthroughHosts {
	/** Whether what is passed through is recorded. */
	readonly showIgnored: boolean;
	/** Whether a name alone is enough to pass a tunnel through, whatever other names may come to be known. */
	isIgnoredAtOnce(names: HostNames): boolean;
	/** Whether a tunnel is passed through, all its names being known. */
	isIgnored(names: HostNames): boolean;
	/** Whether what a tunnel holds, TLS undone, is not to be read. */
	isOpaque(names: HostNames): boolean;
}

// Hooks on what happens to connections: clients, servers, TLS, and tunnels whose bytes no flow of HTTP has.
import type { ClientConnection, ServerConnection } from "../flow/connection.ts";
import type { HttpFlow, TcpFlow } from "../flow/flow.ts";
import type { Decision } from "./decision.ts";

/** A connection to a server, and the client for whom it was made: null where the proxy sends requests of its own. It may serve others too. */
export interface ServerEvent {
	readonly server: ServerConnection;
	readonly client: ClientConnection | null;
}

/** Both ends of what passes; the server may be one that is not connected to yet. */
export interface ConnectionPair {
	readonly client: ClientConnection | null;
	readonly server: ServerConnection;
}

/** TLS on one of two connections. */
export interface TlsEvent {
	readonly conn: ClientConnection | ServerConnection;
	readonly context: ConnectionPair;
}

export type TlsEventName = `tls_${"start" | "established" | "failed"}_${"client" | "server"}`;

/** What a client says first in TLS, by mitmproxy's names. */
export interface ClientHelloEvent {
	readonly client_hello: { readonly sni: string | null; readonly alpn_protocols: readonly string[] };
	readonly context: ConnectionPair;
	/** To be set: the connection passes through untouched. */
	ignore_connection: boolean;
	/** To be set: the server is connected to before the client gets its certificate, whatever the connection strategy. */
	establish_server_tls_first: boolean;
}

/**
 * What happens to live connections. The error of a client or server that is set at `…_connect` or `client_connected` refuses the connection;
 * the address of a server that is set at `server_connect` is connected to. Never throws.
 */
export type ConnectionHook = (
	...event:
		| [name: "client_connected" | "client_disconnected", client: ClientConnection]
		| [name: "server_connect" | "server_connected" | "server_connect_error" | "server_disconnected", event: ServerEvent]
		| [name: "tls_clienthello", event: ClientHelloEvent]
		| [name: TlsEventName, event: TlsEvent]
) => void | Promise<void>;

/**
 * Tunnels that clients ask for, and that an upstream proxy is asked for: the flow has a CONNECT request and never goes to the tape. At
 * `http_connect` the decision may answer or abort, and the request may name another host; at `http_connect_upstream` it may change its headers.
 * Never throws.
 */
export type ConnectHook = (
	name: "http_connect" | "http_connected" | "http_connect_error" | "http_connect_upstream",
	flow: HttpFlow,
	decision: Decision,
) => void | Promise<void>;

/** What happens in a live tunnel whose bytes are recorded; the newest message is the last of the flow, and goes on as it is then. Never throws. */
export type TcpHook = (name: "tcp_start" | "tcp_message" | "tcp_end" | "tcp_error", flow: TcpFlow, decision: Decision) => void | Promise<void>;

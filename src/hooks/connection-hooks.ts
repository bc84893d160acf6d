// Hooks on connection events: clients, servers, TLS, CONNECT, and tunnels that are recorded as TCP flows.
import type { ClientConnection, ServerConnection } from "../flow/connection.ts";
import type { HttpFlow, TcpFlow } from "../flow/flow.ts";
import type { MaybeAsync } from "../maybe-async.ts";
import type { Decision } from "./decision.ts";

/**
 * A connection to a server, and the client for which it was opened; other clients may use it too. `client` is null for
 * requests of the proxy itself.
 */
export interface ServerEvent {
	readonly server: ServerConnection;
	readonly client: ClientConnection | null;
}

/** The connections on both sides; the server may not be connected yet. */
export interface ConnectionPair {
	readonly client: ClientConnection | null;
	readonly server: ServerConnection;
}

/** A TLS event on one of the two connections. */
export interface TlsEvent {
	readonly conn: ClientConnection | ServerConnection;
	readonly context: ConnectionPair;
}

export type TlsEventName = `tls_${"start" | "established" | "failed"}_${"client" | "server"}`;

/** A client's TLS ClientHello, with mitmproxy's names. */
export interface ClientHelloEvent {
	readonly client_hello: { readonly sni: string | null; readonly alpn_protocols: readonly string[] };
	readonly context: ConnectionPair;
	/** Set it to tunnel the connection without interception. */
	ignore_connection: boolean;
	/** Set it to connect to the server before the client gets its certificate, regardless of the connection strategy. */
	establish_server_tls_first: boolean;
}

/**
 * Handles events of live connections. Setting `error` at `client_connected` or `server_connect` refuses the connection;
 * setting the server's `address` at `server_connect` redirects it. Must not throw.
 */
export type ConnectionHook = (
	...event:
		| [name: "client_connected" | "client_disconnected", client: ClientConnection]
		| [name: "server_connect" | "server_connected" | "server_connect_error" | "server_disconnected", event: ServerEvent]
		| [name: "tls_clienthello", event: ClientHelloEvent]
		| [name: TlsEventName, event: TlsEvent]
) => MaybeAsync;

/**
 * Handles CONNECT requests of clients, and those to an upstream proxy. The flow has the CONNECT request and is never
 * recorded. At `http_connect` the hook may answer, abort, or change the host of the request; at `http_connect_upstream`
 * it may change the headers. Must not throw.
 */
export type ConnectHook = (
	name: "http_connect" | "http_connected" | "http_connect_error" | "http_connect_upstream",
	flow: HttpFlow,
	decision: Decision,
) => MaybeAsync;

/**
 * Handles events of a live tunnel that is recorded. The newest message is the last of the flow; it is forwarded as the
 * hook leaves it. Must not throw.
 */
export type TcpHook = (
	name: "tcp_start" | "tcp_message" | "tcp_end" | "tcp_error",
	flow: TcpFlow,
	decision: Decision,
) => MaybeAsync;

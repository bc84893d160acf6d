// The exports of a script: functions named like mitmproxy's events. Modules and the objects in their `addons` have the
// same shape.
import type { MaybeAsync } from "../maybe-async.ts";
import type { Client, ClientHelloData, ServerData, TlsData } from "./connection-view.ts";
import type { HTTPFlow, StreamFlow } from "./flow-view.ts";

export type OptionValue = boolean | string | number | readonly string[] | null;

/** The second argument of event functions. */
export interface Context {
	/** The values of the options of scripts and of the proxy, by name. */
	readonly options: Readonly<Record<string, unknown>>;
	/** Writes a line to the log of the run. */
	readonly log: Record<"info" | "warn" | "error", (message: string) => void>;
}

/** Declares options, to be set with `--set name=value`. */
export interface Loader {
	/**
	 * Declares an option.
	 * @param type of the values; a `sequence` is a list of strings
	 * @param initial the default value
	 */
	add_option(
		name: string,
		type: "boolean" | "string" | "integer" | "sequence",
		initial: OptionValue,
		help: string,
		choices?: readonly string[],
	): void;
}

/**
 * A script. Every function except `load` may be asynchronous; the traffic waits for it. If a function fails, the error
 * is reported with its line, and the flow continues as it is at that moment.
 */
export interface Addon {
	/** Before all other functions. */
	load?(loader: Loader): void;
	/** When the values of the options are known. */
	configure?(context: Context): MaybeAsync;
	/** When the proxy accepts connections, or before the first stored flow. */
	running?(context: Context): MaybeAsync;
	/** When the script is replaced, or the run ends. */
	done?(context: Context): MaybeAsync;

	/** The head of a request has arrived; its body has not. */
	requestheaders?(flow: HTTPFlow, context: Context): MaybeAsync;
	/** The request is complete. Setting `flow.response` answers it. */
	request?(flow: HTTPFlow, context: Context): MaybeAsync;
	/** The head of a response has arrived; its body has not. */
	responseheaders?(flow: HTTPFlow, context: Context): MaybeAsync;
	/** The response is complete. */
	response?(flow: HTTPFlow, context: Context): MaybeAsync;
	/** Instead of `response` if there will be none. */
	error?(flow: HTTPFlow, context: Context): MaybeAsync;

	/** A WebSocket was opened. */
	websocket_start?(flow: HTTPFlow, context: Context): MaybeAsync;
	/** The newest message is the last of `flow.websocket.messages`; its content may be changed, and `dropped` set. */
	websocket_message?(flow: HTTPFlow, context: Context): MaybeAsync;
	/** A WebSocket was closed. */
	websocket_end?(flow: HTTPFlow, context: Context): MaybeAsync;

	/**
	 * The flow is about to be written to a tape. Changes are only written: client and server do not see them. If it fails,
	 * the flow is not written.
	 */
	recorded?(flow: HTTPFlow | StreamFlow, context: Context): MaybeAsync;

	/** A TCP conversation begins. */
	tcp_start?(flow: StreamFlow, context: Context): MaybeAsync;
	/** The newest message is the last of `flow.messages`; its content may be changed. */
	tcp_message?(flow: StreamFlow, context: Context): MaybeAsync;
	/** A TCP conversation has ended. */
	tcp_end?(flow: StreamFlow, context: Context): MaybeAsync;
	/** Instead of `tcp_end` if it failed. */
	tcp_error?(flow: StreamFlow, context: Context): MaybeAsync;

	/** Setting `client.error` closes the connection. */
	client_connected?(client: Client, context: Context): MaybeAsync;
	/** The connection of a client is closed. */
	client_disconnected?(client: Client, context: Context): MaybeAsync;

	/**
	 * Before a connection is opened: setting `data.server.error` refuses it, and setting `data.server.address` redirects
	 * it.
	 */
	server_connect?(data: ServerData, context: Context): MaybeAsync;
	/** A connection to a server is open. */
	server_connected?(data: ServerData, context: Context): MaybeAsync;
	/** Instead of `server_connected`, if that failed; `data.server.error` has the reason. */
	server_connect_error?(data: ServerData, context: Context): MaybeAsync;
	/** A connection to a server is closed. */
	server_disconnected?(data: ServerData, context: Context): MaybeAsync;

	/**
	 * A client asks for a tunnel. Setting `flow.response` answers it; setting host and port of the request redirects the
	 * tunnel.
	 */
	http_connect?(flow: HTTPFlow, context: Context): MaybeAsync;
	/** A tunnel is open. */
	http_connected?(flow: HTTPFlow, context: Context): MaybeAsync;
	/** Instead of `http_connected`, if a script refused the tunnel. */
	http_connect_error?(flow: HTTPFlow, context: Context): MaybeAsync;
	/** The proxy is about to ask an upstream proxy for a tunnel, with the headers of this request. */
	http_connect_upstream?(flow: HTTPFlow, context: Context): MaybeAsync;

	/** Setting `data.ignore_connection` tunnels the connection without interception. */
	tls_clienthello?(data: ClientHelloData, context: Context): MaybeAsync;
	/** A TLS handshake with a client begins. */
	tls_start_client?(data: TlsData, context: Context): MaybeAsync;
	/** A TLS handshake with a client is done. */
	tls_established_client?(data: TlsData, context: Context): MaybeAsync;
	/** Instead of `tls_established_client`, if that failed; `data.conn.error` has the reason. */
	tls_failed_client?(data: TlsData, context: Context): MaybeAsync;
	/** Called after the handshake, directly before `tls_established_server` or `tls_failed_server`. */
	tls_start_server?(data: TlsData, context: Context): MaybeAsync;
	/** A TLS handshake with a server is done. */
	tls_established_server?(data: TlsData, context: Context): MaybeAsync;
	/** Instead of `tls_established_server`, if that failed; `data.conn.error` has the reason. */
	tls_failed_server?(data: TlsData, context: Context): MaybeAsync;
}

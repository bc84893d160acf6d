// What a script exports: functions named like mitmproxy's hooks. Modules and the objects in their `addons` have the same shape.
import type { Client, ClientHelloData, ServerData, TlsData } from "./connection-view.ts";
import type { HTTPFlow, StreamFlow } from "./flow-view.ts";

type Awaitable = void | Promise<void>;

export type OptionValue = boolean | string | number | readonly string[] | null;

/** What scripts are given besides the flow. */
export interface Context {
	/** Options that scripts have declared, and those of the proxy, by name. */
	readonly options: Readonly<Record<string, unknown>>;
	readonly log: Record<"info" | "warn" | "error", (message: string) => void>;
}

/** Declares options, to be set with `--set name=value`. */
export interface Loader {
	/** @param type of the values; a `sequence` is a list of strings. */
	add_option(name: string, type: "boolean" | "string" | "integer" | "sequence", initial: OptionValue, help: string, choices?: readonly string[]): void;
}

/**
 * A script. Every function may be asynchronous, but for `load`; traffic waits for it. What it throws is reported with its line, and the flow
 * goes on as it is.
 */
export interface Addon {
	/** Before anything else. */
	load?(loader: Loader): void;
	/** When options have their values. */
	configure?(context: Context): Awaitable;
	/** When the proxy accepts connections, or before the first stored flow. */
	running?(context: Context): Awaitable;
	/** When the script is replaced, or everything ends. */
	done?(context: Context): Awaitable;

	/** The head of a request is there; its body is not yet. */
	requestheaders?(flow: HTTPFlow, context: Context): Awaitable;
	/** The request is complete. Setting `flow.response` answers it. */
	request?(flow: HTTPFlow, context: Context): Awaitable;
	responseheaders?(flow: HTTPFlow, context: Context): Awaitable;
	response?(flow: HTTPFlow, context: Context): Awaitable;
	/** Instead of `response` when there will be none. */
	error?(flow: HTTPFlow, context: Context): Awaitable;

	websocket_start?(flow: HTTPFlow, context: Context): Awaitable;
	/** The newest message is the last of `flow.websocket.messages`; its content may be changed, and `dropped` set. */
	websocket_message?(flow: HTTPFlow, context: Context): Awaitable;
	websocket_end?(flow: HTTPFlow, context: Context): Awaitable;

	tcp_start?(flow: StreamFlow, context: Context): Awaitable;
	/** The newest message is the last of `flow.messages`; its content may be changed. */
	tcp_message?(flow: StreamFlow, context: Context): Awaitable;
	tcp_end?(flow: StreamFlow, context: Context): Awaitable;
	tcp_error?(flow: StreamFlow, context: Context): Awaitable;

	/** Setting `client.error` hangs up on the client. */
	client_connected?(client: Client, context: Context): Awaitable;
	client_disconnected?(client: Client, context: Context): Awaitable;

	/** Before a connection is made: setting `data.server.error` refuses it, and `data.server.address` leads it elsewhere. */
	server_connect?(data: ServerData, context: Context): Awaitable;
	server_connected?(data: ServerData, context: Context): Awaitable;
	/** Instead, where `data.server.error` says why. */
	server_connect_error?(data: ServerData, context: Context): Awaitable;
	server_disconnected?(data: ServerData, context: Context): Awaitable;

	/** A client asks for a tunnel. Setting `flow.response` answers it, and the host and port of the request are where the tunnel leads. */
	http_connect?(flow: HTTPFlow, context: Context): Awaitable;
	http_connected?(flow: HTTPFlow, context: Context): Awaitable;
	/** Instead, where a script refused the tunnel. */
	http_connect_error?(flow: HTTPFlow, context: Context): Awaitable;
	/** An upstream proxy is about to be asked for a tunnel, with the headers of this request. */
	http_connect_upstream?(flow: HTTPFlow, context: Context): Awaitable;

	/** Setting `data.ignore_connection` lets the connection pass untouched. */
	tls_clienthello?(data: ClientHelloData, context: Context): Awaitable;
	tls_start_client?(data: TlsData, context: Context): Awaitable;
	tls_established_client?(data: TlsData, context: Context): Awaitable;
	/** Instead, where `data.conn.error` says why. */
	tls_failed_client?(data: TlsData, context: Context): Awaitable;
	/** Told with the outcome, which follows at once. */
	tls_start_server?(data: TlsData, context: Context): Awaitable;
	tls_established_server?(data: TlsData, context: Context): Awaitable;
	/** Instead, where `data.conn.error` says why. */
	tls_failed_server?(data: TlsData, context: Context): Awaitable;
}

// Connections as scripts see them, with mitmproxy's names in place of camel case. Writing to a view changes the
// connection.
import type { ClientConnection, Connection, ServerConnection } from "../flow/connection.ts";
import type { ClientHelloEvent, ConnectionPair, ServerEvent, TlsEvent } from "../hooks/connection-hooks.ts";

/** `timestampStart` as `timestamp_start`. */
type Snake<S extends string> = S extends `${infer First}${infer Rest}`
	? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${Snake<Rest>}`
	: S;

type ViewOf<C extends Connection> = { -readonly [Name in keyof C & string as Snake<Name>]: C[Name] };
export type Client = ViewOf<ClientConnection>;
export type Server = ViewOf<ServerConnection>;

/** The data of connection events, with views in place of connections. */
export interface ServerData {
	readonly server: Server;
	readonly client: Client | null;
}
export interface TlsData {
	readonly conn: Client | Server;
	readonly context: ServerData;
}
export interface ClientHelloData extends Omit<ClientHelloEvent, "context"> {
	readonly context: ServerData;
}

const views = new WeakMap<Connection, object>();

/** The view of a connection, always the same object. */
export function viewOf<C extends ClientConnection | ServerConnection>(connection: C): ViewOf<C> {
	let view = views.get(connection);
	if (view === undefined) {
		view = new Proxy(connection, {
			get: (target, name) => Reflect.get(target, camel(name)),
			set: (target, name, value) => Reflect.set(target, camel(name), value),
			has: (target, name) => Reflect.has(target, camel(name)),
		});
		views.set(connection, view);
	}
	return view as ViewOf<C>;
}

function camel(name: string | symbol): string | symbol {
	return typeof name === "symbol" ? name : name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

export function pairOf({ server, client }: ServerEvent | ConnectionPair): ServerData {
	return { server: viewOf(server), client: client && viewOf(client) };
}

export function tlsDataOf({ conn, context }: TlsEvent): TlsData {
	return { conn: viewOf(conn) as Client | Server, context: pairOf(context) };
}

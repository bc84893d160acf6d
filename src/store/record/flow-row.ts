// A flow as a row of the table `flow`, and a message as one of `message`: names and types of their columns.
import type { ByteString } from "../../flow/bytes.ts";

/** A flow as a row: what `flow`'s columns hold, but for `seq`. */
export interface FlowRow {
	id: string;
	kind: string;
	started: number;
	method: ByteString | null;
	scheme: ByteString | null;
	host: string | null;
	pretty_host: string | null;
	port: number | null;
	path: ByteString | null;
	status: number | null;
	content_type: string | null;
	request_key: string | null;
	is_replay: string | null;
	marked: string;
	has_error: number;
	has_websocket: number;
	/** Which bodies have a Content-Encoding: 1 the request's, 2 the response's. */
	coded: number;
	request_size: number | null;
	response_size: number | null;
	request_body: StoredBody;
	response_body: StoredBody;
	client_conn: number;
	server_conn: number;
	head: Uint8Array;
	rest: Uint8Array | null;
	/** How it ended; also told by the error, where it is NULL. */
	ended: string | null;
	refreshed: number | null;
	session: string | null;
	/** Seconds. */
	duration: number | null;
	first_byte: number | null;
	/** The request as it came, where it was changed. */
	original: Uint8Array | null;
	original_body: StoredBody;
}

/** Columns that came with version 2. */
const ADDED: ReadonlySet<string> = new Set([
	"ended",
	"refreshed",
	"session",
	"duration",
	"first_byte",
	"original",
	"original_body",
] satisfies (keyof FlowRow)[]);

/** What to select of a tape of a version: NULL where its rows have no such column. */
export function selected(columns: readonly string[], version: number): string {
	return (version > 1 ? columns : columns.map((name) => (ADDED.has(name) ? `NULL AS ${name}` : name))).join(", ");
}

/** The columns from which a flow is made; connections and messages are read when somebody asks for them. */
export const READ_COLUMNS = [
	...["id", "kind", "method", "scheme", "host", "port", "path", "status", "is_replay", "marked"],
	...["request_size", "response_size", "request_body", "response_body", "client_conn", "server_conn", "head", "rest"],
	...["ended", "refreshed", "session", "original", "original_body"],
] as const satisfies readonly (keyof FlowRow)[];

export type FlowFacts = Pick<FlowRow, (typeof READ_COLUMNS)[number]>;

/** Bytes in the row itself, a number of `body`, 0 for an empty one, or missing. */
export type StoredBody = Uint8Array | number | null;

/** A message as a row of `message`. */
export interface MessageRow {
	at: number;
	from_client: number;
	opcode: number | null;
	/** 1 dropped, 2 injected, 4 compressed, 8 with the CRC-32 of the bytes above these four bits. */
	flags: number;
	bytes: Uint8Array;
}

/** The columns of a row as they are inserted, in the order of `valuesOf`. */
export const FLOW_COLUMNS = [
	...["id", "kind", "started", "method", "scheme", "host", "pretty_host", "port", "path", "status", "content_type", "request_key", "is_replay", "marked"],
	...["has_error", "has_websocket", "coded", "request_size", "response_size", "request_body", "response_body", "client_conn", "server_conn", "head", "rest"],
	...["ended", "refreshed", "session", "duration", "first_byte", "original", "original_body"],
] as const satisfies readonly (keyof FlowRow)[];

/** The number of a column in `FLOW_COLUMNS`. */
export const COLUMN = Object.fromEntries(FLOW_COLUMNS.map((name, i) => [name, i])) as Readonly<Record<(typeof FLOW_COLUMNS)[number], number>>;

export type FlowValue = FlowRow[keyof FlowRow];

/** Written out, because this is done for every flow. */
export function valuesOf(row: FlowRow): FlowValue[] {
	return [
		...[row.id, row.kind, row.started, row.method, row.scheme, row.host, row.pretty_host, row.port, row.path, row.status, row.content_type],
		...[row.request_key, row.is_replay, row.marked, row.has_error, row.has_websocket, row.coded, row.request_size, row.response_size],
		...[row.request_body, row.response_body, row.client_conn, row.server_conn, row.head, row.rest],
		...[row.ended, row.refreshed, row.session, row.duration, row.first_byte, row.original, row.original_body],
	];
}

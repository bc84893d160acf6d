// Column names and types of the tables `flow` and `message`.
import type { ByteString } from "../../flow/bytes.ts";

/** A row of `flow`, without `seq`. */
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
	/** Which bodies have a Content-Encoding: 1 the request's, 2 the response's (bits). */
	coded: number;
	request_size: number | null;
	response_size: number | null;
	request_body: StoredBody;
	response_body: StoredBody;
	client_conn: number;
	server_conn: number;
	head: Uint8Array;
	rest: Uint8Array | null;
	/** How the flow ended; NULL: derived from the response and the error. */
	ended: string | null;
	refreshed: number | null;
	session: string | null;
	/** Seconds. */
	duration: number | null;
	first_byte: number | null;
	/** The original request, if it was changed. */
	original: Uint8Array | null;
	original_body: StoredBody;
}

/** Columns added in version 2. */
const ADDED: ReadonlySet<string> = new Set([
	"ended",
	"refreshed",
	"session",
	"duration",
	"first_byte",
	"original",
	"original_body",
] satisfies (keyof FlowRow)[]);

/**
 * The columns to select from a tape of this schema version. Columns that the version does not have are selected as
 * NULL.
 */
export function selected(columns: readonly string[], version: number): string {
	return (version > 1 ? columns : columns.map((name) => (ADDED.has(name) ? `NULL AS ${name}` : name))).join(", ");
}

/** The columns from which a flow is decoded. Connections and messages are read on access. */
export const READ_COLUMNS = [
	"id",
	"kind",
	"method",
	"scheme",
	"host",
	"port",
	"path",
	"status",
	"is_replay",
	"marked",
	"request_size",
	"response_size",
	"request_body",
	"response_body",
	"client_conn",
	"server_conn",
	"head",
	"rest",
	"ended",
	"refreshed",
	"session",
	"original",
	"original_body",
] as const satisfies readonly (keyof FlowRow)[];

export type FlowColumns = Pick<FlowRow, (typeof READ_COLUMNS)[number]>;

/** The bytes themselves, the id of a row of `body`, 0 for an empty body, or null for a missing one. */
export type StoredBody = Uint8Array | number | null;

/** A message as a row of `message`. */
export interface MessageRow {
	at: number;
	from_client: number;
	opcode: number | null;
	/** 1 dropped, 2 injected, 4 compressed; the checksum is in the bits above (`sealMessage`). */
	flags: number;
	bytes: Uint8Array;
}

/** `n`: its index among the messages of its flow, from 0. */
export type NumberedMessage = MessageRow & { n: number };

/** The columns of a row, in the order of insertion and of `valuesOf`. */
export const FLOW_COLUMNS = [
	"id",
	"kind",
	"started",
	"method",
	"scheme",
	"host",
	"pretty_host",
	"port",
	"path",
	"status",
	"content_type",
	"request_key",
	"is_replay",
	"marked",
	"has_error",
	"has_websocket",
	"coded",
	"request_size",
	"response_size",
	"request_body",
	"response_body",
	"client_conn",
	"server_conn",
	"head",
	"rest",
	"ended",
	"refreshed",
	"session",
	"duration",
	"first_byte",
	"original",
	"original_body",
] as const satisfies readonly (keyof FlowRow)[];

/** The index of a column in `FLOW_COLUMNS`. */
export const COLUMN = Object.fromEntries(FLOW_COLUMNS.map((name, i) => [name, i])) as Readonly<
	Record<(typeof FLOW_COLUMNS)[number], number>
>;

export type FlowValue = FlowRow[keyof FlowRow];

/** The values of a row, in the order of `FLOW_COLUMNS`. Written out for speed: this runs for every flow. */
export function valuesOf(row: FlowRow): FlowValue[] {
	return [
		row.id,
		row.kind,
		row.started,
		row.method,
		row.scheme,
		row.host,
		row.pretty_host,
		row.port,
		row.path,
		row.status,
		row.content_type,
		row.request_key,
		row.is_replay,
		row.marked,
		row.has_error,
		row.has_websocket,
		row.coded,
		row.request_size,
		row.response_size,
		row.request_body,
		row.response_body,
		row.client_conn,
		row.server_conn,
		row.head,
		row.rest,
		row.ended,
		row.refreshed,
		row.session,
		row.duration,
		row.first_byte,
		row.original,
		row.original_body,
	];
}

/** SQLite cannot store NaN, which a time from another format may be. */
export function orZero(time: number): number {
	return Number.isNaN(time) ? 0 : time;
}

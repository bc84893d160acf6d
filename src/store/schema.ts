// The tables of a tape, and the steps from each version of them to the next.

/** Stands in SQLite's header and says that the file is a tape: "FLTP". */
export const APPLICATION_ID = 0x464c5450;

/**
 * One step a version: `migrations[n]` makes version n + 1 of version n. A step is never edited once released.
 *
 * - `flow` has a column for whatever filters and replay ask, and the rest of the heads in `head`.
 * - `coded` tells which bodies have a Content-Encoding: 1 the request's, 2 the response's.
 * - A body is inline (BLOB) when small, 0 when empty, a number of `body` when not small, NULL when missing.
 * - Equal bodies are one row of `body`; large ones have their bytes in `chunk`. `crc` is the CRC-32 of all their bytes.
 * - Connections are rows of their own, because many flows share them. Their certificates stand once, by their SHA-256.
 */
export const migrations: readonly string[] = [
	`
	CREATE TABLE flow (
		seq INTEGER PRIMARY KEY,
		id TEXT NOT NULL,
		kind TEXT NOT NULL,
		started REAL NOT NULL,
		method TEXT,
		scheme TEXT,
		host TEXT,
		pretty_host TEXT,
		port INTEGER,
		path TEXT,
		status INTEGER,
		content_type TEXT,
		request_key TEXT,
		is_replay TEXT,
		marked TEXT NOT NULL,
		has_error INTEGER NOT NULL,
		has_websocket INTEGER NOT NULL,
		coded INTEGER NOT NULL,
		request_size INTEGER,
		response_size INTEGER,
		request_body ANY,
		response_body ANY,
		client_conn INTEGER NOT NULL,
		server_conn INTEGER NOT NULL,
		head BLOB NOT NULL,
		rest BLOB
	) STRICT;
	CREATE TABLE body (
		id INTEGER PRIMARY KEY,
		crc INTEGER NOT NULL,
		size INTEGER NOT NULL,
		bytes BLOB
	) STRICT;
	CREATE TABLE chunk (
		body INTEGER NOT NULL,
		n INTEGER NOT NULL,
		bytes BLOB NOT NULL,
		PRIMARY KEY (body, n)
	) STRICT;
	CREATE TABLE message (
		flow INTEGER NOT NULL,
		n INTEGER NOT NULL,
		at REAL NOT NULL,
		from_client INTEGER NOT NULL,
		opcode INTEGER,
		flags INTEGER NOT NULL,
		bytes BLOB NOT NULL,
		PRIMARY KEY (flow, n)
	) STRICT, WITHOUT ROWID;
	CREATE TABLE connection (
		id INTEGER PRIMARY KEY,
		bytes BLOB NOT NULL
	) STRICT;
	CREATE TABLE certificate (
		hash BLOB PRIMARY KEY,
		pem BLOB NOT NULL
	) STRICT, WITHOUT ROWID;
	`,
];

/** Request keys are indexed in blocks of 2 ** KEY_BLOCK flows: keys are random, and one index over all would be written to all over. */
export const KEY_BLOCK = 14;

/** Made when a tape is first closed or opened for recording: a bulk load is faster without them. */
export const indexes: readonly string[] = [
	// one covering index answers all that columns can, without touching a row
	`CREATE INDEX IF NOT EXISTS flow_facts ON flow (status, host, pretty_host, method, kind, scheme, port, is_replay, marked, has_error, has_websocket)`,
	`CREATE INDEX IF NOT EXISTS flow_request_key ON flow (seq >> ${KEY_BLOCK}, request_key) WHERE request_key IS NOT NULL`,
];

/** The newest version of the schema. */
export const SCHEMA_VERSION = migrations.length;

/** Brings the tables of version `from` to the newest, within a transaction of the caller's. */
export function bringUp(db: { exec(sql: string): unknown }, from: number, steps = migrations): void {
	for (const sql of steps.slice(from)) db.exec(sql);
	if (from < steps.length) db.exec(`PRAGMA user_version = ${steps.length}`);
}

/** Every object that a tape may have, and its type. What else stands in a file, such as a trigger, is not ours and might run. */
export const knownObjects: ReadonlyMap<string, string> = new Map([
	...["flow", "body", "chunk", "message", "connection", "certificate"].map((name) => [name, "table"] as const),
	...["flow_facts", "flow_request_key"].map((name) => [name, "index"] as const),
]);

// The tables of a tape, and the steps from each version of them to the next.

/** Stands in SQLite's header and says that the file is a tape: "FLTP". */
export const APPLICATION_ID = 0x464c5450;

/**
 * One step a version: `migrations[n]` makes version n + 1 of version n. A step is never edited once released.
 *
 * - `flow` has a column for whatever filters and replay ask, and the rest of the heads in `head`.
 * - A body is inline (BLOB) when small, a number of `body` when not, NULL when missing.
 * - Equal bodies are one row of `body`; large ones have their bytes in `chunk`.
 * - Certificates of connections stand once, by their SHA-256.
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
		request_body ANY,
		response_body ANY,
		head BLOB NOT NULL,
		client_conn BLOB NOT NULL,
		server_conn BLOB NOT NULL,
		rest BLOB
	) STRICT;
	CREATE TABLE body (
		id INTEGER PRIMARY KEY,
		hash BLOB,
		size INTEGER NOT NULL,
		bytes BLOB
	) STRICT;
	CREATE TABLE chunk (
		body INTEGER NOT NULL,
		n INTEGER NOT NULL,
		bytes BLOB NOT NULL,
		PRIMARY KEY (body, n)
	) STRICT, WITHOUT ROWID;
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
	CREATE TABLE certificate (
		hash BLOB PRIMARY KEY,
		pem BLOB NOT NULL
	) STRICT, WITHOUT ROWID;
	`,
];

/** Made when a tape is first closed or opened for recording: a bulk load is faster without them. */
export const indexes: readonly string[] = [
	// one covering index answers all that columns can, without touching a row
	`CREATE INDEX IF NOT EXISTS flow_facts ON flow (status, host, pretty_host, method, kind, scheme, port, is_replay, marked, has_error, has_websocket)`,
	`CREATE INDEX IF NOT EXISTS flow_request_key ON flow (request_key, seq) WHERE request_key IS NOT NULL`,
];

/** The newest version of the schema. */
export const SCHEMA_VERSION = migrations.length;

/** Every object that a tape may have. What else stands in a file, such as a trigger, is not ours and might run. */
export const knownObjects: ReadonlySet<string> = new Set(["flow", "body", "chunk", "message", "certificate", "flow_facts", "flow_request_key"]);

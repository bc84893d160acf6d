// The schema of a tape, and the migration from each version to the next.

/** The application id in SQLite's header that marks a tape: "FLTP". */
export const APPLICATION_ID = 0x464c5450;

/**
 * `migrations[n]` migrates version n to version n + 1. A released migration is never edited.
 *
 * - `flow` has a column for each field that filters and replay query; the other fields of the messages are in `head`.
 * - `coded`: which bodies have a Content-Encoding (bits): 1 the request's, 2 the response's.
 * - A body is a BLOB if small, 0 if empty, NULL if missing, otherwise the id of a row of `body`.
 * - Equal bodies share a row of `body`; large ones have their bytes in `chunk`. `crc` is the CRC-32 of all bytes.
 * - Columns added in version 2 are NULL in older rows, where the end and duration of a flow follow from its head.
 * - `original` is the request before it was changed, NULL if it was not; its body is `original_body`.
 * - `meta` has notes on the tape itself, as msgpack, and the number of flows at the last close.
 * - Connections have a table, because many flows share them. Certificates are stored once, by their SHA-256.
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
	`
	ALTER TABLE flow ADD COLUMN ended TEXT;
	ALTER TABLE flow ADD COLUMN refreshed REAL;
	ALTER TABLE flow ADD COLUMN session TEXT;
	ALTER TABLE flow ADD COLUMN duration REAL;
	ALTER TABLE flow ADD COLUMN first_byte REAL;
	ALTER TABLE flow ADD COLUMN original BLOB;
	ALTER TABLE flow ADD COLUMN original_body ANY;
	CREATE TABLE meta (
		name TEXT PRIMARY KEY,
		value BLOB NOT NULL
	) STRICT, WITHOUT ROWID;
	`,
];

/** The highest sequence number of a flow: a JavaScript number does not distinguish higher ones. */
export const LAST_SEQ = Number.MAX_SAFE_INTEGER;

/** Selects the flows whose sequence numbers are read. */
export const IS_READ = `seq <= ${LAST_SEQ}`;

/** The tables without which flows can still be read, and what each contains, for messages. */
export const CONTENTS: Readonly<Record<string, string>> = {
	certificate: "the certificates of connections",
	connection: "the connections of all flows",
	body: "all bodies over 256 bytes",
	chunk: "the bytes of large bodies",
	message: "the messages of WebSockets and streams",
	meta: "the notes on the tape",
};

/**
 * Request keys are indexed in blocks of 2 ** KEY_BLOCK flows. Keys are random, so a single index would be written at
 * random pages.
 */
export const KEY_BLOCK = 14;

/** Indexes are created when a tape is first closed or opened for recording: a bulk load is faster without them. */
export const indexes: readonly string[] = [
	// a covering index: conditions on these columns need no access to the table
	`CREATE INDEX IF NOT EXISTS flow_facts ON flow (status, host, pretty_host, method, kind, scheme, port, is_replay, marked, has_error, has_websocket)`,
	`CREATE INDEX IF NOT EXISTS flow_request_key ON flow (seq >> ${KEY_BLOCK}, request_key) WHERE request_key IS NOT NULL`,
];

/** The newest version of the schema. */
export const SCHEMA_VERSION = migrations.length;

/** Migrates the schema from version `from` to the newest, in the caller's transaction. */
export function migrateSchema(db: { exec(sql: string): unknown }, from: number, steps = migrations): void {
	for (const sql of steps.slice(from)) db.exec(sql);
	if (from < steps.length) db.exec(`PRAGMA user_version = ${steps.length}`);
}

/**
 * The SQL of every schema object in each version: `[n]` is version n + 1. Migrated tapes and new tapes have the same
 * SQL.
 */
const objects: readonly (() => ReadonlySet<string>)[] = [versionOne, versionTwo];

/** Tables that SQLite creates on ANALYZE. */
const STATISTICS = [
	"CREATE TABLE sqlite_stat1(tbl,idx,stat)",
	"CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)",
];

function versionOne(): ReadonlySet<string> {
	const tables = statementsOf(migrations[0] as string);
	// in early tapes `chunk` had no rowid
	const chunks = tables.filter((sql) => sql.startsWith("CREATE TABLE chunk(")).map((sql) => `${sql},WITHOUT ROWID`);
	return new Set([
		...tables,
		...chunks,
		...indexes.map((sql) => unspaced(sql.replace("IF NOT EXISTS ", ""))),
		...STATISTICS,
	]);
}

/** The SQL of version 2: SQLite appends added columns to the SQL of the table. */
function versionTwo(): ReadonlySet<string> {
	const steps = statementsOf(migrations[1] as string);
	const added = steps
		.filter((sql) => sql.startsWith("ALTER"))
		.map((sql) => `,${sql.replace("ALTER TABLE flow ADD COLUMN ", "")}`);
	const isFlow = (sql: string) => sql.startsWith("CREATE TABLE flow(");
	const before = [...versionOne()];
	const flow = before.filter(isFlow).map((sql) => sql.replace(/\)STRICT$/, `${added.join("")})STRICT`));
	return new Set([
		...before.filter((sql) => !isFlow(sql)),
		...flow,
		...steps.filter((sql) => sql.startsWith("CREATE")),
	]);
}

function statementsOf(script: string): string[] {
	return script.split(";").map(unspaced).filter(Boolean);
}

/** Normalizes white space. The schema has no quoted text in which it would matter. */
function unspaced(sql: string): string {
	return sql
		.replace(/[ \t\r\n]+/g, " ")
		.replace(/ ?([(),]) ?/g, "$1")
		.trim();
}

/** A row of `sqlite_schema`. */
export interface SchemaObject {
	readonly type: string;
	readonly name: string;
	readonly sql: unknown;
}

/** SQLite's index for the primary key of `chunk`, which has no SQL. */
const AUTOMATIC_INDEX = "sqlite_autoindex_chunk_1";

/**
 * The first schema object that flowtape does not create in tapes of a version; undefined: there is none. The SQL is
 * compared, because triggers, views, CHECK, DEFAULT, generated columns and index expressions would run. SQLite ignores
 * the stored name and type, so they are not compared.
 */
export function foreignObject(found: readonly SchemaObject[], version: number): SchemaObject | undefined {
	const expected = objects[version - 1]?.() ?? new Set();
	const seen = new Set<string>();
	return found.find(({ type, name, sql }) => {
		if (sql === null) return type !== "index" || name !== AUTOMATIC_INDEX;
		const text = typeof sql === "string" ? unspaced(sql) : "";
		if (!expected.has(text) || seen.has(text)) return true;
		seen.add(text);
		return false;
	});
}

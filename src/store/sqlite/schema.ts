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
 * - What came with version 2 is NULL in older rows: how a flow ended and how long it took follow from its head then.
 * - `original` is the request as it came, where something changed it; its body is `original_body`.
 * - `meta` has notes on the tape itself, as msgpack.
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
export function migrateSchema(db: { exec(sql: string): unknown }, from: number, steps = migrations): void {
	for (const sql of steps.slice(from)) db.exec(sql);
	if (from < steps.length) db.exec(`PRAGMA user_version = ${steps.length}`);
}

/** The SQL of every object, as SQLite keeps it, in each version: `[n]` is version n + 1. A tape that was brought up has the same as a new one. */
const objects: readonly (() => ReadonlySet<string>)[] = [versionOne, versionTwo];

/** Tables that SQLite makes for itself when it is told to ANALYZE. */
const STATISTICS = ["CREATE TABLE sqlite_stat1(tbl,idx,stat)", "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"];

function versionOne(): ReadonlySet<string> {
	const tables = statementsOf(migrations[0] as string);
	// once the pieces of bodies had no numbers of their own
	const chunks = tables.filter((sql) => sql.startsWith("CREATE TABLE chunk(")).map((sql) => `${sql},WITHOUT ROWID`);
	return new Set([...tables, ...chunks, ...indexes.map((sql) => unspaced(sql.replace("IF NOT EXISTS ", ""))), ...STATISTICS]);
}

/** SQLite writes added columns behind those that are there. */
function versionTwo(): ReadonlySet<string> {
	const steps = statementsOf(migrations[1] as string);
	const added = steps.filter((sql) => sql.startsWith("ALTER")).map((sql) => `,${sql.replace("ALTER TABLE flow ADD COLUMN ", "")}`);
	const isFlow = (sql: string) => sql.startsWith("CREATE TABLE flow(");
	const before = [...versionOne()];
	const flow = before.filter(isFlow).map((sql) => sql.replace(/\)STRICT$/, `${added.join("")})STRICT`));
	return new Set([...before.filter((sql) => !isFlow(sql)), ...flow, ...steps.filter((sql) => sql.startsWith("CREATE"))]);
}

function statementsOf(script: string): string[] {
	return script.split(";").map(unspaced).filter(Boolean);
}

/** White space does not count. Our SQL has no quotes in which it would. */
function unspaced(sql: string): string {
	return sql
		.replace(/[ \t\r\n]+/g, " ")
		.replace(/ ?([(),]) ?/g, "$1")
		.trim();
}

/** An object as `sqlite_schema` has it. */
export interface SchemaObject {
	readonly type: string;
	readonly name: string;
	readonly sql: unknown;
}

/** Of the primary key of `chunk`; it has no SQL. */
const AUTOMATIC_INDEX = "sqlite_autoindex_chunk_1";

/**
 * The first object that a tape of a version does not have by itself; undefined where there is none. What SQLite makes of an object depends on
 * its SQL alone, whatever its name and type claim: a trigger runs, and so do views, CHECK, DEFAULT, generated columns and expressions of indexes.
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

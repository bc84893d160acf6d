// The flow store in a SQLite file: the `.tape`. The only door to better-sqlite3.
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import type Database from "better-sqlite3";
import { FlowtapeError, hasErrno, type Reporter } from "../errors.ts";
import type { Column, Filter } from "../filter/filter.ts";
import { type Body, type BodySource, bodyChunks } from "../flow/body.ts";
import type { Flow, HttpFlow } from "../flow/flow.ts";
import type { FlowSource } from "../flow/pipe.ts";
import { type BodyReader, type BodyWriter, decodeFlow, encodeFlow, encodeMessages, type FlowRow, type MessageRow, type StoredBody } from "./codec.ts";
import { APPLICATION_ID, indexes, knownObjects, migrations, SCHEMA_VERSION } from "./schema.ts";
import { selectRows } from "./select.ts";
import type { FlowStore, ReadOptions } from "./store.ts";

export interface StoreOptions {
	/** `read`: an existing tape; `create`: a new one, made in one go; `append`: for recording, made where there is none. */
	mode: "read" | "create" | "append";
	report: Reporter;
	/** Survives the loss of power too, not only the death of the process. */
	durable?: boolean;
	/** The key by which replay finds a recording; kept beside each flow. */
	requestKey?: ((flow: HttpFlow) => string) | undefined;
}

/** Bodies up to this many bytes stand in the flow's own row. */
const INLINE_BYTES = 256;
/** Bodies beyond this many bytes are cut in pieces of it. */
const CHUNK_BYTES = 1024 * 1024;
/** A group of flows is committed when it has lasted this long, or has this many flows or bytes. */
const COMMIT_MS = 40;
const COMMIT_FLOWS = 500;
const COMMIT_BYTES = 8 * 1024 * 1024;
/** Known bodies to which equal ones are referred; the oldest are forgotten. */
const KNOWN_BODIES = 50_000;
/** Flows a batch when reading. */
const BATCH_FLOWS = 200;

const COLUMNS = [
	...["id", "kind", "started", "method", "scheme", "host", "pretty_host", "port", "path", "status", "content_type", "request_key", "is_replay", "marked"],
	...["has_error", "has_websocket", "request_body", "response_body", "head", "client_conn", "server_conn", "rest"],
] as const satisfies readonly (keyof FlowRow)[];

type Row = FlowRow & { seq: number };

/** A stored flow as another tape takes it over: the row as it is, its bodies from where they lie. */
export interface TapeRecord {
	row: Row;
	store: SqliteStore;
}

/**
 * Opens a tape.
 * @throws FlowtapeError FT_NOT_FOUND, FT_IO, FT_UNKNOWN_FORMAT, FT_NEWER_FORMAT, FT_STORE
 */
export function openStore(path: string, options: StoreOptions): SqliteStore {
	return new SqliteStore(path, options);
}

export class SqliteStore implements FlowStore, BodyReader, BodyWriter {
	readonly path: string;
	readonly #options: StoreOptions;
	readonly #db: Database.Database;
	readonly #statements = new Map<string, Database.Statement<unknown[], unknown>>();
	readonly #known = new Map<string, number>();
	readonly #certificates = new Set<string>();
	readonly #copiedCertificates = new WeakSet<SqliteStore>();
	#pendingFlows = 0;
	#pendingBytes = 0;
	#timer: NodeJS.Timeout | undefined;
	#closed = false;

	constructor(path: string, options: StoreOptions) {
		this.path = path;
		this.#options = options;
		this.#db = this.#guard(() => openDatabase(path, options));
	}

	// — writing —

	append(flow: Flow): void {
		this.#guard(() => {
			this.#begin();
			const { record } = flow;
			if (record?.format === "tape") this.#copy(record.data as TapeRecord);
			else this.#insert(flow);
			this.#pendingFlows++;
		});
		if (this.#pendingFlows >= COMMIT_FLOWS || this.#pendingBytes >= COMMIT_BYTES) this.flush();
	}

	/** Commits what was appended. */
	flush(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		if (!this.#db.inTransaction) return;
		this.#guard(() => this.#db.exec("COMMIT"));
		this.#pendingFlows = 0;
		this.#pendingBytes = 0;
	}

	async close(): Promise<void> {
		if (this.#closed) return;
		this.#closed = true;
		try {
			if (this.#options.mode !== "read") {
				this.flush();
				this.#guard(() => {
					for (const index of indexes) this.#db.exec(index);
					// one single file: the write-ahead log is merged and goes
					this.#db.pragma("wal_checkpoint(TRUNCATE)");
					this.#db.pragma("journal_mode = DELETE");
				});
			}
		} finally {
			clearTimeout(this.#timer);
			this.#statements.clear();
			this.#db.close();
		}
	}

	#begin(): void {
		if (this.#db.inTransaction) return;
		this.#db.exec("BEGIN IMMEDIATE");
		if (this.#options.mode === "append") this.#timer = setTimeout(() => this.#commitInTime(), COMMIT_MS);
	}

	/** A failure has no caller here; it is kept for the next append. */
	#commitInTime(): void {
		try {
			this.flush();
		} catch (error) {
			if (!(error instanceof FlowtapeError)) throw error;
			this.#options.report(error.code, error.message, { file: this.path, cause: error });
		}
	}

	#insert(flow: Flow): void {
		const requestKey = flow.type === "http" && this.#options.requestKey ? this.#options.requestKey(flow) : null;
		const row = encodeFlow(flow, requestKey, this);
		this.#pendingBytes += row.head.length + 200;
		const seq = this.#insertRow(row);
		for (const [n, message] of encodeMessages(flow).entries()) this.#insertMessage(seq, n, message);
	}

	#insertRow(row: FlowRow): number {
		const sql = `INSERT INTO flow (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map(() => "?").join(", ")})`;
		const { lastInsertRowid } = this.#prepare(sql).run(
			...[row.id, row.kind, row.started, row.method, row.scheme, row.host, row.pretty_host, row.port, row.path, row.status, row.content_type],
			...[row.request_key, row.is_replay, row.marked, row.has_error, row.has_websocket],
			...[row.request_body, row.response_body, row.head, row.client_conn, row.server_conn, row.rest],
		);
		return Number(lastInsertRowid);
	}

	#insertMessage(seq: number, n: number, message: MessageRow): void {
		this.#pendingBytes += message.bytes.length;
		this.#prepare("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?)").run(
			seq,
			n,
			message.at,
			message.from_client,
			message.opcode,
			message.flags,
			message.bytes,
		);
	}

	/** Takes a flow over from another tape without decoding it. */
	#copy({ row, store }: TapeRecord): void {
		if (!this.#copiedCertificates.has(store)) {
			this.#copiedCertificates.add(store);
			for (const { hash, pem } of store.#all<{ hash: Uint8Array; pem: Uint8Array }>("SELECT hash, pem FROM certificate"))
				this.#prepare("INSERT OR IGNORE INTO certificate VALUES (?, ?)").run(hash, pem);
		}
		const move = (stored: StoredBody): StoredBody => (typeof stored === "number" ? this.writeBody(store.readBody(stored)) : stored);
		const seq = this.#insertRow({ ...row, request_body: move(row.request_body), response_body: move(row.response_body) });
		this.#pendingBytes += row.head.length + 500;
		if (row.kind === "tcp" || row.kind === "udp" || row.has_websocket === 1)
			for (const [n, message] of store.readMessages(row.seq).entries()) this.#insertMessage(seq, n, message);
	}

	writeCertificate(pem: Uint8Array): Uint8Array {
		const hash = createHash("sha256").update(pem).digest();
		const key = hash.latin1Slice();
		if (!this.#certificates.has(key)) {
			this.#certificates.add(key);
			this.#prepare("INSERT OR IGNORE INTO certificate VALUES (?, ?)").run(hash, pem);
		}
		return hash;
	}

	readCertificate(hash: Uint8Array): Uint8Array {
		const row = this.#get<{ pem: Uint8Array }>("SELECT pem FROM certificate WHERE hash = ?", hash);
		return row?.pem ?? Buffer.alloc(0);
	}

	writeBody(body: Body): StoredBody {
		if (body === null) return null;
		const size = Buffer.isBuffer(body) ? body.length : body.size;
		this.#pendingBytes += size;
		if (size > CHUNK_BYTES) return this.#writeChunks(size, body);
		const bytes = Buffer.isBuffer(body) ? body : body.read();
		if (size <= INLINE_BYTES) return bytes;
		const hash = createHash("sha256").update(bytes).digest();
		const key = hash.latin1Slice(0, 16);
		const known = this.#known.get(key);
		if (known !== undefined) return known;
		const id = Number(this.#prepare("INSERT INTO body (hash, size, bytes) VALUES (?, ?, ?)").run(hash, size, bytes).lastInsertRowid);
		this.#known.set(key, id);
		if (this.#known.size > KNOWN_BODIES) this.#known.delete(this.#known.keys().next().value as string);
		return id;
	}

	readBody(stored: StoredBody): Body {
		if (typeof stored === "number") return this.#bodySource(stored);
		return stored === null ? null : Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
	}

	#writeChunks(size: number, body: Buffer | BodySource): number {
		const id = Number(this.#prepare("INSERT INTO body (hash, size, bytes) VALUES (NULL, ?, NULL)").run(size).lastInsertRowid);
		let n = 0;
		for (const piece of bodyChunks(body)) {
			for (let at = 0; at < piece.length; at += CHUNK_BYTES)
				this.#prepare("INSERT INTO chunk VALUES (?, ?, ?)").run(id, n++, piece.subarray(at, at + CHUNK_BYTES));
		}
		return id;
	}

	#bodySource(id: number): Body {
		const row = this.#get<{ size: number; bytes: Buffer | null }>("SELECT size, bytes FROM body WHERE id = ?", id);
		if (row === undefined) throw this.#damaged(`body ${id} is not there`);
		return row.bytes ?? this.#chunkedSource(id, row.size);
	}

	#chunkedSource(id: number, size: number): BodySource {
		const pieces = (): Iterable<Buffer> =>
			mapIterable(this.#prepare("SELECT bytes FROM chunk WHERE body = ? ORDER BY n").iterate(id), (row) => (row as { bytes: Buffer }).bytes);
		return { size, chunks: pieces, read: () => Buffer.concat([...pieces()]) };
	}

	readMessages(seq: number): MessageRow[] {
		return this.#all<MessageRow>("SELECT at, from_client, opcode, flags, bytes FROM message WHERE flow = ? ORDER BY n", seq);
	}

	// — reading —

	read(options: ReadOptions = {}): FlowSource {
		const batches = () => this.#batches(options);
		return {
			async *[Symbol.asyncIterator]() {
				yield* batches();
			},
		};
	}

	/** Rows in pages by number, so that no statement stays open between batches and a writer is never kept out. */
	*#batches({ filter, ids }: ReadOptions): Generator<Flow[]> {
		const condition = filter === undefined ? null : this.#guard(() => selectRows(filter, (column) => this.#distinct(column)));
		const isFinal = filter === undefined || condition?.exact === true;
		const clauses = ["seq > ?", ...(condition === null ? [] : [condition.sql]), ...(ids === undefined ? [] : [`id IN (${ids.map(() => "?").join(", ")})`])];
		const sql = `SELECT seq, ${COLUMNS.join(", ")} FROM flow WHERE ${clauses.join(" AND ")} ORDER BY seq LIMIT ${BATCH_FLOWS}`;
		const parameters = [...(condition?.parameters ?? []), ...(ids ?? [])];
		for (let last = -1; ; ) {
			const rows = this.#all<Row>(sql, last, ...parameters);
			const end = rows.at(-1);
			if (end === undefined) return;
			last = end.seq;
			const flows = rows.flatMap((row) => this.#decode(row) ?? []);
			yield isFinal ? flows : flows.filter((flow) => filter.matches(flow));
		}
	}

	async count(filter?: Filter): Promise<number> {
		if (filter === undefined) return this.#get<{ n: number }>("SELECT count(*) AS n FROM flow")?.n ?? 0;
		const condition = this.#guard(() => selectRows(filter, (column) => this.#distinct(column)));
		if (condition.exact) return this.#get<{ n: number }>(`SELECT count(*) AS n FROM flow WHERE ${condition.sql}`, ...condition.parameters)?.n ?? 0;
		let count = 0;
		for (const batch of this.#batches({ filter })) count += batch.length;
		return count;
	}

	findByKey(key: string, after: number, limit: number): number[] {
		return this.#all<{ seq: number }>("SELECT seq FROM flow WHERE request_key = ? AND seq > ? ORDER BY seq LIMIT ?", key, after, limit).map((row) => row.seq);
	}

	at(seq: number): Flow | null {
		const row = this.#get<Row>(`SELECT seq, ${COLUMNS.join(", ")} FROM flow WHERE seq = ?`, seq);
		return row === undefined ? null : (this.#decode(row) ?? null);
	}

	#decode(row: Row): Flow | undefined {
		try {
			const flow = decodeFlow(row.seq, row, this);
			const data: TapeRecord = { row, store: this };
			flow.record = { format: "tape", version: SCHEMA_VERSION, data };
			return flow;
		} catch (cause) {
			if (cause instanceof FlowtapeError) throw cause;
			this.#options.report("FT_CORRUPT_FLOW", `${this.path}: flow ${row.seq}: its record cannot be decoded; it is left out`, {
				file: this.path,
				record: row.seq,
				cause,
			});
			return undefined;
		}
	}

	/** A loose scan of the covering index would be faster on very long tapes; a plain one costs 10 ms a 50,000 flows. */
	#distinct(column: Column): (string | number | null)[] {
		return this.#all<Record<string, string | number | null>>(`SELECT DISTINCT ${column} FROM flow`).map((row) => row[column] ?? null);
	}

	// — statements and errors —

	#prepare(sql: string): Database.Statement<unknown[], unknown> {
		let statement = this.#statements.get(sql);
		if (statement === undefined) {
			statement = this.#db.prepare<unknown[], unknown>(sql);
			this.#statements.set(sql, statement);
		}
		return statement;
	}

	#all<R>(sql: string, ...parameters: unknown[]): R[] {
		return this.#guard(() => this.#prepare(sql).all(...parameters) as R[]);
	}

	#get<R>(sql: string, ...parameters: unknown[]): R | undefined {
		return this.#guard(() => this.#prepare(sql).get(...parameters) as R | undefined);
	}

	#damaged(what: string, cause?: unknown): FlowtapeError {
		return new FlowtapeError("FT_STORE", `${this.path}: the tape is damaged: ${what}`, { file: this.path, cause });
	}

	/** Gives SQLite's errors the words and codes of ours. */
	#guard<T>(action: () => T): T {
		try {
			return action();
		} catch (error) {
			throw error instanceof FlowtapeError ? error : storeError(this.path, error);
		}
	}
}

function* mapIterable<A, B>(items: Iterable<A>, map: (item: A) => B): Generator<B> {
	for (const item of items) yield map(item);
}

function openDatabase(path: string, { mode, durable }: StoreOptions): Database.Database {
	const Sqlite = createRequire(import.meta.url)("better-sqlite3") as typeof Database;
	const db = new Sqlite(path, { readonly: mode === "read", fileMustExist: mode === "read", timeout: 5000 });
	try {
		// what stands in a tape that someone else made must not run
		db.pragma("trusted_schema = OFF");
		db.pragma("cell_size_check = ON");
		db.pragma(`cache_size = ${-32 * 1024}`);
		db.pragma(`mmap_size = ${1024 * 1024 * 1024}`);
		if (mode !== "read" && isEmpty(db)) initialise(db);
		checkIdentity(db, path);
		if (mode !== "read") prepareForWriting(db, mode, durable ?? false);
		return db;
	} catch (error) {
		db.close();
		throw error;
	}
}

function isEmpty(db: Database.Database): boolean {
	return db.pragma("page_count", { simple: true }) === 0 || db.prepare("SELECT count(*) AS n FROM sqlite_schema").pluck().get() === 0;
}

function initialise(db: Database.Database): void {
	db.pragma("page_size = 8192");
	db.pragma(`application_id = ${APPLICATION_ID}`);
}

function checkIdentity(db: Database.Database, path: string): void {
	if (db.pragma("application_id", { simple: true }) !== APPLICATION_ID) {
		throw new FlowtapeError("FT_UNKNOWN_FORMAT", `${path}: a flowtape tape was expected, this is a SQLite database of something else`, { file: path });
	}
	const version = Number(db.pragma("user_version", { simple: true }));
	if (version > SCHEMA_VERSION) {
		throw new FlowtapeError(
			"FT_NEWER_FORMAT",
			`${path}: the tape has version ${version}, this flowtape reads up to ${SCHEMA_VERSION}; a newer flowtape wrote it, update to read it`,
			{ file: path },
		);
	}
	for (const { name, type } of db.prepare("SELECT name, type FROM sqlite_schema").all() as { name: string; type: string }[]) {
		if (!knownObjects.has(name) && !name.startsWith("sqlite_")) {
			throw new FlowtapeError("FT_STORE", `${path}: the tape has a ${type} "${name}", which no flowtape makes; it is not opened`, { file: path });
		}
	}
}

function prepareForWriting(db: Database.Database, mode: "create" | "append", durable: boolean): void {
	// a new file that is made in one go needs no journal: it has its name only once it is whole
	if (mode === "create") {
		db.pragma("journal_mode = OFF");
		db.pragma("synchronous = OFF");
	} else {
		db.pragma("journal_mode = WAL");
		db.pragma(`synchronous = ${durable ? "FULL" : "NORMAL"}`);
	}
	const version = Number(db.pragma("user_version", { simple: true }));
	if (version < SCHEMA_VERSION) {
		db.transaction(() => {
			for (const step of migrations.slice(version)) db.exec(step);
			db.pragma(`user_version = ${SCHEMA_VERSION}`);
		})();
	}
	if (mode === "append") for (const index of indexes) db.exec(index);
}

/** What SQLite says, as an error of ours: the system's fault or the file's. */
function storeError(path: string, error: unknown): unknown {
	if (!(error instanceof Error) || !("code" in error)) return error;
	const code = String(error.code);
	const is = (...starts: string[]) => starts.some((start) => code.startsWith(start));
	const fail = (ours: "FT_STORE" | "FT_IO" | "FT_UNKNOWN_FORMAT", what: string) => new FlowtapeError(ours, `${path}: ${what}`, { file: path, cause: error });
	if (is("SQLITE_NOTADB")) return fail("FT_UNKNOWN_FORMAT", "not a tape: a SQLite file was expected");
	if (is("SQLITE_FULL")) return fail("FT_IO", "the disk is full; what was committed before is kept");
	if (is("SQLITE_BUSY")) return fail("FT_IO", "another process is writing to this tape and did not let go for 5 seconds");
	if (is("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH")) return fail("FT_IO", "the tape cannot be written: it or its folder is read-only");
	if (is("SQLITE_CANTOPEN")) return fail("FT_IO", "the tape cannot be opened: check that its folder is there and yours to write");
	if (is("SQLITE_IOERR")) return fail("FT_IO", `reading or writing failed (${code}): the disk may be full or faulty`);
	if (is("SQLITE_")) return fail("FT_STORE", `the tape is damaged (${error.message})`);
	return hasErrno(error, "ERR_OUT_OF_RANGE") ? fail("FT_STORE", "the tape is damaged (a number out of range)") : error;
}

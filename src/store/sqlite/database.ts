// The SQLite file of a tape: opens, checks and migrates it. The only module that imports better-sqlite3.
import { type BigIntStats, existsSync, realpathSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import type Database from "better-sqlite3";
import { FlowtapeError, hasErrno } from "../../errors.ts";
import { lazily } from "../../lazy.ts";
import { checkBinding } from "./binding.ts";
import { refuseForgedLogs } from "./forged-logs.ts";
import { isOpen, noteOpened } from "./open-files.ts";
import { treeDamage } from "./page-trees.ts";
import { APPLICATION_ID, foreignObject, indexes, migrateSchema, SCHEMA_VERSION, type SchemaObject } from "./schema.ts";
import { damagedTape, foreignObjectError, storeError } from "./store-errors.ts";

/**
 * `read`: an existing tape; `create`: a new one, which nobody reads before it is closed; `append`: one for recording,
 * created if it does not exist; `checkpoint`: one that another connection appends to; this one only runs checkpoints of
 * its write-ahead log.
 */
export type Mode = "read" | "create" | "append" | "checkpoint";

const loadSqlite = lazily<typeof Database>("better-sqlite3");
let isBindingChecked = false;

function betterSqlite(): typeof Database {
	if (!isBindingChecked) checkBinding(createRequire(import.meta.url).resolve("better-sqlite3"));
	isBindingChecked = true;
	return loadSqlite();
}

/** SQLite's busy timeout: how long to wait for the lock of another process, in milliseconds. */
const BUSY_MS = 5000;

/**
 * Size of the write-ahead log, in pages, from which a commit runs a checkpoint itself. The log restarts only if nothing
 * is appended during a checkpoint.
 */
const LOG_PAGES = 8192;

/** Page cache in KiB: small for reading and writing in order, large for looking up recordings in random order. */
const CACHE_KIB = 8 * 1024;
const RANDOM_CACHE_KIB = 64 * 1024;

type Statement = Database.Statement<unknown[], unknown>;

/** Closes a tape that was opened for reading and never closed, once neither its reader nor a flow refers to it. */
const registry = new FinalizationRegistry<() => void>((close) => close());

/** Closed tapes that are open again until the end of the event loop's turn, and the maximum number of them. */
const reopened = new Set<TapeDatabase>();
const MAX_REOPENED = 8;

/**
 * All objects of better-sqlite3, so that they are never freed. Version 12 compiled for Node 24.19 and later aborts the
 * process when one of its objects is garbage-collected outside of JavaScript (nodejs/node#65446). The objects are few
 * and small (about three kilobytes a tape). For the same reason this file avoids `pragma` and `transaction`, which
 * create objects internally.
 */
const kept: object[] = [];

/** Keeps an object of better-sqlite3 alive, and returns it. */
export function keep<T extends object>(made: T): T {
	kept.push(made);
	return made;
}

/**
 * A connection to a tape. Closing it releases the file. Lazy parts of flows that were read, such as bodies, can be read
 * even then: the tape is opened again until the end of the event loop's turn, if it is still the same file.
 */
export class TapeDatabase {
	readonly path: string;
	/**
	 * The schema version when the tape was opened. Another process may migrate the tape later, which only adds to the
	 * schema.
	 */
	readonly schema: number;
	/** The schema version before it was migrated; null if the tape was new or up to date. */
	readonly migratedFrom: number | null;
	readonly #mode: Mode;
	readonly #isTemporary: boolean;
	/** The identity of the file that is read; null when writing. */
	readonly #file: BigIntStats | null;
	#db: Database.Database;
	#close: () => void;
	readonly #statements = new Map<string, Statement>();
	/** Statements that return rows as lists, and statements that return the first column only. */
	readonly #lists = new Map<string, Statement>();
	readonly #plucked = new Map<string, Statement>();
	#held = false;

	/**
	 * @param durable whether commits also survive a power failure
	 * @param isTemporary the file is deleted while flows still refer to it: it stays open as long as they do
	 * @throws FlowtapeError FT_IO, FT_UNKNOWN_FORMAT, FT_NEWER_FORMAT, FT_STORE
	 */
	constructor(path: string, mode: Mode, durable: boolean, isTemporary = false) {
		this.path = path;
		this.#mode = mode;
		this.#isTemporary = isTemporary;
		this.#file = mode === "read" ? fileAt(path) : null;
		const { db, from, close } = this.guard(() => open(path, mode, durable));
		this.#db = db;
		this.#close = close;
		if (mode === "read") registry.register(this, close, this);
		this.migratedFrom = from;
		this.schema = this.version();
	}

	get inTransaction(): boolean {
		return this.#db.inTransaction;
	}

	get mode(): Mode {
		return this.#mode;
	}

	/** The schema version of this tape, or of a tape attached under a name. */
	version(name = "main"): number {
		return this.get<{ user_version: number }>(`PRAGMA ${name}.user_version`)?.user_version ?? 0;
	}

	/** Call before reading rows in random order. */
	enlargeCache(): void {
		this.exec(`PRAGMA cache_size = ${-RANDOM_CACHE_KIB}`);
	}

	exec(sql: string): void {
		const db = this.#live();
		this.guard(() => db.exec(sql));
	}

	/** Rolls back the transaction, if one is open. */
	rollback(): void {
		if (this.#db.inTransaction) this.exec("ROLLBACK");
	}

	/**
	 * Defines a SQL function for the statements of this connection, not for SQL in the tape's schema. An error it throws
	 * ends the statement.
	 */
	define<V extends unknown[]>(name: string, call: (...values: V) => number | null): void {
		const db = this.#live();
		this.guard(() => db.function(name, { directOnly: true }, call));
	}

	/** Returns the id of the inserted row. */
	insert(sql: string, ...parameters: unknown[]): number {
		return Number(this.run(sql, ...parameters).lastInsertRowid);
	}

	run(sql: string, ...parameters: unknown[]): Database.RunResult {
		try {
			return this.#prepare(sql).run(...parameters);
		} catch (error) {
			throw this.#translated(error);
		}
	}

	/**
	 * All rows as objects. They are built here because the binding looks up the column names for every row, which costs
	 * as much as reading it.
	 */
	all<R>(sql: string, ...parameters: unknown[]): R[] {
		const lists = this.lists<[]>(sql, ...parameters);
		if (lists.length === 0) return [];
		const names = this.#prepare(sql, "raw")
			.columns()
			.map(({ name }) => name);
		const empty: Record<string, unknown> = Object.fromEntries(names.map((name) => [name, null]));
		return lists.map((values) => {
			const row = { ...empty };
			for (let i = 0; i < names.length; i++) row[names[i] as string] = values[i];
			return row as R;
		});
	}

	/** All rows, each as a list. */
	lists<L extends unknown[]>(sql: string, ...parameters: unknown[]): L[] {
		try {
			return this.#prepare(sql, "raw").all(...parameters) as L[];
		} catch (error) {
			throw this.#translated(error);
		}
	}

	/** The first column of all rows. */
	column<V>(sql: string, ...parameters: unknown[]): V[] {
		try {
			return this.#prepare(sql, "pluck").all(...parameters) as V[];
		} catch (error) {
			throw this.#translated(error);
		}
	}

	get<R>(sql: string, ...parameters: unknown[]): R | undefined {
		try {
			return this.#prepare(sql).get(...parameters) as R | undefined;
		} catch (error) {
			throw this.#translated(error);
		}
	}

	/** Yields the rows one by one. The connection is busy until the iteration ends. */
	*iterate<R>(sql: string, ...parameters: unknown[]): Generator<R> {
		try {
			for (const row of keep(this.#prepare(sql).iterate(...parameters))) yield row as R;
		} catch (error) {
			throw this.#translated(error);
		}
	}

	/**
	 * Opens a read transaction until the end of the event loop's turn: all statements see one state, and the file is
	 * locked once instead of once per statement. Does nothing in other modes than `read`. Returns false if a transaction
	 * is already open, whose state may not be the latest.
	 */
	beginReadSnapshot(): boolean {
		if (this.#held) return false;
		if (this.#mode !== "read") return true;
		this.exec("BEGIN");
		this.#held = true;
		setImmediate(() => this.endReadSnapshot());
		return true;
	}

	/** Ends the read transaction, so that the next statement sees later commits. */
	endReadSnapshot(): void {
		if (!this.#held) return;
		this.#held = false;
		if (this.#db.open && this.#db.inTransaction) this.exec("COMMIT");
	}

	/** Checkpoints the write-ahead log while another connection continues writing. */
	checkpoint(): void {
		this.exec("PRAGMA wal_checkpoint(PASSIVE)");
	}

	/** Overwrites deleted data with zeros from now on. */
	eraseDeleted(): void {
		this.exec("PRAGMA secure_delete = ON");
	}

	/** Checkpoints and truncates the write-ahead log. Returns false if a reader or another checkpoint prevents that now. */
	truncateLog(): boolean {
		this.exec("PRAGMA busy_timeout = 0");
		try {
			return this.get<{ busy: number }>("PRAGMA wal_checkpoint(TRUNCATE)")?.busy === 0;
		} finally {
			this.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
		}
	}

	/** Creates the indexes, which a tape lacks while it is bulk-loaded. */
	buildIndexes(): void {
		for (const index of indexes) this.exec(index);
	}

	/**
	 * Closes the tape. After appending, the write-ahead log is checkpointed and deleted, which leaves a single file,
	 * unless another process is still reading the log.
	 */
	close(): void {
		try {
			if (this.#mode === "append") {
				this.guard(() => {
					this.#db.exec("PRAGMA busy_timeout = 100");
					this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
					this.#db.exec("PRAGMA journal_mode = DELETE");
				});
			}
		} catch (error) {
			if (!(error instanceof FlowtapeError && hasErrno(error.cause, "SQLITE_BUSY", "SQLITE_LOCKED"))) throw error;
		} finally {
			if (!this.#isTemporary) this.#release();
		}
	}

	#release(): void {
		reopened.delete(this);
		this.#held = false;
		this.#statements.clear();
		this.#lists.clear();
		this.#plucked.clear();
		registry.unregister(this);
		this.#close();
	}

	/** The open connection; a tape closed after reading is opened again. @throws FlowtapeError */
	#live(): Database.Database {
		if (this.#db.open || this.#mode !== "read") return this.#db;
		this.#checkSame();
		const [eldest] = reopened;
		if (eldest !== undefined && reopened.size >= MAX_REOPENED) eldest.#release();
		const { db, close } = this.guard(() => open(this.path, "read", false, true));
		this.#db = db;
		this.#close = close;
		if (reopened.size === 0) setImmediate(TapeDatabase.releaseReopened);
		reopened.add(this);
		return this.#db;
	}

	/** Closes the tapes that were opened again. */
	static releaseReopened(): void {
		for (const db of reopened) db.#release();
	}

	/** @throws FlowtapeError FT_IO */
	#checkSame(): void {
		const now = fileAt(this.path);
		if (
			now !== null &&
			now.ino === this.#file?.ino &&
			now.dev === this.#file.dev &&
			now.birthtimeNs === this.#file.birthtimeNs
		)
			return;
		const message = `${this.path}: the file was removed or replaced before all of it was read: keep it in place, or read bodies before it goes`;
		throw new FlowtapeError("FT_IO", message, { file: this.path });
	}

	/** Runs an action and translates SQLite's errors into FlowtapeErrors. */
	guard<T>(action: () => T): T {
		try {
			return action();
		} catch (error) {
			throw this.#translated(error);
		}
	}

	#prepare(sql: string, shape?: "raw" | "pluck"): Statement {
		const statements = shape === undefined ? this.#statements : shape === "raw" ? this.#lists : this.#plucked;
		let statement = statements.get(sql);
		if (statement === undefined) {
			statement = keep(this.#live().prepare<unknown[], unknown>(sql));
			if (shape !== undefined) statement[shape]();
			statements.set(sql, statement);
		}
		return statement;
	}

	#translated(error: unknown): unknown {
		return error instanceof FlowtapeError ? error : storeError(this.path, error);
	}
}

function fileAt(path: string): BigIntStats | null {
	return statSync(path, { bigint: true, throwIfNoEntry: false }) ?? null;
}

/**
 * Locks a file exclusively and returns the function that unlocks it; null: another process holds the lock.
 * @throws FlowtapeError
 */
export function lockExclusively(path: string): (() => void) | null {
	const Sqlite = betterSqlite();
	let db: Database.Database | undefined;
	refuseForgedLogs(path);
	try {
		const made = keep(new Sqlite(path, { fileMustExist: true, timeout: 0 }));
		db = made;
		made.exec("BEGIN EXCLUSIVE");
		return () => made.close();
	} catch (error) {
		db?.close();
		if (hasErrno(error, "SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN")) return null;
		throw storeError(path, error);
	}
}

/** A connection, and the version from which the tape was migrated. */
interface Connection {
	readonly db: Database.Database;
	readonly from: number | null;
	/** Closes the connection. Can be called again. */
	readonly close: () => void;
}

/** @param isKnown whether the same file was open before */
function open(path: string, mode: Mode, durable: boolean, isKnown = false): Connection {
	const Sqlite = betterSqlite();
	refuseForgedLogs(path);
	if (!isKnown && (mode === "read" || mode === "append")) refuseForgedTrees(path, mode);
	const isWritten = mode === "create" || mode === "append";
	const db = keep(new Sqlite(path, { readonly: mode === "read", fileMustExist: !isWritten, timeout: BUSY_MS }));
	try {
		// SQL in the schema of an untrusted tape must not run
		db.exec("PRAGMA trusted_schema = OFF");
		db.exec("PRAGMA cell_size_check = ON");
		// no memory mapping: a mapped file that shrinks kills the process
		db.exec("PRAGMA mmap_size = 0");
		db.exec(`PRAGMA cache_size = ${-CACHE_KIB}`);
		if (mode === "create") disableJournal(db);
		const from = isWritten ? migrate(db, path) : null;
		if (!isWritten) checkIdentity(db, path);
		if (mode === "append") prepareForAppending(db, durable);
		return { db, from, close: closerOf(db, noteOpened(path)) };
	} catch (error) {
		db.close();
		throw error;
	}
}

function closerOf(db: Database.Database, noteClosed: () => void): () => void {
	return () => {
		if (!db.open) return;
		db.close();
		noteClosed();
	};
}

/**
 * Refuses a tape with tables that SQLite would not finish scanning. A rollback journal, which replaces pages, is applied
 * first; a tape that is only read cannot be opened with one.
 * @throws FlowtapeError FT_STORE
 */
function refuseForgedTrees(path: string, mode: Mode): void {
	if (!existsSync(path) || !statSync(path).isFile()) return;
	// a file that is open was checked; reading it here would release SQLite's locks, which POSIX keeps for each process
	if (isOpen(path)) return;
	const file = realpathSync(path);
	if (mode === "append" && existsSync(`${file}-journal`)) applyJournal(path);
	const damage = unlessUnreadable(() => treeDamage(file));
	if (damage !== null) throw damagedTape(path, damage);
}

function applyJournal(path: string): void {
	const Sqlite = betterSqlite();
	const db = keep(new Sqlite(path, { fileMustExist: true, timeout: BUSY_MS }));
	try {
		// does not read the schema
		versionOf(db);
	} finally {
		db.close();
	}
}

/** The result of `read`; null if the system does not let it read, which SQLite reports. */
function unlessUnreadable<T>(read: () => T): T | null {
	try {
		return read();
	} catch (error) {
		if (error instanceof Error && "errno" in error) return null;
		throw error;
	}
}

/**
 * Creates the tables of a new tape, or migrates an old one to the newest version, in one transaction.
 * @returns the version before the migration; null if the tape was new or up to date
 */
function migrate(db: Database.Database, path: string): number | null {
	db.exec("PRAGMA page_size = 8192");
	db.exec("BEGIN IMMEDIATE");
	try {
		const isNew = firstValue(db, "SELECT count(*) FROM sqlite_schema") === 0;
		if (isNew) db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
		else checkIdentity(db, path);
		const from = isNew ? 0 : versionOf(db);
		migrateSchema(db, from);
		db.exec("COMMIT");
		return isNew || from === SCHEMA_VERSION ? null : from;
	} finally {
		if (db.inTransaction) db.exec("ROLLBACK");
	}
}

/** The first column of the first row. */
function firstValue(db: Database.Database, sql: string): unknown {
	return keep(db.prepare(sql)).pluck().get();
}

function versionOf(db: Database.Database): number {
	return Number(firstValue(db, "PRAGMA user_version"));
}

function checkIdentity(db: Database.Database, path: string): void {
	if (firstValue(db, "PRAGMA application_id") !== APPLICATION_ID) {
		throw new FlowtapeError(
			"FT_UNKNOWN_FORMAT",
			`${path}: expected a tape of flowtape, found another SQLite database`,
			{ file: path },
		);
	}
	const version = versionOf(db);
	if (version > SCHEMA_VERSION) {
		throw new FlowtapeError(
			"FT_NEWER_FORMAT",
			`${path}: the tape has version ${version}, and this flowtape reads up to ${SCHEMA_VERSION}: update flowtape to read it`,
			{ file: path },
		);
	}
	const foreign = foreignObject(
		keep(db.prepare("SELECT type, name, sql FROM sqlite_schema")).all() as SchemaObject[],
		version,
	);
	if (foreign !== undefined) throw foreignObjectError(path, foreign);
}

/**
 * A new tape gets its final name only when complete, so it needs no rollback journal. Defensive mode ignores
 * `journal_mode = OFF`, hence `unsafeMode`.
 */
function disableJournal(db: Database.Database): void {
	db.unsafeMode(true);
	db.exec("PRAGMA journal_mode = OFF");
	db.unsafeMode(false);
	db.exec("PRAGMA synchronous = OFF");
}

function prepareForAppending(db: Database.Database, durable: boolean): void {
	db.exec("PRAGMA journal_mode = WAL");
	db.exec(`PRAGMA wal_autocheckpoint = ${LOG_PAGES}`);
	db.exec(`PRAGMA synchronous = ${durable ? "FULL" : "NORMAL"}`);
	for (const index of indexes) db.exec(index);
}

// Opens the SQLite file of a tape: checks, creates and migrates it. The only module that imports better-sqlite3.
import { existsSync, realpathSync, statSync } from "node:fs";
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

export type Sqlite = Database.Database;
export type Statement = Database.Statement<unknown[], unknown>;
export type RunResult = Database.RunResult;

const loadSqlite = lazily<typeof Database>("better-sqlite3");
let isBindingChecked = false;

function betterSqlite(): typeof Database {
	if (!isBindingChecked) checkBinding(createRequire(import.meta.url).resolve("better-sqlite3"));
	isBindingChecked = true;
	return loadSqlite();
}

/** SQLite's busy timeout: how long to wait for the lock of another process, in milliseconds. */
export const BUSY_MS = 5000;

/**
 * Size of the write-ahead log, in pages, from which a commit runs a checkpoint itself. The log restarts only if nothing
 * is appended during a checkpoint.
 */
const LOG_PAGES = 8192;

/** The page cache for reading and writing in order. KiB. */
const CACHE_KIB = 8 * 1024;

/**
 * All objects of better-sqlite3, so that they are never freed. Version 12 compiled for Node 24.19 and later aborts the
 * process when one of its objects is garbage-collected outside of JavaScript (nodejs/node#65446). The objects are few
 * and small (about three kilobytes a tape). For the same reason the store avoids `pragma` and `transaction`, which
 * create objects internally.
 */
const kept: object[] = [];

/** Keeps an object of better-sqlite3 alive, and returns it. */
export function keep<T extends object>(made: T): T {
	kept.push(made);
	return made;
}

/** A connection, and the version from which the tape was migrated. */
interface OpenTape {
	readonly db: Sqlite;
	readonly from: number | null;
	/** Closes the connection. Can be called again. */
	readonly close: () => void;
}

/**
 * Opens the file of a tape. A new one gets its tables; an old one is migrated if it is written.
 * @param durable whether commits also survive a power failure
 * @param isKnown whether the same file was open before
 * @throws FlowtapeError, or SQLite's error
 */
export function openTapeFile(path: string, mode: Mode, durable: boolean, isKnown = false): OpenTape {
	const SqliteFile = betterSqlite();
	refuseForgedLogs(path);
	if (!isKnown && (mode === "read" || mode === "append")) refuseForgedTrees(path, mode);
	const isWritten = mode === "create" || mode === "append";
	const db = keep(new SqliteFile(path, { readonly: mode === "read", fileMustExist: !isWritten, timeout: BUSY_MS }));
	try {
		configure(db);
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

/**
 * Opens a tape in memory for reading.
 * @param name for messages
 * @throws FlowtapeError, or SQLite's error
 */
export function openTapeImage(name: string, image: Buffer): OpenTape {
	const SqliteFile = betterSqlite();
	const damage = treeDamage(image);
	if (damage !== null) throw damagedTape(name, damage);
	const db = keep(new SqliteFile(image, { readonly: true }));
	try {
		configure(db);
		checkIdentity(db, name);
		return { db, from: null, close: () => db.close() };
	} catch (error) {
		db.close();
		throw error;
	}
}

/** Prepares a connection to a tape that may be forged. */
function configure(db: Sqlite): void {
	// SQL in the schema of an untrusted tape must not run
	db.exec("PRAGMA trusted_schema = OFF");
	db.exec("PRAGMA cell_size_check = ON");
	// no memory mapping: a mapped file that shrinks kills the process
	db.exec("PRAGMA mmap_size = 0");
	db.exec(`PRAGMA cache_size = ${-CACHE_KIB}`);
}

function closerOf(db: Sqlite, noteClosed: () => void): () => void {
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
	const SqliteFile = betterSqlite();
	const db = keep(new SqliteFile(path, { fileMustExist: true, timeout: BUSY_MS }));
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
function migrate(db: Sqlite, path: string): number | null {
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
function firstValue(db: Sqlite, sql: string): unknown {
	return keep(db.prepare(sql)).pluck().get();
}

function versionOf(db: Sqlite): number {
	return Number(firstValue(db, "PRAGMA user_version"));
}

function checkIdentity(db: Sqlite, path: string): void {
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
function disableJournal(db: Sqlite): void {
	db.unsafeMode(true);
	db.exec("PRAGMA journal_mode = OFF");
	db.unsafeMode(false);
	db.exec("PRAGMA synchronous = OFF");
}

function prepareForAppending(db: Sqlite, durable: boolean): void {
	db.exec("PRAGMA journal_mode = WAL");
	db.exec(`PRAGMA wal_autocheckpoint = ${LOG_PAGES}`);
	db.exec(`PRAGMA synchronous = ${durable ? "FULL" : "NORMAL"}`);
	for (const index of indexes) db.exec(index);
}

/**
 * Locks a file exclusively and returns the function that unlocks it; null: another process holds the lock.
 * @throws FlowtapeError
 */
export function lockExclusively(path: string): (() => void) | null {
	const SqliteFile = betterSqlite();
	let db: Sqlite | undefined;
	refuseForgedLogs(path);
	try {
		const made = keep(new SqliteFile(path, { fileMustExist: true, timeout: 0 }));
		db = made;
		made.exec("BEGIN EXCLUSIVE");
		return () => made.close();
	} catch (error) {
		db?.close();
		if (hasErrno(error, "SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN")) return null;
		throw storeError(path, error);
	}
}

// A SQLite file that is a tape: opened, checked and migrated, with SQLite's errors in our words. The only door to better-sqlite3.
import { type BigIntStats, statSync } from "node:fs";
import { createRequire } from "node:module";
import type Database from "better-sqlite3";
import { FlowtapeError, hasErrno } from "../../errors.ts";
import { APPLICATION_ID, foreignObject, indexes, migrateSchema, SCHEMA_VERSION, type SchemaObject } from "./schema.ts";

/**
 * `read`: an existing tape; `create`: a new one, made in one go and read once it is closed; `append`: for recording, made where there is none;
 * `merge`: one that another connection appends to, to merge its write-ahead log.
 */
export type Mode = "read" | "create" | "append" | "merge";

/** How long to wait for another process that writes, in milliseconds. */
const BUSY_MS = 5000;

/** Pages of the write-ahead log from which committing does what merging has not: the log begins anew only where nothing is added to it meanwhile. */
const LOG_PAGES = 8192;

/** Pages kept in memory, in KiB: tapes are read from start to end and grow at their end, but recordings are asked for in any order. */
const CACHE_KIB = 8 * 1024;
const RANDOM_CACHE_KIB = 64 * 1024;

type Statement = Database.Statement<unknown[], unknown>;

/** Closes tapes that are read and that nobody has closed, once nothing refers to them any more: neither who reads them nor a flow that was read. */
const forgotten = new FinalizationRegistry<Database.Database>((db) => db.close());

/** Tapes that are closed, and open until the end of the turn of the event loop: at most so many. */
const reopened = new Set<TapeDatabase>();
const REOPENED = 8;

/**
 * All that better-sqlite3 made. Version 12 compiled for Node 24.19 and later aborts the process when one of its objects is collected as garbage
 * outside of JavaScript (nodejs/node#65446); they are few and small (about three kilobytes a tape), so they stay, closed. For the same reason nothing here uses
 * its `pragma` and `transaction`, which make objects of their own.
 */
const kept: object[] = [];

export function keep<T extends object>(made: T): T {
	kept.push(made);
	return made;
}

/**
 * Closed, one that is read lets go of its file. Parts of flows that were read, such as bodies, can be asked for all the same: then it is opened
 * once more until the end of the turn of the event loop, if it is the same file still.
 */
export class TapeDatabase {
	readonly path: string;
	/** The version of its schema when it was opened; another process may bring it up meanwhile, which only adds to it. */
	readonly schema: number;
	/** The version that it had before it was brought up; null where it was new, or of the newest. */
	readonly broughtFrom: number | null;
	readonly #mode: Mode;
	readonly #isTemporary: boolean;
	/** The file that is read; null where it is written. */
	readonly #file: BigIntStats | null;
	#db: Database.Database;
	readonly #statements = new Map<string, Statement>();
	/** Those whose rows are lists, and those that give the first column alone. */
	readonly #lists = new Map<string, Statement>();
	readonly #plucked = new Map<string, Statement>();
	#held = false;

	/**
	 * @param durable survives the loss of power too
	 * @param isTemporary the file goes before what is read from it: it stays open as long as something refers to it
	 * @throws FlowtapeError FT_IO, FT_UNKNOWN_FORMAT, FT_NEWER_FORMAT, FT_STORE
	 */
	constructor(path: string, mode: Mode, durable: boolean, isTemporary = false) {
		this.path = path;
		this.#mode = mode;
		this.#isTemporary = isTemporary;
		this.#file = mode === "read" ? fileAt(path) : null;
		const { db, from } = this.guard(() => open(path, mode, durable));
		this.#db = db;
		if (mode === "read") forgotten.register(this, db, this);
		this.broughtFrom = from;
		this.schema = this.version();
	}

	get inTransaction(): boolean {
		return this.#db.inTransaction;
	}

	get mode(): Mode {
		return this.#mode;
	}

	/** The version of its schema, or of that of a tape attached under a name. */
	version(name = "main"): number {
		return this.get<{ user_version: number }>(`PRAGMA ${name}.user_version`)?.user_version ?? 0;
	}

	/** From now on rows are asked for in any order. */
	enlargeCache(): void {
		this.exec(`PRAGMA cache_size = ${-RANDOM_CACHE_KIB}`);
	}

	exec(sql: string): void {
		const db = this.#live();
		this.guard(() => db.exec(sql));
	}

	/** Gives up the transaction, if one is open. */
	rollback(): void {
		if (this.#db.inTransaction) this.exec("ROLLBACK");
	}

	/** Makes a function known to the SQL of this connection, and to none that stands in a tape. What it throws ends the statement. */
	define<V extends unknown[]>(name: string, call: (...values: V) => number): void {
		this.guard(() => this.#db.function(name, { directOnly: true }, call));
	}

	/** The number of the row that the statement inserted. */
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

	/** SQLite's binding names the values of each row anew, which costs as much as reading them. */
	all<R>(sql: string, ...parameters: unknown[]): R[] {
		const lists = this.lists<[]>(sql, ...parameters);
		if (lists.length === 0) return [];
		const names = this.#prepare(sql)
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

	/** Row by row. Nothing else can be asked of the database until it is through. */
	*iterate<R>(sql: string, ...parameters: unknown[]): Generator<R> {
		try {
			for (const row of keep(this.#prepare(sql).iterate(...parameters))) yield row as R;
		} catch (error) {
			throw this.#translated(error);
		}
	}

	/**
	 * Statements until the end of this turn of the event loop see one state of the file: locking it for each costs more than most of them.
	 * Only where nothing is written. False: they have done so since before, and may not see the newest.
	 */
	beginReadSnapshot(): boolean {
		if (this.#held) return false;
		if (this.#mode !== "read") return true;
		this.exec("BEGIN");
		this.#held = true;
		setImmediate(() => this.endReadSnapshot());
		return true;
	}

	/** What comes next sees what was written since. */
	endReadSnapshot(): void {
		if (!this.#held) return;
		this.#held = false;
		if (this.#db.open && this.#db.inTransaction) this.exec("COMMIT");
	}

	/** Brings what stands in the write-ahead log to its place in the file, while another connection goes on writing. */
	checkpoint(): void {
		this.exec("PRAGMA wal_checkpoint(PASSIVE)");
	}

	/** What a tape lacks that was filled as fast as could be. */
	buildIndexes(): void {
		for (const index of indexes) this.exec(index);
	}

	/** Leaves one single file: the write-ahead log is merged and goes, unless another process is still reading it. */
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
		forgotten.unregister(this);
		this.#db.close();
	}

	/** Opened once more where it was read and closed. @throws FlowtapeError */
	#live(): Database.Database {
		if (this.#db.open || this.#mode !== "read") return this.#db;
		this.#checkSame();
		const [eldest] = reopened;
		if (eldest !== undefined && reopened.size >= REOPENED) eldest.#release();
		this.#db = this.guard(() => open(this.path, "read", false)).db;
		if (reopened.size === 0) setImmediate(TapeDatabase.releaseReopened);
		reopened.add(this);
		return this.#db;
	}

	/** Closes what was opened once more. */
	static releaseReopened(): void {
		for (const db of reopened) db.#release();
	}

	/** @throws FlowtapeError FT_IO */
	#checkSame(): void {
		const now = fileAt(this.path);
		if (now !== null && now.ino === this.#file?.ino && now.dev === this.#file.dev && now.birthtimeNs === this.#file.birthtimeNs) return;
		const message = `${this.path}: the file was removed or replaced since it was read, and what was not read by then is asked for: keep the tape open, or read it before`;
		throw new FlowtapeError("FT_IO", message, { file: this.path });
	}

	/** Gives SQLite's errors the words and codes of ours. */
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

/** Locks a file for this process alone, until what comes back is called; null where another has it. @throws FlowtapeError */
export function lockExclusively(path: string): (() => void) | null {
	const Sqlite = createRequire(import.meta.url)("better-sqlite3") as typeof Database;
	let db: Database.Database | undefined;
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

function open(path: string, mode: Mode, durable: boolean): { db: Database.Database; from: number | null } {
	const Sqlite = createRequire(import.meta.url)("better-sqlite3") as typeof Database;
	const isWritten = mode === "create" || mode === "append";
	const db = keep(new Sqlite(path, { readonly: mode === "read", fileMustExist: !isWritten, timeout: BUSY_MS }));
	try {
		// what stands in a tape that someone else made must not run
		db.exec("PRAGMA trusted_schema = OFF");
		db.exec("PRAGMA cell_size_check = ON");
		// not mapped into memory: a file that shrinks under a map ends the process
		db.exec("PRAGMA mmap_size = 0");
		db.exec(`PRAGMA cache_size = ${-CACHE_KIB}`);
		if (mode === "create") disableJournal(db);
		const from = isWritten ? migrate(db, path) : null;
		if (!isWritten) checkIdentity(db, path);
		if (mode === "append") prepareForAppending(db, durable);
		return { db, from };
	} catch (error) {
		db.close();
		throw error;
	}
}

/**
 * Makes the tables of a new tape, and brings an old one to the newest version. All of it happens or nothing.
 * @returns the version of an old one
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
		throw new FlowtapeError("FT_UNKNOWN_FORMAT", `${path}: a flowtape tape was expected, this is a SQLite database of something else`, { file: path });
	}
	const version = versionOf(db);
	if (version > SCHEMA_VERSION) {
		throw new FlowtapeError(
			"FT_NEWER_FORMAT",
			`${path}: the tape has version ${version}, this flowtape reads up to ${SCHEMA_VERSION}; a newer flowtape wrote it, update to read it`,
			{ file: path },
		);
	}
	const foreign = foreignObject(keep(db.prepare("SELECT type, name, sql FROM sqlite_schema")).all() as SchemaObject[], version);
	if (foreign !== undefined) throw strange(path, foreign);
}

/** The error for an object that is not ours. Whoever made it may have chosen any text for its type and name. */
export function strange(path: string, { type, name }: SchemaObject): FlowtapeError {
	const what = /^(?:table|view|trigger|index)$/.test(type) ? type : "object";
	const message = `${path}: the ${what} ${JSON.stringify(name)} of the tape is not as flowtape makes it: the file is damaged or forged, it is not opened`;
	return new FlowtapeError("FT_STORE", message, { file: path });
}

/** A new file that is made in one go has its name only once it is whole. Behind its defences, SQLite keeps a journal whatever it is told. */
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

/** What SQLite says, as an error of ours: the system's fault or the file's. */
function storeError(path: string, error: unknown): unknown {
	if (!(error instanceof Error)) return error;
	const code = "code" in error ? String(error.code) : error.message;
	const is = (...starts: string[]) => starts.some((start) => code.startsWith(start));
	const fail = (ours: "FT_STORE" | "FT_IO" | "FT_UNKNOWN_FORMAT", what: string) => new FlowtapeError(ours, `${path}: ${what}`, { file: path, cause: error });
	if (is("SQLITE_NOTADB")) return fail("FT_UNKNOWN_FORMAT", "byte 0: not a tape: a SQLite file was expected");
	if (is("Cannot open database because the directory")) return fail("FT_IO", "the tape cannot be opened: its folder does not exist");
	if (is("SQLITE_FULL")) return fail("FT_IO", "the disk is full; what stood there before is kept");
	if (is("SQLITE_BUSY", "SQLITE_LOCKED")) return fail("FT_IO", "another process is writing to this tape and did not let go for 5 seconds");
	if (is("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH")) return fail("FT_IO", "the tape cannot be written: it or its folder is read-only");
	if (is("SQLITE_CANTOPEN")) return fail("FT_IO", "the tape cannot be opened: check that its folder is there and yours to write");
	if (is("SQLITE_IOERR")) return fail("FT_IO", `reading or writing failed (${code}): the disk may be full or faulty`);
	if (is("SQLITE_")) return fail("FT_STORE", `the tape is damaged (${error.message})`);
	return hasErrno(error, "ERR_OUT_OF_RANGE") ? fail("FT_STORE", "the tape is damaged (a number out of range)") : error;
}

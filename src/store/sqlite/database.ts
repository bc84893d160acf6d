// A connection to the SQLite file of a tape: statements, transactions and its lifetime.
import { type BigIntStats, statSync } from "node:fs";
import { FlowtapeError, hasErrno } from "../../errors.ts";
import {
	BUSY_MS,
	keep,
	type Mode,
	openTapeFile,
	openTapeImage,
	type RunResult,
	type Sqlite,
	type Statement,
} from "./open-tape.ts";
import { indexes } from "./schema.ts";
import { damagedTape, storeError } from "./store-errors.ts";

/** The page cache for looking up recordings in random order. KiB. */
const RANDOM_CACHE_KIB = 64 * 1024;

/** Closes a tape that was opened for reading and never closed, once neither its reader nor a flow refers to it. */
const registry = new FinalizationRegistry<() => void>((close) => close());

/** Closed tapes that are open again until the end of the event loop's turn, and the maximum number of them. */
const reopened = new Set<TapeDatabase>();
const MAX_REOPENED = 8;

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
	/** Whether there is no file, so that other connections cannot read the tape. */
	readonly isInMemory: boolean;
	readonly #mode: Mode;
	readonly #isTemporary: boolean;
	/** The identity of the file that is read; null when writing. */
	readonly #file: BigIntStats | null;
	#db: Sqlite;
	#close: () => void;
	readonly #statements = new Map<string, Statement>();
	/** Statements that return rows as lists, and statements that return the first column only. */
	readonly #lists = new Map<string, Statement>();
	readonly #plucked = new Map<string, Statement>();
	#held = false;

	/**
	 * @param durable whether commits also survive a power failure
	 * @param isTemporary the file is deleted while flows still refer to it: it stays open as long as they do
	 * @param image the bytes of a tape that is read from memory; `path` is then its name for messages
	 * @throws FlowtapeError FT_IO, FT_UNKNOWN_FORMAT, FT_NEWER_FORMAT, FT_STORE
	 */
	constructor(path: string, mode: Mode, durable: boolean, isTemporary = false, image: Buffer | null = null) {
		this.path = path;
		this.#mode = mode;
		this.isInMemory = image !== null;
		this.#isTemporary = isTemporary || this.isInMemory;
		this.#file = mode === "read" && image === null ? fileAt(path) : null;
		const { db, from, close } = this.guard(() =>
			image === null ? openTapeFile(path, mode, durable) : openTapeImage(path, image),
		);
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

	/**
	 * Returns the id of the inserted row.
	 * @throws FlowtapeError FT_STORE if the highest id of the table is too high for a next one
	 */
	insert(sql: string, ...parameters: unknown[]): number {
		const id = Number(this.run(sql, ...parameters).lastInsertRowid);
		if (id > Number.MAX_SAFE_INTEGER) throw damagedTape(this.path, `a table has rows with numbers above ${id}`);
		return id;
	}

	run(sql: string, ...parameters: unknown[]): RunResult {
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
	#live(): Sqlite {
		if (this.#db.open || this.#mode !== "read") return this.#db;
		this.#checkSame();
		const [eldest] = reopened;
		if (eldest !== undefined && reopened.size >= MAX_REOPENED) eldest.#release();
		const { db, close } = this.guard(() => openTapeFile(this.path, "read", false, true));
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

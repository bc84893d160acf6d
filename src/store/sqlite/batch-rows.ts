// Reads rows that a batch of flows refers to. If most rows of the previous batch were read, one query reads all rows of
// this batch, which costs a third of reading them one by one.
import { FlowtapeError } from "../../errors.ts";
import type { TapeDatabase } from "./database.ts";

/** Batches with more bytes than this are read one row at a time. */
const BATCH_BYTES = 16 * 1024 * 1024;

export class BatchRows<R extends unknown[]> {
	readonly #db: TapeDatabase;
	readonly #table: "body" | "connection";
	readonly #columns: string;
	readonly #condition: string;
	#expected: readonly number[] = [];
	#requested = 0;
	/** Whether the first access reads the whole batch. */
	#isWanted = false;
	#rows: ReadonlyMap<number, R> = new Map();

	/**
	 * @param columns the columns to read, in the order of R
	 * @param condition SQL condition for the rows that are read together
	 */
	constructor(db: TapeDatabase, table: "body" | "connection", columns: string, condition = "true") {
		this.#db = db;
		this.#table = table;
		this.#columns = columns;
		this.#condition = condition;
	}

	/** Sets the rows to which the current flows refer, and their total size in bytes. */
	expect(ids: readonly number[], bytes = 0): void {
		this.#isWanted = this.#requested > this.#expected.length / 2 && bytes <= BATCH_BYTES;
		this.#expected = ids;
		this.#requested = 0;
		this.#rows = new Map();
	}

	/** Reads rows that will all be needed. */
	readAhead(ids: readonly number[]): void {
		this.expect(ids);
		this.#readAll();
	}

	/** The values of a row; undefined if it does not exist. @throws FlowtapeError FT_STORE if it cannot be read */
	get(id: number): R | undefined {
		this.#requested++;
		if (this.#isWanted) this.#readAll();
		const found = this.#rows.get(id);
		return found !== undefined
			? found
			: this.#db.lists<R>(`SELECT ${this.#columns} FROM ${this.#table} WHERE id = ?`, id)[0];
	}

	#readAll(): void {
		this.#isWanted = false;
		const sql = `SELECT id, ${this.#columns} FROM ${this.#table} WHERE id IN (SELECT value FROM json_each(?)) AND ${this.#condition}`;
		try {
			const rows = this.#db.lists<[id: number, ...R]>(sql, JSON.stringify(this.#expected));
			this.#rows = new Map(rows.map(([id, ...values]) => [id, values]));
		} catch (error) {
			// a damaged row must not hide the others: all rows are now read one by one
			if (!FlowtapeError.is(error, "FT_STORE")) throw error;
		}
	}
}

// The rows that a batch of flows refers to: read in one go once it shows that most are asked for, which costs a third of one by one.
import { FlowtapeError } from "../../errors.ts";
import type { TapeDatabase } from "./database.ts";

/** Bytes of a batch beyond which its rows are read one by one all the same. */
const BATCH_BYTES = 16 * 1024 * 1024;

export class BatchRows<R extends unknown[]> {
	readonly #db: TapeDatabase;
	readonly #table: "body" | "connection";
	readonly #columns: string;
	#expected: readonly number[] = [];
	#asked = 0;
	/** Whether the batch is to be read as a whole, should any of it be asked for. */
	#isWanted = false;
	#rows: ReadonlyMap<number, R> = new Map();

	/** @param columns that are read of a row, in the order of R */
	constructor(db: TapeDatabase, table: "body" | "connection", columns: string) {
		this.#db = db;
		this.#table = table;
		this.#columns = columns;
	}

	/** The rows to which the flows at hand refer, and the bytes that they have together. */
	expect(ids: readonly number[], bytes = 0): void {
		this.#isWanted = this.#asked > this.#expected.length / 2 && bytes <= BATCH_BYTES;
		this.#expected = ids;
		this.#asked = 0;
		this.#rows = new Map();
	}

	/** Reads rows of which all are going to be asked for. */
	readAhead(ids: readonly number[]): void {
		this.expect(ids);
		this.#readAll();
	}

	/** The values of a row; undefined where it is not there. @throws FlowtapeError FT_STORE where it cannot be read */
	get(id: number): R | undefined {
		this.#asked++;
		if (this.#isWanted) this.#readAll();
		const found = this.#rows.get(id);
		return found !== undefined ? found : this.#db.lists<R>(`SELECT ${this.#columns} FROM ${this.#table} WHERE id = ?`, id)[0];
	}

	#readAll(): void {
		this.#isWanted = false;
		const sql = `SELECT id, ${this.#columns} FROM ${this.#table} WHERE id IN (SELECT value FROM json_each(?))`;
		try {
			const rows = this.#db.lists<[id: number, ...R]>(sql, JSON.stringify(this.#expected));
			this.#rows = new Map(rows.map(([id, ...values]) => [id, values]));
		} catch (error) {
			// one that cannot be read keeps none of the others from being read by itself
			if (!(error instanceof FlowtapeError) || error.code !== "FT_STORE") throw error;
		}
	}
}

// The rows that a batch of flows refers to: read in one go once it shows that most are asked for, which costs a third of one by one.
import type { TapeDatabase } from "./sqlite-database.ts";

/** Bytes of a batch beyond which its rows are read one by one all the same. */
const BATCH_BYTES = 16 * 1024 * 1024;

type Bytes = Buffer | null;

export class BatchRows {
	readonly #db: TapeDatabase;
	readonly #table: "body" | "connection";
	#expected: readonly number[] = [];
	#asked = 0;
	/** Whether the batch is to be read as a whole, should any of it be asked for. */
	#isWanted = false;
	#rows: ReadonlyMap<number, Bytes> = new Map();

	constructor(db: TapeDatabase, table: "body" | "connection") {
		this.#db = db;
		this.#table = table;
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

	/** The bytes of a row; undefined where it is not there. */
	get(id: number): Bytes | undefined {
		this.#asked++;
		if (this.#isWanted) this.#readAll();
		const found = this.#rows.get(id);
		return found !== undefined ? found : this.#db.get<{ bytes: Bytes }>(`SELECT bytes FROM ${this.#table} WHERE id = ?`, id)?.bytes;
	}

	#readAll(): void {
		this.#isWanted = false;
		const sql = `SELECT id, bytes FROM ${this.#table} WHERE id IN (SELECT value FROM json_each(?))`;
		this.#rows = new Map(this.#db.lists<[id: number, bytes: Bytes]>(sql, JSON.stringify(this.#expected)));
	}
}

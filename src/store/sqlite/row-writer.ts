// Rows on their way into a tape, committed together in groups.
import { FlowtapeError, type Reporter } from "../../errors.ts";
import { COLUMN, FLOW_COLUMNS, type FlowValue, type MessageRow, type StoredBody } from "../record/flow-row.ts";
import { BodyTable } from "./bodies.ts";
import { WalCheckpointer } from "./checkpointer.ts";
import type { TapeDatabase } from "./database.ts";
import { hasRows, ReusedRows } from "./reused-rows.ts";
import type { ReusableRows } from "./row-reuse.ts";
import type { ConnectionRows } from "./written-connections.ts";

/** A group is committed when it has lasted this long, or has this many rows or bytes. */
const COMMIT_MS = 40;
const COMMIT_ROWS = 1000;
/** Nobody waits for the rows of a new tape, and pages that all groups change are written less often. */
const NEW_ROWS = 8000;
const COMMIT_BYTES = 8 * 1024 * 1024;
/** Bytes of a flow's row but for its head, about. */
const ROW_BYTES = 500;

const INSERT_FLOW = `INSERT INTO flow (${FLOW_COLUMNS.join(", ")}) VALUES (${FLOW_COLUMNS.map(() => "?").join(", ")})`;
const INSERT_MESSAGE = "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?)";

export class RowWriter implements ConnectionRows {
	bodies: BodyTable;
	readonly #db: TapeDatabase;
	readonly #report: Reporter | null;
	readonly #onForget: () => void;
	readonly #merger: WalCheckpointer | null;
	readonly #groupRows: number;
	#borrowed: ReusedRows | null = null;
	/** Flows that were written and committed, less those that were removed. */
	stored = 0;
	#pendingFlows = 0;
	#pendingRows = 0;
	#pendingBytes = 0;
	#timer: NodeJS.Timeout | undefined;
	/** A failure was reported, and nothing was committed since. */
	#isFailing = false;

	/**
	 * @param report told of a failure to commit in time, which a new tape does not do
	 * @param onForget called once rows are gone that were written: nothing may refer to them any more
	 */
	constructor(db: TapeDatabase, report: Reporter | null, onForget = (): void => {}) {
		this.#db = db;
		this.#report = report;
		this.#onForget = onForget;
		this.#merger = db.mode === "append" ? new WalCheckpointer(db.path) : null;
		this.#groupRows = db.mode === "create" ? NEW_ROWS : COMMIT_ROWS;
		this.bodies = new BodyTable(db);
	}

	/** From now on flows may refer to bodies and connections of another tape. Only where nothing is written yet. */
	borrow(lent: ReusableRows): void {
		this.#borrowed = new ReusedRows(this.#db, lent);
	}

	get isEmpty(): boolean {
		return !hasRows(this.#db);
	}

	/** The highest number of a connection; null where there are no rows at all. */
	get held(): number | null {
		return this.isEmpty ? null : (this.#db.get<{ n: number }>("SELECT coalesce(max(id), 0) AS n FROM connection")?.n ?? 0);
	}

	/** Does something within the group that is committed together. */
	within<T>(action: () => T): T {
		let result: T;
		try {
			this.#begin();
			result = action();
		} catch (error) {
			if (!this.#db.inTransaction) this.#forget();
			throw error;
		}
		this.#pendingRows++;
		this.#pendingBytes += this.bodies.takeWritten();
		if (this.#pendingRows >= this.#groupRows || this.#pendingBytes >= COMMIT_BYTES) this.flush();
		return result;
	}

	/** The number of the flow. @param values in the order of FLOW_COLUMNS */
	addFlow(values: readonly FlowValue[]): number {
		const row: unknown[] = [...values];
		const [request, response, original] = [values[COLUMN.request_body], values[COLUMN.response_body], values[COLUMN.original_body]];
		row[COLUMN.request_body] = toColumn(request as StoredBody);
		row[COLUMN.response_body] = toColumn(response as StoredBody);
		row[COLUMN.original_body] = toColumn(original as StoredBody);
		this.#borrowed?.note([request, response, original], [values[COLUMN.client_conn] as number, values[COLUMN.server_conn] as number]);
		this.#pendingBytes += (values[COLUMN.head] as Uint8Array).length + ROW_BYTES;
		const seq = this.#db.insert(INSERT_FLOW, ...row);
		this.#pendingFlows++;
		return seq;
	}

	/** A message of a flow, which is its nth. */
	addMessage(flow: number, n: number, { at, from_client, opcode, flags, bytes }: MessageRow): void {
		this.#pendingBytes += bytes.length;
		this.#db.insert(INSERT_MESSAGE, flow, n, at, from_client, opcode, flags, bytes);
	}

	removeFlow(flow: number): void {
		this.#db.run("DELETE FROM message WHERE flow = ?", flow);
		this.#pendingFlows -= this.#db.run("DELETE FROM flow WHERE seq = ?", flow).changes;
	}

	/** @param number of the row; default: the next one */
	addConnection(bytes: Uint8Array, number: number | null = null): number {
		return this.#db.insert("INSERT INTO connection VALUES (?, ?)", number, bytes);
	}

	addCertificate(hash: Uint8Array, pem: Uint8Array): void {
		this.#db.insert("INSERT OR IGNORE INTO certificate VALUES (?, ?)", hash, pem);
	}

	/** Commits what was written; where that fails, all of it is given up. */
	flush(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		const bytes = this.#pendingBytes;
		this.#pendingRows = 0;
		this.#pendingBytes = 0;
		if (!this.#db.inTransaction) return;
		try {
			this.#borrowed?.bring();
			this.#db.exec("COMMIT");
		} catch (error) {
			this.#db.rollback();
			this.#forget();
			throw error;
		}
		this.stored += this.#pendingFlows;
		this.#pendingFlows = 0;
		this.#isFailing = false;
		this.#merger?.committed(bytes);
	}

	/** Writes what is left, and the indexes. */
	finish(): void {
		this.bodies.removeLoose();
		const borrowed = this.#borrowed;
		if (borrowed !== null) this.within(() => borrowed.end());
		this.flush();
		this.#db.buildIndexes();
	}

	/** What was not committed is lost. A promise: it is closed only then. */
	close(): void | Promise<void> {
		clearTimeout(this.#timer);
		const merged = this.#merger?.close();
		if (merged !== undefined) return merged.then(() => this.#db.close());
		this.#db.close();
	}

	#forget(): void {
		this.#pendingFlows = 0;
		this.bodies = new BodyTable(this.#db);
		this.#onForget();
	}

	#begin(): void {
		if (this.#db.inTransaction) return;
		// a new tape has no other writers, and the one that lends rows is not to be locked
		this.#db.exec(this.#db.mode === "create" ? "BEGIN" : "BEGIN IMMEDIATE");
		if (this.#db.mode === "append") this.#timer = setTimeout(() => this.#commitInTime(), COMMIT_MS);
	}

	/** A failure has no caller here to be thrown to; it is told of once, however long it lasts. */
	#commitInTime(): void {
		try {
			this.flush();
		} catch (error) {
			if (!(error instanceof FlowtapeError)) throw error;
			if (!this.#isFailing) this.#report?.(error.code, error.message, { file: this.#db.path, cause: error });
			this.#isFailing = true;
		}
	}
}

/** Where a column takes values of any type, a number is stored as the float that it is. */
function toColumn(body: StoredBody): Uint8Array | bigint | null {
	return typeof body === "number" ? BigInt(body) : body;
}

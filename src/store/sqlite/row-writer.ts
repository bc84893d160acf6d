// Writes the rows of a tape, in transactions of many rows.
import { FlowtapeError, hasErrno, type Reporter } from "../../errors.ts";
import { after, type MaybeAsync } from "../../maybe-async.ts";
import {
	COLUMN,
	FLOW_COLUMNS,
	type FlowRow,
	type FlowValue,
	type MessageRow,
	type StoredBody,
} from "../record/flow-row.ts";
import { sealFlow, sealMessage } from "../record/row-sum.ts";
import { BodyTable } from "./bodies.ts";
import { WalCheckpointer } from "./checkpointer.ts";
import type { TapeDatabase } from "./database.ts";
import { missingFlows, noteFlows } from "./notes.ts";
import { hasRows, ReusedRows } from "./reused-rows.ts";
import type { ReusableRows } from "./row-reuse.ts";
import { DELETED } from "./store-errors.ts";
import type { ConnectionRows } from "./written-connections.ts";

/** A transaction is committed with this many rows or bytes and, in mode `append`, after this many milliseconds. */
const COMMIT_MS = 40;
const COMMIT_ROWS = 1000;
/**
 * The number of rows for a new tape, which has no readers yet: in larger transactions, pages that many rows share are
 * written less often.
 */
const NEW_ROWS = 8000;
const COMMIT_BYTES = 8 * 1024 * 1024;
/** Approximate bytes of a flow's row without its head. */
const ROW_BYTES = 500;

const INSERT_FLOW = `INSERT INTO flow (${FLOW_COLUMNS.join(", ")}) VALUES (${FLOW_COLUMNS.map(() => "?").join(", ")})`;
/**
 * The values of columns in almost all rows of a recording, as SQL. A row with these values needs no parameters for them,
 * which saves an eighth of the time of its insertion.
 */
const USUAL = {
	kind: "http",
	is_replay: null,
	marked: "",
	has_error: 0,
	has_websocket: 0,
	rest: null,
	ended: "server",
	refreshed: null,
	original: null,
	original_body: null,
} as const satisfies Partial<FlowRow>;
const USUAL_VALUES = Object.entries(USUAL).map(([name, value]) => [COLUMN[name as keyof typeof USUAL], value] as const);
const OTHER_COLUMNS = FLOW_COLUMNS.filter((name) => !(name in USUAL));
const OTHERS_AT = OTHER_COLUMNS.map((name) => COLUMN[name]);
/** Columns that are not named are NULL. */
const NAMED = Object.entries(USUAL).filter(([, value]) => value !== null);
const INSERT_USUAL_FLOW = `INSERT INTO flow (${[...NAMED.map(([name]) => name), ...OTHER_COLUMNS].join(", ")})
	VALUES (${[...NAMED.map(([, value]) => (typeof value === "string" ? `'${value}'` : value)), ...OTHERS_AT.map(() => "?")].join(", ")})`;
const UPDATE_FLOW = `UPDATE flow SET ${FLOW_COLUMNS.map((column) => `${column} = ?`).join(", ")} WHERE seq = ?`;
const INSERT_MESSAGE = "INSERT OR REPLACE INTO message VALUES (?, ?, ?, ?, ?, ?, ?)";

export class RowWriter implements ConnectionRows {
	bodies: BodyTable;
	readonly #db: TapeDatabase;
	readonly #report: Reporter | null;
	readonly #onForget: () => void;
	readonly #checkpointer: WalCheckpointer | null;
	readonly #groupRows: number;
	/** Flows that the tape lacked when it was opened. */
	readonly #missing: number;
	#reused: ReusedRows | null = null;
	/** Number of committed flows, without those that were removed; 0 if the file was deleted. */
	stored = 0;
	#pendingFlows = 0;
	#pendingRows = 0;
	#pendingBytes = 0;
	#timer: NodeJS.Timeout | undefined;
	/** Whether a failed commit was reported and none has succeeded since. */
	#isFailing = false;
	/** Whether the log has pages that must not be left in it. */
	#truncates = false;

	/**
	 * @param report receives failures of commits on the timer, which only mode `append` has
	 * @param onForget called after a rollback, to drop all references to the lost rows
	 */
	constructor(db: TapeDatabase, report: Reporter | null, onForget = (): void => {}) {
		this.#db = db;
		this.#report = report;
		this.#onForget = onForget;
		this.#checkpointer = db.mode === "append" ? new WalCheckpointer(db.path) : null;
		this.#groupRows = db.mode === "create" ? NEW_ROWS : COMMIT_ROWS;
		this.#missing = db.mode === "append" ? missingFlows(db) : 0;
		this.bodies = new BodyTable(db);
	}

	/** Lets flows refer to bodies and connections of another tape. Call before anything is written. */
	reuseRows(reusable: ReusableRows): void {
		this.#reused = new ReusedRows(this.#db, reusable);
	}

	get isEmpty(): boolean {
		return !hasRows(this.#db);
	}

	/** The highest id of a connection; null if there are no rows at all. */
	get lastConnection(): number | null {
		return this.isEmpty
			? null
			: (this.#db.get<{ n: number }>("SELECT coalesce(max(id), 0) AS n FROM connection")?.n ?? 0);
	}

	/** Runs an action in the current transaction, or in a new one if none is open. */
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

	/** Adds a flow and returns its sequence number. @param values in the order of FLOW_COLUMNS */
	addFlow(values: readonly FlowValue[]): number {
		const row = this.#row(values);
		const seq = isUsual(values)
			? this.#db.insert(INSERT_USUAL_FLOW, ...OTHERS_AT.map((at) => row[at]))
			: this.#db.insert(INSERT_FLOW, ...row);
		this.#pendingFlows++;
		return seq;
	}

	/** Replaces the row of a flow. Its earlier state is removed from the log with the next commit. */
	replaceFlow(seq: number, values: readonly FlowValue[]): void {
		this.#db.run(UPDATE_FLOW, ...this.#row(values), seq);
		this.#truncates = true;
	}

	/** Removes the bodies to which no flow refers. */
	forgetBodies(stored: readonly StoredBody[]): void {
		for (const id of stored) {
			if (typeof id !== "number" || id === 0) continue;
			const sql = "SELECT 1 FROM flow WHERE ? IN (request_body, response_body, original_body) LIMIT 1";
			if (this.#db.get(sql, id) === undefined) this.bodies.forget(id);
		}
	}

	/** The parameters of a row. */
	#row(values: readonly FlowValue[]): unknown[] {
		const row: unknown[] = [...values];
		row[COLUMN.head] = sealFlow(values);
		const [request, response, original] = [
			values[COLUMN.request_body],
			values[COLUMN.response_body],
			values[COLUMN.original_body],
		];
		row[COLUMN.request_body] = toColumn(request as StoredBody);
		row[COLUMN.response_body] = toColumn(response as StoredBody);
		row[COLUMN.original_body] = toColumn(original as StoredBody);
		this.#reused?.addReferences(
			[request, response, original],
			[values[COLUMN.client_conn] as number, values[COLUMN.server_conn] as number],
		);
		this.#pendingBytes += (values[COLUMN.head] as Uint8Array).length + ROW_BYTES;
		return row;
	}

	/** Writes the nth message of a flow, counted from 0. */
	addMessage(flow: number, n: number, message: MessageRow): void {
		const { at, from_client, opcode, flags, bytes } = sealMessage(flow, n, message);
		this.#pendingBytes += bytes.length;
		this.#db.insert(INSERT_MESSAGE, flow, n, at, from_client, opcode, flags, bytes);
	}

	removeFlow(flow: number): void {
		this.#db.run("DELETE FROM message WHERE flow = ?", flow);
		this.#pendingFlows -= this.#db.run("DELETE FROM flow WHERE seq = ?", flow).changes;
	}

	/** Adds a connection and returns its id. @param number the id; default: the next one */
	addConnection(bytes: Uint8Array, number: number | null = null): number {
		return this.#db.insert("INSERT INTO connection VALUES (?, ?)", number, bytes);
	}

	addCertificate(hash: Uint8Array, pem: Uint8Array): void {
		this.#db.insert("INSERT OR IGNORE INTO certificate VALUES (?, ?)", hash, pem);
	}

	/** Commits the transaction, or rolls it back if that fails. */
	flush(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		const bytes = this.#pendingBytes;
		this.#pendingRows = 0;
		this.#pendingBytes = 0;
		if (!this.#db.inTransaction) return;
		try {
			this.#reused?.copyPending();
			this.#db.exec("COMMIT");
		} catch (error) {
			this.#db.rollback();
			this.#forget();
			throw error;
		}
		this.stored += this.#pendingFlows;
		this.#pendingFlows = 0;
		this.#isFailing = false;
		if (this.#truncates) this.#truncates = !this.#db.truncateLog();
		this.#checkpointer?.committed(bytes);
	}

	/** Runs an action. If it finds that the file was deleted, no flow counts as stored. */
	#counting<T>(action: () => T): T {
		try {
			return action();
		} catch (error) {
			if (error instanceof FlowtapeError && hasErrno(error.cause, DELETED)) this.stored = 0;
			throw error;
		}
	}

	/** Commits the remaining rows, creates the indexes and notes the number of flows. */
	finish(): void {
		this.#counting(() => this.#finish());
	}

	#finish(): void {
		this.bodies.removeUnreferenced();
		const reused = this.#reused;
		if (reused !== null) this.within(() => reused.finish());
		this.flush();
		this.#db.buildIndexes();
		// with an index, counting is fast
		this.within(() => noteFlows(this.#db, this.#missing));
		this.flush();
	}

	/** Closes the tape; uncommitted rows are lost. */
	close(): MaybeAsync {
		clearTimeout(this.#timer);
		return after(this.#checkpointer?.close(), () => this.#counting(() => this.#db.close()));
	}

	#forget(): void {
		this.#pendingFlows = 0;
		this.bodies = new BodyTable(this.#db);
		this.#onForget();
	}

	#begin(): void {
		if (this.#db.inTransaction) return;
		// a new tape has no other writers, and IMMEDIATE would lock the attached tape too
		this.#db.exec(this.#db.mode === "create" ? "BEGIN" : "BEGIN IMMEDIATE");
		if (this.#db.mode === "append") this.#timer = setTimeout(() => this.#commitInTime(), COMMIT_MS);
	}

	/**
	 * Commits on the timer. There is no caller to throw a failure to, so the first one is reported, and the next only
	 * after a commit has succeeded.
	 */
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

function isUsual(values: readonly FlowValue[]): boolean {
	for (const [at, value] of USUAL_VALUES) if (values[at] !== value) return false;
	return true;
}

/** In a column of type ANY, better-sqlite3 stores a JavaScript number as a float; a bigint is stored as an integer. */
function toColumn(body: StoredBody): Uint8Array | bigint | null {
	return typeof body === "number" ? BigInt(body) : body;
}

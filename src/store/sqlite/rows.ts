// The rows of a tape that a filter is to be asked about: chosen by their columns, and by their bodies where those are searched.
import { FlowtapeError } from "../../errors.ts";
import type { Column, Filter, Plan } from "../../filter/filter.ts";
import { decide, looksAt, type Side } from "../../filter/plan.ts";
import { type FlowFacts, READ_COLUMNS, type StoredBody, selected } from "../record/flow-row.ts";
import { fromStored, toStored } from "../record/text.ts";
import { type Condition, selectRows } from "../select.ts";
import type { BodyTable } from "./bodies.ts";
import type { TapeDatabase } from "./database.ts";

/** What a flow is made of, and its number. */
export type StoredRow = FlowFacts & { seq: number };

const ROW = ["seq", ...READ_COLUMNS];
/** Rows a batch. */
const BATCH_ROWS = 200;
/** Batches without a row that can be read, behind which nothing is looked for: whatever is damaged may claim to have any number of rows. */
const MAX_BARREN = 250;

/** What the columns tell of a filter. */
export function conditionOf(db: TapeDatabase, filter: Filter | undefined, ids?: readonly string[]): Condition {
	const distinct = (column: Column, { sql, parameters }: Condition) =>
		db.column<string | number | null>(`SELECT DISTINCT ${column} FROM flow WHERE ${sql}`, ...parameters);
	return selectRows(filter, ids?.map(toStored), distinct);
}

/** The numbers of the rows that meet a condition, in batches. */
export function numbersOf(db: TapeDatabase, condition: Condition): Generator<number[]> {
	return slices(numbers(db, condition), 100 * BATCH_ROWS);
}

function numbers(db: TapeDatabase, { sql, parameters }: Condition): number[] {
	return db.column(`SELECT seq FROM flow WHERE ${sql} ORDER BY seq`, ...parameters);
}

/** What the request of a flow is made of, and the flow's number. */
export type RequestRow = Pick<
	StoredRow,
	"seq" | "kind" | "method" | "scheme" | "host" | "port" | "path" | "request_size" | "request_body" | "head" | "original" | "original_body"
>;

const REQUEST_ROW: readonly (keyof RequestRow)[] = [
	...(["seq", "kind", "method", "scheme", "host", "port", "path", "request_size", "request_body", "head", "original", "original_body"] as const),
];

/** The rows of all HTTP flows, in batches. */
export function* requestRows(db: TapeDatabase): Generator<RequestRow[]> {
	for (const rows of pages<RequestRow>(db, REQUEST_ROW)) yield rows.filter(({ kind }) => kind === "http");
}

/** The rows that meet a condition and on which a filter is to be asked, in batches. */
export function candidateRows(db: TapeDatabase, bodies: BodyTable, condition: Condition, filter: Filter | undefined): Generator<StoredRow[]> {
	const searchesBodies = filter !== undefined && looksAt(filter.plan).sides.size > 0;
	return searchesBodies ? rowsByBodies(db, bodies, condition, filter.plan) : rowsOf<StoredRow>(db, ROW, condition);
}

/** Most rows are ruled out by their bodies, before a flow is made of them. Bodies are read ahead, also for those that are not. */
function* rowsByBodies(db: TapeDatabase, bodies: BodyTable, condition: Condition, plan: Plan): Generator<StoredRow[]> {
	const { columns, sides } = looksAt(plan);
	const stored = Array.from(sides, (side) => `${side}_body` as const);
	const peeked = new Set(["seq", "coded", "kind", "has_websocket", ...columns, ...stored]);
	const mayMatch = (row: PeekedRow): boolean => {
		const columnOf = (column: Column) => {
			const value = row[column] ?? null;
			return typeof value === "string" ? fromStored(value) : value;
		};
		return decide(plan, columnOf, (side) => bytesOf(row, side, bodies)) !== false;
	};
	for (const rows of rowsOf<PeekedRow>(db, [...peeked], condition)) {
		bodies.readAhead(rows.flatMap((row) => stored.map((column) => row[column])));
		const numbers = rows.filter(mayMatch).map(({ seq }) => seq);
		if (numbers.length > 0) yield rowsAt<StoredRow>(db, ROW, numbers);
	}
}

/** What is looked at before the rest of a row is read. */
type PeekedRow = Partial<Record<Column, string | number | null>> & {
	seq: number;
	coded: number;
	request_body: StoredBody;
	response_body: StoredBody;
};

/** Where a body is coded, or a flow has other messages, what is stored is not what filters look at. */
function bytesOf(row: PeekedRow, side: Side, bodies: BodyTable): Buffer | null | undefined {
	if (row.kind !== "http" || row.has_websocket !== 0 || (row.coded & CODED[side]) !== 0) return undefined;
	try {
		return bodies.bytes(row[`${side}_body`]);
	} catch (error) {
		// the flow is made, which tells of it
		if (error instanceof FlowtapeError && error.code === "FT_STORE") return undefined;
		throw error;
	}
}

const CODED: Readonly<Record<Side, number>> = { request: 1, response: 2 };

/**
 * In pages by number, so that no statement stays open between batches and a writer is never kept out.
 * @throws FlowtapeError FT_STORE at the end, when some rows could not be read
 */
function* pages<R extends { seq: number }>(db: TapeDatabase, columns: readonly string[]): Generator<R[]> {
	const sql = `SELECT ${selected(columns, db.schema)} FROM flow WHERE seq > ? ORDER BY seq LIMIT ${BATCH_ROWS}`;
	const first = firstNumber(db);
	let damage: unknown = first < 0 ? misnumbered(db) : undefined;
	let barren = 0;
	for (let last = Math.min(first, 0) - 1; ; ) {
		let rows: R[];
		try {
			rows = db.all<R>(sql, last);
		} catch (error) {
			damage ??= error;
			rows = survivors(db, columns, last);
			yield rows;
			barren = rows.length === 0 ? barren + 1 : 0;
			if (last >= lastNumber(db) || barren > MAX_BARREN) throw damage;
			last += BATCH_ROWS;
			continue;
		}
		const end = rows.at(-1);
		if (end === undefined) break;
		// damage may have the numbers in any order
		last = Math.max(last + 1, end.seq);
		yield rows;
	}
	if (damage !== undefined) throw damage;
}

/** Of a batch with damage in it, the rows that can be read. */
function survivors<R>(db: TapeDatabase, columns: readonly string[], last: number): R[] {
	return readable(
		db,
		columns,
		Array.from({ length: BATCH_ROWS }, (_, index) => last + 1 + index),
	);
}

function readable<R>(db: TapeDatabase, columns: readonly string[], numbers: readonly number[]): R[] {
	const sql = `SELECT ${selected(columns, db.schema)} FROM flow WHERE seq = ?`;
	const found: R[] = [];
	for (const seq of numbers) {
		try {
			found.push(...db.all<R>(sql, seq));
		} catch {
			// told by the error of the whole
		}
	}
	return found;
}

/** Flows are numbered from 1. */
function misnumbered(db: TapeDatabase): FlowtapeError {
	return new FlowtapeError("FT_STORE", `${db.path}: the tape is damaged: flows have numbers below 1`, { file: db.path });
}

/** The lowest number of a row; 0 where that cannot be read. */
function firstNumber(db: TapeDatabase): number {
	try {
		return db.get<{ n: number }>("SELECT coalesce(min(seq), 0) AS n FROM flow")?.n ?? 0;
	} catch {
		return 0;
	}
}

/** The highest number of a row; 0 where that cannot be read. */
function lastNumber(db: TapeDatabase): number {
	try {
		return db.get<{ n: number }>("SELECT coalesce(max(seq), 0) AS n FROM flow")?.n ?? 0;
	} catch {
		return 0;
	}
}

function rowsOf<R extends { seq: number }>(db: TapeDatabase, columns: readonly string[], condition: Condition): Generator<R[]> {
	return condition.narrows ? chosen(db, columns, condition) : pages(db, columns);
}

/** The numbers of the rows first, which an index tells, then the rows. */
function* chosen<R>(db: TapeDatabase, columns: readonly string[], condition: Condition): Generator<R[]> {
	let damage: unknown;
	for (const batch of slices(numbers(db, condition), BATCH_ROWS)) {
		try {
			yield rowsAt<R>(db, columns, batch);
		} catch (error) {
			if (!(error instanceof FlowtapeError) || error.code !== "FT_STORE") throw error;
			damage ??= error;
			yield readable<R>(db, columns, batch);
		}
	}
	if (damage !== undefined) throw damage;
}

function rowsAt<R>(db: TapeDatabase, columns: readonly string[], batch: readonly number[]): R[] {
	return db.all(`SELECT ${selected(columns, db.schema)} FROM flow WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq`, JSON.stringify(batch));
}

function* slices<T>(list: readonly T[], size: number): Generator<T[]> {
	for (let at = 0; at < list.length; at += size) yield list.slice(at, at + size);
}

// Selects the rows of a tape that a filter may match: by columns and, if the filter searches bodies, by bodies.
import { FlowtapeError } from "../../errors.ts";
import type { Column, Filter, Plan } from "../../filter/filter.ts";
import { decide, dependenciesOf, type Side } from "../../filter/plan.ts";
import { type FlowColumns, READ_COLUMNS, type StoredBody, selected } from "../record/flow-row.ts";
import { storedUrls, URL_COLUMNS, type UrlRow } from "../record/stored-urls.ts";
import { fromStored, toStored } from "../record/text.ts";
import { type Condition, selectRows } from "../select.ts";
import type { BodyTable } from "./bodies.ts";
import type { TapeDatabase } from "./database.ts";
import { IS_READ, LAST_SEQ } from "./schema.ts";
import { damagedTape } from "./store-errors.ts";

/** The columns of a flow, and its sequence number. */
export type StoredRow = FlowColumns & { seq: number };

const ROW = ["seq", ...READ_COLUMNS];
/** Number of rows in a batch. */
const BATCH_ROWS = 200;
/** Reading stops after this many batches without a readable row: a damaged tape may claim any number of rows. */
const MAX_UNREADABLE_BATCHES = 250;
/** The same limit if the highest sequence number cannot be read. */
const MAX_UNREADABLE_BATCHES_UNCOUNTED = 25;

/** Translates a filter, a list of ids and the number before the first flow to a condition on columns. */
export function conditionOf(
	db: TapeDatabase,
	filter: Filter | undefined,
	ids?: readonly string[],
	after = 0,
): Condition {
	const distinct = (column: Column, { sql, parameters }: Condition) =>
		db.column<string | number | null>(`SELECT DISTINCT ${column} FROM flow WHERE ${sql}`, ...parameters);
	return selectRows(filter, ids?.map(toStored), distinct, after);
}

/**
 * The sequence numbers of the rows that meet a condition, in batches.
 * @throws FlowtapeError FT_STORE if the tape has numbers that no writer gives
 */
export function numbersOf(db: TapeDatabase, condition: Condition): Generator<number[]> {
	const damage = misnumbered(db);
	if (damage !== undefined) throw damage;
	return slices(numbers(db, condition), 100 * BATCH_ROWS);
}

function numbers(db: TapeDatabase, { sql, parameters }: Condition): number[] {
	return db.column(`SELECT seq FROM flow WHERE (${sql}) AND ${IS_READ} ORDER BY seq`, ...parameters);
}

const REQUEST_ROW = [
	"seq",
	"kind",
	"method",
	"scheme",
	"host",
	"port",
	"path",
	"request_size",
	"request_body",
	"head",
	"original",
	"original_body",
] as const satisfies readonly (keyof StoredRow)[];

/** The columns of a flow's request, and the sequence number. */
export type RequestRow = Pick<StoredRow, (typeof REQUEST_ROW)[number]>;

/** The rows of all HTTP flows, in batches. */
export function* requestRows(db: TapeDatabase): Generator<RequestRow[]> {
	for (const rows of pages<RequestRow>(db, REQUEST_ROW)) yield rows.filter(({ kind }) => kind === "http");
}

/** The rows that meet a condition and may match the filter, in batches. */
export function* candidateRows(
	db: TapeDatabase,
	bodies: BodyTable,
	condition: Condition,
	filter: Filter | undefined,
): Generator<StoredRow[]> {
	if (filter === undefined || !canDecide(filter.plan)) yield* rowsOf<StoredRow>(db, ROW, condition);
	else
		for (const { matching, undecided } of decidedRows(db, bodies, condition, filter.plan)) {
			const numbers = matching.concat(undecided).sort((a, b) => a - b);
			if (numbers.length > 0) yield rowsAt<StoredRow>(db, ROW, numbers);
		}
}

/** Whether parts of a row can decide the plan where its condition on columns cannot. */
export function canDecide(plan: Plan): boolean {
	const { sides, needsUrl } = dependenciesOf(plan);
	return needsUrl || sides.size > 0;
}

/** Sequence numbers of rows that match a plan, and of those that must be decoded to decide. */
export interface DecidedRows {
	readonly matching: number[];
	readonly undecided: number[];
}

/** Decides, before flows are decoded, which rows match. The bodies of a batch are read together. */
export function* decidedRows(
	db: TapeDatabase,
	bodies: BodyTable,
	condition: Condition,
	plan: Plan,
): Generator<DecidedRows> {
	const { columns, sides, needsUrl } = dependenciesOf(plan);
	const stored = Array.from(sides, (side) => `${side}_body` as const);
	const ofBodies = sides.size > 0 ? ["coded", "kind", "has_websocket"] : [];
	const read = new Set(["seq", ...ofBodies, ...columns, ...stored, ...(needsUrl ? URL_COLUMNS : [])]);
	const decideRow = (row: DecidingRow): boolean | null =>
		decide(plan, {
			columnOf(column) {
				const value = row[column] ?? null;
				return typeof value === "string" ? fromStored(value) : value;
			},
			bodyOf: (side) => bytesOf(row, side, bodies),
			urlsOf: () => storedUrls(row),
		});
	for (const rows of rowsOf<DecidingRow>(db, [...read], condition)) {
		if (sides.size > 0) bodies.readAhead(rows.flatMap((row) => stored.map((column) => row[column])));
		const matching: number[] = [];
		const undecided: number[] = [];
		for (const row of rows) {
			const verdict = decideRow(row);
			if (verdict !== false) (verdict === null ? undecided : matching).push(row.seq);
		}
		yield { matching, undecided };
	}
}

/** The columns that are read before the rest of a row. */
type DecidingRow = Partial<Record<Column, string | number | null>> &
	UrlRow & {
		seq: number;
		coded: number;
		has_websocket: number;
		request_body: StoredBody;
		response_body: StoredBody;
	};

/**
 * The bytes of a body, if they are the bytes that filters search; otherwise undefined, as for content-encoded bodies
 * and for flows with other kinds of messages.
 */
function bytesOf(row: DecidingRow, side: Side, bodies: BodyTable): Buffer | null | undefined {
	if (row.kind !== "http" || row.has_websocket !== 0 || (row.coded & CODED[side]) !== 0) return undefined;
	try {
		return bodies.bytes(row[`${side}_body`]);
	} catch (error) {
		// decoding the flow reports the damage
		if (FlowtapeError.is(error, "FT_STORE")) return undefined;
		throw error;
	}
}

const CODED: Readonly<Record<Side, number>> = { request: 1, response: 2 };

/**
 * Reads all rows in pages, by sequence number, so that no statement stays open between batches and blocks a writer.
 * @throws FlowtapeError FT_STORE at the end, if some rows could not be read
 */
function* pages<R extends { seq: number }>(db: TapeDatabase, columns: readonly string[]): Generator<R[]> {
	const sql = `SELECT ${selected(columns, db.schema)} FROM flow WHERE seq > ? AND ${IS_READ} ORDER BY seq LIMIT ${BATCH_ROWS}`;
	let damage: unknown = misnumbered(db);
	let unreadableBatches = 0;
	for (let last = Math.min(firstNumber(db), 0) - 1; ; ) {
		let rows: R[];
		try {
			rows = db.all<R>(sql, last);
		} catch (error) {
			damage ??= error;
			const rest = numbersInIndex(db, last);
			if (rest !== null) {
				yield* listed<R>(db, columns, rest);
				throw damage;
			}
			rows = survivors(db, columns, last);
			yield rows;
			unreadableBatches = rows.length === 0 ? unreadableBatches + 1 : 0;
			if (canStopAt(db, last, unreadableBatches)) throw damage;
			last += BATCH_ROWS;
			continue;
		}
		const end = rows.at(-1);
		if (end === undefined) break;
		// on a damaged tape the numbers may be in any order
		last = Math.max(last + 1, end.seq);
		yield rows;
	}
	if (damage !== undefined) throw damage;
}

/**
 * The sequence numbers after `last` according to the index, even if there are large gaps between them; null: the index
 * is missing or damaged too.
 */
function numbersInIndex(db: TapeDatabase, last: number): number[] | null {
	try {
		return db.column(`SELECT seq FROM flow INDEXED BY flow_facts WHERE +seq > ? AND +${IS_READ} ORDER BY +seq`, last);
	} catch {
		return null;
	}
}

/** The readable rows of a damaged batch. */
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
			// the caller throws the error of the whole batch
		}
	}
	return found;
}

/** The damage of a tape with numbers that no writer gives. Flows with numbers that are too high are not read. */
function misnumbered(db: TapeDatabase): FlowtapeError | undefined {
	if (firstNumber(db) < 0) return damagedTape(db.path, "flows have numbers below 1");
	if ((lastNumber(db) ?? 0) <= LAST_SEQ) return undefined;
	return damagedTape(db.path, `flows have numbers above ${LAST_SEQ}; they are left out`);
}

/** The lowest sequence number; 0 if it cannot be read. */
function firstNumber(db: TapeDatabase): number {
	try {
		return db.get<{ n: number }>("SELECT coalesce(min(seq), 0) AS n FROM flow")?.n ?? 0;
	} catch {
		return 0;
	}
}

/**
 * Whether reading can stop at a sequence number: no row follows it, or too many batches had no readable row.
 * @param unreadableBatches number of such batches since the last readable row
 */
function canStopAt(db: TapeDatabase, number: number, unreadableBatches: number): boolean {
	const last = lastNumber(db);
	return last === null
		? unreadableBatches > MAX_UNREADABLE_BATCHES_UNCOUNTED
		: number >= last || unreadableBatches > MAX_UNREADABLE_BATCHES;
}

/** The highest sequence number; null if it cannot be read. */
function lastNumber(db: TapeDatabase): number | null {
	try {
		return db.get<{ n: number }>("SELECT coalesce(max(seq), 0) AS n FROM flow")?.n ?? 0;
	} catch {
		return null;
	}
}

function rowsOf<R extends { seq: number }>(
	db: TapeDatabase,
	columns: readonly string[],
	condition: Condition,
): Generator<R[]> {
	return condition.narrows ? chosen(db, columns, condition) : pages(db, columns);
}

/** Reads the sequence numbers first, from an index, and then the rows. */
function chosen<R>(db: TapeDatabase, columns: readonly string[], condition: Condition): Generator<R[]> {
	return listed(db, columns, numbers(db, condition));
}

/** Rows by their sequence numbers. @throws FlowtapeError FT_STORE at the end, if some could not be read */
function* listed<R>(db: TapeDatabase, columns: readonly string[], numbers: readonly number[]): Generator<R[]> {
	let damage: unknown = misnumbered(db);
	for (const batch of slices(numbers, BATCH_ROWS)) {
		try {
			yield rowsAt<R>(db, columns, batch);
		} catch (error) {
			if (!FlowtapeError.is(error, "FT_STORE")) throw error;
			damage ??= error;
			yield readable<R>(db, columns, batch);
		}
	}
	if (damage !== undefined) throw damage;
}

function rowsAt<R>(db: TapeDatabase, columns: readonly string[], batch: readonly number[]): R[] {
	return db.all(
		`SELECT ${selected(columns, db.schema)} FROM flow WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq`,
		JSON.stringify(batch),
	);
}

function* slices<T>(list: readonly T[], size: number): Generator<T[]> {
	for (let at = 0; at < list.length; at += size) yield list.slice(at, at + size);
}

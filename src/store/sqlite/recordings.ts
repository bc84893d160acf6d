// The queries of a replay: recordings by request key, their summaries and their responses.
import type { CodedRequest, FlowSummary } from "../../flow/recorded.ts";
import { type FlowColumns, READ_COLUMNS, selected } from "../record/flow-row.ts";
import { fromStored } from "../record/text.ts";
import type { TapeDatabase } from "./database.ts";
import { IS_READ, KEY_BLOCK } from "./schema.ts";

const BLOCK_FLOWS = 2 ** KEY_BLOCK;

/**
 * SQL condition: whether the columns of a flow allow it to answer a request. The status must have three digits and must
 * not be interim (RFC 9110 section 15), except a 101 that began a WebSocket.
 */
const IS_ANSWER = "(kind = 'http' AND (status BETWEEN 200 AND 999 OR (status = 101 AND has_websocket = 1)))";

/**
 * SQL condition: whether the head of the response must be read too, because it may be the authentication challenge of a
 * proxy, or its body may not have been recorded.
 */
const IS_DOUBTFUL = `(status IN (401, 407) OR response_body IS NULL) AND ${IS_ANSWER}`;

/** The row of a flow that has a response. */
export interface AnswerRow extends FlowColumns {
	status: number;
	/** The bytes of the response body, if they are in `body` and at most EAGER_BODY_BYTES; otherwise null. */
	bytes: Buffer | null;
}

/** Bodies beyond this many bytes are read on access. */
const EAGER_BODY_BYTES = 64 * 1024;

/** Sequence numbers of flows with this key after `after`, in order, at most `limit`. */
export function findByKey(db: TapeDatabase, key: string, after: number, limit: number): number[] {
	const found: number[] = [];
	for (let from = after + 1; found.length < limit; ) {
		const block = nextBlock(db, from);
		if (block === null) break;
		const sql = `SELECT seq FROM flow WHERE seq >> ${KEY_BLOCK} = ? AND request_key = ? AND seq >= ? ORDER BY seq LIMIT ?`;
		for (const { seq } of db.all<{ seq: number }>(sql, block, key, from, limit - found.length)) found.push(seq);
		from = (block + 1) * BLOCK_FLOWS;
	}
	return found;
}

/** The block of the first flow at or after a sequence number; null if there is none. */
function nextBlock(db: TapeDatabase, from: number): number | null {
	const next = db.get<{ seq: number }>(`SELECT seq FROM flow WHERE seq >= ? AND ${IS_READ} ORDER BY seq LIMIT 1`, from);
	return next === undefined ? null : Math.floor(next.seq / BLOCK_FLOWS);
}

/** All request keys with their sequence numbers, one block at a time, in the order of the flows. */
export function* keys(db: TapeDatabase): Generator<{ seq: number; key: string }[]> {
	for (let block = nextBlock(db, 0); block !== null; block = nextBlock(db, (block + 1) * BLOCK_FLOWS)) {
		const sql = `SELECT seq, request_key AS key FROM flow WHERE seq >> ${KEY_BLOCK} = ? AND request_key IS NOT NULL`;
		yield db.all<{ seq: number; key: string }>(sql, block).sort((a, b) => a.seq - b.seq);
	}
}

export function answerRow(db: TapeDatabase, seq: number): AnswerRow | undefined {
	const columns = `flow.id, ${selected(READ_COLUMNS.slice(1), db.schema)}, body.bytes`;
	const sql = `SELECT ${columns} FROM flow LEFT JOIN body ON body.id = response_body AND body.size <= ${EAGER_BODY_BYTES} AND length(body.bytes) = body.size WHERE seq = ? AND ${IS_ANSWER}`;
	return db.get<AnswerRow>(sql, seq);
}

/** The session of a flow; null: none. */
export function sessionAt(db: TapeDatabase, seq: number): string | null {
	const sql = `SELECT ${selected(["session"], db.schema)} FROM flow WHERE seq = ?`;
	const session = db.get<Pick<FlowColumns, "session">>(sql, seq)?.session ?? null;
	return session === null ? null : fromStored(session);
}

/** HTTP flows in order. `isAnswer` is decided by the columns alone; see `doubtful`. */
export function summaries(db: TapeDatabase, after: number, limit: number): FlowSummary[] {
	const columns = `seq, id, method, scheme, pretty_host AS host, port, path, status, ${IS_ANSWER} AS isAnswer, ${selected(["session"], db.schema)}`;
	const rows = db.all<FlowSummary>(
		`SELECT ${columns} FROM flow WHERE seq > ? AND ${IS_READ} AND kind = 'http' ORDER BY seq LIMIT ?`,
		after,
		limit,
	);
	return rows.map((row) => ({
		...row,
		id: fromStored(row.id),
		host: fromStored(row.host),
		isAnswer: Boolean(row.isAnswer),
		session: row.session === null ? null : fromStored(row.session),
	}));
}

export function codedRequests(db: TapeDatabase, after: number): CodedRequest[] {
	return db.all<CodedRequest>(
		`SELECT seq, method, path FROM flow WHERE seq > ? AND ${IS_READ} AND coded & 1 AND kind = 'http' ORDER BY seq`,
		after,
	);
}

/** Maximum number of flows in memory at once. */
const DOUBTFUL_ROWS = 500;

/** A flow whose head decides whether it can answer a request. */
export interface DoubtfulRow {
	readonly seq: number;
	readonly method: string;
	readonly status: number;
	readonly head: Uint8Array;
	readonly ended: null;
	readonly hasBody: number;
}

/** The doubtful flows with sequence numbers from `first` to `last`, in order. */
export function* doubtful(db: TapeDatabase, first: number, last: number): Generator<DoubtfulRow> {
	const columns = "seq, method, status, head, NULL AS ended, response_body IS NOT NULL AS hasBody";
	const sql = `SELECT ${columns} FROM flow WHERE seq BETWEEN ? AND ? AND ${IS_DOUBTFUL} ORDER BY seq LIMIT ${DOUBTFUL_ROWS}`;
	for (let from = first; ; ) {
		const rows = db.all<DoubtfulRow>(sql, from, last);
		yield* rows;
		const end = rows.at(-1);
		if (end === undefined || rows.length < DOUBTFUL_ROWS) return;
		from = end.seq + 1;
	}
}

/** Number of flows that can answer a request, decided by the columns alone; see `doubtful`. */
export function countAnswers(db: TapeDatabase): number {
	return db.get<{ n: number }>(`SELECT count(*) AS n FROM flow WHERE ${IS_ANSWER}`)?.n ?? 0;
}

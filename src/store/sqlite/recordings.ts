// What replay asks of a tape: recordings by their keys, what columns say of them, what they answer. Nothing is read that was not asked for.
import { type StoredBody, selected } from "../record/flow-row.ts";
import { fromStored } from "../record/text.ts";
import type { CodedRequest, FlowSummary } from "../store.ts";
import type { TapeDatabase } from "./database.ts";
import { KEY_BLOCK } from "./schema.ts";

const BLOCK_FLOWS = 2 ** KEY_BLOCK;

/** Bodies that were not kept: there is none of HEAD and some statuses, and what broke off may have none. */
const IS_MISSING = "(response_body IS NULL AND content_type IS NOT NULL AND status NOT IN (101, 204, 304) AND method <> 'HEAD' AND has_error = 0)";

/** Interim responses answer nothing, but for those that begin a WebSocket. Nor do statuses that have no three digits (RFC 9110 section 15). */
const IS_ANSWER = `(kind = 'http' AND (status BETWEEN 200 AND 999 OR (status = 101 AND has_websocket = 1)) AND NOT ${IS_MISSING})`;

/** What a response is made of. */
export interface AnswerFacts {
	id: string;
	status: number;
	response_size: number | null;
	response_body: StoredBody;
	/** The bytes of a body that is neither in the row itself nor large. */
	bytes: Buffer | null;
	head: Uint8Array;
	ended: string | null;
	refreshed: number | null;
}

/** Bodies beyond this many bytes are left where they are until somebody asks. */
const AT_ONCE_BYTES = 64 * 1024;

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

/** The block of the first flow from a sequence number on; null where there is none. */
function nextBlock(db: TapeDatabase, from: number): number | null {
	const next = db.get<{ seq: number }>("SELECT seq FROM flow WHERE seq >= ? ORDER BY seq LIMIT 1", from);
	return next === undefined ? null : Math.floor(next.seq / BLOCK_FLOWS);
}

/** All keys with their flows' sequence numbers, a block at a time, in the order of the flows. */
export function* keys(db: TapeDatabase): Generator<{ seq: number; key: string }[]> {
	for (let block = nextBlock(db, 0); block !== null; block = nextBlock(db, (block + 1) * BLOCK_FLOWS)) {
		const sql = `SELECT seq, request_key AS key FROM flow WHERE seq >> ${KEY_BLOCK} = ? AND request_key IS NOT NULL`;
		yield db.all<{ seq: number; key: string }>(sql, block).sort((a, b) => a.seq - b.seq);
	}
}

export function answerFacts(db: TapeDatabase, seq: number): AnswerFacts | undefined {
	const columns = `flow.id, status, response_size, response_body, head, body.bytes, ${selected(["ended", "refreshed"], db.schema)}`;
	const sql = `SELECT ${columns} FROM flow LEFT JOIN body ON body.id = response_body AND body.size <= ${AT_ONCE_BYTES} WHERE seq = ? AND ${IS_ANSWER}`;
	return db.get<AnswerFacts>(sql, seq);
}

export function outlines(db: TapeDatabase, after: number, limit: number): FlowSummary[] {
	const columns = `seq AS place, id, method, scheme, pretty_host AS host, port, path, status, ${IS_ANSWER} AS isAnswer`;
	const rows = db.all<FlowSummary>(`SELECT ${columns} FROM flow WHERE seq > ? AND kind = 'http' ORDER BY seq LIMIT ?`, after, limit);
	return rows.map((row) => ({ ...row, id: fromStored(row.id), host: fromStored(row.host), isAnswer: Boolean(row.isAnswer) }));
}

export function codedRequests(db: TapeDatabase, after: number): CodedRequest[] {
	return db.all<CodedRequest>("SELECT seq AS place, method, path FROM flow WHERE seq > ? AND coded & 1 AND kind = 'http' ORDER BY seq", after);
}

/** What may be answers of a proxy that asked for a password: their heads tell. */
export function challenges(db: TapeDatabase): { seq: number; status: number; head: Uint8Array; ended: null }[] {
	return db.all(`SELECT seq, status, head, NULL AS ended FROM flow WHERE status IN (401, 407) AND ${IS_ANSWER}`);
}

export function countAnswers(db: TapeDatabase): number {
	return db.get<{ n: number }>(`SELECT count(*) AS n FROM flow WHERE ${IS_ANSWER}`)?.n ?? 0;
}

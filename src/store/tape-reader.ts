// Flows read from a tape, and what replay asks of it.
import { FlowtapeError, type Reporter } from "../errors.ts";
import type { Filter } from "../filter/filter.ts";
import type { Body } from "../flow/body.ts";
import type { ClientConnection, ServerConnection } from "../flow/connection.ts";
import type { Flow } from "../flow/flow.ts";
import type { FlowSource } from "../flow/pipe.ts";
import { decodeAnswer, decodeFlow, decodeRequest, type PartReader } from "./codec.ts";
import { FACTS, type MessageRow, type StoredBody, selected } from "./flow-row.ts";
import { type Lender, type Lent, Place } from "./loan.ts";
import { SCHEMA_VERSION } from "./schema.ts";
import type { Condition } from "./select.ts";
import { BodyTable } from "./sqlite-bodies.ts";
import { ConnectionTable } from "./sqlite-connections.ts";
import type { TapeDatabase } from "./sqlite-database.ts";
import { answerFacts, codedRequests, countAnswers, findByKey, keys, outlines } from "./sqlite-recordings.ts";
import { candidateRows, conditionOf, numbersOf, requestRows, type StoredRow } from "./sqlite-rows.ts";
import type { CodedRequest, Outline, ReadOptions, RecordedAnswer, StoredRequest } from "./store.ts";
import { fromStored } from "./text.ts";

/** Numbers of rows from which on there may be none left for what is written. */
const MAX_LENT = 2 ** 40;

export class TapeReader implements PartReader, Lender {
	readonly bodies: BodyTable;
	readonly #db: TapeDatabase;
	readonly #report: Reporter;
	readonly #connections: ConnectionTable;

	constructor(db: TapeDatabase, report: Reporter) {
		this.#db = db;
		this.#report = report;
		this.bodies = new BodyTable(db);
		this.#connections = new ConnectionTable(db);
	}

	lent(): Lent | null {
		if (this.#db.mode !== "read" || this.#db.version() !== SCHEMA_VERSION) return null;
		const last = (table: string) => this.#db.get<{ id: number }>(`SELECT coalesce(max(id), 0) AS id FROM ${table}`)?.id ?? 0;
		try {
			const [bodies, connections] = [last("body"), last("connection")];
			return Math.max(bodies, connections) > MAX_LENT ? null : { path: this.#db.path, bodies, connections };
		} catch {
			// what is damaged is read flow by flow
			return null;
		}
	}

	readBody(stored: StoredBody, size: number | null): Body {
		return this.bodies.read(stored, size);
	}

	readClient(row: number): ClientConnection {
		return this.#connections.readClient(row);
	}

	readServer(row: number): ServerConnection {
		return this.#connections.readServer(row);
	}

	placeOf(row: number): Place {
		return new Place(this, row);
	}

	readMessages(seq: number): MessageRow[] {
		return this.#db.all<MessageRow>("SELECT at, from_client, opcode, flags, bytes FROM message WHERE flow = ? ORDER BY n", seq);
	}

	reportDamage(seq: number, what: string, cause: unknown): void {
		const { path } = this.#db;
		this.#report("FT_CORRUPT_FLOW", `${path}: flow ${seq}: ${what} is damaged; the flow is kept without`, { file: path, record: seq, cause });
	}

	read(options: ReadOptions = {}): FlowSource {
		const batches = () => this.#batches(options);
		return {
			async *[Symbol.asyncIterator]() {
				yield* batches();
			},
		};
	}

	*#batches({ filter, ids }: ReadOptions): Generator<Flow[]> {
		const condition = conditionOf(this.#db, filter, ids);
		const asked = condition.exact ? undefined : filter;
		for (const rows of this.#candidates(condition, asked)) yield rows.flatMap((row) => this.#decode(row, asked) ?? []);
	}

	/** The numbers of the flows that match. */
	*matching({ filter, ids }: ReadOptions): Generator<number[]> {
		const condition = conditionOf(this.#db, filter, ids);
		if (condition.exact) yield* numbersOf(this.#db, condition);
		else for (const rows of this.#candidates(condition, filter)) yield rows.flatMap((row) => (this.#decode(row, filter) === undefined ? [] : row.seq));
	}

	/** What the rows of each batch refer to is expected to be asked for. */
	*#candidates(condition: Condition, filter: Filter | undefined): Generator<StoredRow[]> {
		for (const rows of candidateRows(this.#db, this.bodies, condition, filter)) {
			const size = rows.reduce((sum, row) => sum + (row.request_size ?? 0) + (row.response_size ?? 0), 0);
			this.bodies.expect(
				rows.flatMap((row) => [row.request_body, row.response_body]),
				size,
			);
			this.#connections.expect(rows.flatMap((row) => [row.client_conn, row.server_conn]));
			yield rows;
		}
	}

	async count(filter?: Filter): Promise<number> {
		const { sql, parameters, exact } = conditionOf(this.#db, filter);
		if (exact) return this.#db.get<{ n: number }>(`SELECT count(*) AS n FROM flow WHERE ${sql}`, ...parameters)?.n ?? 0;
		let count = 0;
		for (const batch of this.#batches({ filter })) count += batch.length;
		return count;
	}

	findByKey(key: string, after: number, limit: number): number[] {
		// it may have been recorded just now
		this.#db.letGo();
		this.#db.hold();
		return findByKey(this.#db, key, after, limit);
	}

	keys(): Generator<{ seq: number; key: string }[]> {
		return keys(this.#db);
	}

	at(seq: number): Flow | null {
		this.#db.hold();
		const row = this.#db.get<StoredRow>(`SELECT seq, ${selected(FACTS, this.#db.schema)} FROM flow WHERE seq = ?`, seq);
		return row === undefined ? null : (this.#decode(row) ?? null);
	}

	answerAt(seq: number): RecordedAnswer | null {
		this.#db.hold();
		const row = answerFacts(this.#db, seq);
		if (row === undefined) return null;
		const body = row.bytes ?? this.bodies.read(row.response_body, row.response_size);
		const answer = this.#guard(seq, () => decodeAnswer(row, body));
		return answer === undefined ? null : { id: fromStored(row.id), refreshed: row.refreshed, ...answer };
	}

	outlines(after: number, limit: number): Outline[] {
		return outlines(this.#db, after, limit);
	}

	codedRequests(after: number): CodedRequest[] {
		return codedRequests(this.#db, after);
	}

	countAnswers(): number {
		return countAnswers(this.#db);
	}

	*requests(): Generator<StoredRequest[]> {
		for (const rows of requestRows(this.#db)) {
			yield rows.flatMap((row) => {
				const request = this.#guard(row.seq, () => decodeRequest(row.seq, row, this));
				return request === undefined ? [] : { seq: row.seq, request };
			});
		}
	}

	/** The flow of a row; undefined where it does not match, or is damaged, which is reported. */
	#decode(row: StoredRow, filter?: Filter): Flow | undefined {
		return this.#guard(row.seq, () => {
			const flow = decodeFlow(row.seq, row, this);
			return filter === undefined || filter.matches(flow) ? flow : undefined;
		});
	}

	#guard<T>(seq: number, decode: () => T): T | undefined {
		try {
			return decode();
		} catch (cause) {
			if (!(cause instanceof FlowtapeError && cause.code === "FT_CORRUPT_FLOW")) throw cause;
			const where = { file: this.#db.path, record: seq, cause };
			this.#report("FT_CORRUPT_FLOW", `${this.#db.path}: flow ${seq}: its record cannot be decoded; it is left out`, where);
			return undefined;
		}
	}
}

// Flows read from a tape, and what replay asks of it.
import { FlowtapeError, type Reporter } from "../../errors.ts";
import type { Filter } from "../../filter/filter.ts";
import type { Body } from "../../flow/body.ts";
import type { ClientConnection, ServerConnection } from "../../flow/connection.ts";
import type { Flow } from "../../flow/flow.ts";
import { isProxyChallenge } from "../../flow/proxy-challenge.ts";
import { FlowSource } from "../../flow/source.ts";
import { decodeAnswer, decodeFlow, decodeRequest, type PartReader } from "../record/codec.ts";
import { type MessageRow, READ_COLUMNS, type StoredBody, selected } from "../record/flow-row.ts";
import { fromStored } from "../record/text.ts";
import type { Condition } from "../select.ts";
import type { CodedRequest, FlowSummary, ReadOptions, RecordedAnswer, StoredRequest } from "../store.ts";
import { BodyTable } from "./bodies.ts";
import { ConnectionTable } from "./connections.ts";
import type { TapeDatabase } from "./database.ts";
import { answerFacts, challenges, codedRequests, countAnswers, findByKey, keys, outlines } from "./recordings.ts";
import { Place, type ReusableRows, type SourceTape } from "./row-reuse.ts";
import { candidateRows, conditionOf, numbersOf, requestRows, type StoredRow } from "./rows.ts";
import { SCHEMA_VERSION } from "./schema.ts";

/** Numbers of rows from which on there may be none left for what is written. */
const MAX_LENT = 2 ** 40;

/** What another tape takes of this one without a look at it; bodies are looked at with their flows. */
const COPIED_UNREAD = [
	["connection", "bytes"],
	["certificate", "pem"],
] as const;

export class TapeReader implements PartReader, SourceTape {
	readonly bodies: BodyTable;
	readonly #db: TapeDatabase;
	readonly #report: Reporter;
	readonly #connections: ConnectionTable;
	/** Whether bodies are read with their flows, and what of them is damaged is left out. */
	#isChecking = false;
	/** Bytes of a body beyond which, while checking, only its length is looked at. */
	#checkedBytes = Number.POSITIVE_INFINITY;
	/** Damage that was told of: replay meets the same again and again. */
	readonly #told = new Set<string>();
	/** The number of the flow that is being made. */
	#seq = 0;

	constructor(db: TapeDatabase, report: Reporter) {
		this.#db = db;
		this.#report = report;
		this.bodies = new BodyTable(db);
		this.#connections = new ConnectionTable(db);
	}

	lent(): ReusableRows | null {
		if (this.#db.mode !== "read" || this.#db.version() !== SCHEMA_VERSION) return null;
		const last = (table: string) => this.#db.get<{ id: number }>(`SELECT coalesce(max(id), 0) AS id FROM ${table}`)?.id ?? 0;
		try {
			const [bodies, connections] = [last("body"), last("connection")];
			if (Math.max(bodies, connections) > MAX_LENT) return null;
			// they are copied when nobody can do without them any more; what is asked for is the last byte of each
			for (const [table, column] of COPIED_UNREAD) this.#db.get(`SELECT count(substr(${column}, -1)) FROM ${table}`);
			return { path: this.#db.path, bodies, connections };
		} catch {
			// what is damaged is read flow by flow
			return null;
		}
	}

	readBody(stored: StoredBody, size: number | null): Body {
		try {
			const damage = this.#isChecking ? this.bodies.damageOf(stored, size, this.#checkedBytes) : null;
			if (damage !== null) throw damage;
			return this.bodies.read(stored, size);
		} catch (error) {
			if (!isDamage(error)) throw error;
			this.reportDamage(this.#seq, "a body", error);
			return null;
		}
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
		try {
			return this.#db.all<MessageRow>("SELECT at, from_client, opcode, flags, bytes FROM message WHERE flow = ? ORDER BY n", seq);
		} catch (error) {
			if (!isDamage(error)) throw error;
			this.reportDamage(seq, "the list of its messages", error);
			return [];
		}
	}

	reportDamage(seq: number, what: string, cause: unknown): void {
		const { path } = this.#db;
		const why = cause instanceof FlowtapeError ? `: ${cause.message.replace(`${path}: `, "")}` : "";
		const message = `${path}: flow ${seq}: ${what} is damaged; the flow is kept without (id ${this.#idOf(seq)}${why})`;
		if (this.#told.has(message)) return;
		if (this.#told.size < TOLD) this.#told.add(message);
		this.#report("FT_CORRUPT_FLOW", message, { file: path, record: seq, cause });
	}

	#idOf(seq: number): string {
		try {
			return fromStored(this.#db.get<{ id: string }>("SELECT id FROM flow WHERE seq = ?", seq)?.id ?? "unknown");
		} catch {
			return "unknown";
		}
	}

	read(options: ReadOptions = {}): FlowSource {
		const batches = () => this.#batches(options);
		return FlowSource.of(async function* () {
			yield* batches();
		});
	}

	*#batches({ filter, ids, bodies = false }: ReadOptions): Generator<Flow[]> {
		const isChecking = bodies || looksAtBodies(filter);
		let hasBegun = false;
		try {
			const condition = conditionOf(this.#db, filter, ids);
			const asked = condition.exact ? undefined : filter;
			for (const rows of this.#candidates(condition, asked, isChecking)) {
				hasBegun = true;
				yield this.#flows(rows, asked, isChecking);
			}
		} catch (error) {
			if (hasBegun || !isDamage(error) || (filter === undefined && ids === undefined)) throw error;
			// the indexes are damaged: each flow is asked itself
			const wanted = ids === undefined ? null : new Set(ids);
			for (const rows of this.#candidates(EVERY_ROW, undefined, isChecking))
				yield this.#flows(
					rows.filter(({ id }) => wanted?.has(fromStored(id)) !== false),
					filter,
					isChecking,
				);
			throw error;
		}
	}

	#flows(rows: readonly StoredRow[], filter: Filter | undefined, isChecking: boolean): Flow[] {
		this.#isChecking = isChecking;
		const flows = rows.flatMap((row) => this.#decode(row, filter) ?? []);
		this.#isChecking = false;
		return flows;
	}

	/** The numbers of the flows that match. */
	*matching({ filter, ids }: ReadOptions): Generator<number[]> {
		const condition = conditionOf(this.#db, filter, ids);
		if (condition.exact) yield* numbersOf(this.#db, condition);
		else for (const rows of this.#candidates(condition, filter, false)) yield rows.flatMap((row) => (this.#decode(row, filter) === undefined ? [] : row.seq));
	}

	/** What the rows of each batch refer to is expected to be asked for. */
	*#candidates(condition: Condition, filter: Filter | undefined, isChecking: boolean): Generator<StoredRow[]> {
		for (const batch of candidateRows(this.#db, this.bodies, condition, filter)) {
			for (const rows of isChecking ? portions(batch) : [batch]) {
				const bodies = rows.flatMap((row) => [row.request_body, row.response_body]);
				if (isChecking) this.bodies.readAhead(bodies);
				else this.bodies.expect(bodies, rows.reduce(addSize, 0));
				this.#connections.expect(rows.flatMap((row) => [row.client_conn, row.server_conn]));
				yield rows;
			}
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
		this.#db.endReadSnapshot();
		this.#db.beginReadSnapshot();
		return findByKey(this.#db, key, after, limit);
	}

	keys(): Generator<{ seq: number; key: string }[]> {
		return keys(this.#db);
	}

	at(seq: number): Flow | null {
		this.#db.beginReadSnapshot();
		const row = this.#db.get<StoredRow>(`SELECT seq, ${selected(READ_COLUMNS, this.#db.schema)} FROM flow WHERE seq = ?`, seq);
		if (row === undefined) return null;
		// nobody who asks for a single flow, to compare it or to show it, can go on without it
		return this.#checking(CHECKED_AT_ONCE, () => this.#decode(row)) ?? null;
	}

	answerAt(seq: number): RecordedAnswer | null {
		this.#db.beginReadSnapshot();
		const row = answerFacts(this.#db, seq);
		if (row === undefined) return null;
		const damage = this.bodies.damageOf(row.response_body, row.response_size, CHECKED_AT_ONCE);
		if (damage !== null) {
			this.reportDamage(seq, "the body of its response", damage);
			return null;
		}
		const body = row.bytes ?? this.bodies.read(row.response_body, row.response_size);
		const answer = this.#guard(seq, () => decodeAnswer(row, body));
		return answer === undefined || isProxyChallenge(answer.response) ? null : { id: fromStored(row.id), refreshed: row.refreshed, ...answer };
	}

	outlines(after: number, limit: number): FlowSummary[] {
		const found = outlines(this.#db, after, limit);
		if (!found.some(({ status }) => status === 401 || status === 407)) return found;
		const asking = this.#challenges();
		return found.map((outline) => (asking.has(outline.place) ? { ...outline, isAnswer: false } : outline));
	}

	codedRequests(after: number): CodedRequest[] {
		return codedRequests(this.#db, after);
	}

	countAnswers(): number {
		return countAnswers(this.#db) - this.#challenges().size;
	}

	/** Those flows whose answer is the question of a proxy for a password. */
	#challenges(): Set<number> {
		const rows = challenges(this.#db).filter((row) => {
			const answer = this.#guard(row.seq, () => decodeAnswer(row, null));
			return answer !== undefined && isProxyChallenge(answer.response);
		});
		return new Set(rows.map(({ seq }) => seq));
	}

	*requests(): Generator<StoredRequest[]> {
		for (const rows of requestRows(this.#db)) {
			yield rows.flatMap((row) => {
				this.#seq = row.seq;
				const request = this.#checking(Number.POSITIVE_INFINITY, () => this.#guard(row.seq, () => decodeRequest(row.seq, row, this)));
				return request === undefined ? [] : { seq: row.seq, request };
			});
		}
	}

	/** Reads something with its bodies: of what is damaged they are left out, which is told. */
	#checking<T>(limit: number, read: () => T): T {
		this.#isChecking = true;
		this.#checkedBytes = limit;
		try {
			return read();
		} finally {
			this.#isChecking = false;
			this.#checkedBytes = Number.POSITIVE_INFINITY;
		}
	}

	/** The flow of a row; undefined where it does not match, or is damaged, which is reported. */
	#decode(row: StoredRow, filter?: Filter): Flow | undefined {
		this.#seq = row.seq;
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

/** How much damage is remembered. */
const TOLD = 10_000;

/** Bytes of an answer beyond which nobody waits until all of them are read. */
const CHECKED_AT_ONCE = 16 * 1024 * 1024;

const EVERY_ROW: Condition = { sql: "1", parameters: [], exact: false, narrows: false };

/** Whether a filter can only be asked with the bodies of a flow. */
function looksAtBodies(filter: Filter | undefined): boolean {
	return filter?.needs.has("requestBody") === true || filter?.needs.has("responseBody") === true;
}

/** Bytes of bodies that are in memory at once, where all are read. */
const PORTION_BYTES = 16 * 1024 * 1024;

function addSize(sum: number, { request_size, response_size }: StoredRow): number {
	return sum + (request_size ?? 0) + (response_size ?? 0);
}

/** Rows of a batch that have little enough in their bodies to be read together. */
function portions(batch: readonly StoredRow[]): StoredRow[][] {
	const parts: StoredRow[][] = [];
	let bytes = 0;
	for (const row of batch) {
		bytes = addSize(bytes, row);
		if (parts.length === 0 || bytes > PORTION_BYTES) {
			parts.push([]);
			bytes = addSize(0, row);
		}
		parts.at(-1)?.push(row);
	}
	return parts;
}

function isDamage(error: unknown): error is FlowtapeError {
	return error instanceof FlowtapeError && error.code === "FT_STORE";
}

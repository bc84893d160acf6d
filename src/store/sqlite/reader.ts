// Reads flows from a tape, all of them or single ones for a replay. Damage is reported, and as much as possible of each
// flow is kept.
import { FlowtapeError, type Reporter } from "../../errors.ts";
import type { Filter } from "../../filter/filter.ts";
import type { Body } from "../../flow/body.ts";
import { NO_BYTES } from "../../flow/bytes.ts";
import type { ClientConnection, ServerConnection } from "../../flow/connection.ts";
import type { Flow } from "../../flow/flow.ts";
import { isKept } from "../../flow/kept-body.ts";
import { isProxyChallenge } from "../../flow/proxy-challenge.ts";
import type { CodedRequest, FlowSummary, RecordedAnswer } from "../../flow/recorded.ts";
import { FlowSource } from "../../flow/source.ts";
import { decodeAnswer, decodeFlow, decodeRequest } from "../record/codec.ts";
import { type FlowColumns, type NumberedMessage, READ_COLUMNS, type StoredBody, selected } from "../record/flow-row.ts";
import { certificateKeys, isCertificate } from "../record/pack-connection.ts";
import type { PartReader } from "../record/parts.ts";
import { checkFlow, isVerifiedRecord } from "../record/row-sum.ts";
import { fromStored } from "../record/text.ts";
import type { Condition } from "../select.ts";
import type { StoredRequest, StoreReadOptions } from "../store.ts";
import { BodyTable } from "./bodies.ts";
import { ConnectionTable } from "./connections.ts";
import type { TapeDatabase } from "./database.ts";
import { missingFlows } from "./notes.ts";
import {
	answerRow,
	codedRequests,
	countAnswers,
	doubtful,
	findByKey,
	keys,
	sessionAt,
	summaries,
} from "./recordings.ts";
import { type ReusableRows, RowRef, type SourceTape } from "./row-reuse.ts";
import { canDecide, candidateRows, conditionOf, decidedRows, numbersOf, requestRows, type StoredRow } from "./rows.ts";
import { CONTENTS, SCHEMA_VERSION } from "./schema.ts";

/** Rows of a tape with higher row ids are not reused: the writer could run out of ids. */
const MAX_ROW_ID = 2 ** 40;

/**
 * Tables and conditions that select damaged rows. They cover the rows that are copied to another tape without being
 * decoded; bodies are verified with their flows.
 */
const COPIED_UNREAD = [
	"connection WHERE NOT is_whole_connection(bytes)",
	"certificate WHERE NOT is_certificate(hash, pem)",
	"chunk WHERE body < 0",
];

export class TapeReader implements PartReader, SourceTape {
	readonly bodies: BodyTable;
	readonly #db: TapeDatabase;
	readonly #report: Reporter;
	readonly #connections: ConnectionTable;
	/** Whether bodies are verified with their flows, and damaged ones left out. */
	#isChecking = false;
	/** Size beyond which a body in chunks is not read to verify its checksum: only its length is verified. Bytes. */
	#checkedBytes = Number.POSITIVE_INFINITY;
	/** Messages about damage that were already reported: a replay may find the same damage again. */
	readonly #reported = new Set<string>();
	/** The sequence number of the flow being decoded. */
	#seq = 0;

	constructor(db: TapeDatabase, report: Reporter) {
		this.#db = db;
		this.#report = report;
		this.bodies = new BodyTable(db);
		this.#connections = new ConnectionTable(db, (row, cause) => this.#reportCertificate(row, cause));
	}

	reusableRows(): ReusableRows | null {
		if (this.#db.mode !== "read" || this.#db.isInMemory || this.#db.version() !== SCHEMA_VERSION) return null;
		const last = (table: string) =>
			this.#db.get<{ id: number }>(`SELECT coalesce(max(id), 0) AS id FROM ${table}`)?.id ?? 0;
		try {
			const [bodies, connections] = [last("body"), last("connection")];
			if (Math.max(bodies, connections) > MAX_ROW_ID) return null;
			// verified now, because damage found while copying could no longer be left out
			const certificates = new Set(
				this.#db.column<Uint8Array>("SELECT hash FROM certificate").map((hash) => Buffer.from(hash).latin1Slice()),
			);
			const hasCertificates = (bytes: Uint8Array) =>
				certificateKeys(bytes).every((key) => certificates.has(key.latin1Slice()));
			const isWholeConnection = (bytes: unknown) =>
				bytes instanceof Uint8Array && isVerifiedRecord(bytes) && hasCertificates(bytes);
			this.#db.define("is_whole_connection", (bytes: unknown) => (isWholeConnection(bytes) ? 1 : 0));
			this.#db.define("is_certificate", (hash: unknown, pem: unknown) => (isCertificate(hash, pem) ? 1 : 0));
			if (COPIED_UNREAD.some((damaged) => this.#db.get(`SELECT 1 FROM ${damaged} LIMIT 1`) !== undefined)) return null;
			return { path: this.#db.path, bodies, connections };
		} catch {
			// a damaged tape is read flow by flow
			return null;
		}
	}

	hasConnection(row: number): boolean {
		return this.#connections.has(row);
	}

	readBody(stored: StoredBody, size: number | null): Body {
		try {
			const damage = this.#isChecking ? this.bodies.damageOf(stored, size, this.#checkedBytes) : null;
			if (damage !== null) throw damage;
			return this.bodies.read(stored, size);
		} catch (error) {
			if (!FlowtapeError.is(error, "FT_STORE")) throw error;
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

	rowRefOf(row: number): RowRef {
		return new RowRef(this, row);
	}

	readMessages(seq: number): NumberedMessage[] {
		return this.#messages<NumberedMessage>(seq, "bytes");
	}

	readSmallMessages(seq: number, limit: number): (Omit<NumberedMessage, "bytes"> & { bytes: Buffer | null })[] {
		return this.#messages(seq, `CASE WHEN length(bytes) <= ${limit} THEN bytes END AS bytes`);
	}

	readMessage(seq: number, n: number): NumberedMessage | undefined {
		return this.#messages<NumberedMessage>(seq, "bytes", n)[0];
	}

	/** @param n the number of a single message; null: all */
	#messages<Row>(seq: number, bytes: string, n: number | null = null): Row[] {
		const sql = `SELECT n, at, from_client, opcode, flags, ${bytes} FROM message WHERE flow = ?`;
		try {
			return n === null ? this.#db.all<Row>(`${sql} ORDER BY n`, seq) : this.#db.all<Row>(`${sql} AND n = ?`, seq, n);
		} catch (error) {
			if (!FlowtapeError.is(error, "FT_STORE")) throw error;
			this.reportDamage(seq, "the list of its messages", error);
			return [];
		}
	}

	reportDamage(seq: number, what: string, cause: unknown): void {
		const { path } = this.#db;
		const why = cause instanceof FlowtapeError ? `: ${cause.message.replace(`${path}: `, "")}` : "";
		this.#reportOnce(
			`${path}: flow ${seq}: ${what} is damaged; the flow is kept without it (id ${this.#idOf(seq)}${why})`,
			cause,
			seq,
		);
	}

	#reportCertificate(connection: number, cause: unknown): void {
		const { path } = this.#db;
		const why = cause instanceof FlowtapeError ? ` (${cause.message.replace(`${path}: `, "")})` : "";
		this.#reportOnce(
			`${path}: a certificate of connection ${connection} is damaged; the connection is kept without it${why}`,
			cause,
		);
	}

	#reportOnce(message: string, cause: unknown, record?: number): void {
		if (this.#reported.has(message)) return;
		if (this.#reported.size < REPORTED_LIMIT) this.#reported.add(message);
		this.#report("FT_CORRUPT_FLOW", message, { file: this.#db.path, ...(record !== undefined && { record }), cause });
	}

	#idOf(seq: number): string {
		try {
			return fromStored(this.#db.get<{ id: string }>("SELECT id FROM flow WHERE seq = ?", seq)?.id ?? "unknown");
		} catch {
			return "unknown";
		}
	}

	read(options: StoreReadOptions = {}): FlowSource {
		const batches = () => this.#batches(options);
		const reportLosses = () => {
			this.#reportMissingTables();
			if (options.ids === undefined) this.#reportMissingFlows();
		};
		return FlowSource.of(async function* () {
			reportLosses();
			yield* batches();
		});
	}

	/** The tables that the tape lacks. Not every reader of flows needs all of them. */
	missingTables(): string[] {
		const there = new Set(this.#db.column<string>("SELECT name FROM sqlite_schema WHERE type = 'table'"));
		return Object.keys(CONTENTS).filter((table) => !there.has(table) && (table !== "meta" || this.#db.schema > 1));
	}

	#reportMissingTables(): void {
		const { path } = this.#db;
		for (const table of this.missingTables())
			this.#reportOnce(
				`${path}: the table ${table} is missing: ${CONTENTS[table]} are lost`,
				new FlowtapeError("FT_STORE", `${path}: the table ${table} is missing`),
			);
	}

	/** The number of flows that were removed from the tape or are lost. */
	missingFlows(): number {
		return missingFlows(this.#db);
	}

	#reportMissingFlows(): void {
		const { path } = this.#db;
		const missing = this.missingFlows();
		if (missing === 0) return;
		const cause = new FlowtapeError("FT_STORE", `${path}: there are fewer flows than were recorded`);
		this.#reportOnce(
			`${path}: ${missing} ${missing === 1 ? "flow is" : "flows are"} missing: fewer flows are there than were recorded`,
			cause,
		);
	}

	*#batches({ filter, ids, bodies = false, after = 0 }: StoreReadOptions): Generator<Flow[]> {
		const isChecking = bodies || looksAtBodies(filter);
		let hasBegun = false;
		try {
			const condition = conditionOf(this.#db, filter, ids, after);
			const remaining = condition.exact ? undefined : filter;
			for (const rows of this.#candidates(condition, remaining, isChecking)) {
				hasBegun = true;
				yield this.#flows(rows, remaining, isChecking);
			}
		} catch (error) {
			if (hasBegun || !FlowtapeError.is(error, "FT_STORE") || (filter === undefined && ids === undefined)) throw error;
			// the indexes are damaged: test every flow
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
		const decode = () => rows.flatMap((row) => this.#decode(row, filter) ?? []);
		return isChecking ? this.#checking(Number.POSITIVE_INFINITY, decode) : decode();
	}

	/** The sequence numbers of the flows that match, in batches. */
	*matching({ filter, ids, after = 0 }: StoreReadOptions): Generator<number[]> {
		const condition = conditionOf(this.#db, filter, ids, after);
		if (condition.exact || filter === undefined) yield* numbersOf(this.#db, condition);
		else if (canDecide(filter.plan))
			for (const { matching, undecided } of decidedRows(this.#db, this.bodies, condition, filter.plan)) {
				const decoded = undecided.length === 0 ? [] : [...this.#matchingAmong(numbered(undecided), filter)].flat();
				yield decoded.length === 0 ? matching : matching.concat(decoded).sort((a, b) => a - b);
			}
		else yield* this.#matchingAmong(condition, filter);
	}

	/** The sequence numbers of the flows that meet a condition and match. Each is decoded. */
	*#matchingAmong(condition: Condition, filter: Filter): Generator<number[]> {
		const isChecking = looksAtBodies(filter);
		for (const rows of this.#candidates(condition, undefined, isChecking)) {
			const decode = () => rows.flatMap((row) => (this.#decode(row, filter) === undefined ? [] : row.seq));
			yield isChecking ? this.#checking(Number.POSITIVE_INFINITY, decode) : decode();
		}
	}

	/**
	 * Yields batches of rows that may match. Before each batch, the tables of bodies and connections learn which of their
	 * rows it refers to.
	 */
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
		const sizeOf = (batches: Iterable<readonly unknown[]>) => {
			let size = 0;
			for (const { length } of batches) size += length;
			return size;
		};
		try {
			return sizeOf(this.matching({ filter }));
		} catch (error) {
			if (!FlowtapeError.is(error, "FT_STORE")) throw error;
			return sizeOf(this.#batches({ filter }));
		}
	}

	findByKey(key: string, after: number, limit: number): number[] {
		// a new snapshot, because the recording may have been written just now
		this.#db.endReadSnapshot();
		this.#db.beginReadSnapshot();
		return findByKey(this.#db, key, after, limit);
	}

	keys(): Generator<{ seq: number; key: string }[]> {
		return keys(this.#db);
	}

	at(seq: number): Flow | null {
		this.#db.beginReadSnapshot();
		const row = this.#db.get<StoredRow>(
			`SELECT seq, ${selected(READ_COLUMNS, this.#db.schema)} FROM flow WHERE seq = ?`,
			seq,
		);
		if (row === undefined) return null;
		// a single flow is shown or compared, so its bodies will be needed
		return this.#checking(MAX_CHECKED_BYTES, () => this.#decode(row)) ?? null;
	}

	answerAt(seq: number): RecordedAnswer | null {
		this.#db.beginReadSnapshot();
		const row = answerRow(this.#db, seq);
		if (row === undefined) return null;
		const damage = this.bodies.damageOf(row.response_body, row.response_size, MAX_CHECKED_BYTES);
		if (damage !== null) {
			this.reportDamage(seq, "the body of its response", damage);
			return null;
		}
		const body = row.bytes ?? this.bodies.read(row.response_body, row.response_size);
		const answer = this.#guard(seq, () => {
			this.#check(row);
			return decodeAnswer(row, body);
		});
		if (answer === undefined || !canAnswer(row.method, answer)) return null;
		const { response, ended } = answer;
		const session = row.session === null ? null : fromStored(row.session);
		return { id: fromStored(row.id), refreshed: row.refreshed, response, ended, session };
	}

	sessionAt(seq: number): string | null {
		return sessionAt(this.#db, seq);
	}

	summaries(after: number, limit: number): FlowSummary[] {
		const found = summaries(this.#db, after, limit);
		const [first, last] = [found[0], found.at(-1)];
		if (first === undefined || last === undefined) return found;
		const unfit = new Set(this.#unfit(first.seq, last.seq));
		return unfit.size === 0
			? found
			: found.map((summary) => (unfit.has(summary.seq) ? { ...summary, isAnswer: false } : summary));
	}

	codedRequests(after: number): CodedRequest[] {
		return codedRequests(this.#db, after);
	}

	countAnswers(): number {
		let count = countAnswers(this.#db);
		for (const _ of this.#unfit(0, Number.MAX_SAFE_INTEGER)) count--;
		return count;
	}

	/**
	 * The sequence numbers, from `first` to `last`, of flows whose columns allow them to answer a request but whose heads
	 * do not.
	 */
	*#unfit(first: number, last: number): Generator<number> {
		for (const row of doubtful(this.#db, first, last)) {
			const answer = this.#guard(row.seq, () => decodeAnswer(row, row.hasBody === 0 ? null : NO_BYTES));
			if (answer !== undefined && !canAnswer(row.method, answer)) yield row.seq;
		}
	}

	*requests(): Generator<StoredRequest[]> {
		for (const rows of requestRows(this.#db)) {
			yield rows.flatMap((row) => {
				this.#seq = row.seq;
				const request = this.#checking(Number.POSITIVE_INFINITY, () =>
					this.#guard(row.seq, () => decodeRequest(row.seq, row, this)),
				);
				return request === undefined ? [] : { seq: row.seq, request };
			});
		}
	}

	/**
	 * Runs `read` and verifies bodies meanwhile: damaged ones are reported and left out. `limit`: see `#checkedBytes`.
	 */
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

	/** The flow of a row; undefined if it does not match, or is damaged, which is reported. */
	#decode(row: StoredRow, filter?: Filter): Flow | undefined {
		this.#seq = row.seq;
		return this.#guard(row.seq, () => {
			this.#check(row);
			const flow = decodeFlow(row.seq, row, this);
			return filter === undefined || filter.matches(flow) ? flow : undefined;
		});
	}

	/**
	 * Verifies the checksum of a row, except on a tape opened as version 1, whose newer columns are not read.
	 * @throws FlowtapeError FT_CORRUPT_FLOW if it does not match
	 */
	#check(row: FlowColumns): void {
		if (this.#db.schema > 1) checkFlow(row);
	}

	#guard<T>(seq: number, decode: () => T): T | undefined {
		try {
			return decode();
		} catch (cause) {
			if (!FlowtapeError.is(cause, "FT_CORRUPT_FLOW")) throw cause;
			const where = { file: this.#db.path, record: seq, cause };
			this.#report(
				"FT_CORRUPT_FLOW",
				`${this.#db.path}: flow ${seq}: its record cannot be decoded; the flow is left out`,
				where,
			);
			return undefined;
		}
	}
}

/** Whether the head and body of a response allow it to answer requests. Its status is not checked. */
function canAnswer(method: string | null, { response, error }: ReturnType<typeof decodeAnswer>): boolean {
	return !isProxyChallenge(response) && isKept({ request: { method: method ?? "" }, response, error });
}

/** Maximum number of reported messages that are remembered. */
const REPORTED_LIMIT = 10_000;

/** The checksum of a larger body in chunks is not verified before a response begins. Bytes. */
const MAX_CHECKED_BYTES = 16 * 1024 * 1024;

/** A condition for the rows with these sequence numbers. */
function numbered(numbers: readonly number[]): Condition {
	const sql = "seq IN (SELECT value FROM json_each(?))";
	return { sql, parameters: [JSON.stringify(numbers)], exact: true, narrows: true };
}

const EVERY_ROW: Condition = { sql: "1", parameters: [], exact: false, narrows: false };

/** Whether a filter searches bodies. */
function looksAtBodies(filter: Filter | undefined): boolean {
	return filter?.needs.has("requestBody") === true || filter?.needs.has("responseBody") === true;
}

/** Bytes of bodies that are in memory at once when all bodies are read. */
const PORTION_BYTES = 16 * 1024 * 1024;

function addSize(sum: number, { request_size, response_size }: StoredRow): number {
	return sum + (request_size ?? 0) + (response_size ?? 0);
}

/** Splits a batch so that the bodies of each part fit in PORTION_BYTES. */
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

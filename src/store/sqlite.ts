// The flow store in a SQLite file: the `.tape`.
import { FlowtapeError, type Reporter } from "../errors.ts";
import type { Filter } from "../filter/filter.ts";
import type { Body } from "../flow/body.ts";
import type { ClientConnection, ServerConnection } from "../flow/connection.ts";
import type { Flow, HttpFlow, Later } from "../flow/flow.ts";
import type { BodySpool, FlowSource, OpenFlow } from "../flow/pipe.ts";
import {
	decodeFlow,
	decodeRequest,
	decodeResponse,
	encodeFlow,
	encodeMessage,
	encodeMessages,
	FACTS,
	type MessageRow,
	type PartReader,
	type PartWriter,
	type StoredBody,
} from "./codec.ts";
import type { Condition } from "./select.ts";
import { BodyTable } from "./sqlite-bodies.ts";
import { ConnectionTable } from "./sqlite-connections.ts";
import { borrowRows, copyRows, type Lent, settleRows } from "./sqlite-copy.ts";
import { type Mode, TapeDatabase } from "./sqlite-database.ts";
import { answerFacts, countAnswers, findByKey, keys, outlines } from "./sqlite-recordings.ts";
import { candidateRows, conditionOf, numbersOf, requestRows, type StoredRow } from "./sqlite-rows.ts";
import type { FlowStore, Outline, ReadOptions, RecordedAnswer, StoredRequest } from "./store.ts";
import { fromStored } from "./text.ts";

export interface StoreOptions {
	mode: Mode;
	report: Reporter;
	/** Survives the loss of power too, not only the death of the process. */
	durable?: boolean;
	/** The key by which replay finds a recording; kept beside each flow. */
	requestKey?: ((flow: HttpFlow) => string) | undefined;
}

/** A group of flows is committed when it has lasted this long, or has this many flows or bytes. */
const COMMIT_MS = 40;
const COMMIT_FLOWS = 1000;
const COMMIT_BYTES = 8 * 1024 * 1024;

const INSERT_FLOW = `INSERT INTO flow (
	id, kind, started, method, scheme, host, pretty_host, port, path, status, content_type, request_key, is_replay, marked, has_error, has_websocket,
	coded, request_size, response_size, request_body, response_body, client_conn, server_conn, head, rest
) VALUES (${Array(25).fill("?").join(", ")})`;

const COMPLETE_FLOW = "UPDATE flow SET marked = ?, has_error = ?, client_conn = ?, server_conn = ?, head = ?, rest = ? WHERE seq = ?";

/** Where a connection lies. */
class Place {
	readonly store: SqliteStore;
	readonly row: number;

	constructor(store: SqliteStore, row: number) {
		this.store = store;
		this.row = row;
	}
}

type Loan = Lent & { readonly from: SqliteStore };

/**
 * Opens a tape.
 * @throws FlowtapeError FT_IO, FT_UNKNOWN_FORMAT, FT_NEWER_FORMAT, FT_STORE
 */
export function openStore(path: string, options: StoreOptions): SqliteStore {
	return new SqliteStore(path, options);
}

export class SqliteStore implements FlowStore, PartReader, PartWriter {
	readonly path: string;
	readonly #options: StoreOptions;
	readonly #db: TapeDatabase;
	#bodies: BodyTable;
	#connections: ConnectionTable;
	#pendingFlows = 0;
	#pendingBytes = 0;
	#timer: NodeJS.Timeout | undefined;
	#closed = false;
	/** What another tape lends; undefined as long as there was no flow. */
	#loan: Loan | null | undefined;

	constructor(path: string, options: StoreOptions) {
		this.path = path;
		this.#options = options;
		this.#db = new TapeDatabase(path, options.mode, options.durable ?? false);
		this.#bodies = new BodyTable(this.#db);
		this.#connections = new ConnectionTable(this.#db);
	}

	// — writing —

	append(flow: Flow): void {
		this.#write(() => {
			if (this.#loan === undefined) this.#loan = this.#borrow(flow);
			this.#insert(flow);
		});
	}

	/** Where the first flow of a new tape comes from another tape, what is left of its flows as it is gets copied in one go at the end. */
	#borrow({ connections: { client } }: Flow): Loan | null {
		const from = typeof client === "function" && client.place instanceof Place ? client.place.store : null;
		if (this.#options.mode !== "create" || from === null || from.#options.mode !== "read" || !this.#isEmpty()) return null;
		const lent = borrowRows(this.#db, from.path);
		if (lent !== null) this.#bodies.borrow(from.#bodies, lent.bodies);
		return lent && { ...lent, from };
	}

	open(flow: HttpFlow): OpenFlow {
		const seq = this.#write(() => this.#insert(flow));
		let n = flow.websocket?.messages.length ?? 0;
		return {
			add: (message) => this.#write(() => this.#insertMessage(seq, n++, encodeMessage(message))),
			close: () => this.#write(() => this.#complete(seq, flow)),
			discard: () => this.#write(() => this.#remove(seq)),
		};
	}

	/** What may have changed since the flow was opened. */
	#complete(seq: number, flow: HttpFlow): void {
		const { marked, has_error, client_conn, server_conn, head, rest } = encodeFlow(flow, null, this);
		this.#db.run(COMPLETE_FLOW, marked, has_error, client_conn, server_conn, head, rest, seq);
	}

	#remove(seq: number): void {
		this.#db.run("DELETE FROM message WHERE flow = ?", seq);
		this.#db.run("DELETE FROM flow WHERE seq = ?", seq);
	}

	spool(): BodySpool {
		const spool = this.#write(() => this.#bodies.spool());
		return {
			write: (chunk) => this.#write(() => spool.write(chunk)),
			end: () => this.#write(() => spool.end()),
		};
	}

	/** Does something within the group that is committed together. */
	#write<T>(action: () => T): T {
		let result: T;
		try {
			this.#begin();
			result = action();
		} catch (error) {
			if (!this.#db.inTransaction) this.#forget();
			throw error;
		}
		this.#pendingFlows++;
		this.#pendingBytes += this.#bodies.takeWritten();
		if (this.#pendingFlows >= COMMIT_FLOWS || this.#pendingBytes >= COMMIT_BYTES) this.flush();
		return result;
	}

	/** Commits what was appended; where that fails, all of it is given up. */
	flush(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		this.#pendingFlows = 0;
		this.#pendingBytes = 0;
		if (!this.#db.inTransaction) return;
		try {
			this.#db.exec("COMMIT");
		} catch (error) {
			this.#db.rollback();
			this.#forget();
			throw error;
		}
	}

	/** To be called once rows are gone that were written: no flow may refer to them any more. */
	#forget(): void {
		this.#bodies = new BodyTable(this.#db);
		this.#connections = new ConnectionTable(this.#db);
	}

	async close(): Promise<void> {
		if (this.#closed) return;
		try {
			if (this.#options.mode !== "read") {
				this.#bodies.removeLoose();
				const loan = this.#loan;
				if (loan) this.#write(() => settleRows(this.#db, loan));
				this.flush();
				this.#db.buildIndexes();
			}
		} finally {
			this.#end();
		}
	}

	/** Closes the tape without what was appended and not yet committed. */
	async discard(): Promise<void> {
		if (!this.#closed) this.#end();
	}

	#end(): void {
		this.#closed = true;
		clearTimeout(this.#timer);
		this.#db.close();
	}

	#begin(): void {
		if (this.#db.inTransaction) return;
		this.#db.exec("BEGIN IMMEDIATE");
		if (this.#options.mode === "append") this.#timer = setTimeout(() => this.#commitInTime(), COMMIT_MS);
	}

	/** A failure has no caller here to be thrown to. */
	#commitInTime(): void {
		try {
			this.flush();
		} catch (error) {
			if (!(error instanceof FlowtapeError)) throw error;
			this.#options.report(error.code, error.message, { file: this.path, cause: error });
		}
	}

	#insert(flow: Flow): number {
		const requestKey = flow.type === "http" ? (this.#options.requestKey?.(flow) ?? null) : null;
		const seq = this.#insertFlow(flow, requestKey);
		try {
			for (const [n, message] of encodeMessages(flow).entries()) this.#insertMessage(seq, n, message);
		} catch (error) {
			if (this.#db.inTransaction) this.#remove(seq);
			throw error;
		}
		return seq;
	}

	#insertFlow(flow: Flow, requestKey: string | null): number {
		const row = encodeFlow(flow, requestKey, this);
		this.#pendingBytes += row.head.length + 500;
		return this.#db.insert(
			INSERT_FLOW,
			...[row.id, row.kind, row.started, row.method, row.scheme, row.host, row.pretty_host, row.port, row.path, row.status, row.content_type],
			...[row.request_key, row.is_replay, row.marked, row.has_error, row.has_websocket, row.coded, row.request_size, row.response_size],
			...[toColumn(row.request_body), toColumn(row.response_body), row.client_conn, row.server_conn, row.head, row.rest],
		);
	}

	#insertMessage(seq: number, n: number, { at, from_client, opcode, flags, bytes }: MessageRow): void {
		this.#pendingBytes += bytes.length;
		this.#db.insert("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?)", seq, n, at, from_client, opcode, flags, bytes);
	}

	writeBody(body: Body): StoredBody {
		return this.#bodies.write(body);
	}

	writeClient(client: ClientConnection | Later<ClientConnection>): number {
		if (typeof client !== "function") return this.#connections.writeClient(client);
		return this.#borrowed(client.place) ?? this.#connections.writeClient(client());
	}

	writeServer(server: ServerConnection | Later<ServerConnection>): number {
		if (typeof server !== "function") return this.#connections.writeServer(server);
		return this.#borrowed(server.place) ?? this.#connections.writeServer(server());
	}

	#borrowed(place: object | undefined): number | null {
		const loan = this.#loan;
		return loan && place instanceof Place && place.store === loan.from && place.row <= loan.connections ? place.row : null;
	}

	/**
	 * Takes over the rows of another tape as they are, where nothing was written to this one yet and both are of the same version.
	 * The number of flows; null where that cannot be, and nothing was done.
	 */
	takeRows(from: SqliteStore, options: ReadOptions = {}): number | null {
		if (this.#options.mode !== "create" || this.#db.inTransaction || !this.#isEmpty()) return null;
		return copyRows(this.#db, from.path, from.#matching(options));
	}

	/** A body may have come before its flow. */
	#isEmpty(): boolean {
		return this.#db.get("SELECT 1 FROM flow UNION ALL SELECT 1 FROM body LIMIT 1") === undefined;
	}

	// — reading —

	readBody(stored: StoredBody, size: number | null): Body {
		return this.#bodies.read(stored, size);
	}

	readClient(row: number): ClientConnection {
		return this.#connections.readClient(row);
	}

	readServer(row: number): ServerConnection {
		return this.#connections.readServer(row);
	}

	placeOf(row: number): object {
		return new Place(this, row);
	}

	readMessages(seq: number): MessageRow[] {
		return this.#db.all<MessageRow>("SELECT at, from_client, opcode, flags, bytes FROM message WHERE flow = ? ORDER BY n", seq);
	}

	reportDamage(seq: number, what: string, cause: unknown): void {
		this.#options.report("FT_CORRUPT_FLOW", `${this.path}: flow ${seq}: ${what} is damaged; the flow is kept without`, { file: this.path, record: seq, cause });
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
	*#matching({ filter, ids }: ReadOptions): Generator<number[]> {
		const condition = conditionOf(this.#db, filter, ids);
		if (condition.exact) yield* numbersOf(this.#db, condition);
		else for (const rows of this.#candidates(condition, filter)) yield rows.flatMap((row) => (this.#decode(row, filter) === undefined ? [] : row.seq));
	}

	/** What the rows of each batch refer to is expected to be asked for. */
	*#candidates(condition: Condition, filter: Filter | undefined): Generator<StoredRow[]> {
		for (const rows of candidateRows(this.#db, this.#bodies, condition, filter)) {
			const size = rows.reduce((sum, row) => sum + (row.request_size ?? 0) + (row.response_size ?? 0), 0);
			this.#bodies.expect(
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
		const row = this.#db.get<StoredRow>(`SELECT seq, ${FACTS.join(", ")} FROM flow WHERE seq = ?`, seq);
		return row === undefined ? null : (this.#decode(row) ?? null);
	}

	answerAt(seq: number): RecordedAnswer | null {
		this.#db.hold();
		const row = answerFacts(this.#db, seq);
		if (row === undefined) return null;
		const body = row.bytes ?? this.#bodies.read(row.response_body, row.response_size);
		const response = this.#guard(seq, () => decodeResponse(row.head, row.status, body));
		return response === undefined ? null : { id: fromStored(row.id), response };
	}

	outlines(after: number, limit: number): Outline[] {
		return outlines(this.#db, after, limit);
	}

	countAnswers(): number {
		return countAnswers(this.#db);
	}

	*requests(): Generator<StoredRequest[]> {
		for (const rows of requestRows(this.#db)) {
			yield rows.flatMap((row) => {
				const request = this.#guard(row.seq, () => decodeRequest(row.head, row, this.#bodies.read(row.request_body, row.request_size)));
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
			const where = { file: this.path, record: seq, cause };
			this.#options.report("FT_CORRUPT_FLOW", `${this.path}: flow ${seq}: its record cannot be decoded; it is left out`, where);
			return undefined;
		}
	}
}

/** Where a column takes values of any type, a number is stored as the float that it is. */
function toColumn(body: StoredBody): Uint8Array | bigint | null {
	return typeof body === "number" ? BigInt(body) : body;
}

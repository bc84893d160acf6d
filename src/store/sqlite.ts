// The flow store in a SQLite file: the `.tape`.
import { createHash } from "node:crypto";
import { FlowtapeError, type Reporter } from "../errors.ts";
import type { Filter } from "../filter/filter.ts";
import type { Flow, HttpFlow } from "../flow/flow.ts";
import type { FlowSource, OpenFlow } from "../flow/pipe.ts";
import {
	type BodyReader,
	type BodyWriter,
	decodeFlow,
	encodeFlow,
	encodeMessage,
	encodeMessages,
	type FlowRow,
	type MessageRow,
	type RowFacts,
} from "./codec.ts";
import { SCHEMA_VERSION } from "./schema.ts";
import { type Condition, selectRows } from "./select.ts";
import { BodyTable } from "./sqlite-bodies.ts";
import { type Mode, TapeDatabase } from "./sqlite-database.ts";
import type { FlowStore, ReadOptions } from "./store.ts";

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
const COMMIT_FLOWS = 500;
const COMMIT_BYTES = 8 * 1024 * 1024;
/** Flows a batch when reading. */
const BATCH_FLOWS = 200;

/** What decoding a flow starts from; the rest of a row is read when somebody asks for it. */
const FACTS = [
	...["id", "kind", "method", "scheme", "host", "port", "path", "status", "is_replay", "marked", "request_body", "response_body", "head"],
] as const satisfies readonly (keyof FlowRow)[];
const COLUMNS = [
	...["id", "kind", "started", "method", "scheme", "host", "pretty_host", "port", "path", "status", "content_type", "request_key", "is_replay", "marked"],
	...["has_error", "has_websocket", "request_body", "response_body", "head", "client_conn", "server_conn", "rest"],
] as const satisfies readonly (keyof FlowRow)[];

const COMPLETE_FLOW = "UPDATE flow SET marked = ?, has_error = ?, head = ?, client_conn = ?, server_conn = ?, rest = ? WHERE seq = ?";
const INSERT_FLOW = `INSERT INTO flow (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map(() => "?").join(", ")})`;

/** A stored flow as another tape takes it over: the row as it is, its bodies from where they lie. */
interface TapeRecord {
	seq: number;
	store: SqliteStore;
}

/**
 * Opens a tape.
 * @throws FlowtapeError FT_IO, FT_UNKNOWN_FORMAT, FT_NEWER_FORMAT, FT_STORE
 */
export function openStore(path: string, options: StoreOptions): SqliteStore {
	return new SqliteStore(path, options);
}

export class SqliteStore implements FlowStore, BodyReader, BodyWriter {
	readonly path: string;
	readonly #options: StoreOptions;
	readonly #db: TapeDatabase;
	readonly #bodies: BodyTable;
	readonly #certificates = new Set<string>();
	readonly #copiedCertificates = new WeakSet<SqliteStore>();
	#pendingFlows = 0;
	#pendingBytes = 0;
	#timer: NodeJS.Timeout | undefined;
	#closed = false;

	constructor(path: string, options: StoreOptions) {
		this.path = path;
		this.#options = options;
		this.#db = new TapeDatabase(path, options.mode, options.durable ?? false);
		this.#bodies = new BodyTable(this.#db);
	}

	// — writing —

	append(flow: Flow): void {
		this.#begin();
		const { record } = flow;
		if (record?.format === "tape") this.#copy(record.data as TapeRecord);
		else this.#insert(flow);
		this.#written();
	}

	open(flow: HttpFlow): OpenFlow {
		this.#begin();
		const seq = this.#insert(flow);
		let n = flow.websocket?.messages.length ?? 0;
		this.#written();
		const change = (write: () => void) => {
			this.#begin();
			write();
			this.#written();
		};
		return {
			add: (message) => change(() => this.#insertMessage(seq, n++, encodeMessage(message))),
			close: () => change(() => this.#complete(seq, flow)),
			discard: () =>
				change(() => {
					this.#db.run("DELETE FROM message WHERE flow = ?", seq);
					this.#db.run("DELETE FROM flow WHERE seq = ?", seq);
				}),
		};
	}

	/** What may have changed since the flow was opened. */
	#complete(seq: number, flow: HttpFlow): void {
		const { marked, has_error, head, client_conn, server_conn, rest } = encodeFlow(flow, null, this);
		this.#db.run(COMPLETE_FLOW, marked, has_error, head, client_conn, server_conn, rest, seq);
	}

	#written(): void {
		this.#pendingFlows++;
		this.#pendingBytes += this.#bodies.takeWritten();
		if (this.#pendingFlows >= COMMIT_FLOWS || this.#pendingBytes >= COMMIT_BYTES) this.flush();
	}

	/** Commits what was appended. */
	flush(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		if (!this.#db.inTransaction) return;
		this.#db.exec("COMMIT");
		this.#pendingFlows = 0;
		this.#pendingBytes = 0;
	}

	async close(): Promise<void> {
		if (this.#closed) return;
		this.#closed = true;
		try {
			if (this.#options.mode !== "read") {
				this.flush();
				this.#db.buildIndexes();
			}
		} finally {
			clearTimeout(this.#timer);
			this.#db.close();
		}
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
		const requestKey = flow.type === "http" && this.#options.requestKey ? this.#options.requestKey(flow) : null;
		const seq = this.#insertRow(encodeFlow(flow, requestKey, this));
		for (const [n, message] of encodeMessages(flow).entries()) this.#insertMessage(seq, n, message);
		return seq;
	}

	#insertRow(row: FlowRow): number {
		this.#pendingBytes += row.head.length + 500;
		return this.#db.insert(
			INSERT_FLOW,
			...[row.id, row.kind, row.started, row.method, row.scheme, row.host, row.pretty_host, row.port, row.path, row.status, row.content_type],
			...[row.request_key, row.is_replay, row.marked, row.has_error, row.has_websocket],
			...[row.request_body, row.response_body, row.head, row.client_conn, row.server_conn, row.rest],
		);
	}

	#insertMessage(seq: number, n: number, { at, from_client, opcode, flags, bytes }: MessageRow): void {
		this.#pendingBytes += bytes.length;
		this.#db.insert("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?)", seq, n, at, from_client, opcode, flags, bytes);
	}

	/** Takes a flow over from another tape without decoding it. */
	#copy({ seq, store }: TapeRecord): void {
		if (!this.#copiedCertificates.has(store)) {
			this.#copiedCertificates.add(store);
			for (const { hash, pem } of store.#db.all<{ hash: Uint8Array; pem: Uint8Array }>("SELECT hash, pem FROM certificate"))
				this.#db.insert("INSERT OR IGNORE INTO certificate VALUES (?, ?)", hash, pem);
		}
		const row = store.#row<FlowRow>(COLUMNS.join(", "), seq);
		const requestBody = this.#bodies.write(store.#bodies.read(row.request_body));
		const responseBody = this.#bodies.write(store.#bodies.read(row.response_body));
		const copy = this.#insertRow({ ...row, request_body: requestBody, response_body: responseBody });
		if (row.kind === "tcp" || row.kind === "udp" || row.has_websocket === 1)
			for (const [n, message] of store.readMessages(seq).entries()) this.#insertMessage(copy, n, message);
	}

	writeBody(body: Parameters<BodyTable["write"]>[0]) {
		return this.#bodies.write(body);
	}

	writeCertificate(pem: Uint8Array): Uint8Array {
		const hash = createHash("sha256").update(pem).digest();
		const key = hash.latin1Slice();
		if (!this.#certificates.has(key)) {
			this.#certificates.add(key);
			this.#db.insert("INSERT OR IGNORE INTO certificate VALUES (?, ?)", hash, pem);
		}
		return hash;
	}

	// — reading —

	readCertificate(hash: Uint8Array): Uint8Array {
		return this.#db.get<{ pem: Uint8Array }>("SELECT pem FROM certificate WHERE hash = ?", hash)?.pem ?? Buffer.alloc(0);
	}

	readBody(stored: Parameters<BodyTable["read"]>[0]) {
		return this.#bodies.read(stored);
	}

	readMessages(seq: number): MessageRow[] {
		return this.#db.all<MessageRow>("SELECT at, from_client, opcode, flags, bytes FROM message WHERE flow = ? ORDER BY n", seq);
	}

	readColumn(seq: number, column: "client_conn" | "server_conn" | "rest"): Uint8Array | null {
		return this.#row<Record<string, Uint8Array | null>>(column, seq)[column] ?? null;
	}

	#row<R>(columns: string, seq: number): R {
		const row = this.#db.get<R>(`SELECT ${columns} FROM flow WHERE seq = ?`, seq);
		if (row === undefined) throw new FlowtapeError("FT_STORE", `${this.path}: flow ${seq} is not there any more`, { file: this.path });
		return row;
	}

	read(options: ReadOptions = {}): FlowSource {
		const batches = () => this.#batches(options);
		return {
			async *[Symbol.asyncIterator]() {
				yield* batches();
			},
		};
	}

	/** Rows in pages by number, so that no statement stays open between batches and a writer is never kept out. */
	*#batches({ filter, ids }: ReadOptions): Generator<Flow[]> {
		const condition = filter === undefined ? null : this.#select(filter);
		const isFinal = filter === undefined || condition?.exact === true;
		const readsBodies = !isFinal && (filter.needs.has("requestBody") || filter.needs.has("responseBody"));
		const clauses = ["seq > ?", ...(condition === null ? [] : [condition.sql]), ...(ids === undefined ? [] : [`id IN (${ids.map(() => "?").join(", ")})`])];
		const sql = `SELECT seq, ${FACTS.join(", ")} FROM flow WHERE ${clauses.join(" AND ")} ORDER BY seq LIMIT ${BATCH_FLOWS}`;
		const parameters = [...(condition?.parameters ?? []), ...(ids ?? [])];
		for (let last = -1; ; ) {
			const rows = this.#db.all<RowFacts & { seq: number }>(sql, last, ...parameters);
			const end = rows.at(-1);
			if (end === undefined) return;
			last = end.seq;
			if (readsBodies) this.#bodies.readAhead(rows.flatMap((row) => [row.request_body, row.response_body]));
			const flows = rows.flatMap((row) => this.#decode(row) ?? []);
			yield isFinal ? flows : flows.filter((flow) => filter.matches(flow));
		}
	}

	async count(filter?: Filter): Promise<number> {
		if (filter === undefined) return this.#db.get<{ n: number }>("SELECT count(*) AS n FROM flow")?.n ?? 0;
		const { sql, parameters, exact } = this.#select(filter);
		if (exact) return this.#db.get<{ n: number }>(`SELECT count(*) AS n FROM flow WHERE ${sql}`, ...parameters)?.n ?? 0;
		let count = 0;
		for (const batch of this.#batches({ filter })) count += batch.length;
		return count;
	}

	findByKey(key: string, after: number, limit: number): number[] {
		return this.#db
			.all<{ seq: number }>("SELECT seq FROM flow WHERE request_key = ? AND seq > ? ORDER BY seq LIMIT ?", key, after, limit)
			.map((row) => row.seq);
	}

	at(seq: number): Flow | null {
		const row = this.#db.get<RowFacts & { seq: number }>(`SELECT seq, ${FACTS.join(", ")} FROM flow WHERE seq = ?`, seq);
		return row === undefined ? null : (this.#decode(row) ?? null);
	}

	#select(filter: Filter): Condition {
		return selectRows(filter, (column) =>
			this.#db.all<Record<string, string | number | null>>(`SELECT DISTINCT ${column} FROM flow`).map((row) => row[column] ?? null),
		);
	}

	#decode(row: RowFacts & { seq: number }): Flow | undefined {
		try {
			const flow = decodeFlow(row.seq, row, this);
			const data: TapeRecord = { seq: row.seq, store: this };
			flow.record = { format: "tape", version: SCHEMA_VERSION, data };
			return flow;
		} catch (cause) {
			if (cause instanceof FlowtapeError && cause.code !== "FT_CORRUPT_FLOW") throw cause;
			const where = { file: this.path, record: row.seq, cause };
			this.#options.report("FT_CORRUPT_FLOW", `${this.path}: flow ${row.seq}: its record cannot be decoded; it is left out`, where);
			return undefined;
		}
	}
}

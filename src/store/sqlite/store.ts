// The flow store in a SQLite file: the `.tape`.
import type { FlowtapeError, Reporter } from "../../errors.ts";
import type { Filter } from "../../filter/filter.ts";
import type { Flow, HttpFlow } from "../../flow/flow.ts";
import type { Metadata, MetaValue } from "../../flow/metadata.ts";
import { type BodySpool, FlowSink, type OpenFlow } from "../../flow/sink.ts";
import type { FlowSource } from "../../flow/source.ts";
import { loadMsgpack } from "../record/msgpack.ts";
import type { CodedRequest, FlowStore, FlowSummary, ReadOptions, RecordedAnswer, StoredRequest } from "../store.ts";
import { copyRows } from "./copy.ts";
import { type Mode, TapeDatabase } from "./database.ts";
import { readNotes } from "./notes.ts";
import { TapeReader } from "./reader.ts";
import { SCHEMA_VERSION } from "./schema.ts";
import { type KeyOf, TapeWriter } from "./writer.ts";

export interface StoreOptions {
	mode: Mode;
	report: Reporter;
	/** Survives the loss of power too, not only the death of the process. */
	durable?: boolean;
	requestKey?: KeyOf | undefined;
	/** Whether what flows of another tape refer to may be copied from there as rows, for which SQLite opens that tape as one that could be written; default: yes. */
	borrows?: boolean;
	/** Recordings will be asked for in any order, which takes more memory. */
	isKeyed?: boolean;
	/** The file goes before the flows that are read from it: it stays open as long as they are there. */
	isTemporary?: boolean;
}

/**
 * Opens a tape.
 * @throws FlowtapeError FT_IO, FT_UNKNOWN_FORMAT, FT_NEWER_FORMAT, FT_STORE
 */
export function openStore(path: string, options: StoreOptions): SqliteStore {
	return new SqliteStore(path, options);
}

export class SqliteStore extends FlowSink implements FlowStore {
	readonly path: string;
	readonly #db: TapeDatabase;
	readonly #reader: TapeReader;
	readonly #writer: TapeWriter;
	readonly #report: Reporter;
	#closed = false;

	constructor(path: string, { mode, report, durable = false, requestKey, isKeyed = false, borrows = true, isTemporary = false }: StoreOptions) {
		super();
		this.path = path;
		if (mode === "append" || isKeyed) loadMsgpack();
		this.#db = new TapeDatabase(path, mode, durable, isTemporary);
		if (isKeyed) this.#db.enlargeCache();
		const { broughtFrom: from } = this.#db;
		if (from !== null)
			report(
				"FT_UPGRADED",
				`${path}: the tape was of version ${from} and is now of version ${SCHEMA_VERSION}, to be recorded to; older flowtapes cannot read it`,
				{ file: path },
			);
		this.#report = report;
		this.#reader = new TapeReader(this.#db, report);
		this.#writer = new TapeWriter(this.#db, report, { requestKey, borrows });
	}

	/** Flows that were appended and committed. */
	override get stored(): number {
		return this.#writer.stored;
	}

	override get takesNotes(): boolean {
		return true;
	}

	/** The highest number of a connection; null where nothing was written. */
	get held(): number | null {
		return this.#writer.held;
	}

	append(flow: Flow): void {
		this.#writer.append(flow);
	}

	/** The notes on the tape itself. */
	notes(): Metadata {
		const damaged = (name: string, cause: FlowtapeError) =>
			this.#report("FT_CORRUPT_FLOW", `${this.path}: the note ${JSON.stringify(name)} on the tape is damaged; it is left out`, { file: this.path, cause });
		return readNotes(this.#db, damaged);
	}

	/** Writes a note on the tape itself, in the place of one of the same name. */
	override note(name: string, value: MetaValue): void {
		this.#writer.note(name, value);
	}

	override open(flow: HttpFlow): OpenFlow {
		return this.#writer.open(flow);
	}

	override spool(ofRequest = false): BodySpool {
		return this.#writer.spool(ofRequest);
	}

	flush(): void {
		this.#writer.flush();
	}

	async close(): Promise<void> {
		if (!this.#closed) await this.#end(() => this.#writer.close());
	}

	/** Closes the tape without what was appended and not yet committed. */
	override async discard(): Promise<void> {
		if (!this.#closed) await this.#end(() => this.#writer.discard());
	}

	#end(how: () => Promise<void>): Promise<void> {
		this.#closed = true;
		return how();
	}

	/**
	 * Takes over the rows of another tape as they are, where nothing was written to this one yet and both are of the same version.
	 * The number of flows; null where that cannot be, and nothing was done.
	 */
	takeRows(from: SqliteStore, options: ReadOptions = {}): number | null {
		if (this.#db.mode !== "create" || this.#db.inTransaction || !this.#writer.isEmpty) return null;
		return copyRows(this.#db, from.path, from.#reader.matching(options));
	}

	read(options?: ReadOptions): FlowSource {
		return this.#reader.read(options);
	}

	count(filter?: Filter): Promise<number> {
		return this.#reader.count(filter);
	}

	findByKey(key: string, after: number, limit: number): number[] {
		return this.#reader.findByKey(key, after, limit);
	}

	keys(): Generator<{ seq: number; key: string }[]> {
		return this.#untilClosed(this.#reader.keys());
	}

	at(seq: number): Flow | null {
		return this.#reader.at(seq);
	}

	answerAt(seq: number): RecordedAnswer | null {
		return this.#reader.answerAt(seq);
	}

	outlines(after: number, limit: number): FlowSummary[] {
		return this.#reader.outlines(after, limit);
	}

	codedRequests(after: number): CodedRequest[] {
		return this.#reader.codedRequests(after);
	}

	countAnswers(): number {
		return this.#reader.countAnswers();
	}

	requests(): Generator<StoredRequest[]> {
		return this.#untilClosed(this.#reader.requests());
	}

	/** Who goes through all of a tape in the background is not to open it again. */
	*#untilClosed<T>(batches: Iterable<T>): Generator<T> {
		for (const batch of batches) {
			if (this.#closed) return;
			yield batch;
			if (this.#closed) return;
		}
	}
}

// The flow store in a SQLite file: a `.tape`.
import { FlowtapeError, type Reporter } from "../../errors.ts";
import type { Filter } from "../../filter/filter.ts";
import type { Conversation, Flow } from "../../flow/flow.ts";
import type { Metadata, MetaValue } from "../../flow/metadata.ts";
import type { CodedRequest, FlowSummary, RecordedAnswer } from "../../flow/recorded.ts";
import { type BodySpool, FlowSink, type OpenFlow } from "../../flow/sink.ts";
import type { FlowSource } from "../../flow/source.ts";
import { loadMsgpack } from "../record/msgpack.ts";
import type { FlowStore, StoredRequest, StoreReadOptions } from "../store.ts";
import { copyRows } from "./copy.ts";
import { TapeDatabase } from "./database.ts";
import { readNotes } from "./notes.ts";
import type { Mode } from "./open-tape.ts";
import { TapeReader } from "./reader.ts";
import { SCHEMA_VERSION } from "./schema.ts";
import { FlowTable } from "./table.ts";
import { type KeyOf, TapeWriter } from "./writer.ts";

export interface StoreOptions {
	mode: Mode;
	report: Reporter;
	/** Whether commits survive a power failure too, not only a crash of the process. Default: false. */
	durable?: boolean;
	requestKey?: KeyOf | undefined;
	/**
	 * Whether flows read from another tape may have their bodies and connections copied as rows. SQLite then opens that
	 * tape read-write. Default: true.
	 */
	reusesRows?: boolean;
	/** Whether recordings will be looked up in random order, which needs a larger cache. */
	isKeyed?: boolean;
	/** Whether the file is deleted while flows read from it are in use: it stays open as long as they are. */
	isTemporary?: boolean;
	/** The bytes of a tape that is read from memory; its path is then its name for messages. Default: none. */
	image?: Buffer | null | undefined;
	/** Whether deleted data is overwritten in the file. Default: false. */
	erases?: boolean | undefined;
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

	constructor(
		path: string,
		{
			mode,
			report,
			durable = false,
			requestKey,
			isKeyed = false,
			reusesRows = true,
			isTemporary = false,
			image = null,
			erases = false,
		}: StoreOptions,
	) {
		super();
		this.path = path;
		if (mode === "append" || isKeyed) loadMsgpack();
		this.#db = new TapeDatabase(path, mode, durable, isTemporary, image);
		if (isKeyed) this.#db.enlargeCache();
		if (erases) this.#db.eraseDeleted();
		const { migratedFrom: from } = this.#db;
		if (from !== null)
			report(
				"FT_UPGRADED",
				`${path}: the tape was migrated from version ${from} to version ${SCHEMA_VERSION} for recording; older versions of flowtape cannot read it`,
				{ file: path },
			);
		this.#report = report;
		this.#reader = new TapeReader(this.#db, report);
		this.#writer = new TapeWriter(this.#db, report, { requestKey, reusesRows });
	}

	/** Number of flows that were appended and committed. */
	override get stored(): number {
		return this.#writer.stored;
	}

	override get takesNotes(): boolean {
		return true;
	}

	/** The highest id of a connection; null if nothing was written. */
	get lastConnection(): number | null {
		return this.#writer.lastConnection;
	}

	override get last(): number | null {
		return this.#writer.last;
	}

	append(flow: Flow): void {
		this.#writer.append(flow);
	}

	override amend(seq: number, change: (flow: Flow) => boolean): boolean {
		// a new reader, because bodies that another one has read may have been removed
		const flow = new TapeReader(this.#db, this.#report).at(seq);
		return flow !== null && this.#writer.amend(seq, flow, change);
	}

	/** The notes on the tape itself, by name. */
	notes(): Metadata {
		const damaged = (name: string, cause: FlowtapeError) =>
			this.#report(
				"FT_CORRUPT_FLOW",
				`${this.path}: the note ${JSON.stringify(name)} on the tape is damaged; it is left out`,
				{ file: this.path, cause },
			);
		try {
			return readNotes(this.#db, damaged);
		} catch (cause) {
			if (!FlowtapeError.is(cause, "FT_STORE")) throw cause;
			this.#report("FT_CORRUPT_FLOW", `${this.path}: the notes on the tape cannot be read; they are left out`, {
				file: this.path,
				cause,
			});
			return {};
		}
	}

	/** Writes a note on the tape itself, replacing one of the same name. */
	override note(name: string, value: MetaValue): void {
		this.#writer.note(name, value);
	}

	override open(flow: Conversation): OpenFlow {
		return this.#writer.open(flow);
	}

	override spool(ofRequest = false): BodySpool {
		return this.#writer.spool(ofRequest);
	}

	flush(): void {
		this.#writer.flush();
	}

	async close(): Promise<void> {
		if (!this.#closed) await this.#closeBy(() => this.#writer.close());
	}

	/** Closes the tape; flows not yet committed are lost. */
	override async discard(): Promise<void> {
		if (!this.#closed) await this.#closeBy(() => this.#writer.discard());
	}

	#closeBy(how: () => Promise<void>): Promise<void> {
		this.#closed = true;
		return how();
	}

	/**
	 * Copies rows of another tape to this new, empty one, if both have the same schema version.
	 * @returns the number of flows; null, with nothing written, if rows cannot be copied
	 */
	takeRows(from: SqliteStore, options: StoreReadOptions = {}): number | null {
		if (this.#db.mode !== "create" || this.#db.inTransaction || !this.#writer.isEmpty) return null;
		// reading the flows reports the loss
		if (from.#reader.missingTables().length > 0 || from.#reader.missingFlows() > 0) return null;
		return copyRows(this.#db, from.path, from.#reader.matching(options));
	}

	read(options?: StoreReadOptions): FlowSource {
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

	sessionAt(seq: number): string | null {
		return this.#reader.sessionAt(seq);
	}

	summaries(after: number, limit: number): FlowSummary[] {
		return this.#reader.summaries(after, limit);
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

	/** A table of the flows, for a viewer. */
	table(): FlowTable {
		return new FlowTable(this.#db, this.#reader);
	}

	/** Stops a scan in the background when the tape is closed, so that the scan does not open it again. */
	*#untilClosed<T>(batches: Iterable<T>): Generator<T> {
		for (const batch of batches) {
			if (this.#closed) return;
			yield batch;
			if (this.#closed) return;
		}
	}
}

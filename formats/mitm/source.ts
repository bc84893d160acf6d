// Reads the flows of a dump, with records of any version.
import { FlowtapeError } from "../../src/errors.ts";
import { decide } from "../../src/filter/plan.ts";
import type { Flow } from "../../src/flow/flow.ts";
import type { Metadata } from "../../src/flow/metadata.ts";
import { FlowSource, type ReadOptions } from "../../src/flow/pipe.ts";
import type { Input, SourceOptions } from "../format.ts";
import { type OddFieldReporter, OddFields } from "../odd-fields.ts";
import { OWN } from "../own-fields.ts";
import { olderCopies } from "./copies.ts";
import { fileChunks } from "./file-chunks.ts";
import { migrate } from "./migrate.ts";
import { DumpRecord } from "./record.ts";
import { type Damage, RecordScanner } from "./scanner.ts";
import { dictionaryOf } from "./values.ts";
import { READ_AS_IS, VERSIONS, versionIndex } from "./versions.ts";
import { Handshakes, isConversation } from "./websocket.ts";
import { Writer } from "./write-tnetstring.ts";

/** Notes on the tape are read only from a first record up to this size. Bytes. */
const NOTES_LIMIT = 64 * 1024 * 1024;

export class DumpSource extends FlowSource {
	readonly #input: Input;
	readonly #options: SourceOptions;
	readonly #handshakes = new Handshakes();
	readonly #writer = new Writer();
	/** Offsets of records that a newer copy follows, with its id. */
	#older: ReadonlyMap<number, string> = new Map();
	#flows: Flow[] = [];
	readonly #odd: OddFields;
	/** Odd fields of the current record, reported once the whole record is valid. */
	#oddFields: Parameters<OddFieldReporter>[] = [];
	#done = 0;

	constructor(input: Input, options: SourceOptions) {
		super();
		this.#input = input;
		this.#options = options;
		this.#odd = new OddFields(input.name, options.report);
	}

	override progress() {
		return { done: this.#done, total: this.#input.size };
	}

	/** Notes are in the metadata of the first flow. */
	override async notes(): Promise<Metadata> {
		const [start, digits] = /^(\d{1,12}):/.exec((await this.#input.peek(13)).latin1Slice()) ?? [];
		if (start === undefined) return {};
		// the tag follows the payload
		const size = start.length + Number(digits) + 1;
		if (size > NOTES_LIMIT) return {};
		try {
			const record = new DumpRecord(await this.#input.peek(size), 0, size);
			const notes = dictionaryOf(dictionaryOf(dictionaryOf(record.value("metadata"))?.[OWN])?.notes);
			return (notes ?? {}) as Metadata;
		} catch (error) {
			// reading reports the damage
			if (error instanceof FlowtapeError) return {};
			throw error;
		}
	}

	async *read({ reuseBuffers = false }: ReadOptions = {}): AsyncGenerator<Flow[]> {
		this.#older = await olderCopies(this.#input);
		const scanner = new RecordScanner(this.#input.size, {
			record: (buffer, start, end, offset, record) => {
				this.#oddFields = [];
				this.#read(new DumpRecord(buffer, start, end, this.#collectOdd), offset);
				for (const [kind, what] of this.#oddFields)
					this.#odd.report({ where: `byte ${offset}, flow ${record}`, offset, record }, kind, what);
			},
			damaged: (damage) => this.#report(damage),
		});
		for await (const chunk of this.#chunks(reuseBuffers)) {
			scanner.push(chunk);
			this.#done += chunk.length;
			yield* this.#takeFlows();
		}
		scanner.end();
		yield* this.#takeFlows();
		this.#odd.reportCounts("flows");
	}

	#chunks(reuseBuffers: boolean): AsyncIterable<Buffer> {
		const { path, size } = this.#input;
		return path === null || size === null
			? this.#input.chunks()
			: fileChunks(path, { reuse: this.#isSelective || reuseBuffers });
	}

	/** Whether few flows may match. Their records are then copied, so that chunks can be reused. */
	get #isSelective(): boolean {
		const { filter, ids } = this.#options;
		return ids !== undefined || (filter !== undefined && filter.plan.kind !== "all");
	}

	*#takeFlows(): Generator<Flow[]> {
		const flows = this.#flows;
		this.#flows = [];
		if (flows.length > 0) yield flows;
	}

	readonly #collectOdd: OddFieldReporter = (...found) => void this.#oddFields.push(found);

	#read(record: DumpRecord, offset: number): void {
		const version = versionIndex(record.value("version"));
		if (version < READ_AS_IS) this.#readOld(record, offset, version);
		else if (this.#matches(record, offset)) {
			const own = this.#isSelective ? record.copy() : record;
			this.#addFlow(own.flow(), version, own.bytes);
		}
	}

	/** Migrates a record and reads it. Its errors have no offset, which would refer to the migrated record. */
	#readOld(original: DumpRecord, offset: number, version: number): void {
		const fields = original.values();
		try {
			const isJoined = isConversation(fields);
			if (!isJoined) this.#handshakes.keep(fields, original.bytes);
			const flow = isJoined ? this.#handshakes.join(fields) : fields;
			this.#writer.value(migrate(flow, isJoined ? versionIndex(flow.version) : version));
			const bytes = this.#writer.takeBytes();
			const record = new DumpRecord(bytes, 0, bytes.length, this.#collectOdd);
			if (this.#matches(record, offset))
				this.#addFlow(
					record.flow(),
					version,
					isJoined ? null : this.#isSelective ? original.copy().bytes : original.bytes,
				);
		} catch (error) {
			if (error instanceof FlowtapeError && error.offset !== undefined) throw error.withDetail({ offset: undefined });
			throw error;
		}
	}

	/** Whether the flow of a record matches the filter and ids. */
	#matches(record: DumpRecord, offset: number): boolean {
		if (this.#older.size > 0 && this.#older.get(offset) === record.id) return false;
		const { filter, ids } = this.#options;
		if (ids !== undefined && !ids.includes(record.id)) return false;
		if (filter === undefined) return true;
		return decide(filter.plan, { columnOf: (column) => record.column(column) }) ?? filter.matches(record.flow());
	}

	/**
	 * @param bytes the record, for a sink of the same version to copy; not kept if a field was left out, because other
	 * readers would reject it
	 */
	#addFlow(flow: Flow, version: number, bytes: Buffer | null): void {
		if (bytes !== null && this.#oddFields.length === 0)
			flow.record = { format: "mitm", version: Number(VERSIONS[version]), data: bytes };
		this.#flows.push(flow);
	}

	#report({ code, what, offset, record }: Damage): void {
		const { name } = this.#input;
		this.#options.report(code, `${name}: byte ${offset}, flow ${record}: ${what}`, { file: name, offset, record });
	}
}

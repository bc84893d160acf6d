// The flows of a dump, whatever the versions of its records.
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

/** The longest first record in which notes on the tape are looked for, in bytes. */
const NOTES_LIMIT = 64 * 1024 * 1024;

export class DumpSource extends FlowSource {
	readonly #input: Input;
	readonly #options: SourceOptions;
	readonly #handshakes = new Handshakes();
	readonly #writer = new Writer();
	/** Offsets of records of which a newer copy follows, with its id. */
	#older: ReadonlyMap<number, string> = new Map();
	#flows: Flow[] = [];
	readonly #odd: OddFields;
	/** Of the record that is read: what is told of it once it has turned out to be one. */
	#found: Parameters<OddFieldReporter>[] = [];
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

	/** They stand in the metadata of the first flow. */
	override async notes(): Promise<Metadata> {
		const [start, digits] = /^(\d{1,12}):/.exec((await this.#input.peek(13)).latin1Slice()) ?? [];
		if (start === undefined) return {};
		// the tag stands behind
		const size = start.length + Number(digits) + 1;
		if (size > NOTES_LIMIT) return {};
		try {
			const record = new DumpRecord(await this.#input.peek(size), 0, size);
			const notes = dictionaryOf(dictionaryOf(dictionaryOf(record.value("metadata"))?.[OWN])?.notes);
			return (notes ?? {}) as Metadata;
		} catch (error) {
			// reading tells of it
			if (error instanceof FlowtapeError) return {};
			throw error;
		}
	}

	async *read({ reuseBuffers = false }: ReadOptions = {}): AsyncGenerator<Flow[]> {
		this.#older = await olderCopies(this.#input);
		const scanner = new RecordScanner(this.#input.size, {
			record: (buffer, start, end, offset, record) => {
				this.#found = [];
				this.#read(new DumpRecord(buffer, start, end, this.#noteOdd), offset);
				for (const [kind, what] of this.#found) this.#odd.tell({ where: `byte ${offset}, flow ${record}`, offset, record }, kind, what);
			},
			damaged: (damage) => this.#report(damage),
		});
		for await (const chunk of this.#chunks(reuseBuffers)) {
			scanner.push(chunk);
			this.#done += chunk.length;
			yield* this.#take();
		}
		scanner.end();
		yield* this.#take();
		this.#odd.end("flows");
	}

	#chunks(reuseBuffers: boolean): AsyncIterable<Buffer> {
		const { path, size } = this.#input;
		return path === null || size === null ? this.#input.chunks() : fileChunks(path, { reuse: this.#isSelective || reuseBuffers });
	}

	/** Where few flows may be chosen, these get their own copies of their records, so that the memory of chunks can be used again. */
	get #isSelective(): boolean {
		const { filter, ids } = this.#options;
		return ids !== undefined || (filter !== undefined && filter.plan.kind !== "all");
	}

	*#take(): Generator<Flow[]> {
		const flows = this.#flows;
		this.#flows = [];
		if (flows.length > 0) yield flows;
	}

	readonly #noteOdd: OddFieldReporter = (...found) => void this.#found.push(found);

	#read(record: DumpRecord, offset: number): void {
		const version = versionIndex(record.value("version"));
		if (version < READ_AS_IS) this.#readOld(record, offset, version);
		else if (this.#matches(record, offset)) {
			const own = this.#isSelective ? record.copy() : record;
			this.#add(own.flow(), version, own.bytes);
		}
	}

	/** Reads a record as one of the newest version; its faults are told without a place, which would be one in the new record. */
	#readOld(original: DumpRecord, offset: number, version: number): void {
		const fields = original.values();
		try {
			const isJoined = isConversation(fields);
			if (!isJoined) this.#handshakes.keep(fields, original.bytes);
			const flow = isJoined ? this.#handshakes.join(fields) : fields;
			this.#writer.value(migrate(flow, isJoined ? versionIndex(flow.version) : version));
			const bytes = this.#writer.take();
			const record = new DumpRecord(bytes, 0, bytes.length, this.#noteOdd);
			if (this.#matches(record, offset)) this.#add(record.flow(), version, isJoined ? null : this.#isSelective ? original.copy().bytes : original.bytes);
		} catch (error) {
			if (error instanceof FlowtapeError && error.offset !== undefined) throw new FlowtapeError(error.code, error.message, { cause: error });
			throw error;
		}
	}

	/** Whether the flow of a record is asked for. */
	#matches(record: DumpRecord, offset: number): boolean {
		if (this.#older.size > 0 && this.#older.get(offset) === record.id) return false;
		const { filter, ids } = this.#options;
		if (ids !== undefined && !ids.includes(record.id)) return false;
		if (filter === undefined) return true;
		return decide(filter.plan, (column) => record.column(column)) ?? filter.matches(record.flow());
	}

	/** @param bytes what a dump of the same version may copy; with a field that was left out no other reader would take them */
	#add(flow: Flow, version: number, bytes: Buffer | null): void {
		if (bytes !== null && this.#found.length === 0) flow.record = { format: "mitm", version: Number(VERSIONS[version]), data: bytes };
		this.#flows.push(flow);
	}

	#report({ code, what, offset, record }: Damage): void {
		const { name } = this.#input;
		this.#options.report(code, `${name}: byte ${offset}, flow ${record}: ${what}`, { file: name, offset, record });
	}
}

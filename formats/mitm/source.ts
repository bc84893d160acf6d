// The flows of a dump, whatever the versions of its records.
import { FlowtapeError } from "../../src/errors.ts";
import { decide } from "../../src/filter/plan.ts";
import type { Flow } from "../../src/flow/flow.ts";
import type { FlowSource } from "../../src/flow/pipe.ts";
import type { Input, SourceOptions } from "../format.ts";
import { olderCopies } from "./copies.ts";
import { migrate } from "./migrate.ts";
import { readAhead } from "./read-ahead.ts";
import { DumpRecord } from "./record.ts";
import { type Damage, RecordScanner } from "./scanner.ts";
import { VERSIONS, versionIndex } from "./versions.ts";
import { Handshakes, isConversation } from "./websocket.ts";
import { Writer } from "./write-tnetstring.ts";

/** From this version on records are read as they are: only TLS versions have another name. */
const READ_AS_IS = VERSIONS.indexOf("20");

export class DumpSource implements FlowSource {
	readonly #input: Input;
	readonly #options: SourceOptions;
	readonly #handshakes = new Handshakes();
	readonly #writer = new Writer();
	/** Offsets of records of which a newer copy follows, with its id. */
	#older: ReadonlyMap<number, string> = new Map();
	#flows: Flow[] = [];
	#done = 0;

	constructor(input: Input, options: SourceOptions) {
		this.#input = input;
		this.#options = options;
	}

	progress() {
		return { done: this.#done, total: this.#input.size };
	}

	async *[Symbol.asyncIterator](): AsyncGenerator<Flow[]> {
		this.#older = await olderCopies(this.#input);
		const scanner = new RecordScanner(this.#input.size, {
			record: (buffer, start, end, offset) => this.#read(buffer, start, end, offset),
			damaged: (damage) => this.#report(damage),
		});
		for await (const chunk of readAhead(this.#input.chunks())) {
			scanner.push(chunk);
			this.#done += chunk.length;
			yield* this.#take();
		}
		scanner.end();
		yield* this.#take();
	}

	*#take(): Generator<Flow[]> {
		const flows = this.#flows;
		this.#flows = [];
		if (flows.length > 0) yield flows;
	}

	#read(buffer: Buffer, start: number, end: number, offset: number): void {
		const record = new DumpRecord(buffer, start, end);
		const version = versionIndex(record.value("version"));
		if (version >= READ_AS_IS) this.#select(record, offset, record, version);
		else this.#readOld(record, offset, version);
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
			this.#select(new DumpRecord(bytes, 0, bytes.length), offset, isJoined ? null : original, version);
		} catch (error) {
			if (error instanceof FlowtapeError && error.offset !== undefined) throw new FlowtapeError(error.code, error.message, { cause: error });
			throw error;
		}
	}

	/** Adds the flow of a record, if it is asked for. A dump of the same version may copy the original. */
	#select(record: DumpRecord, offset: number, original: DumpRecord | null, version: number): void {
		if (this.#older.size > 0 && this.#older.get(offset) === record.id) return;
		const { filter, ids } = this.#options;
		if (ids !== undefined && !ids.includes(record.id)) return;
		const matches = filter === undefined || decide(filter.plan, (column) => record.column(column));
		if (matches === false) return;
		const flow = record.flow();
		if (matches === null && filter?.matches(flow) === false) return;
		if (original !== null) flow.record = { format: "mitm", version: Number(VERSIONS[version]), data: original.bytes };
		this.#flows.push(flow);
	}

	#report({ code, what, offset, record }: Damage): void {
		const { name } = this.#input;
		this.#options.report(code, `${name}: byte ${offset}, flow ${record}: ${what}`, { file: name, offset, record });
	}
}

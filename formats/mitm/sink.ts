// Writes flows to a dump. The bytes of unchanged flows of the same version are copied.
import { stat } from "node:fs/promises";
import { FlowtapeError, type Reporter } from "../../src/errors.ts";
import type { Flow } from "../../src/flow/flow.ts";
import type { Metadata, MetaValue } from "../../src/flow/metadata.ts";
import { FlowSink } from "../../src/flow/pipe.ts";
import type { MaybeAsync } from "../../src/maybe-async.ts";
import { compressionOf } from "../compression.ts";
import { FlushTimer } from "../flush-timer.ts";
import type { SinkOptions } from "../format.ts";
import { type Output, openOutput } from "../output.ts";
import { completeRecords } from "../records.ts";
import { idsIn } from "./copies.ts";
import { derivedId } from "./derived-id.ts";
import { IdTable } from "./id-table.ts";
import { type Target, WRITABLE } from "./target.ts";
import { NEWEST } from "./versions.ts";
import { holdsBytes, writeFlow } from "./write-flow.ts";

/** Bytes buffered before a write. */
const WRITE_BYTES = 1024 * 1024;

/** @throws FlowtapeError FT_IO */
export async function createDump(path: string, options: SinkOptions): Promise<FlowSink> {
	// read the existing ids before anything is written
	const ids = options.append === true ? await idsBefore(path) : new IdTable();
	return new DumpSink(await openOutput(path, options), options, ids);
}

/** The ids of the flows in an existing dump; empty if it cannot be read. */
async function idsBefore(path: string): Promise<IdTable> {
	try {
		const info = await stat(path);
		if (info.isFile() && compressionOf(path) === null) return await idsIn(path, info.size);
	} catch {
		// opening the file for writing reports the error
	}
	return new IdTable();
}

class DumpSink extends FlowSink implements Target {
	readonly version: number;
	readonly #output: Output;
	readonly #report: Reporter;
	readonly #reported = new Set<string>();
	#parts: Buffer[] = [];
	#size = 0;
	/** Flows of types that the version cannot represent. */
	#leftOut = 0;
	/** Notes on the tape, not yet written. */
	#notes: Metadata | null = null;
	/**
	 * Ids of all flows in the file. They must be unique: of two flows with one id, readers take the first for an older
	 * copy.
	 */
	readonly #ids: IdTable;
	#renamed = 0;
	readonly #flushTimer: FlushTimer;
	/** Resolves when earlier writes are done; never rejects. */
	#writing: Promise<void> = Promise.resolve();

	/**
	 * @param ids of the flows already in the output
	 * @throws FlowtapeError FT_BAD_OPTION if the version cannot be written
	 */
	constructor(output: Output, { report, version = NEWEST, append }: SinkOptions, ids: IdTable) {
		super();
		this.#ids = ids;
		this.#flushTimer = new FlushTimer(
			append === true
				? async () => {
						await this.#flush();
						await output.flush?.();
					}
				: null,
		);
		this.#output = output;
		this.#report = report;
		this.version = version;
	}

	override get stored(): number {
		return this.#output.written + this.#leftOut;
	}

	override get leftOut(): number {
		return this.#leftOut;
	}

	override get takesNotes(): boolean {
		return true;
	}

	/** Notes are written with the first flow. */
	override note(name: string, value: MetaValue): void {
		this.#notes ??= {};
		this.#notes[name] = value;
	}

	append(flow: Flow): MaybeAsync {
		const id = this.#uniqueId(flow);
		const bytes = (this.#notes === null && id === null ? this.#copyOf(flow) : null) ?? this.#write(flow, id ?? flow.id);
		if (bytes === null) {
			this.#leftOut++;
			return;
		}
		this.#parts.push(bytes);
		this.#size += bytes.length;
		const wait = this.#size >= WRITE_BYTES ? this.#flush() : undefined;
		this.#flushTimer.schedule();
		return wait;
	}

	close(): Promise<void> {
		if (this.#notes !== null) this.#reportOnce("a dump without flows cannot store notes on the tape: left out");
		return this.#flushTimer.close(async () => {
			await this.#flush();
			await this.#output.close();
		});
	}

	override async discard(): Promise<void> {
		this.#flushTimer.cancel();
		await this.#output.discard();
	}

	readonly reportLoss = (what: string): void =>
		this.#reportOnce(`a dump of version ${this.version} cannot store ${what}: left out`);

	/** A new id if another flow already has this one; otherwise null. */
	#uniqueId(flow: Flow): string | null {
		const ids = this.#ids;
		const own = flow.id.toWellFormed();
		if (ids.set(own, ids.size) === null) return null;
		this.#reportOnce("a dump cannot store several flows with the same id: the later ones get new ids");
		for (;;) {
			const id = derivedId(own, this.#renamed++);
			if (ids.set(id, ids.size) === null) return id;
		}
	}

	#copyOf({ record }: Flow): Buffer | null {
		return record?.format === "mitm" && record.version === this.version ? (record.data as Buffer) : null;
	}

	#write(flow: Flow, id: string): Buffer | null {
		if (this.version < 20 && holdsBytes(flow.metadata))
			this.#reportOnce(`mitmproxy ${WRITABLE.get(this.version)} cannot load metadata with bytes`);
		const bytes = writeFlow(flow, this, { id, notes: this.#notes });
		if (bytes !== null) this.#notes = null;
		return bytes;
	}

	/** Runs after earlier writes. */
	#flush(): Promise<void> {
		const bytes = Buffer.concat(this.#parts, this.#size);
		const records = completeRecords(bytes, this.#parts.length);
		this.#parts = [];
		this.#size = 0;
		const written = this.#writing.then(() => this.#output.write(bytes, records));
		this.#writing = written.catch(() => {});
		return written;
	}

	/** Reports each loss once. */
	#reportOnce(what: string): void {
		if (this.#reported.has(what)) return;
		this.#reported.add(what);
		this.#report("FT_LOSS", `${this.#output.name}: ${what}`, { file: this.#output.name });
	}
}

/** @throws FlowtapeError FT_BAD_OPTION */
export function checkVersion(version: number = NEWEST): void {
	if (WRITABLE.has(version)) return;
	const choices = [...WRITABLE].map(([each, releases]) => `${each} (mitmproxy ${releases})`).join(", ");
	throw new FlowtapeError("FT_BAD_OPTION", `expected dump version ${choices}, found ${version}`, {
		option: "dump_version",
	});
}

// Writes flows to a dump. Every flow that was not changed is copied as its bytes, where they are of the version that is written.
import { stat } from "node:fs/promises";
import { FlowtapeError, type Reporter } from "../../src/errors.ts";
import type { Flow } from "../../src/flow/flow.ts";
import type { Metadata, MetaValue } from "../../src/flow/metadata.ts";
import { FlowSink } from "../../src/flow/pipe.ts";
import { compressionOf } from "../compression.ts";
import type { SinkOptions } from "../format.ts";
import { type Output, openOutput } from "../output.ts";
import { wholly } from "../records.ts";
import { Soon } from "../soon.ts";
import { idsIn } from "./copies.ts";
import { derivedId } from "./derived-id.ts";
import { IdTable } from "./id-table.ts";
import { type Target, WRITABLE } from "./target.ts";
import { NEWEST } from "./versions.ts";
import { holdsBytes, writeFlow } from "./write-flow.ts";

/** Bytes that are gathered before they are written. */
const WRITE_BYTES = 1024 * 1024;

/** @throws FlowtapeError FT_IO */
export async function createDump(path: string, options: SinkOptions): Promise<FlowSink> {
	// before there is anything of our own in it
	const ids = options.append === true ? await idsBefore(path) : new IdTable();
	return new DumpSink(await openOutput(path, options), options, ids);
}

/** The ids of the flows of a dump that is to be added to; none of what cannot be read. */
async function idsBefore(path: string): Promise<IdTable> {
	try {
		const info = await stat(path);
		if (info.isFile() && compressionOf(path) === null) return await idsIn(path, info.size);
	} catch {
		// whoever opens it for writing tells of it
	}
	return new IdTable();
}

export class DumpSink extends FlowSink implements Target {
	readonly version: number;
	readonly #output: Output;
	readonly #report: Reporter;
	readonly #told = new Set<string>();
	#parts: Buffer[] = [];
	#size = 0;
	/** Flows of kinds that have no room. */
	#leftOut = 0;
	/** On the tape itself, not written yet. */
	#notes: Metadata | null = null;
	/** Those of the flows that are in the file or on their way: of two with one id, readers take the first for an older copy of the second. */
	readonly #ids: IdTable;
	#renamed = 0;
	readonly #soon: Soon;
	/** Resolves when what was handed on is written; never rejects. */
	#writing: Promise<void> = Promise.resolve();

	/**
	 * @param ids of the flows that are in the output already
	 * @throws FlowtapeError FT_BAD_OPTION when the version is none that is written
	 */
	constructor(output: Output, { report, version = NEWEST, append }: SinkOptions, ids: IdTable) {
		super();
		this.#ids = ids;
		this.#soon = new Soon(
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

	override get takesNotes(): boolean {
		return true;
	}

	/** They go with the first flow. */
	override note(name: string, value: MetaValue): void {
		this.#notes ??= {};
		this.#notes[name] = value;
	}

	append(flow: Flow): void | Promise<void> {
		const id = this.#idFor(flow);
		const bytes = (this.#notes === null && id === null ? this.#copyOf(flow) : null) ?? this.#write(flow, id ?? flow.id);
		if (bytes === null) {
			this.#leftOut++;
			return;
		}
		this.#parts.push(bytes);
		this.#size += bytes.length;
		const wait = this.#size >= WRITE_BYTES ? this.#flush() : undefined;
		this.#soon.touch();
		return wait;
	}

	close(): Promise<void> {
		if (this.#notes !== null) this.#tell("a dump without flows has no room for notes on the tape: left out");
		return this.#soon.end(async () => {
			await this.#flush();
			await this.#output.close();
		});
	}

	override async discard(): Promise<void> {
		this.#soon.stop();
		await this.#output.discard();
	}

	readonly lost = (what: string): void => this.#tell(`a dump of version ${this.version} has no room for ${what}: left out`);

	/** A new id for a flow whose own another one has already; null: it keeps its own. */
	#idFor(flow: Flow): string | null {
		const ids = this.#ids;
		const own = flow.id.toWellFormed();
		if (ids.set(own, ids.size) === null) return null;
		this.#tell("a dump has no room for flows with one id: the later ones get new ids");
		for (;;) {
			const id = derivedId(own, this.#renamed++);
			if (ids.set(id, ids.size) === null) return id;
		}
	}

	#copyOf({ record }: Flow): Buffer | null {
		return record?.format === "mitm" && record.version === this.version ? (record.data as Buffer) : null;
	}

	#write(flow: Flow, id: string): Buffer | null {
		if (this.version < 20 && holdsBytes(flow.metadata)) this.#tell(`mitmproxy ${WRITABLE.get(this.version)} does not load metadata that holds bytes`);
		const bytes = writeFlow(flow, this, { id, notes: this.#notes });
		if (bytes !== null) this.#notes = null;
		return bytes;
	}

	/** One after the other. */
	#flush(): Promise<void> {
		const bytes = Buffer.concat(this.#parts, this.#size);
		const records = wholly(bytes, this.#parts.length);
		this.#parts = [];
		this.#size = 0;
		const written = this.#writing.then(() => this.#output.write(bytes, records));
		this.#writing = written.catch(() => {});
		return written;
	}

	/** Once of each kind. */
	#tell(what: string): void {
		if (this.#told.has(what)) return;
		this.#told.add(what);
		this.#report("FT_LOSS", `${this.#output.name}: ${what}`, { file: this.#output.name });
	}
}

/** @throws FlowtapeError FT_BAD_OPTION */
export function checkVersion(version: number = NEWEST): void {
	if (WRITABLE.has(version)) return;
	const choices = [...WRITABLE].map(([each, releases]) => `${each} (mitmproxy ${releases})`).join(", ");
	throw new FlowtapeError("FT_BAD_OPTION", `dumps are written as version ${choices}, not ${version}`, { option: "dump_version" });
}

// The entries of a HAR as flows, in batches, and what of them is damaged or left out.
import { FlowtapeError } from "../../src/errors.ts";
import type { Flow } from "../../src/flow/flow.ts";
import type { Metadata } from "../../src/flow/metadata.ts";
import { FlowSource } from "../../src/flow/pipe.ts";
import { isObject, parseJson } from "../fields.ts";
import type { Input, SourceOptions } from "../format.ts";
import { toNotes } from "../json-values.ts";
import { OddFields } from "../odd-fields.ts";
import { type Found, readEntries, readLines } from "./entries.ts";
import type { HarKind } from "./kind.ts";
import { LogFields } from "./log-fields.ts";
import { OWN_LOG } from "./notes.ts";
import { openPlace, type Place } from "./place.ts";
import { type EntryContext, readEntry } from "./read-entry.ts";

/** Flows and bytes that are read before they are passed on. */
const BATCH_FLOWS = 200;
const BATCH_BYTES = 1 * 1024 * 1024;
/** Bytes in front of the entries, at most, in which notes on the tape are looked for. */
const NOTES_LIMIT = 16 * 1024 * 1024;
/** The key of the entries as flowtape writes it. Inside a string its quotes would be escaped. */
const ENTRIES = '"entries":';

export class HarSource extends FlowSource {
	readonly #input: Input;
	readonly #options: SourceOptions;
	readonly #kind: HarKind;
	readonly #log = new LogFields();
	readonly #context: Pick<EntryContext, "started"> = {};
	readonly #odd: OddFields;
	#hasGiven = false;
	/** Entries of `data:` URLs and the like. */
	#foreign = 0;

	constructor(input: Input, options: SourceOptions, kind: HarKind) {
		super();
		this.#input = input;
		this.#options = options;
		this.#kind = kind;
		this.#odd = new OddFields(input.name, options.report);
	}

	/** They stand in front of the entries. */
	override async notes(): Promise<Metadata> {
		if (this.#kind !== "log") return {};
		for (let size = 4096; size <= NOTES_LIMIT; size *= 4) {
			const head = await this.#input.peek(size);
			const end = head.indexOf(ENTRIES);
			if (end === -1 && head.length >= size) continue;
			return end === -1 ? {} : notesIn(head.subarray(0, end));
		}
		return {};
	}

	async *read(): AsyncGenerator<Flow[]> {
		const place = await openPlace(this.#input, this.#kind === "zip");
		try {
			yield* this.#batches(place);
		} finally {
			await place.close();
		}
		const { name } = this.#input;
		this.#odd.end("entries");
		if (this.#foreign > 0)
			this.#options.report("FT_LOSS", `${name}: entries that are no HTTP (data:, blob: and the like), left out: ${this.#foreign}`, { file: name });
	}

	async *#batches(place: Place): AsyncGenerator<Flow[]> {
		let flows: Flow[] = [];
		let bytes = 0;
		let failure: unknown = null;
		try {
			for await (const found of this.#kind === "lines" ? readLines(place.chunks) : readEntries(place.chunks)) {
				const flow = this.#flow(found, place);
				if (flow === null) continue;
				flows.push(flow);
				if ("bytes" in found) bytes += found.bytes.length;
				if (flows.length < BATCH_FLOWS && bytes < BATCH_BYTES) continue;
				// the last one may have to take what stands behind the entries
				const last = flows.pop() as Flow;
				if (flows.length > 0) yield flows;
				flows = [last];
				bytes = 0;
			}
		} catch (error) {
			failure = error;
		}
		const last = flows.at(-1);
		if (this.#log.giveTo(last, true) && last === undefined)
			this.#options.report("FT_LOSS", `${this.#input.name}: what it says beside its entries is left out: there is no flow to keep it with`, {
				file: this.#input.name,
			});
		// what came before the damage is kept
		if (flows.length > 0) yield flows;
		if (failure !== null) throw failure;
	}

	/** The flow of an entry that is in order and matches. */
	#flow(found: Found, place: Place): Flow | null {
		try {
			if (found.kind === "entry") return this.#read(found, place);
			if (found.kind === "log") this.#log.add(found.key, found.bytes);
			else this.#report(found, found.what);
		} catch (error) {
			if (!(error instanceof FlowtapeError) || error.code !== "FT_CORRUPT_FLOW") throw error;
			this.#report(found, error.message);
		}
		return null;
	}

	#read(found: Found & { kind: "entry" }, place: Place): Flow | null {
		const { filter, ids } = this.#options;
		const value = parseJson(found.bytes);
		if (isObject(value)) this.#log.name(value);
		const flow = readEntry(value, this.#contextOf(found, place));
		if (flow === null) this.#foreign++;
		if (flow === null || (ids !== undefined && !ids.includes(flow.id))) return null;
		if (filter !== undefined && !filter.matches(flow)) return null;
		if (!this.#hasGiven) this.#log.giveTo(flow, false);
		this.#hasGiven = true;
		return flow;
	}

	/** The same object for every entry: it carries the time from one to the next. */
	#contextOf(found: Found & { kind: "entry" }, place: Place): EntryContext {
		return Object.assign(this.#context, {
			record: found.record,
			pages: this.#log.pages,
			isOfMitmproxy: /^mitmproxy/i.test(this.#log.creator),
			attachments: { read: (name: string) => this.#attachment(found, place, name) },
			odd: (kind: string, what: string) =>
				this.#odd.tell({ where: `byte ${found.offset}, entry ${found.record}`, offset: found.offset, record: found.record }, kind, what),
		});
	}

	#attachment(found: { offset: number; record: number }, place: Place, name: string): Buffer | null {
		try {
			return place.attachment(name);
		} catch (error) {
			this.#report(found, `the file ${JSON.stringify(name)} with its body cannot be read: ${(error as Error).message}; the flow is kept without`);
			return null;
		}
	}

	#report({ offset, record }: { offset: number; record: number }, what: string): void {
		const { name } = this.#input;
		const where = record === 0 ? `${name}: byte ${offset}` : `${name}: byte ${offset}, entry ${record}`;
		this.#options.report("FT_CORRUPT_FLOW", `${where}: ${what}`, { file: name, offset, ...(record === 0 ? {} : { record }) });
	}
}

/** The notes in what stands in front of the entries of a HAR that flowtape wrote; empty for other HARs. */
function notesIn(front: Buffer): Metadata {
	try {
		const har = parseJson(Buffer.concat([front, Buffer.from(`${ENTRIES}[]}}`)]));
		const own = isObject(har) && isObject(har.log) ? har.log[OWN_LOG] : undefined;
		return isObject(own) ? toNotes(own.notes) : {};
	} catch (error) {
		// reading tells of it
		if (error instanceof FlowtapeError) return {};
		throw error;
	}
}

// The entries of a HAR as flows, in batches, and what of them is damaged or left out.
import { FlowtapeError } from "../../src/errors.ts";
import type { Flow } from "../../src/flow/flow.ts";
import type { FlowSource } from "../../src/flow/pipe.ts";
import { isObject, type JsonObject, parseJson } from "../fields.ts";
import type { Input, SourceOptions } from "../format.ts";
import { type Found, readEntries } from "./entries.ts";
import { openPlace, type Place } from "./place.ts";
import { readEntry } from "./read-entry.ts";

/** Flows and bytes that are read before they are passed on. */
const BATCH_FLOWS = 200;
const BATCH_BYTES = 1 * 1024 * 1024;

export class HarSource implements FlowSource {
	readonly #input: Input;
	readonly #options: SourceOptions;
	readonly #isZip: boolean;
	readonly #pages = new Map<string, JsonObject>();
	#hasEntries = false;
	/** Entries of `data:` URLs and the like. */
	#foreign = 0;

	constructor(input: Input, options: SourceOptions, isZip: boolean) {
		this.#input = input;
		this.#options = options;
		this.#isZip = isZip;
	}

	async *[Symbol.asyncIterator](): AsyncGenerator<Flow[]> {
		const place = await openPlace(this.#input, this.#isZip);
		try {
			yield* this.#batches(place);
		} finally {
			await place.close();
		}
		const { name } = this.#input;
		if (this.#foreign > 0)
			this.#options.report("FT_LOSS", `${name}: entries that are no HTTP (data:, blob: and the like), left out: ${this.#foreign}`, { file: name });
	}

	async *#batches(place: Place): AsyncGenerator<Flow[]> {
		let flows: Flow[] = [];
		let bytes = 0;
		let failure: unknown = null;
		try {
			for await (const found of readEntries(place.chunks)) {
				const flow = this.#flow(found, place);
				if (flow === null) continue;
				flows.push(flow);
				if ("bytes" in found) bytes += found.bytes.length;
				if (flows.length < BATCH_FLOWS && bytes < BATCH_BYTES) continue;
				yield flows;
				flows = [];
				bytes = 0;
			}
		} catch (error) {
			failure = error;
		}
		// what came before the damage is kept
		if (flows.length > 0) yield flows;
		if (failure !== null) throw failure;
	}

	/** The flow of an entry that is in order and matches. */
	#flow(found: Found, place: Place): Flow | null {
		try {
			if (found.kind === "entry") return this.#read(found, place);
			if (found.kind === "pages") this.#addPages(found.bytes);
			else this.#report(found, found.what);
		} catch (error) {
			if (!(error instanceof FlowtapeError) || error.code !== "FT_CORRUPT_FLOW") throw error;
			this.#report(found, error.message);
		}
		return null;
	}

	#read(found: Found & { kind: "entry" }, place: Place): Flow | null {
		const { filter, ids } = this.#options;
		const { record } = found;
		this.#hasEntries = true;
		const flow = readEntry(parseJson(found.bytes), { record, pages: this.#pages, attachments: { read: (name) => this.#attachment(found, place, name) } });
		if (flow === null) this.#foreign++;
		if (flow === null || (ids !== undefined && !ids.includes(flow.id))) return null;
		return filter === undefined || filter.matches(flow) ? flow : null;
	}

	#attachment(found: { offset: number; record: number }, place: Place, name: string): Buffer | null {
		try {
			return place.attachment(name);
		} catch (error) {
			this.#report(found, `the file ${JSON.stringify(name)} with its body cannot be read: ${(error as Error).message}; the flow is kept without`);
			return null;
		}
	}

	#addPages(bytes: Buffer): void {
		const pages = parseJson(bytes);
		if (!Array.isArray(pages)) return;
		const added = pages.filter((page) => isObject(page) && typeof page.id === "string" && !this.#pages.has(page.id)) as (JsonObject & { id: string })[];
		for (const page of added) this.#pages.set(page.id, page);
		if (this.#hasEntries && added.length > 0) this.#options.report("FT_LOSS", `${this.#input.name}: its pages stand behind the entries: left out`);
	}

	#report({ offset, record }: { offset: number; record: number }, what: string): void {
		const { name } = this.#input;
		const where = record === 0 ? `${name}: byte ${offset}` : `${name}: byte ${offset}, entry ${record}`;
		this.#options.report("FT_CORRUPT_FLOW", `${where}: ${what}`, { file: name, offset, ...(record === 0 ? {} : { record }) });
	}
}

// Reads the entries of a HAR as flows, in batches, and reports damage and losses.
import { FlowtapeError } from "../../src/errors.ts";
import type { Body } from "../../src/flow/body.ts";
import type { Flow } from "../../src/flow/flow.ts";
import type { Metadata } from "../../src/flow/metadata.ts";
import { FlowSource } from "../../src/flow/pipe.ts";
import { isObject, type Json, parseJson } from "../fields.ts";
import type { Input, SourceOptions } from "../format.ts";
import { toNotes } from "../json-values.ts";
import { OddFields } from "../odd-fields.ts";
import { type Found, readEntries, readLines } from "./entries.ts";
import { type HarFiles, openHarFiles } from "./har-files.ts";
import type { HarKind } from "./kind.ts";
import { LogFields } from "./log-fields.ts";
import { countLostComments, OWN_LOG } from "./notes.ts";
import { type EntryContext, readEntry } from "./read-entry.ts";

/** Maximum flows and bytes in a batch. */
const BATCH_FLOWS = 200;
const BATCH_BYTES = 1 * 1024 * 1024;
/** Notes on the tape are searched in this many bytes before the entries. */
const NOTES_LIMIT = 16 * 1024 * 1024;
/** The key of the entries as flowtape writes it. It cannot occur inside a string, where its quotes would be escaped. */
const ENTRIES = '"entries":';

export class HarSource extends FlowSource {
	readonly #input: Input;
	readonly #options: SourceOptions;
	readonly #kind: HarKind;
	readonly #log = new LogFields();
	readonly #context: Pick<EntryContext, "started"> = {};
	readonly #odd: OddFields;
	/** Whether a flow has been returned. */
	#hasFlow = false;
	/** Comments that are not kept. */
	#comments = 0;
	/** Size of the separate bodies of an entry that are in memory, in bytes. */
	#attached = 0;
	/** Entries of `data:` URLs and the like. */
	#foreign = 0;

	constructor(input: Input, options: SourceOptions, kind: HarKind) {
		super();
		this.#input = input;
		this.#options = options;
		this.#kind = kind;
		this.#odd = new OddFields(input.name, options.report);
	}

	/** Notes come before the entries. */
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
		const files = await openHarFiles(this.#input, this.#kind === "zip");
		try {
			yield* this.#batches(files);
			this.#reportUnread(files.unread());
		} finally {
			await files.close();
		}
		const { name } = this.#input;
		this.#odd.reportCounts("entries");
		if (this.#comments > 0)
			this.#options.report(
				"FT_LOSS",
				`${name}: comments on header fields, cookies and parameters, left out: ${this.#comments}`,
				{ file: name },
			);
		if (this.#foreign > 0)
			this.#options.report(
				"FT_LOSS",
				`${name}: entries other than HTTP (data:, blob: and the like), left out: ${this.#foreign}`,
				{ file: name },
			);
	}

	async *#batches(files: HarFiles): AsyncGenerator<Flow[]> {
		let flows: Flow[] = [];
		let bytes = 0;
		let failure: unknown = null;
		try {
			for await (const found of this.#kind === "lines" ? readLines(files.chunks) : readEntries(files.chunks)) {
				if (found.kind === "more") {
					if (flows.length > 0) yield flows;
					flows = [];
					continue;
				}
				this.#attached = 0;
				const flow = await this.#flow(found, files);
				if (flow === null) continue;
				flows.push(flow);
				bytes += this.#attached;
				if ("bytes" in found) bytes += found.bytes.length;
				if (flows.length < BATCH_FLOWS && bytes < BATCH_BYTES) continue;
				// keep the last flow: the fields after the entries may have to be stored with it
				const last = flows.pop() as Flow;
				if (flows.length > 0) yield flows;
				flows = [last];
				bytes = 0;
			}
		} catch (error) {
			failure = error;
		}
		const last = flows.at(-1);
		if (this.#log.storeIn(last, true) && last === undefined)
			this.#options.report(
				"FT_LOSS",
				`${this.#input.name}: its fields outside the entries are left out: there is no flow to store them with`,
				{
					file: this.#input.name,
				},
			);
		// yield the flows before the damage
		if (flows.length > 0) yield flows;
		if (failure !== null) throw failure;
	}

	/** The flow of an entry; null if it is damaged or does not match. */
	async #flow(found: Exclude<Found, { kind: "more" }>, files: HarFiles): Promise<Flow | null> {
		try {
			if (found.kind === "entry" || found.kind === "long") return await this.#read(found, files);
			if (found.kind === "log") this.#log.addField(found.key, found.bytes);
			else this.#report(found, found.what);
		} catch (error) {
			if (!FlowtapeError.is(error, "FT_CORRUPT_FLOW")) throw error;
			this.#report(found, error.message);
		}
		return null;
	}

	async #read(found: Found & { kind: "entry" | "long" }, files: HarFiles): Promise<Flow | null> {
		const { filter, ids } = this.#options;
		const value = found.kind === "entry" ? parseJson(found.bytes) : (found.json.end() ?? null);
		if (files.prepare !== undefined) await files.prepare(filesOf(value));
		if (isObject(value)) this.#log.markPage(value);
		const flow = readEntry(value, this.#contextOf(found, files));
		if (flow === null) this.#foreign++;
		if (flow === null || (ids !== undefined && !ids.includes(flow.id))) return null;
		if (filter !== undefined && !filter.matches(flow)) return null;
		if (isObject(value)) this.#comments += countLostComments(value);
		if (!this.#hasFlow) this.#log.storeIn(flow, false);
		this.#hasFlow = true;
		return flow;
	}

	/** Returns the same object for every entry: it carries the start time to the next entry. */
	#contextOf(found: { offset: number; record: number }, files: HarFiles): EntryContext {
		return Object.assign(this.#context, {
			record: found.record,
			pages: this.#log.pages,
			isOfMitmproxy: /^mitmproxy/i.test(this.#log.creator),
			attachments: { read: (name: string) => this.#attachment(found, files, name) },
			odd: (kind: string, what: string) =>
				this.#odd.report(
					{ where: `byte ${found.offset}, entry ${found.record}`, offset: found.offset, record: found.record },
					kind,
					what,
				),
		});
	}

	#attachment(found: { offset: number; record: number }, files: HarFiles, name: string): Body {
		try {
			const body = files.attachment(name);
			if (Buffer.isBuffer(body)) this.#attached += body.length;
			return body;
		} catch (error) {
			this.#report(
				found,
				`the file ${JSON.stringify(name)} with its body cannot be read: ${(error as Error).message}; the flow is kept without it`,
			);
			return null;
		}
	}

	/** Reports the files of a ZIP that no entry names, which may be further HARs. */
	#reportUnread(names: readonly string[]): void {
		const { name: file } = this.#input;
		const list = (some: readonly string[]) =>
			`${some
				.slice(0, 3)
				.map((name) => JSON.stringify(name))
				.join(", ")}${some.length > 3 ? ` and ${some.length - 3} more` : ""}`;
		const hars = names.filter((name) => name.endsWith(".har"));
		const others = names.filter((name) => !name.endsWith(".har"));
		if (hars.length > 0)
			this.#options.report(
				"FT_CORRUPT_FLOW",
				`${file}: the ZIP has several HARs; only the first was read, not ${list(hars)}: unpack it and name each HAR`,
				{ file },
			);
		if (others.length > 0)
			this.#options.report("FT_LOSS", `${file}: files in the ZIP that no entry names, left out: ${list(others)}`, {
				file,
			});
	}

	#report({ offset, record }: { offset: number; record: number }, what: string): void {
		const where = record === 0 ? `byte ${offset}` : `byte ${offset}, entry ${record}`;
		this.#odd.reportDamage({ where, offset, record }, what);
	}
}

/** The names of the separate bodies of an entry. */
function filesOf(entry: Json | null): string[] {
	const part = (value: Json | undefined, key: string) => (isObject(value) ? value[key] : undefined);
	const file = (message: string, body: string) => part(part(part(entry ?? undefined, message), body), "_file");
	return [file("request", "postData"), file("response", "content")].filter((name) => typeof name === "string");
}

/** The notes in the head of a HAR that flowtape wrote; empty for other HARs. */
function notesIn(front: Buffer): Metadata {
	try {
		const har = parseJson(Buffer.concat([front, Buffer.from(`${ENTRIES}[]}}`)]));
		const own = isObject(har) && isObject(har.log) ? har.log[OWN_LOG] : undefined;
		return isObject(own) ? toNotes(own.notes) : {};
	} catch (error) {
		// reading reports the damage
		if (error instanceof FlowtapeError) return {};
		throw error;
	}
}

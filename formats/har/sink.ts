// Writes flows as a HAR with one entry per line: readers can then find the next entry after damage, and diffs are
// readable.
import { open, truncate } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { FlowtapeError, hasErrno } from "../../src/errors.ts";
import type { Flow, HttpFlow } from "../../src/flow/flow.ts";
import type { Metadata, MetaValue } from "../../src/flow/metadata.ts";
import { FlowSink } from "../../src/flow/pipe.ts";
import type { MaybeAsync } from "../../src/maybe-async.ts";
import { compressionOf } from "../compression.ts";
import { isObject, type JsonObject } from "../fields.ts";
import { FlushTimer } from "../flush-timer.ts";
import type { SinkOptions } from "../format.ts";
import { isRecord } from "../json-record.ts";
import { fromMeta } from "../json-values.ts";
import { type JsonPieces, LongTexts } from "../long-texts.ts";
import { type Output, openOutput } from "../output.ts";
import { outputError } from "../output-error.ts";
import { refuseRecorded } from "../recording-mark.ts";
import { isTooLong, TextOutput } from "../text-output.ts";
import { Inflation } from "./inflation.ts";
import { Losses } from "./losses.ts";
import { inside, notesOf, OWN_LOG } from "./notes.ts";
import { placeOf } from "./read-body.ts";
import { type BodyStorage, writeEntry } from "./write-entry.ts";

const CREATOR = '{"log":{"version":"1.2","creator":{"name":"flowtape","version":"';
const TAIL = "\n]}}\n";
/** Size of the pages that are listed, as JSON in UTF-16 code units. Readers limit it; entries contain further pages. */
const LISTED_PAGES = 4 * 1024 * 1024;
/** Fields of a log that flowtape writes itself. */
const RESERVED = new Set(["version", "creator", "entries", "pages", OWN_LOG]);

export async function createHar(path: string, options: SinkOptions): Promise<FlowSink> {
	const output = await openOutput(path, options);
	try {
		return new HarSink(output, options, { before: options.append === true ? await openEnd(path) : "nothing" });
	} catch (error) {
		await output.discard();
		throw error;
	}
}

/** The existing content of the output. */
type Before = "nothing" | "no entries" | "entries";

/** Truncates the end of an existing HAR, so that entries can be appended. */
async function openEnd(path: string): Promise<Before> {
	try {
		await refuseRecorded(path, "and only one process can append to a HAR: record to another file, or to a .tape");
		return await cutEnd(path);
	} catch (error) {
		if (hasErrno(error, "ENOENT")) return "nothing";
		throw outputError(path, error);
	}
}

async function cutEnd(path: string): Promise<Before> {
	const refused = (why: string) =>
		new FlowtapeError("FT_USAGE", `${path}: flows cannot be appended: ${why}; record to a .tape and convert it`);
	const file = await open(path);
	try {
		const info = await file.stat();
		if (info.size === 0 || !info.isFile()) return "nothing";
		if (compressionOf(path) !== null) throw refused("it is compressed");
		const { buffer: head } = await file.read(Buffer.alloc(CREATOR.length), 0, CREATOR.length, 0);
		const { buffer: tail } = await file.read(
			Buffer.alloc(TAIL.length + 1),
			0,
			TAIL.length + 1,
			Math.max(info.size - TAIL.length - 1, 0),
		);
		if (head.toString() !== CREATOR || tail.toString("utf8", 1) !== TAIL)
			throw refused("expected a complete HAR written by flowtape");
		await truncate(path, info.size - TAIL.length);
		return tail[0] === 0x5b ? "no entries" : "entries";
	} finally {
		await file.close();
	}
}

export class HarSink extends FlowSink {
	readonly #output: TextOutput;
	readonly #storage: BodyStorage;
	readonly #long = new LongTexts();
	readonly #losses: Losses;
	readonly #inflation = new Inflation();
	/** Pages by id, to list at the end; at most `LISTED_PAGES`. */
	readonly #pages = new Map<string, JsonObject>();
	#pagesSize = 0;
	/** Notes on the tape. */
	readonly #notes: Metadata = {};
	/** Fields outside the entries of the HARs that flows were read from. */
	readonly #log: JsonObject = {};
	/** Keys of the fields written before the entries. */
	readonly #written = new Set<string>();
	readonly #flushTimer: FlushTimer;
	/** Text before the next entry. */
	#before: string;
	/** Flows without an entry. */
	#leftOut = 0;

	constructor(
		output: Output,
		{ report, append }: SinkOptions,
		{ before, attach }: { before: Before } & Pick<BodyStorage, "attach">,
	) {
		super();
		this.#output = new TextOutput(output);
		this.#flushTimer = new FlushTimer(append === true ? () => this.#output.flush() : null);
		this.#storage = { attach, long: this.#long, inflation: this.#inflation };
		this.#losses = new Losses(output.name, report);
		this.#before =
			before === "nothing"
				? `${CREATOR}${process.env.FLOWTAPE_VERSION ?? "0.0.0"}"},"entries":[\n`
				: before === "entries"
					? ",\n"
					: "\n";
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

	append(flow: Flow): MaybeAsync {
		return this.#flushTimer.flushAfter(this.#append(flow));
	}

	#append(flow: Flow): MaybeAsync {
		this.#losses.note(flow);
		if (flow.type !== "http") {
			this.#leftOut++;
			return;
		}
		if (flow.metadata.har !== undefined) this.#mergeLog(inside(notesOf(flow), "log"));
		const json = this.#entry(flow);
		if (json === null) {
			this.#losses.noteTooLarge();
			this.#leftOut++;
			return;
		}
		const before = this.#head();
		this.#before = ",\n";
		return json.rest === null
			? this.#output.append(before + json.head)
			: this.#output.appendPieces(before + json.head, json.rest);
	}

	/** Notes are written before the entries. An existing HAR already has that part, and in a ZIP the HAR comes last. */
	override note(name: string, value: MetaValue): void {
		if (!this.#hasHead || this.#storage.attach !== undefined) this.#losses.noteTape(name);
		else this.#notes[name] = value;
	}

	get #hasHead(): boolean {
		return this.#before.startsWith(CREATOR);
	}

	/** Text before the next entry; before the first one, the head of the log. */
	#head(): string {
		if (!this.#hasHead) return this.#before;
		if (Object.keys(this.#notes).length > 0) this.#log[OWN_LOG] = { notes: fromMeta(this.#notes) };
		const fields = Object.entries(this.#log).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)},`);
		for (const key of Object.keys(this.#log)) this.#written.add(key);
		return this.#before.replace('"entries"', () => `${fields.join("")}"entries"`);
	}

	#mergeLog({ pages, ...fields }: JsonObject): void {
		for (const page of Array.isArray(pages) ? pages : [])
			if (isObject(page) && typeof page.id === "string") this.#addPage(page.id, page);
		for (const [key, value] of Object.entries(fields)) {
			if (!Object.hasOwn(this.#log, key) && !RESERVED.has(key))
				Object.defineProperty(this.#log, key, { value, enumerable: true });
			else if (!isDeepStrictEqual(this.#log[key], value)) this.#losses.noteLog(key);
		}
	}

	/** Adds a page to the list. Returns false if it is already there. */
	#addPage(id: string, page: JsonObject): boolean {
		if (this.#pages.has(id)) return false;
		this.#pagesSize += JSON.stringify(page).length;
		if (this.#pagesSize <= LISTED_PAGES) this.#pages.set(id, page);
		return true;
	}

	/** The entry of a flow; null if it exceeds the maximum size, or could not be read again. */
	#entry(flow: HttpFlow): JsonPieces | null {
		const { entry, page } = writeEntry(flow, this.#storage);
		// a streaming reader needs the page before the entries that refer to it
		if (page !== null && this.#addPage(String(page.id), page)) entry._page = page;
		try {
			const json = this.#long.json(entry);
			return isRecord(entry, json, placeOf) ? json : null;
		} catch (error) {
			if (isTooLong(error)) return null;
			throw error;
		}
	}

	close(): Promise<void> {
		return this.#flushTimer.close(() => this.#close());
	}

	async #close(): Promise<void> {
		const start = this.#before === ",\n" ? "" : this.#head().trimEnd();
		const later = Object.entries(this.#log).filter(([key]) => !this.#written.has(key));
		const log = {
			...(this.#pages.size === 0 ? {} : { pages: [...this.#pages.values()] }),
			...Object.fromEntries(later),
		};
		await this.#output.close(start + (Object.keys(log).length === 0 ? TAIL : `\n],${JSON.stringify(log).slice(1)}}\n`));
		this.#losses.report(this.#inflation.kept);
	}

	override discard(): Promise<void> {
		this.#flushTimer.cancel();
		return this.#output.discard();
	}
}

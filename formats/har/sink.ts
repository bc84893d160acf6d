// Flows written as a HAR: one entry a line, so that the next one can be found after damage, and two HARs compared.
import { open, truncate } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { FlowtapeError, hasErrno } from "../../src/errors.ts";
import type { Flow, HttpFlow } from "../../src/flow/flow.ts";
import type { Metadata, MetaValue } from "../../src/flow/metadata.ts";
import { FlowSink } from "../../src/flow/pipe.ts";
import { compressionOf } from "../compression.ts";
import { isObject, type JsonObject } from "../fields.ts";
import type { SinkOptions } from "../format.ts";
import { fromMeta } from "../json-values.ts";
import { type Output, openOutput } from "../output.ts";
import { outputError } from "../output-error.ts";
import { refuseRecorded } from "../recording-mark.ts";
import { Soon } from "../soon.ts";
import { isTooLong, TextOutput } from "../text-output.ts";
import { Inflation } from "./inflation.ts";
import { type JsonPieces, LongTexts } from "./long-texts.ts";
import { Losses } from "./losses.ts";
import { inside, notesOf, OWN_LOG } from "./notes.ts";
import { type BodyPlaces, writeEntry } from "./write-entry.ts";

const CREATOR = '{"log":{"version":"1.2","creator":{"name":"flowtape","version":"';
const TAIL = "\n]}}\n";
/** Fields of a log that are written anew. */
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

/** What stands in the output already. */
type Before = "nothing" | "no entries" | "entries";

/** Takes off the end of a HAR that is to be added to. */
async function openEnd(path: string): Promise<Before> {
	try {
		await refuseRecorded(path, "and a HAR has one end: record to another, or to a .tape");
		return await cutEnd(path);
	} catch (error) {
		if (hasErrno(error, "ENOENT")) return "nothing";
		throw outputError(path, error);
	}
}

async function cutEnd(path: string): Promise<Before> {
	const refused = (why: string) => new FlowtapeError("FT_USAGE", `${path}: cannot be added to: ${why}; record to a .tape and convert it`);
	const file = await open(path);
	try {
		const info = await file.stat();
		if (info.size === 0 || !info.isFile()) return "nothing";
		if (compressionOf(path) !== null) throw refused("it is compressed");
		const { buffer: head } = await file.read(Buffer.alloc(CREATOR.length), 0, CREATOR.length, 0);
		const { buffer: tail } = await file.read(Buffer.alloc(TAIL.length + 1), 0, TAIL.length + 1, Math.max(info.size - TAIL.length - 1, 0));
		if (head.toString() !== CREATOR || tail.toString("utf8", 1) !== TAIL) throw refused("it is no HAR of flowtape, or not whole");
		await truncate(path, info.size - TAIL.length);
		return tail[0] === 0x5b ? "no entries" : "entries";
	} finally {
		await file.close();
	}
}

export class HarSink extends FlowSink {
	readonly #output: TextOutput;
	readonly #places: BodyPlaces;
	readonly #long = new LongTexts();
	readonly #losses: Losses;
	readonly #inflation = new Inflation();
	/** By their id. */
	readonly #pages = new Map<string, JsonObject>();
	/** On the tape itself. */
	readonly #notes: Metadata = {};
	/** What earlier HARs said beside their entries. */
	readonly #log: JsonObject = {};
	/** Keys of those that stand in front of the entries. */
	readonly #written = new Set<string>();
	readonly #soon: Soon;
	/** An entry that is still written, piece by piece. */
	#rest: Promise<void> | null = null;
	/** What stands in front of the next entry. */
	#before: string;
	/** Flows that no entry is made of. */
	#leftOut = 0;

	constructor(output: Output, { report, append }: SinkOptions, { before, attach }: { before: Before } & Pick<BodyPlaces, "attach">) {
		super();
		this.#output = new TextOutput(output);
		this.#soon = new Soon(append === true ? () => this.#output.flush() : null);
		this.#places = { attach, long: this.#long, inflation: this.#inflation };
		this.#losses = new Losses(output.name, report);
		this.#before = before === "nothing" ? `${CREATOR}${process.env.FLOWTAPE_VERSION ?? "0.0.0"}"},"entries":[\n` : before === "entries" ? ",\n" : "\n";
	}

	override get stored(): number {
		return this.#output.written + this.#leftOut;
	}

	override get takesNotes(): boolean {
		return true;
	}

	append(flow: Flow): void | Promise<void> {
		const wait = this.#appendInTurn(flow);
		this.#soon.touch();
		return wait;
	}

	#appendInTurn(flow: Flow): void | Promise<void> {
		return this.#rest === null ? this.#append(flow) : this.#rest.then(() => this.#appendInTurn(flow));
	}

	#append(flow: Flow): void | Promise<void> {
		this.#losses.note(flow);
		if (flow.type !== "http") {
			this.#leftOut++;
			return;
		}
		if (flow.metadata.har !== undefined) this.#takeLog(inside(notesOf(flow), "log"));
		const json = this.#entry(flow);
		if (json === null) return;
		const before = this.#front();
		this.#before = ",\n";
		const wait = this.#output.append(before + json.head, json.rest === null);
		if (json.rest === null) return wait;
		const written = this.#appendRest(wait, json.rest);
		const rest = written
			.catch(() => {})
			.then(() => {
				if (this.#rest === rest) this.#rest = null;
			});
		this.#rest = rest;
		return written;
	}

	/** Notes stand in front of the entries. What is added to has its front already, and the front of a ZIP's HAR is not at the front of the ZIP. */
	override note(name: string, value: MetaValue): void {
		if (!this.#hasFront || this.#places.attach !== undefined) this.#losses.noteTape(name);
		else this.#notes[name] = value;
	}

	get #hasFront(): boolean {
		return this.#before.startsWith(CREATOR);
	}

	/** What stands in front of the next entry; in front of the first one that is the head of the log. */
	#front(): string {
		if (!this.#hasFront) return this.#before;
		if (Object.keys(this.#notes).length > 0) this.#log[OWN_LOG] = { notes: fromMeta(this.#notes) };
		const fields = Object.entries(this.#log).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)},`);
		for (const key of Object.keys(this.#log)) this.#written.add(key);
		return this.#before.replace('"entries"', () => `${fields.join("")}"entries"`);
	}

	#takeLog({ pages, ...fields }: JsonObject): void {
		for (const page of Array.isArray(pages) ? pages : [])
			if (isObject(page) && typeof page.id === "string" && !this.#pages.has(page.id)) this.#pages.set(page.id, page);
		for (const [key, value] of Object.entries(fields)) {
			if (!Object.hasOwn(this.#log, key) && !RESERVED.has(key)) Object.defineProperty(this.#log, key, { value, enumerable: true });
			else if (!isDeepStrictEqual(this.#log[key], value)) this.#losses.noteLog(key);
		}
	}

	#entry(flow: HttpFlow): JsonPieces | null {
		const { entry, page } = writeEntry(flow, this.#places);
		const id = String(page?.id);
		if (page !== null && !this.#pages.has(id)) {
			this.#pages.set(id, page);
			// who reads from the beginning meets the page before the entries that refer to it
			entry._page = page;
		}
		try {
			return this.#long.json(entry);
		} catch (error) {
			if (!isTooLong(error)) throw error;
			this.#losses.noteTooLarge();
			return null;
		}
	}

	async #appendRest(wait: void | Promise<void>, pieces: Iterable<string>): Promise<void> {
		await wait;
		for (const piece of pieces) await this.#output.append(piece, false);
		await this.#output.append("");
	}

	close(): Promise<void> {
		return this.#soon.end(() => this.#close());
	}

	async #close(): Promise<void> {
		await this.#rest;
		const start = this.#before === ",\n" ? "" : this.#front().trimEnd();
		const later = Object.entries(this.#log).filter(([key]) => !this.#written.has(key));
		const log = { ...(this.#pages.size === 0 ? {} : { pages: [...this.#pages.values()] }), ...Object.fromEntries(later) };
		await this.#output.close(start + (Object.keys(log).length === 0 ? TAIL : `\n],${JSON.stringify(log).slice(1)}}\n`));
		this.#losses.report(this.#inflation.kept);
	}

	override discard(): Promise<void> {
		this.#soon.stop();
		return this.#output.discard();
	}
}

// JSON lines: one flow per line, for jq, scripts and git. Lossless; docs/jsonl.md describes the keys.
import { open, stat } from "node:fs/promises";
import { FlowtapeError, type Reporter } from "../src/errors.ts";
import type { Flow } from "../src/flow/flow.ts";
import { jsonText } from "../src/flow/json-text.ts";
import type { Metadata, MetaValue } from "../src/flow/metadata.ts";
import { FlowSink, FlowSource } from "../src/flow/pipe.ts";
import type { MaybeAsync } from "../src/maybe-async.ts";
import { compressionOf } from "./compression.ts";
import { isObject, type Json, parseJson } from "./fields.ts";
import { FlushTimer } from "./flush-timer.ts";
import type { Format, Input, SinkOptions, SourceOptions } from "./format.ts";
import { JsonParser } from "./json-parser.ts";
import { isRecord, JsonRecord } from "./json-record.ts";
import { fromMeta, toNotes } from "./json-values.ts";
import { mayHaveNumberTexts, numberText } from "./jsonl/number-texts.ts";
import { hasUnknownKeys, isInUnknownKey, placeOf, readObject } from "./jsonl/read-line.ts";
import { flowObject } from "./jsonl/write-line.ts";
import { type JsonPieces, LongTexts } from "./long-texts.ts";
import { type OddFieldReporter, OddFields } from "./odd-fields.ts";
import { type Output, openOutput } from "./output.ts";
import { isTooLong, TextOutput } from "./text-output.ts";

const NEWLINE = 0x0a;
/** Approximate maximum size of the line with the notes on the tape, in bytes. */
const NOTES_LIMIT = 16 * 1024 * 1024;

export const jsonl: Format = {
	name: "jsonl",
	extensions: [".jsonl", ".ndjson"],
	isOpenEnded: true,
	// a HAR is an object too, but its first key is "log"
	sniff: (head) => /^(?:\xef\xbb\xbf)?\s*\{(?!\s*"log")/.test(head.latin1Slice(0, Math.min(head.length, 4096))),
	read: (input, options) => new LineSource(input, options),
	async create(path, options) {
		const isCut = options.append === true && (await endsWithinLine(path));
		return new LineSink(await openOutput(path, options), options, isCut);
	},
};

/**
 * Whether the last line of a file lacks its line break, as after a killed recording. False for compressed files: if
 * they are complete, so are their lines.
 */
async function endsWithinLine(path: string): Promise<boolean> {
	if (path === "-" || compressionOf(path) !== null) return false;
	try {
		const { size } = await stat(path);
		const file = await open(path);
		try {
			const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
			return bytesRead === 1 && buffer[0] !== NEWLINE;
		} finally {
			await file.close();
		}
	} catch {
		// if the file exists, opening it for writing reports the error
		return false;
	}
}

const summaries = new LongTexts(jsonText);

/** The line of a flow with its URL, as `filter --json` prints it, in pieces. */
export function* summaryLine(flow: Flow): Generator<string> {
	const { head, rest } = summaries.json(flowObject(flow, { url: true, long: summaries }));
	if (rest === null) yield `${head}\n`;
	else {
		yield head;
		yield* rest;
		yield "\n";
	}
}

class LineSource extends FlowSource {
	readonly #input: Input;
	readonly #options: SourceOptions;
	readonly #odd: OddFields;
	#offset = 0;
	#line = 0;

	constructor(input: Input, options: SourceOptions) {
		super();
		this.#input = input;
		this.#odd = new OddFields(input.name, options.report);
		this.#options = options;
	}

	/** Notes are in the first line. */
	override async notes(): Promise<Metadata> {
		for (let size = 4096; size <= NOTES_LIMIT; size *= 4) {
			const head = await this.#input.peek(size);
			if (!isTapeLine(head)) return {};
			const end = head.indexOf(NEWLINE);
			if (end === -1 && head.length >= size) continue;
			const line = new JsonRecord(placeOf);
			line.push(trimmed(end === -1 ? head : head.subarray(0, end)));
			const value = line.end();
			return isObject(value) ? toNotes(value.notes) : {};
		}
		return {};
	}

	async *read(): AsyncGenerator<Flow[]> {
		/** The line that continues in the next chunk. */
		const begun = new JsonRecord(placeOf, (text, path) => (isInUnknownKey(path) ? numberText(text) : null));
		for await (const chunk of this.#input.chunks({ reuse: true })) {
			let from = 0;
			if (begun.size > 0) {
				const end = chunk.indexOf(NEWLINE);
				begun.push(end === -1 ? chunk : chunk.subarray(0, end));
				if (end === -1) continue;
				yield* this.#endLine(begun);
				from = end + 1;
			}
			const last = chunk.lastIndexOf(NEWLINE);
			if (last >= from) yield this.#flows(chunk.subarray(from, last + 1));
			begun.push(chunk.subarray(Math.max(from, last + 1)));
		}
		if (begun.size > 0) yield* this.#endLine(begun);
		this.#odd.reportCounts("lines");
	}

	/** Ends a line that spans chunks. */
	*#endLine(line: JsonRecord): Generator<Flow[]> {
		const { bytes, size } = line;
		this.#line++;
		const flow = bytes === null ? this.#flow(() => this.#longLine(line)) : this.#flowOf(bytes);
		line.clear();
		this.#offset += size + 1;
		if (flow !== null) yield [flow];
	}

	#flows(lines: Buffer): Flow[] {
		const flows: Flow[] = [];
		for (let at = 0; at < lines.length; ) {
			const found = lines.indexOf(NEWLINE, at);
			const end = found === -1 ? lines.length : found;
			this.#line++;
			const flow = this.#flowOf(lines.subarray(at, end));
			if (flow !== null) flows.push(flow);
			this.#offset += end + 1 - at;
			at = end + 1;
		}
		return flows;
	}

	#flowOf(line: Buffer): Flow | null {
		const json = trimmed(line);
		if (json.length === 0) return null;
		if (!isTapeLine(json)) return this.#flow(() => parseJson(json), json);
		this.#passNotes();
		return null;
	}

	/** Skips notes on the tape; `notes` reads those in the first line. */
	#passNotes(): void {
		if (this.#line === 1) return;
		const { name } = this.#input;
		const { where, offset, record } = this.#position;
		const what = `${name}: ${where}: only the first line can hold notes on the tape; these are left out`;
		this.#options.report("FT_LOSS", what, { file: name, offset, record });
	}

	/** Parses a long line; undefined if it has no flow. */
	#longLine(line: JsonRecord): Json | undefined {
		const value = line.end();
		if (!isObject(value) || value.type !== "tape") return value;
		this.#passNotes();
		return undefined;
	}

	/**
	 * @param parse returns undefined for a line without a flow
	 * @param json the line; null for a long one, whose parser keeps the digits of numbers in unknown keys
	 */
	#flow(parse: () => Json | undefined, json: Buffer | null = null): Flow | null {
		const { filter, ids } = this.#options;
		try {
			const value = parse();
			if (value === undefined) return null;
			let flow = readObject(value, this.#reportOdd);
			if (json !== null && hasUnknownKeys(flow) && mayHaveNumberTexts(json))
				flow = withNumberTexts(json, flow.type) ?? flow;
			if (ids !== undefined && !ids.includes(flow.id)) return null;
			return filter === undefined || filter.matches(flow) ? flow : null;
		} catch (error) {
			if (!FlowtapeError.is(error, "FT_CORRUPT_FLOW")) throw error;
			this.#odd.reportDamage(this.#position, error.message);
			return null;
		}
	}

	readonly #reportOdd: OddFieldReporter = (kind, what) => {
		this.#odd.report(this.#position, kind, what);
	};

	get #position(): { where: string; offset: number; record: number } {
		const [record, offset] = [this.#line, this.#offset];
		return { where: `line ${record}, byte ${offset}`, offset, record };
	}
}

/** Reads a line again so that numbers in its unknown keys keep their digits; null if that needs too much memory. */
function withNumberTexts(json: Buffer, type: Flow["type"]): Flow | null {
	const parser = new JsonParser(placeOf, (text, path) => (isInUnknownKey(path, type) ? numberText(text) : null));
	try {
		parser.push(json);
		return readObject(parser.end() ?? null, () => {});
	} catch (error) {
		if (FlowtapeError.is(error, "FT_CORRUPT_FLOW")) return null;
		throw error;
	}
}

/** Whether a line contains the notes on the tape. */
function isTapeLine(line: Buffer): boolean {
	return /^(?:\xef\xbb\xbf)?\s*\{\s*"type"\s*:\s*"tape"/.test(line.latin1Slice(0, Math.min(line.length, 100)));
}

/** A line without surrounding white space and byte order mark. */
function trimmed(line: Buffer): Buffer {
	let from = line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf ? 3 : 0;
	let to = line.length;
	while (from < to && isSpace(line[from])) from++;
	while (to > from && isSpace(line[to - 1])) to--;
	return line.subarray(from, to);
}

function isSpace(byte: number | undefined): boolean {
	return byte === 0x20 || byte === 0x0d || byte === 0x09;
}

/** The line of a flow; null if it exceeds the maximum size, or could not be read again. */
function lineWithin(flow: Flow, long: LongTexts): JsonPieces | null {
	try {
		const object = flowObject(flow, { long });
		const line = long.json(object);
		return isRecord(object, line, placeOf) ? line : null;
	} catch (error) {
		if (isTooLong(error)) return null;
		throw error;
	}
}

/** The line of a flow without its bodies and WebSocket messages. */
function bareLine(flow: Flow, long: LongTexts): JsonPieces | null {
	if (flow.type !== "http") return null;
	const { websocket } = flow;
	const messages = [flow.request, ...(flow.response === null ? [] : [flow.response])];
	const bodies = messages.map(({ body }) => body);
	try {
		for (const message of messages) message.body = null;
		if (websocket !== null) flow.websocket = { ...websocket, messages: [] };
		return lineWithin(flow, long);
	} finally {
		flow.websocket = websocket;
		for (const [index, message] of messages.entries()) message.body = bodies[index] ?? null;
	}
}

class LineSink extends FlowSink {
	readonly #output: TextOutput;
	readonly #name: string;
	readonly #report: Reporter;
	/** Notes on the tape, not yet written. */
	#notes: Metadata | null = null;
	/** Flows that are too large for a line. */
	#leftOut = 0;
	/** Whether a line break must first end the existing last line. */
	#isCut: boolean;
	readonly #long = new LongTexts(jsonText);
	readonly #flushTimer: FlushTimer;

	/** @param isCut whether the existing file ends within a line; only that line is lost */
	constructor(output: Output, { report, append }: SinkOptions, isCut: boolean) {
		super();
		this.#output = new TextOutput(output, append === true);
		this.#isCut = isCut;
		this.#flushTimer = new FlushTimer(append === true ? () => this.#output.flush() : null);
		this.#name = output.name;
		this.#report = report;
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

	override note(name: string, value: MetaValue): void {
		this.#notes ??= {};
		this.#notes[name] = value;
	}

	/** Text before the first flow: the end of a cut line, and the line with the notes. */
	#head(): string {
		const notes = this.#notes;
		const end = this.#isCut ? "\n" : "";
		this.#notes = null;
		this.#isCut = false;
		return notes === null ? end : `${end}${jsonText({ type: "tape", notes: fromMeta(notes) })}\n`;
	}

	append(flow: Flow): MaybeAsync {
		let line = lineWithin(flow, this.#long);
		if (line === null) {
			line = bareLine(flow, this.#long);
			const parts = flow.type === "http" && flow.websocket !== null ? "bodies and messages" : "bodies";
			const kept = line === null ? "left out" : `kept without its ${parts}`;
			this.#report("FT_TOO_LARGE", `${this.#name}: flow ${flow.id} is too large for a line: ${kept}`, {
				file: this.#name,
			});
		}
		if (line === null) {
			this.#leftOut++;
			return;
		}
		const { head, rest } = line;
		return this.#flushTimer.flushAfter(
			rest === null
				? this.#output.append(`${this.#head()}${head}\n`)
				: this.#appendPieces(`${this.#head()}${head}`, rest),
		);
	}

	async #appendPieces(head: string, rest: Iterable<string>): Promise<void> {
		try {
			await this.#output.appendPieces(head, rest, "\n");
		} catch (error) {
			this.#isCut = true;
			throw error;
		}
	}

	close(): Promise<void> {
		return this.#flushTimer.close(() => this.#output.close(this.#head()));
	}

	override discard(): Promise<void> {
		this.#flushTimer.cancel();
		return this.#output.discard();
	}
}

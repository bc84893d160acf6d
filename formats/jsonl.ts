// JSON lines: one flow a line, for jq, scripts and git. Loses nothing; docs/jsonl.md describes the keys.
import { open, stat } from "node:fs/promises";
import { FlowtapeError, type Reporter } from "../src/errors.ts";
import type { Flow } from "../src/flow/flow.ts";
import { jsonText } from "../src/flow/json-text.ts";
import type { Metadata, MetaValue } from "../src/flow/metadata.ts";
import { FlowSink, FlowSource } from "../src/flow/pipe.ts";
import { compressionOf } from "./compression.ts";
import { isObject, parseJson } from "./fields.ts";
import type { Format, Input, SinkOptions, SourceOptions } from "./format.ts";
import { fromMeta, toNotes } from "./json-values.ts";
import { readObject } from "./jsonl/read-line.ts";
import { flowObject } from "./jsonl/write-line.ts";
import { type OddFieldReporter, OddFields } from "./odd-fields.ts";
import { type Output, openOutput } from "./output.ts";
import { Soon } from "./soon.ts";
import { isTooLong, TextOutput } from "./text-output.ts";

const NEWLINE = 0x0a;
/** The longest line about the tape itself, in bytes, about. */
const NOTES_LIMIT = 16 * 1024 * 1024;
/** The longest line in bytes: about what a string of V8 holds. */
const LINE_LIMIT = 500 * 1024 * 1024;

export const jsonl: Format = {
	name: "jsonl",
	extensions: [".jsonl", ".ndjson"],
	isOpenEnded: true,
	// a HAR is one object as well, but its first key is "log"
	sniff: (head) => /^(?:\xef\xbb\xbf)?\s*\{(?!\s*"log")/.test(head.latin1Slice(0, Math.min(head.length, 4096))),
	read: (input, options) => new LineSource(input, options),
	async create(path, options) {
		const isCut = options.append === true && (await endsWithinLine(path));
		return new LineSink(await openOutput(path, options), options, isCut);
	},
};

/** Whether a file ends in a line without its end, as a recording does that was killed. Within a compressed file lines are whole where the data is. */
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
		// there is none, or whoever opens it for writing tells of it
		return false;
	}
}

/** The line of a flow as `filter --json` prints it: that of the format, and the URL. */
export function summaryLine(flow: Flow): string {
	return jsonText(flowObject(flow, { url: true }));
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

	/** They stand in the first line. */
	override async notes(): Promise<Metadata> {
		for (let size = 4096; size <= NOTES_LIMIT; size *= 4) {
			const head = await this.#input.peek(size);
			if (!isTapeLine(head)) return {};
			const end = head.indexOf(NEWLINE);
			if (end === -1 && head.length >= size) continue;
			const line = parseJson(trimmed(end === -1 ? head : head.subarray(0, end)));
			return isObject(line) ? toNotes(line.notes) : {};
		}
		return {};
	}

	async *read(): AsyncGenerator<Flow[]> {
		let parts: Buffer[] = [];
		let size = 0;
		for await (const chunk of this.#input.chunks({ reuse: true })) {
			const last = chunk.lastIndexOf(NEWLINE);
			if (last === -1) {
				size += chunk.length;
				if (size > LINE_LIMIT)
					throw new FlowtapeError("FT_CORRUPT_FLOW", `${this.#where()}: the line is longer than ${LINE_LIMIT} bytes`, { file: this.#input.name });
				parts.push(Buffer.from(chunk));
				continue;
			}
			parts.push(chunk.subarray(0, last + 1));
			yield this.#flows(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts));
			parts = [Buffer.from(chunk.subarray(last + 1))];
			size = chunk.length - last - 1;
		}
		const rest = Buffer.concat(parts);
		if (rest.length > 0) yield this.#flows(rest);
		this.#odd.end("lines");
	}

	#flows(lines: Buffer): Flow[] {
		const flows: Flow[] = [];
		for (let at = 0; at < lines.length; ) {
			const found = lines.indexOf(NEWLINE, at);
			const end = found === -1 ? lines.length : found;
			this.#line++;
			const flow = this.#flow(lines.subarray(at, end));
			if (flow !== null) flows.push(flow);
			this.#offset += end + 1 - at;
			at = end + 1;
		}
		return flows;
	}

	#flow(line: Buffer): Flow | null {
		const { filter, ids, report } = this.#options;
		const json = trimmed(line);
		if (json.length === 0 || isTapeLine(json)) return null;
		try {
			const flow = readObject(parseJson(json), this.#tellOdd);
			if (ids !== undefined && !ids.includes(flow.id)) return null;
			return filter === undefined || filter.matches(flow) ? flow : null;
		} catch (error) {
			if (!(error instanceof FlowtapeError) || error.code !== "FT_CORRUPT_FLOW") throw error;
			report("FT_CORRUPT_FLOW", `${this.#where()}: ${error.message}`, { file: this.#input.name, offset: this.#offset, record: this.#line });
			return null;
		}
	}

	readonly #tellOdd: OddFieldReporter = (kind, what) => {
		const [record, offset] = [this.#line, this.#offset];
		this.#odd.tell({ where: `line ${record}, byte ${offset}`, offset, record }, kind, what);
	};

	#where(): string {
		return `${this.#input.name}: line ${this.#line}, byte ${this.#offset}`;
	}
}

/** Whether a line is about the tape itself. */
function isTapeLine(line: Buffer): boolean {
	return /^(?:\xef\xbb\xbf)?\s*\{\s*"type"\s*:\s*"tape"/.test(line.latin1Slice(0, Math.min(line.length, 100)));
}

/** A line without white space around it, and a byte order mark. */
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

/** The line of a flow; null where it is longer than a line may be. */
function lineWithin(flow: Flow): string | null {
	try {
		const line = jsonText(flowObject(flow));
		return line.length > LINE_LIMIT ? null : line;
	} catch (error) {
		if (isTooLong(error)) return null;
		throw error;
	}
}

/** The line of a flow without its bodies. */
function bareLine(flow: Flow): string | null {
	if (flow.type !== "http") return null;
	const messages = [flow.request, ...(flow.response === null ? [] : [flow.response])];
	const bodies = messages.map(({ body }) => body);
	try {
		for (const message of messages) message.body = null;
		return lineWithin(flow);
	} finally {
		for (const [index, message] of messages.entries()) message.body = bodies[index] ?? null;
	}
}

class LineSink extends FlowSink {
	readonly #output: TextOutput;
	readonly #name: string;
	readonly #report: Reporter;
	/** On the tape itself, not written yet. */
	#notes: Metadata | null = null;
	/** Whether the first line begins with the end of the one before. */
	#isCut: boolean;
	readonly #soon: Soon;

	/** @param isCut what is there ends within a line, which is to stay the only one that is lost */
	constructor(output: Output, { report, append }: SinkOptions, isCut: boolean) {
		super();
		this.#output = new TextOutput(output, append === true);
		this.#isCut = isCut;
		this.#soon = new Soon(append === true ? () => this.#output.flush() : null);
		this.#name = output.name;
		this.#report = report;
	}

	override get stored(): number {
		return this.#output.written;
	}

	override get takesNotes(): boolean {
		return true;
	}

	override note(name: string, value: MetaValue): void {
		this.#notes ??= {};
		this.#notes[name] = value;
	}

	/** What stands before the first flow, once: the end of a line that was cut, and the line of the notes. */
	#head(): string {
		const notes = this.#notes;
		const end = this.#isCut ? "\n" : "";
		this.#notes = null;
		this.#isCut = false;
		return notes === null ? end : `${end}${jsonText({ type: "tape", notes: fromMeta(notes) })}\n`;
	}

	append(flow: Flow): void | Promise<void> {
		let line = lineWithin(flow);
		if (line === null) {
			line = bareLine(flow);
			const kept = line === null ? "left out" : "kept without its bodies";
			this.#report("FT_TOO_LARGE", `${this.#name}: flow ${flow.id} is too large for a line: ${kept}`, { file: this.#name });
		}
		if (line === null) return;
		const wait = this.#output.append(`${this.#head()}${line}\n`);
		this.#soon.touch();
		return wait;
	}

	close(): Promise<void> {
		return this.#soon.end(() => this.#output.close(this.#head()));
	}

	override discard(): Promise<void> {
		this.#soon.stop();
		return this.#output.discard();
	}
}

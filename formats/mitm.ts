// mitmproxy dumps: typed netstrings back to back, one a flow. Every flow that was not changed is copied as its bytes.
import { FlowtapeError, type Reporter } from "../src/errors.ts";
import type { Flow } from "../src/flow/flow.ts";
import type { FlowSink, FlowSource } from "../src/flow/pipe.ts";
import type { Format, Input, SinkOptions, SourceOptions } from "./format.ts";
import { migrate, NEWEST, OLDEST } from "./mitm/migrate.ts";
import { type Lazy, type RecordFields, readFlow } from "./mitm/read-flow.ts";
import { type Dictionary, Reader, TAG } from "./mitm/tnetstring.ts";
import { writeFlow } from "./mitm/write-flow.ts";
import { type Output, openOutput } from "./output.ts";

/** A record longer than this is taken for damage where the size of the input is not known, in bytes. */
const STREAM_RECORD_LIMIT = 2 ** 31;
/** Bytes that are gathered before they are written. */
const WRITE_BYTES = 1024 * 1024;

export const mitm: Format = {
	name: "mitm",
	extensions: [".mitm", ".flow", ".flows", ".dump"],
	sniff: (head) => /^\d{1,12}:/.test(head.latin1Slice(0, Math.min(head.length, 13))),
	read: (input, options) => new DumpSource(input, options),
	create: async (path, options) => new DumpSink(await openOutput(path, options), options),
};

class DumpSource implements FlowSource {
	readonly #input: Input;
	readonly #options: SourceOptions;
	/** Offset in the input of the first byte of `#pending`. */
	#offset = 0;
	#pending: Buffer = Buffer.alloc(0);
	#record = 0;

	constructor(input: Input, options: SourceOptions) {
		this.#input = input;
		this.#options = options;
	}

	progress() {
		return { done: this.#offset, total: this.#input.size };
	}

	async *[Symbol.asyncIterator](): AsyncGenerator<Flow[]> {
		for await (const chunk of this.#input.chunks()) {
			this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
			const flows = this.#records();
			if (flows.length > 0) yield flows;
			if (this.#pending.length === 0) continue;
			if (!this.#mayContinue()) {
				// the length itself is damaged: look for the next record
				yield* this.#resume(false);
			}
		}
		while (this.#pending.length > 0) yield* this.#resume(true);
	}

	/** The flows of the whole records that are pending. */
	#records(): Flow[] {
		const buffer = this.#pending;
		const flows: Flow[] = [];
		let at = 0;
		while (at < buffer.length) {
			const end = recordEnd(buffer, at);
			if (end === null) break;
			this.#record++;
			const flow = this.#flow(buffer, at, end);
			if (flow !== null) flows.push(flow);
			at = end;
		}
		this.#consume(at);
		return flows;
	}

	#consume(bytes: number): void {
		this.#offset += bytes;
		this.#pending = this.#pending.subarray(bytes);
	}

	/** The flow of a record, if it is in order and matches. */
	#flow(buffer: Buffer, start: number, end: number): Flow | null {
		const { filter, ids } = this.#options;
		try {
			const flow = decodeRecord(buffer, start, end);
			if (ids !== undefined && !ids.includes(flow.id)) return null;
			return filter === undefined || filter.matches(flow) ? flow : null;
		} catch (error) {
			if (!(error instanceof FlowtapeError) || (error.code !== "FT_CORRUPT_FLOW" && error.code !== "FT_NEWER_FORMAT")) throw error;
			this.#report(error.code, error.message, this.#offset + (error.offset ?? start));
			return null;
		}
	}

	/** Whether what is pending may be the beginning of a record that more bytes complete. */
	#mayContinue(): boolean {
		const length = declaredLength(this.#pending, 0);
		if (length === null) return this.#pending.length < 14 && /^\d*$/.test(this.#pending.latin1Slice());
		return this.#input.size === null ? length <= STREAM_RECORD_LIMIT : this.#offset + length < this.#input.size;
	}

	/** After damage: reports it, and goes on with the next place that looks like a record and is one. */
	*#resume(atEnd: boolean): Generator<Flow[]> {
		this.#record++;
		const length = declaredLength(this.#pending, 0);
		const what = length === null ? "a record was expected (a length and a colon)" : `the record of ${length} bytes is cut off`;
		this.#report("FT_CORRUPT_FLOW", what, this.#offset);
		const next = findRecord(this.#pending, 1);
		if (next !== null) this.#consume(next);
		else this.#consume(atEnd ? this.#pending.length : Math.max(1, this.#pending.length - RECORD_HEAD_BYTES));
		const flows = this.#records();
		if (flows.length > 0) yield flows;
	}

	#report: (code: FlowtapeError["code"], what: string, offset: number) => void = (code, what, offset) => {
		const { name } = this.#input;
		this.#options.report(code, `${name}: byte ${offset}, flow ${this.#record}: ${what}`, { file: name, offset, record: this.#record });
	};
}

/** The number before the colon at `at`; null when there is none, or more than twelve digits. */
function declaredLength(buffer: Buffer, at: number): number | null {
	let length = 0;
	for (let i = at; i < buffer.length && i <= at + 12; i++) {
		const digit = (buffer[i] as number) - 0x30;
		if (digit === 10) return i === at ? null : length;
		if (digit < 0 || digit > 9) return null;
		length = length * 10 + digit;
	}
	return null;
}

/** Where the record at `at` ends, its type included; null when it is not all there or none. */
function recordEnd(buffer: Buffer, at: number): number | null {
	const length = declaredLength(buffer, at);
	if (length === null) return null;
	const end = buffer.indexOf(0x3a, at) + 1 + length + 1;
	return end <= buffer.length ? end : null;
}

/** Bytes by which the beginning of a record is told. */
const RECORD_HEAD_BYTES = 64;

/** The next place from `from` on that begins a record: its length leads to a dictionary's end, and its first key is one of a flow. */
function findRecord(buffer: Buffer, from: number): number | null {
	const pattern =
		/(?<!\d)[1-9]\d{0,11}:\d{1,2}:(?:websocket|response|request|version|backup|type|messages|timestamp_created|client_conn|comment|error|id|metadata)[;,]/g;
	const text = buffer.latin1Slice();
	pattern.lastIndex = from;
	for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
		const end = recordEnd(buffer, match.index);
		if (end !== null && buffer[end - 1] === TAG.dictionary) return match.index;
		pattern.lastIndex = match.index + 1;
	}
	return null;
}

function decodeRecord(buffer: Buffer, start: number, end: number): Flow {
	const reader = new Reader(buffer, start);
	reader.open(end);
	if (reader.tag !== TAG.dictionary) throw new FlowtapeError("FT_CORRUPT_FLOW", "a flow (a dictionary) was expected", { offset: start });
	const record = readFields(reader);
	const { version } = record.fields;
	if (version === NEWEST) {
		const flow = readFlow(record);
		flow.record = { format: "mitm", version: NEWEST, data: buffer.subarray(start, end) };
		return flow;
	}
	return readFlow(migrate(record));
}

/** The fields of the dictionary just opened; the costly ones are checked and left for later. */
function readFields(reader: Reader): RecordFields {
	const { buffer, start, stop } = reader;
	const record: RecordFields = { fields: Object.create(null) as Dictionary, clientConn: absent, serverConn: absent, metadata: absent, backup: absent };
	reader.position = start;
	while (reader.position < stop) {
		const key = reader.key(stop);
		const at = reader.position;
		const lazy: Lazy = () => new Reader(buffer, at).value(stop);
		if (key === "client_conn") record.clientConn = lazy;
		else if (key === "server_conn") record.serverConn = lazy;
		else if (key === "metadata") record.metadata = lazy;
		else if (key === "backup") record.backup = lazy;
		else {
			record.fields[key] = reader.value(stop, 1);
			continue;
		}
		reader.skip(stop, 1);
	}
	return record;
}

const absent: Lazy = () => null;

class DumpSink implements FlowSink {
	readonly #output: Output;
	readonly #report: Reporter;
	readonly #lost = new Set<string>();
	readonly #name: string;
	#parts: Buffer[] = [];
	#size = 0;

	constructor(output: Output, { report, version = NEWEST }: SinkOptions) {
		if (version !== NEWEST) throw new FlowtapeError("FT_BAD_OPTION", `dumps are written as version ${NEWEST}, not ${version} (read from ${OLDEST} on)`);
		this.#output = output;
		this.#report = report;
		this.#name = output.name;
	}

	append(flow: Flow): void | Promise<void> {
		const { record } = flow;
		const bytes = record?.format === "mitm" && record.version === NEWEST ? (record.data as Buffer) : writeFlow(flow, (what) => this.#lose(what));
		this.#parts.push(bytes);
		this.#size += bytes.length;
		if (this.#size >= WRITE_BYTES) return this.#flush();
	}

	async close(): Promise<void> {
		await this.#flush();
		await this.#output.close();
	}

	async discard(): Promise<void> {
		await this.#output.discard();
	}

	#flush(): Promise<void> {
		const bytes = Buffer.concat(this.#parts, this.#size);
		this.#parts = [];
		this.#size = 0;
		return this.#output.write(bytes);
	}

	#lose(what: string): void {
		if (this.#lost.has(what)) return;
		this.#lost.add(what);
		this.#report("FT_LOSS", `${this.#name}: a dump has no room for ${what}: left out`, { file: this.#name });
	}
}

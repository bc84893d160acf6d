// `openTape` and `createTape`: a tape as an object for reading or for writing.
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Format } from "../formats/index.ts";
import { FlowtapeError, withOption } from "../src/errors.ts";
import type { Filter } from "../src/filter/filter.ts";
import type { Flow } from "../src/flow/flow.ts";
import type { MetaValue } from "../src/flow/metadata.ts";
import type { FlowSink, FlowSource } from "../src/flow/pipe.ts";
import { checkNames } from "./option-names.ts";
import type { Report } from "./summary.ts";
import { TroubleLog, type TroubleOptions } from "./trouble.ts";

/** A file: a path, or a `file:` URL. */
export type TapePath = string | URL;

/** The name of a format: a built-in one, or a custom one that the call gets in `formats`. */
export type FormatName = "tape" | "mitm" | "har" | "jsonl" | (string & {});

/** The summary of a tape. Sizes in bytes, times in seconds since 1970, durations in seconds. */
export type TapeStats = Report;

/** Options of `openTape`. */
export interface OpenTapeOptions extends TroubleOptions {
	/** Default: detected from the content of the file. */
	format?: FormatName | undefined;
	/** Custom formats, made by `defineFormat`; detection tries them first. */
	formats?: readonly Format[] | undefined;
	/** Stops reading when it is aborted; pending reads throw its reason. */
	signal?: AbortSignal | undefined;
}

const OPEN_OPTIONS: readonly (keyof OpenTapeOptions)[] = ["format", "formats", "signal", "strict", "onTrouble"];

/** Which flows of a tape to read. */
export interface FlowQuery {
	/** Only flows that match: an expression (docs/filters.md), or a filter compiled by `compileFilter`. Default: all. */
	filter?: string | Filter | undefined;
	/** Only flows with these ids, in tape order. Default: all. */
	ids?: readonly string[] | undefined;
	/**
	 * Whether to read bodies together with their flows, so that damaged ones are found and reported; default: true. If
	 * false, reading is several times as fast: a body is read at the first access, which throws if it is damaged.
	 */
	bodies?: boolean | undefined;
}

const QUERY_OPTIONS: readonly (keyof FlowQuery)[] = ["filter", "ids", "bodies"];

/** Flows in tape order, read lazily. */
export interface FlowSequence extends AsyncIterable<Flow> {
	/** The same flows in non-empty batches, which is faster. */
	batches(): AsyncIterable<Flow[]>;
}

/** A tape of any format, open for reading. Each read starts from the file again. Iterating over it yields all flows. */
export interface Tape extends AsyncDisposable, AsyncIterable<Flow> {
	/** The absolute path of the file. */
	readonly path: string;
	/** The format of the file. For an empty file: by its extension, otherwise `tape`. */
	readonly format: FormatName;
	/**
	 * The flows that match a query; default: all. Throws FlowtapeError FT_BAD_OPTION for unknown options. Iterating throws
	 * FlowtapeError FT_BAD_FILTER, and FT_CORRUPT_FLOW and others for damage unless `onTrouble` or `strict` says to skip
	 * it.
	 */
	flows(query?: FlowQuery): FlowSequence;
	/** The flow with this id; null if there is none. @throws FlowtapeError as `flows` */
	get(id: string): Promise<Flow | null>;
	/**
	 * The number of flows, or of those that match. In a `.tape`, the index is counted if it can decide the filter;
	 * damaged flows are then included.
	 * @throws FlowtapeError as `flows`
	 */
	count(filter?: string | Filter): Promise<number>;
	/** Counts, sizes, hosts, statuses, the slowest flows and the time range. @throws FlowtapeError as `flows` */
	stats(): Promise<TapeStats>;
	/**
	 * Closes the tape and ends reads in progress. Bodies of flows that were read stay available as long as the file
	 * exists.
	 */
	close(): Promise<void>;
}

/**
 * Opens a tape for reading: a .tape, a mitmproxy dump, a HAR or JSON lines, compressed or not. An empty file is a tape
 * without flows. Close the tape at the end, or use `await using`.
 * @throws FlowtapeError FT_NOT_FOUND, FT_IO, FT_UNKNOWN_FORMAT, FT_BAD_OPTION; the signal's reason if it is aborted
 */
export async function openTape(path: TapePath, options: OpenTapeOptions = {}): Promise<Tape> {
	checkNames("openTape", options, OPEN_OPTIONS);
	options.signal?.throwIfAborted();
	const { formatForWriting, formatOf } = await import("../formats/index.ts");
	const file = resolve(pathOf(path));
	const { format, formats } = options;
	const byName = () => {
		try {
			return formatForWriting(file, undefined, formats).name;
		} catch {
			return "tape";
		}
	};
	return new OpenedTape(file, format ?? (await formatOf(file, { formats })) ?? byName(), options);
}

/** A tape that opens its file again for each read. */
export class OpenedTape implements Tape {
	readonly path: string;
	readonly format: FormatName;
	readonly #options: OpenTapeOptions;
	readonly #open = new Set<FlowSource>();
	#isClosed = false;

	/** Use `openTape` instead. */
	constructor(path: string, format: FormatName, options: OpenTapeOptions) {
		this.path = path;
		this.format = format;
		this.#options = options;
	}

	/** The custom formats that the tape was opened with. */
	get formats(): readonly Format[] {
		return this.#options.formats ?? [];
	}

	flows(query: FlowQuery = {}): FlowSequence {
		checkNames("flows", query, QUERY_OPTIONS);
		const batches = () => this.#batches(query);
		return {
			batches,
			async *[Symbol.asyncIterator]() {
				for await (const batch of batches()) yield* batch;
			},
		};
	}

	[Symbol.asyncIterator](): AsyncIterator<Flow> {
		return this.flows()[Symbol.asyncIterator]();
	}

	async *#batches(query: FlowQuery): AsyncGenerator<Flow[]> {
		const source = await this.#source(query);
		try {
			for await (const batch of source) {
				this.#check();
				this.#options.signal?.throwIfAborted();
				if (batch.length > 0) yield batch;
			}
		} finally {
			await this.#release(source);
		}
	}

	async #source({ filter, ids, bodies }: FlowQuery): Promise<FlowSource> {
		const { format, formats } = this.#options;
		this.#check();
		const { openTape: openSource } = await import("../formats/index.ts");
		const { RecoveringSource } = await import("./copy-flows.ts");
		const { reportInput: report } = new TroubleLog(this.#options);
		const opened = await openSource(this.path, {
			format,
			formats,
			report,
			filter: await filterOf(filter),
			ids,
			bodies,
		});
		const source = new RecoveringSource(opened, report);
		this.#open.add(source);
		return source;
	}

	async #release(source: FlowSource): Promise<void> {
		this.#open.delete(source);
		await source.close();
	}

	async get(id: string): Promise<Flow | null> {
		for await (const flow of this.flows({ ids: [id] })) return flow;
		return null;
	}

	async count(filter?: string | Filter): Promise<number> {
		const source = await this.#source({ filter, bodies: false });
		try {
			const known = await source.count();
			if (known !== null) return known;
			let count = 0;
			for await (const { length } of source.read({ reuseBuffers: true })) {
				this.#options.signal?.throwIfAborted();
				count += length;
			}
			return count;
		} finally {
			await this.#release(source);
		}
	}

	async stats(): Promise<TapeStats> {
		const { Summary } = await import("./summary.ts");
		const summary = new Summary(10);
		for await (const batch of this.flows({ bodies: false }).batches()) for (const flow of batch) summary.add(flow);
		return summary.report();
	}

	#check(): void {
		if (this.#isClosed)
			throw new FlowtapeError("FT_USAGE", `${this.path}: the tape is closed and cannot be read`, { file: this.path });
	}

	async close(): Promise<void> {
		this.#isClosed = true;
		for (const source of this.#open) await source.close();
		this.#open.clear();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}
}

/** Options of `createTape`. */
export interface CreateTapeOptions extends TroubleOptions {
	/** Default: by the file's extension; `tape` if it has none. */
	format?: FormatName | undefined;
	/** Custom formats, made by `defineFormat`. */
	formats?: readonly Format[] | undefined;
	/** Whether to append to an existing file; default: false, which replaces it. */
	append?: boolean | undefined;
	/** The format version of a mitmproxy dump; default: 21. */
	dumpVersion?: number | undefined;
	/** Whether committed flows survive a power failure, not only the end of the process; default: false. */
	durable?: boolean | undefined;
}

const CREATE_OPTIONS: readonly (keyof CreateTapeOptions)[] = [
	"format",
	"formats",
	"append",
	"dumpVersion",
	"durable",
	"strict",
	"onTrouble",
];

/**
 * A tape that is being written. It gets its final name at `commit`; until then, an existing file of that name is
 * unchanged.
 */
export interface TapeWriter extends AsyncDisposable {
	/** The absolute path of the file. */
	readonly path: string;
	/** Number of flows that were appended. */
	readonly written: number;
	/**
	 * Appends a flow. Await it before you change the flow or append another.
	 * @throws FlowtapeError FT_IO, FT_TOO_LARGE; FT_USAGE after the end
	 */
	append(flow: Flow): Promise<void>;
	/**
	 * Sets metadata of the tape itself. Call it before the first `append`.
	 * @throws FlowtapeError FT_USAGE after the end
	 */
	note(name: string, value: MetaValue): void;
	/** Completes the file. When it resolves, all flows are stored. @throws FlowtapeError FT_IO; FT_USAGE after the end */
	commit(): Promise<void>;
	/**
	 * Discards the tape and keeps the existing file; with the option `append`, some flows may already have been added.
	 * Does nothing after `commit`. `await using` calls it.
	 */
	discard(): Promise<void>;
}

/**
 * Creates a tape, or appends to an existing one (`append`). Call `commit` at the end; without it, a new tape is not
 * kept.
 * @throws FlowtapeError FT_USAGE if the extension names no format, FT_BAD_OPTION, FT_IO
 */
export async function createTape(path: TapePath, options: CreateTapeOptions = {}): Promise<TapeWriter> {
	checkNames("createTape", options, CREATE_OPTIONS);
	const file = resolve(pathOf(path));
	const { createSink } = await import("./create-sink.ts");
	return new SinkTapeWriter(file, await createSink(file, { ...options, report: new TroubleLog(options).report }));
}

class SinkTapeWriter implements TapeWriter {
	readonly path: string;
	written = 0;
	readonly #sink: FlowSink;
	#isEnded = false;

	constructor(path: string, sink: FlowSink) {
		this.path = path;
		this.#sink = sink;
	}

	async append(flow: Flow): Promise<void> {
		this.#check();
		await this.#sink.append(flow);
		this.written++;
	}

	note(name: string, value: MetaValue): void {
		this.#check();
		this.#sink.note(name, value);
	}

	async commit(): Promise<void> {
		this.#check();
		this.#isEnded = true;
		await this.#sink.close();
	}

	async discard(): Promise<void> {
		if (this.#isEnded) return;
		this.#isEnded = true;
		await this.#sink.discard();
	}

	#check(): void {
		if (this.#isEnded)
			throw new FlowtapeError("FT_USAGE", `${this.path}: the tape was already committed or discarded`, {
				file: this.path,
			});
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.discard();
	}
}

/** The path of a file. `-` is not special here, unlike on the command line. */
export function pathOf(path: TapePath): string {
	return typeof path === "string" ? path : fileURLToPath(path);
}

/**
 * Compiles a filter, unless it is already compiled.
 * @throws FlowtapeError FT_BAD_FILTER, with the option `filter`
 */
export async function filterOf(filter: string | Filter | undefined): Promise<Filter | undefined> {
	if (typeof filter !== "string") return filter;
	const { compileFilter } = await import("../src/filter/compile.ts");
	try {
		return compileFilter(filter);
	} catch (error) {
		throw withOption(error, "filter");
	}
}

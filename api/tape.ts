// A tape as an object: opened to read its flows any number of times, or created to put flows on it.
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Format } from "../formats/index.ts";
import { FlowtapeError } from "../src/errors.ts";
import type { Filter } from "../src/filter/filter.ts";
import type { Flow } from "../src/flow/flow.ts";
import type { MetaValue } from "../src/flow/metadata.ts";
import type { FlowSink, FlowSource } from "../src/flow/pipe.ts";
import type { Report } from "./summary.ts";
import { TroubleLog, type TroubleOptions } from "./trouble.ts";

/** A file: a path as Node's `fs` takes it, or a URL with `file:`. */
export type TapePath = string | URL;

/** The formats that flowtape has, and the names of those that a call is given. */
export type FormatName = "tape" | "mitm" | "har" | "jsonl" | (string & {});

/** What a tape holds. Sizes in bytes, times in seconds since 1970, durations in seconds. */
export type TapeStats = Report;

export interface OpenTapeOptions extends TroubleOptions {
	/** Default: told by the content of the file. */
	format?: FormatName | undefined;
	/** Formats of one's own, made by `defineFormat`; they are asked first. */
	formats?: readonly Format[] | undefined;
	/** Ends reading: what reads throws its reason. */
	signal?: AbortSignal | undefined;
}

/** Which flows of a tape are read. */
export interface FlowQuery {
	/** Only flows that match: an expression (docs/filters.md), or what `compileFilter` makes of one. */
	filter?: string | Filter | undefined;
	/** Only flows with these ids, in the order of the tape. */
	ids?: readonly string[] | undefined;
	/**
	 * Whether bodies are read with their flows, so that damaged ones are found and told of; default true. Else a body stays where it is until somebody
	 * asks for it, which throws where it is damaged, and reading is several times as fast.
	 */
	bodies?: boolean | undefined;
}

/** Flows in the order of the tape, read while they are asked for. */
export interface FlowSequence extends AsyncIterable<Flow> {
	/** The same in batches, which cost less. None is empty. */
	batches(): AsyncIterable<Flow[]>;
}

/** A tape of any format, open for reading. Nothing of it is kept in memory. */
export interface Tape extends AsyncDisposable, AsyncIterable<Flow> {
	/** The absolute path of the file. */
	readonly path: string;
	/** Of an empty file: the one that its extension names, else `tape`. */
	readonly format: FormatName;
	/** @throws FlowtapeError FT_BAD_FILTER, and while reading FT_CORRUPT_FLOW and others unless damage is skipped */
	flows(query?: FlowQuery): FlowSequence;
	/** The flow with this id; null where there is none. */
	get(id: string): Promise<Flow | null>;
	/** How many flows there are, or match. A `.tape` is not read for it but where the filter needs that: flows that are damaged count too. */
	count(filter?: string | Filter): Promise<number>;
	/** Counts, sizes, hosts, statuses, the slowest, the span of time. */
	stats(): Promise<TapeStats>;
	/** Ends what still reads it. Bodies of flows that were read can be asked for as long as the file is there. */
	close(): Promise<void>;
}

/**
 * Opens a tape for reading: a .tape, a mitmproxy dump, a HAR or JSON lines, compressed or not. An empty file is a tape without flows.
 * @throws FlowtapeError FT_NOT_FOUND, FT_IO, FT_UNKNOWN_FORMAT, FT_BAD_OPTION
 */
export async function openTape(path: TapePath, options: OpenTapeOptions = {}): Promise<Tape> {
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

/** Reads a file anew for each question. */
export class OpenedTape implements Tape {
	readonly path: string;
	readonly format: FormatName;
	readonly #options: OpenTapeOptions;
	readonly #open = new Set<FlowSource>();
	#isClosed = false;

	/** Made by `openTape`. */
	constructor(path: string, format: FormatName, options: OpenTapeOptions) {
		this.path = path;
		this.format = format;
		this.#options = options;
	}

	/** Formats that belong to the tape. */
	get formats(): readonly Format[] {
		return this.#options.formats ?? [];
	}

	flows(query: FlowQuery = {}): FlowSequence {
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
		const opened = await openSource(this.path, { format, formats, report, filter: await filterOf(filter), ids, bodies });
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
			const told = await source.count();
			if (told !== null) return told;
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
		if (this.#isClosed) throw new FlowtapeError("FT_USAGE", `${this.path}: the tape was closed, and is read`, { file: this.path });
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

export interface CreateTapeOptions extends TroubleOptions {
	/** Default: told by the extension; a `.tape` where there is none. */
	format?: FormatName | undefined;
	formats?: readonly Format[] | undefined;
	/** Whether flows are added to those of a file that is there; default: they take its place. */
	append?: boolean | undefined;
	/** The version of a mitmproxy dump; default 21. */
	dumpVersion?: number | undefined;
	/** Whether what is committed survives the loss of power too, not only the death of the process; default false. */
	durable?: boolean | undefined;
}

/** A tape that flows are put on. It has its name once it is committed: until then what stood there before is as it was. */
export interface TapeWriter extends AsyncDisposable {
	/** The absolute path of the file. */
	readonly path: string;
	/** Flows that were taken. */
	readonly written: number;
	/** Takes a flow; wait for it before you change the flow or bring more. @throws FlowtapeError FT_IO, FT_TOO_LARGE */
	append(flow: Flow): Promise<void>;
	/** A note on the tape itself; to be called before the first flow. */
	note(name: string, value: MetaValue): void;
	/** Everything that was taken is safe once this resolves. @throws FlowtapeError FT_IO */
	commit(): Promise<void>;
	/** Instead of `commit`: what stood there before stays. With `append` flows may have been added by then. `await using` does it unless the tape is committed. */
	discard(): Promise<void>;
}

/**
 * Creates a tape, or adds to one.
 * @throws FlowtapeError FT_USAGE where the extension tells no format, FT_BAD_OPTION, FT_IO
 */
export async function createTape(path: TapePath, options: CreateTapeOptions = {}): Promise<TapeWriter> {
	const file = resolve(pathOf(path));
	const { createSink } = await import("./create-sink.ts");
	return new NewTape(file, await createSink(file, { ...options, report: new TroubleLog(options).report }));
}

class NewTape implements TapeWriter {
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
		if (this.#isEnded) throw new FlowtapeError("FT_USAGE", `${this.path}: the tape was committed or discarded, and is written to`, { file: this.path });
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.discard();
	}
}

/** The file that a program names. A name that means a stream on the command line is that of a file here. */
export function pathOf(path: TapePath): string {
	return typeof path === "string" ? path : fileURLToPath(path);
}

/** @throws FlowtapeError FT_BAD_FILTER */
export async function filterOf(filter: string | Filter | undefined): Promise<Filter | undefined> {
	if (typeof filter !== "string") return filter;
	const { compileFilter } = await import("../src/filter/compile.ts");
	return compileFilter(filter);
}

// Sources and targets of the library's functions: files, open tapes, and flows that a program provides.
import type { Format } from "../formats/index.ts";
import type { Reporter } from "../src/errors.ts";
import type { Filter } from "../src/filter/filter.ts";
import type { Flow, HttpFlow } from "../src/flow/flow.ts";
import type { MetaValue } from "../src/flow/metadata.ts";
import { FlowSink, FlowSource } from "../src/flow/pipe.ts";
import type { RecordedTape } from "../src/replay/recordings/index-of-tapes.ts";
import { OpenedTape, pathOf, type Tape, type TapePath, type TapeWriter } from "./tape.ts";

/** A source of flows: a file of any format, an open tape, or an iterable of flows. */
export type OneSource = TapePath | Tape | Iterable<Flow> | AsyncIterable<Flow>;

/** One source, or several files and tapes that are read one after the other. */
export type Source = OneSource | readonly (TapePath | Tape)[];

/**
 * A target for flows: a file, which gets its final name when it is complete, or a tape that is being written, which the
 * caller commits.
 */
export type Target = TapePath | TapeWriter;

/** A file or an iterable of a source. */
type Part =
	| { readonly path: string; readonly format?: string; readonly formats: readonly Format[] }
	| Iterable<Flow>
	| AsyncIterable<Flow>;

export interface ReadOptions {
	report: Reporter;
	filter?: Filter | undefined;
	bodies?: boolean | undefined;
	/** As of `SourceOptions`. */
	isConfidential?: boolean | undefined;
	formats?: readonly Format[] | undefined;
}

/**
 * Opens all parts of a source.
 * @throws FlowtapeError as `openTape`
 */
export async function openSource(source: Source, { formats = [], ...options }: ReadOptions): Promise<FlowSource[]> {
	const { closeSources, openTapes } = await import("./copy-flows.ts");
	const sources: FlowSource[] = [];
	try {
		for (const part of partsOf(source)) {
			if ("path" in part)
				sources.push(
					...(await openTapes([part.path], {
						...options,
						format: part.format,
						formats: [...formats, ...part.formats],
					})),
				);
			else sources.push(generatedSource(part, options.filter));
		}
	} catch (error) {
		await closeSources(sources);
		throw error;
	}
	return sources;
}

/**
 * The HTTP flows of a source, all in memory.
 * @throws FlowtapeError as `openTape`; the reason of `signal`
 */
export async function httpFlowsOf(
	source: Source,
	{ signal, ...options }: ReadOptions & { signal?: AbortSignal | undefined },
): Promise<HttpFlow[]> {
	signal?.throwIfAborted();
	const { closeSources, RecoveringSource } = await import("./copy-flows.ts");
	const sources = await openSource(source, options);
	const flows: HttpFlow[] = [];
	try {
		for (const one of sources)
			for await (const batch of new RecoveringSource(one, options.report)) {
				signal?.throwIfAborted();
				for (const flow of batch) if (flow.type === "http") flows.push(flow);
			}
	} finally {
		await closeSources(sources);
	}
	return flows;
}

/** The flows of a file, `-` for stdin. @throws FlowtapeError as `openTape`, and for damage */
export async function* flowsIn(path: string, report: Reporter): AsyncGenerator<Flow> {
	const { openTape } = await import("../formats/index.ts");
	const source = await openTape(path, { report });
	try {
		for await (const batch of source) yield* batch;
	} finally {
		await source.close();
	}
}

/**
 * Opens all parts of a source to answer requests from.
 * @throws FlowtapeError as `openTape`
 */
export async function openRecordings(
	source: Source,
	{ report, formats = [] }: Pick<ReadOptions, "report" | "formats">,
): Promise<RecordedTape[]> {
	const { openAllRecordings } = await import("./recordings.ts");
	const parts = partsOf(source);
	const files = parts.flatMap((part) => ("path" in part ? [{ ...part, formats: [...formats, ...part.formats] }] : []));
	const others = parts.flatMap((part) => ("path" in part ? [] : [generatedSource(part, undefined)]));
	return [...(await openAllRecordings(files, report)), ...others];
}

/** Whether a source can be read more than once: files and arrays can, other iterables may not. */
export function isRereadable(source: Source): boolean {
	return Array.isArray(source) || filesOf(source) !== null;
}

/** The files of a source; null if it has parts that are not files. */
export function filesOf(source: Source): string[] | null {
	const files = partsOf(source).map((part) => ("path" in part ? part.path : null));
	return files.includes(null) ? null : (files as string[]);
}

function partsOf(source: Source): Part[] {
	if (isFile(source)) return [partOf(source)];
	const files = Array.isArray(source) ? source.filter(isFile) : [];
	if (files.length > 0) return files.map(partOf);
	// an array of flows is an iterable like any other
	if (!isIterable(source)) throw new TypeError(`source: expected a path, a tape or flows, found ${String(source)}`);
	return [source];
}

function isIterable(source: unknown): source is Iterable<Flow> | AsyncIterable<Flow> {
	return typeof source === "object" && source !== null && (Symbol.iterator in source || Symbol.asyncIterator in source);
}

function isFile(source: unknown): source is TapePath | Tape {
	return typeof source === "string" || source instanceof URL || source instanceof OpenedTape;
}

function partOf(source: TapePath | Tape): Part {
	if (source instanceof OpenedTape) return { path: source.path, format: source.format, formats: source.formats };
	return { path: fileOf(source as TapePath), formats: [] };
}

/** The path of a file. `-` is a file name here, unlike on the command line. */
export function fileOf(path: TapePath): string {
	const file = pathOf(path);
	return file === "-" ? "./-" : file;
}

/** The paths of one file or several. */
export function filesIn(from: TapePath | readonly TapePath[]): string[] {
	return (typeof from === "string" || from instanceof URL ? [from] : from).map(fileOf);
}

function generatedSource(flows: Iterable<Flow> | AsyncIterable<Flow>, filter: Filter | undefined): FlowSource {
	return FlowSource.of(async function* () {
		for await (const flow of flows) if (filter?.matches(flow) !== false) yield [flow];
	});
}

/** Appends flows to a tape, and leaves it to the caller to commit or discard it. */
class WriterSink extends FlowSink {
	readonly #writer: TapeWriter;

	constructor(writer: TapeWriter) {
		super();
		this.#writer = writer;
	}

	override get takesNotes(): boolean {
		return this.#writer.written === 0;
	}

	append(flow: Flow): Promise<void> {
		return this.#writer.append(flow);
	}

	override note(name: string, value: MetaValue): void {
		this.#writer.note(name, value);
	}

	async close(): Promise<void> {}
}

export function sinkTo(writer: TapeWriter): FlowSink {
	return new WriterSink(writer);
}

/** Whether a target is a tape that is being written. @throws TypeError if it is not a target */
export function isWriter(target: Target): target is TapeWriter {
	if (typeof target === "string" || target instanceof URL) return false;
	if (typeof target?.append === "function") return true;
	throw new TypeError(`target: expected a path, or a tape from createTape, found ${String(target)}`);
}

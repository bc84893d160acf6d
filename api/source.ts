// Where the verbs of the library take flows from and where they bring them: files, tapes that are open, and flows of a program's own.
import type { Format } from "../formats/index.ts";
import type { Reporter } from "../src/errors.ts";
import type { Filter } from "../src/filter/filter.ts";
import type { Flow } from "../src/flow/flow.ts";
import type { MetaValue } from "../src/flow/metadata.ts";
import { FlowSink, FlowSource } from "../src/flow/pipe.ts";
import { OpenedTape, pathOf, type Tape, type TapePath, type TapeWriter } from "./tape.ts";

/** Flows: those of a file of any format, of an open tape, or of the program itself. */
export type OneSource = TapePath | Tape | Iterable<Flow> | AsyncIterable<Flow>;

/** Flows of one source, or of several one after the other. */
export type Source = OneSource | readonly (TapePath | Tape)[];

/** A file, which takes its name when it is whole; or a tape that is being written, which the caller commits. */
export type Target = TapePath | TapeWriter;

/** What a source is made of. */
type Part = { readonly path: string; readonly format?: string; readonly formats: readonly Format[] } | Iterable<Flow> | AsyncIterable<Flow>;

export interface ReadOptions {
	report: Reporter;
	filter?: Filter | undefined;
	bodies?: boolean | undefined;
	formats?: readonly Format[] | undefined;
}

/** Opens all of a source. @throws FlowtapeError as `openTape` */
export async function openSource(source: Source, { formats = [], ...options }: ReadOptions): Promise<FlowSource[]> {
	const { closeAll, openAll } = await import("./copy-flows.ts");
	const sources: FlowSource[] = [];
	try {
		for (const part of partsOf(source)) {
			if ("path" in part) sources.push(...(await openAll([part.path], { ...options, format: part.format, formats: [...formats, ...part.formats] })));
			else sources.push(given(part, options.filter));
		}
	} catch (error) {
		await closeAll(sources);
		throw error;
	}
	return sources;
}

/** The files of a source; null where it is no file, or not only files. */
export function filesOf(source: Source): string[] | null {
	const files = partsOf(source).map((part) => ("path" in part ? part.path : null));
	return files.includes(null) ? null : (files as string[]);
}

function partsOf(source: Source): Part[] {
	if (isFile(source)) return [partOf(source)];
	const files = Array.isArray(source) ? source.filter(isFile) : [];
	// an array of flows is as good as any other iterable of them
	return files.length > 0 ? files.map(partOf) : [source as Iterable<Flow> | AsyncIterable<Flow>];
}

function isFile(source: unknown): source is TapePath | Tape {
	return typeof source === "string" || source instanceof URL || source instanceof OpenedTape;
}

function partOf(source: TapePath | Tape): Part {
	if (source instanceof OpenedTape) return { path: source.path, format: source.format, formats: source.formats };
	return { path: fileOf(source as TapePath), formats: [] };
}

/** A name that is a stream on the command line is a file's here. */
export function fileOf(path: TapePath): string {
	const file = pathOf(path);
	return file === "-" ? "./-" : file;
}

function given(flows: Iterable<Flow> | AsyncIterable<Flow>, filter: Filter | undefined): FlowSource {
	return FlowSource.of(async function* () {
		for await (const flow of flows) if (filter?.matches(flow) !== false) yield [flow];
	});
}

/** Brings flows to a tape that somebody else commits or discards. */
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

/** Whether a target is a tape that is being written. */
export function isWriter(target: Target): target is TapeWriter {
	return typeof target !== "string" && !(target instanceof URL);
}

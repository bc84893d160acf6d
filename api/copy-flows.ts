// The way of stored flows: inputs opened, brought through steps to an output, which is kept, or discarded where something went wrong.
import { type OpenOptions, openTape } from "../formats/index.ts";
import { FlowtapeError, type Reporter } from "../src/errors.ts";
import type { Flow } from "../src/flow/flow.ts";
import type { Metadata } from "../src/flow/metadata.ts";
import { type FlowSink, type FlowSource, ForwardingSource, pipe, type ReadOptions, type Step } from "../src/flow/pipe.ts";

export interface CopyJob {
	/** Closed in the end, whatever happens. */
	sources: readonly FlowSource[];
	steps?: readonly Step[] | undefined;
	/** Opens the output once the inputs are open, so that a wrong input leaves no empty file behind; `inputSize` is in bytes, 0 where not known. */
	open(inputSize: number): Promise<FlowSink>;
	/** Told of trouble between inputs and output. */
	report: Reporter;
	/** Told of damage that ends an input early. */
	reportInput: Reporter;
	/** Aborted: the output is discarded. */
	signal?: AbortSignal | undefined;
	/** Called before reading. */
	onOpen?: (() => void) | undefined;
	/** Called after every batch with the number of flows read and passed on. */
	onBatch?: ((read: number, passed: number) => void) | undefined;
	/** Called when nothing more is read. */
	onRead?: (() => void) | undefined;
	/** Asked when all is read: whether what was written is kept; default: yes. */
	isKept?: (() => boolean) | undefined;
}

export interface CopyResult {
	/** Flows read, and those of them that came to the output. */
	readonly read: number;
	readonly passed: number;
	/** `refused`: `isKept` said no. But for `kept` the output is as it was. */
	readonly end: "kept" | "refused" | "interrupted";
}

/** Brings flows from sources to an output; what is left of a damaged source is reported. @throws FlowtapeError and whatever the steps throw */
export async function copyFlows({ sources, steps = [], report, reportInput, signal, ...job }: CopyJob): Promise<CopyResult> {
	let sink: FlowSink | null = null;
	try {
		sink = await job.open(sources.reduce((sum, source) => sum + (source.progress().total ?? 0), 0));
		job.onOpen?.();
		const counts = await pipe(
			sources.map((source) => new RecoveringSource(source, reportInput)),
			steps,
			sink,
			{
				...(signal && { signal }),
				...(job.onBatch && { onBatch: job.onBatch }),
				onConflict: (name) => report("FT_LOSS", `the tapes have different notes ${JSON.stringify(name)}: that of the first is kept`),
			},
		);
		job.onRead?.();
		const end = signal?.aborted === true ? "interrupted" : job.isKept?.() === false ? "refused" : "kept";
		if (end === "kept") await sink.close();
		else await sink.discard();
		return { ...counts, end };
	} catch (error) {
		await sink?.discard?.();
		throw error;
	} finally {
		await closeAll(sources);
	}
}

export async function closeAll(sources: readonly FlowSource[]): Promise<void> {
	for (const source of sources) await source.close();
}

/**
 * Opens tapes, `-` for stdin. One that is no tape is reported, and the others are opened.
 * @throws FlowtapeError when none is a tape, or one cannot be read at all
 */
export async function openAll(paths: readonly string[], options: OpenOptions): Promise<FlowSource[]> {
	const opened = await Promise.allSettled(paths.map((path) => openTape(path, options)));
	const sources = opened.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
	const failures = opened.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
	try {
		const fatal = failures.find((error) => !isDamage(error)) ?? (sources.length === 0 ? failures[0] : undefined);
		if (fatal !== undefined) throw fatal;
		for (const { code, message, file } of failures.filter(isDamage)) options.report(code, message, { file: file ?? "" });
	} catch (error) {
		await closeAll(sources);
		throw error;
	}
	return sources;
}

/** Whether an error is about the content of one input. */
function isDamage(error: unknown): error is FlowtapeError {
	return error instanceof FlowtapeError && error.status === 3;
}

/** A source whose damage is reported and ends it early, instead of ending everything. */
export class RecoveringSource extends ForwardingSource {
	readonly #report: Reporter;

	constructor(source: FlowSource, report: Reporter) {
		super(source);
		this.#report = report;
	}

	override transfer(sink: FlowSink): Promise<number | null> {
		return unlessDamaged(() => this.inner.transfer(sink), null);
	}

	override count(): Promise<number | null> {
		return unlessDamaged(() => this.inner.count(), null);
	}

	override notes(): Promise<Metadata> {
		return unlessDamaged(() => this.inner.notes(), {});
	}

	override async *read(options?: ReadOptions): AsyncGenerator<Flow[]> {
		try {
			yield* this.inner.read(options);
		} catch (error) {
			if (!isDamage(error)) throw error;
			this.#report(error.code, error.message, { file: error.file ?? "", cause: error });
		}
	}
}

/** What something gives; where there is damage, `otherwise`: reading meets the same, and tells of it. */
async function unlessDamaged<T>(action: () => Promise<T>, otherwise: T): Promise<T> {
	try {
		return await action();
	} catch (error) {
		if (!isDamage(error)) throw error;
		return otherwise;
	}
}

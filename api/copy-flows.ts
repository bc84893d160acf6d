// Copies stored flows from sources through steps to a sink, which is closed at the end or discarded on failure.
import { type OpenOptions, openTape } from "../formats/index.ts";
import { FlowtapeError, type Reporter } from "../src/errors.ts";
import type { Flow } from "../src/flow/flow.ts";
import type { Metadata } from "../src/flow/metadata.ts";
import { FlowSink, type FlowSource, ForwardingSource, pipe, type ReadOptions, type Step } from "../src/flow/pipe.ts";
import { NOTE } from "../src/redact/options.ts";

export type { OpenOptions };

export interface CopyJob {
	/** Closed at the end, also after an error. */
	sources: readonly FlowSource[];
	steps?: readonly Step[] | undefined;
	/**
	 * Opens the output. Called after the inputs are open, so that a wrong input leaves no empty file. `inputSize` is in
	 * bytes, 0 if unknown.
	 */
	open(inputSize: number): Promise<FlowSink>;
	/** Called with every flow before the first one is copied; needs `reopen`. */
	learn?: ((flow: Flow) => void) | null | undefined;
	/** Opens the sources once more, for `learn`. */
	reopen?: (() => Promise<readonly FlowSource[]>) | undefined;
	/** Notes on the output, besides those of the sources. */
	notes?: Metadata | undefined;
	/** Receives problems that arise while copying. */
	report: Reporter;
	/** Receives damage that ends an input early. */
	reportInput: Reporter;
	/** Stops copying and discards the output. */
	signal?: AbortSignal | undefined;
	/** Called before the first flow is read. */
	onOpen?: (() => void) | undefined;
	/** Called after every batch with the number of flows read and passed on. */
	onBatch?: ((read: number, passed: number) => void) | undefined;
	/** Called when all inputs have been read. */
	onRead?: (() => void) | undefined;
	/** Called when all inputs have been read: whether to keep the output; default: yes. */
	isKept?: (() => boolean) | undefined;
}

export interface CopyResult {
	/** The number of flows that were read, and of those that were written. */
	readonly read: number;
	readonly passed: number;
	/** `refused`: `isKept` returned false. The output is unchanged unless it was `kept`. */
	readonly end: "kept" | "refused" | "interrupted";
}

/**
 * Copies flows. A damaged source is reported and ends early.
 * @throws FlowtapeError, and errors of the steps
 */
export async function copyFlows({
	sources,
	steps = [],
	report,
	reportInput,
	signal,
	...job
}: CopyJob): Promise<CopyResult> {
	let sink: FlowSink | null = null;
	try {
		if (job.learn && job.reopen !== undefined) await readAll(await job.reopen(), job.learn, signal);
		sink = await job.open(sources.reduce((sum, source) => sum + (source.progress().total ?? 0), 0));
		job.onOpen?.();
		const counts = await pipe(
			sources.map((source) => new RecoveringSource(source, reportInput)),
			steps,
			sink,
			{
				...(signal && { signal }),
				...(job.onBatch && { onBatch: job.onBatch }),
				notes: job.notes,
				async onConflict(name, first, next) {
					// the rules of redacted tapes are joined
					if (name === NOTE) return (await import("../src/redact/note.ts")).joinedNote(first, next);
					report(
						"FT_LOSS",
						`the tapes have different values for the note ${JSON.stringify(name)}; the value of the first tape is kept`,
					);
					return first;
				},
			},
		);
		job.onRead?.();
		const end = signal?.aborted === true ? "interrupted" : job.isKept?.() === false ? "refused" : "kept";
		if (end === "kept") await sink.close();
		else await sink.discard();
		return { ...counts, end };
	} catch (error) {
		await sink?.discard();
		throw error;
	} finally {
		await closeSources(sources);
	}
}

/** Calls `read` with every flow. Damage is not reported: copying will find it again. */
async function readAll(
	sources: readonly FlowSource[],
	read: (flow: Flow) => void,
	signal: AbortSignal | undefined,
): Promise<void> {
	const sink = FlowSink.of({ append: read });
	try {
		await pipe(
			sources.map((source) => new RecoveringSource(source, () => {})),
			[],
			sink,
			signal === undefined ? {} : { signal },
		);
	} finally {
		await closeSources(sources);
	}
}

export async function closeSources(sources: readonly FlowSource[]): Promise<void> {
	for (const source of sources) await source.close();
}

/**
 * Opens tapes, `-` for stdin. Reports files that are not tapes, and opens the others.
 * @throws FlowtapeError if no file is a tape, a file cannot be read, or stdin is given several times
 */
export async function openTapes(paths: readonly string[], options: OpenOptions): Promise<FlowSource[]> {
	if (paths.indexOf("-") !== paths.lastIndexOf("-"))
		throw new FlowtapeError("FT_USAGE", "stdin: it can be read only once: give - once");
	const opened = await Promise.allSettled(paths.map((path) => openTape(path, options)));
	const sources = opened.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
	const failures = opened.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
	try {
		const fatal = failures.find((error) => !isDamage(error)) ?? (sources.length === 0 ? failures[0] : undefined);
		if (fatal !== undefined) throw fatal;
		for (const { code, message, file } of failures.filter(isDamage))
			options.report(code, message, { file: file ?? "" });
	} catch (error) {
		await closeSources(sources);
		throw error;
	}
	return sources;
}

/** Whether an error concerns the content of one input. */
function isDamage(error: unknown): error is FlowtapeError {
	return error instanceof FlowtapeError && error.status === 3;
}

/** A source that reports damage and ends early, instead of throwing. */
export class RecoveringSource extends ForwardingSource {
	readonly #report: Reporter;

	constructor(source: FlowSource, report: Reporter) {
		super(source);
		this.#report = report;
	}

	override transfer(sink: FlowSink): Promise<number | null> {
		return fallbackOnDamage(() => this.inner.transfer(sink), null);
	}

	override count(): Promise<number | null> {
		return fallbackOnDamage(() => this.inner.count(), null);
	}

	override notes(): Promise<Metadata> {
		return fallbackOnDamage(() => this.inner.notes(), {});
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

/** The result of `action`, or `fallback` if the source is damaged: reading will find and report the same damage. */
async function fallbackOnDamage<T>(action: () => Promise<T>, fallback: T): Promise<T> {
	try {
		return await action();
	} catch (error) {
		if (!isDamage(error)) throw error;
		return fallback;
	}
}

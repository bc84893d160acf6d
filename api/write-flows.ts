// The common part of `convert`, `filter` and `rewrite`: writes the flows of a source to a target, all or none, and
// counts them.
import type { Format } from "../formats/index.ts";
import { FlowtapeError, type Reporter } from "../src/errors.ts";
import type { Filter } from "../src/filter/filter.ts";
import type { Flow } from "../src/flow/flow.ts";
import type { Metadata } from "../src/flow/metadata.ts";
import type { FlowSink, Step } from "../src/flow/pipe.ts";
import { fileOf, isRereadable, isWriter, openSource, type Source, sinkTo, type Target } from "./source.ts";
import type { FormatName } from "./tape.ts";
import { TroubleLog, type TroubleOptions } from "./trouble.ts";

/** Options of every function that writes flows. */
export interface WriteOptions extends TroubleOptions {
	/** The format of a target file; default: by its extension. */
	format?: FormatName | undefined;
	/** Custom formats for reading and writing, made by `defineFormat`. */
	formats?: readonly Format[] | undefined;
	/** The format version of a mitmproxy dump; default: 21. */
	dumpVersion?: number | undefined;
	/** Stops when it is aborted: the target is unchanged, and the call throws the signal's reason. */
	signal?: AbortSignal | undefined;
	/** Called after every batch with the number of flows read and written so far. */
	onProgress?: ((read: number, passed: number) => void) | undefined;
}

/** The names of `WriteOptions`. */
export const writeOptionNames: readonly (keyof WriteOptions)[] = [
	"format",
	"formats",
	"dumpVersion",
	"signal",
	"onProgress",
	"strict",
	"onTrouble",
];

/** The counts of a function that writes flows. */
export interface WriteReport {
	/**
	 * Flows that were passed to the target. Its format may leave some out, as a HAR does with TCP flows; `notices` counts
	 * these.
	 */
	readonly written: number;
	/** Flows that a rule, a hook or `dedupe` dropped. */
	readonly dropped: number;
	/** Damaged parts of the source that are missing; 0 unless damage is skipped (`onTrouble`, `strict`). */
	readonly damaged: number;
	/** Reports that are not damage, for example about data that the target's format cannot hold. */
	readonly notices: number;
}

export interface WriteJob {
	source: Source;
	to: Target;
	filter?: Filter | undefined;
	steps?: readonly Step[];
	/** Called with every flow of the source, which is read twice, before the first one is written. */
	learn?: ((flow: Flow) => void) | null;
	/** Notes on the output, besides those of the source. */
	notes?: Metadata | undefined;
	/** Wraps the output. */
	through?: (sink: FlowSink, report: Reporter) => FlowSink | Promise<FlowSink>;
	/** The file that the target replaces. It is left unchanged unless all of it could be read. */
	replaces?: string | undefined;
}

/**
 * Writes the flows to the target. If it fails, the target is unchanged.
 * @throws FlowtapeError, the signal's reason, and errors of steps and listeners
 */
export async function writeFlows(
	{ source, to, filter, steps, through = (sink) => sink, learn, notes, replaces }: WriteJob,
	options: WriteOptions,
): Promise<WriteReport> {
	const { format, formats, dumpVersion, signal, onProgress } = options;
	signal?.throwIfAborted();
	const { copyFlows } = await import("./copy-flows.ts");
	const { createSink } = await import("./create-sink.ts");
	if (learn && !isRereadable(source))
		throw new FlowtapeError("FT_USAGE", "redaction reads the flows twice: give an array of flows, or files");
	const troubles = new TroubleLog(options);
	const { report, reportInput } = troubles;
	const isConfidential = Boolean(learn);
	const sources = await openSource(source, { report: reportInput, filter, formats, isConfidential });
	const { read, passed, end } = await copyFlows({
		sources,
		steps,
		learn,
		notes,
		reopen: () => openSource(source, { report: () => {}, formats, isConfidential }),
		report,
		reportInput,
		signal,
		async open(inputSize) {
			const sink = isWriter(to)
				? sinkTo(to)
				: await createSink(fileOf(to), { report, format, formats, dumpVersion, inputSize });
			return through(sink, report);
		},
		onBatch: onProgress,
		isKept: () => replaces === undefined || (troubles.unread === 0 && troubles.damaged === 0),
	});
	if (end === "interrupted") throw signal?.reason;
	if (end === "refused")
		throw new FlowtapeError("FT_CORRUPT_FLOW", `${replaces}: left unchanged, because parts of it cannot be read`, {
			file: replaces ?? "",
		});
	return { written: passed, dropped: read - passed, damaged: troubles.damaged, notices: troubles.notices };
}

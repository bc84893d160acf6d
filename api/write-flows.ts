// What the verbs that write have in common: flows of a source brought to a target, whole or not at all, and counted.
import type { Format } from "../formats/index.ts";
import { FlowtapeError, type Reporter } from "../src/errors.ts";
import type { Filter } from "../src/filter/filter.ts";
import type { FlowSink, Step } from "../src/flow/pipe.ts";
import { fileOf, isWriter, openSource, type Source, sinkTo, type Target } from "./source.ts";
import type { FormatName } from "./tape.ts";
import { TroubleLog, type TroubleOptions } from "./trouble.ts";

export interface WriteOptions extends TroubleOptions {
	/** In which format to write; default: told by the extension. For a target that is a file. */
	format?: FormatName | undefined;
	/** Formats of one's own, made by `defineFormat`, for reading and for writing. */
	formats?: readonly Format[] | undefined;
	/** The version of a mitmproxy dump; default 21. */
	dumpVersion?: number | undefined;
	/** Ends the work; the target is as it was, and what was called throws the signal's reason. */
	signal?: AbortSignal | undefined;
	/** Told now and then how many flows were read and how many of them were passed on. */
	onProgress?: ((read: number, passed: number) => void) | undefined;
}

/** What a verb has written. */
export interface WriteReport {
	/** Flows that were brought to the target. What its format has no room for, as a HAR has none for TCP, is told and among `notices`. */
	readonly written: number;
	/** Flows that a change, a hook or `dedupe` left out. */
	readonly dropped: number;
	/** Pieces of the source that are damaged and missing; 0 unless damage is skipped (`onTrouble`, `strict`). */
	readonly damaged: number;
	/** What `onTrouble` was told that is no damage, such as what the format written to has no room for. */
	readonly notices: number;
}

export interface WriteJob {
	source: Source;
	to: Target;
	filter?: Filter | undefined;
	steps?: readonly Step[];
	/** Puts something between the flows and the output. */
	through?: (sink: FlowSink, report: Reporter) => FlowSink | Promise<FlowSink>;
	/** The file that the target takes the place of, which stays as it is unless all of it was read. */
	replaces?: string | undefined;
}

/** @throws FlowtapeError, the signal's reason, and what steps and listeners throw: then the target is as it was */
export async function writeFlows({ source, to, filter, steps, through = (sink) => sink, replaces }: WriteJob, options: WriteOptions): Promise<WriteReport> {
	const { format, formats, dumpVersion, signal, onProgress } = options;
	signal?.throwIfAborted();
	const { copyFlows } = await import("./copy-flows.ts");
	const { createSink } = await import("./create-sink.ts");
	const troubles = new TroubleLog(options);
	const { report, reportInput } = troubles;
	const sources = await openSource(source, { report: reportInput, filter, formats });
	const { read, passed, end } = await copyFlows({
		...{ sources, steps, report, reportInput, signal },
		async open(inputSize) {
			const sink = isWriter(to) ? sinkTo(to) : await createSink(fileOf(to), { report, format, formats, dumpVersion, inputSize });
			return through(sink, report);
		},
		onBatch: onProgress,
		isKept: () => replaces === undefined || (troubles.unread === 0 && troubles.damaged === 0),
	});
	if (end === "interrupted") throw signal?.reason;
	if (end === "refused")
		throw new FlowtapeError("FT_CORRUPT_FLOW", `${replaces}: it is left as it was, because not all of it can be read`, { file: replaces ?? "" });
	return { written: passed, dropped: read - passed, damaged: troubles.damaged, notices: troubles.notices };
}

// The common part of commands on stored flows: opens the inputs, copies flows to the output, and reports problems.
import { copyFlows as copy, type OpenOptions, openTapes } from "../../api/copy-flows.ts";
import { createSink } from "../../api/create-sink.ts";
import { formatNames } from "../../api/formats.ts";
import { limitFlows } from "../../api/limit-flows.ts";
import {
	type ErrorCode,
	type ErrorDetail,
	errorCodes,
	FlowtapeError,
	type Reporter,
	withOption,
} from "../../src/errors.ts";
import type { Filter } from "../../src/filter/filter.ts";
import { spoolStream } from "../../src/flow/file-spool.ts";
import type { Flow } from "../../src/flow/flow.ts";
import type { Metadata } from "../../src/flow/metadata.ts";
import { FlowSink, type FlowSource, type Step } from "../../src/flow/pipe.ts";
import { compileFilterLazily, options as filterOptions } from "../../src/hooks/rule.ts";
import { expandHome, type OptionTable, type OptionValues } from "../../src/options.ts";
import { printableLine } from "../../src/views/printable.ts";
import type { Io } from "../cli/command.ts";
import { Progress } from "../print/progress.ts";
import { counted } from "../print/text.ts";
import { warnOfCredentials } from "./credential-warning.ts";
import { sameFile } from "./same-file.ts";

/** Options of every command that reads tapes. */
export const inputOptions = {
	strict: { type: "boolean", default: false, help: "Stop at the first damaged record; by default it is skipped." },
} as const satisfies OptionTable;

/** Options of commands that select flows. */
export const selectionOptions = {
	filter: { type: "string", default: null, short: "f", metavar: "FILTER", help: "Select only matching flows." },
	...filterOptions,
} as const satisfies OptionTable;

/** Compiles the filter of `selectionOptions`; undefined: all flows. @throws FlowtapeError FT_BAD_FILTER */
export async function selection(options: OptionValues<typeof selectionOptions>): Promise<Filter | undefined> {
	if (options.filter === null) return;
	try {
		return await compileFilterLazily(options.filter, { caseSensitiveFilters: options.case_sensitive_filters });
	} catch (error) {
		throw withOption(error, "filter");
	}
}

/** Options of every command that writes a tape. */
export const outputOptions = {
	format: {
		type: "string",
		default: null,
		choices: formatNames,
		metavar: "FORMAT",
		help: "Write in this format, regardless of the extension.",
	},
	dump_version: {
		type: "integer",
		default: null,
		metavar: "N",
		help: "Write mitmproxy dumps in this format version; default 21.",
	},
} as const satisfies OptionTable;

/** The exit status if a file was left unchanged because parts of it could not be read. */
const UNREAD_STATUS = errorCodes.FT_CORRUPT_FLOW.status;

/** Maximum number of printed problems; the rest is counted. */
const PRINTED_TROUBLES = 20;

/** Prints problems with tapes, and determines the exit status. */
export class Troubles {
	readonly #io: Io;
	readonly #strict: boolean;
	readonly #quiet: boolean;
	readonly #clear: () => void;
	#status = 0;
	#count = 0;
	#unread = 0;

	/**
	 * @param quiet print only damage
	 * @param clear erases the progress bar before a message
	 */
	constructor(
		io: Io,
		{ strict, quiet = false }: { strict: boolean; quiet?: boolean | undefined },
		clear = (): void => {},
	) {
		this.#io = io;
		this.#strict = strict;
		this.#quiet = quiet;
		this.#clear = clear;
	}

	/** The exit status; 0 if nothing was damaged. */
	get status(): number {
		return this.#status;
	}

	/** Number of reports about inputs. */
	get unread(): number {
		return this.#unread;
	}

	/**
	 * Reports a problem with an input. It counts as unread even if it is not an error, because it would be lost in a
	 * rewritten tape.
	 */
	readonly reportInput: Reporter = (code, message, detail) => {
		this.#unread++;
		this.report(code, message, detail);
	};

	readonly report = (code: ErrorCode, message: string, detail: ErrorDetail = {}): void => {
		const error = new FlowtapeError(code, message, detail);
		if (this.#strict && error.status > 0) throw error;
		if (this.#quiet && error.status === 0) return;
		this.#status = Math.max(this.#status, error.status);
		if (++this.#count > PRINTED_TROUBLES) return;
		this.#clear();
		this.#io.stderr.write(`flowtape: ${printableLine(message)}\n`);
	};

	/**
	 * Prints the number of suppressed messages and, after damage, the number of flows that were kept.
	 * @param kept number of these flows; null: nothing was written
	 */
	end(kept: number | null): void {
		if (this.#count > PRINTED_TROUBLES)
			this.#io.stderr.write(`flowtape: ${this.#count - PRINTED_TROUBLES} more of this kind\n`);
		if (this.#status > 0 && kept !== null)
			this.#io.stderr.write(
				`flowtape: kept ${counted(kept, "flow")}; --strict would have stopped at the first damage\n`,
			);
	}
}

export interface CopyJob {
	inputs: readonly string[];
	filter?: Filter | undefined;
	steps?: readonly Step[];
	/**
	 * Opens the output. Called after the inputs are open, so that a wrong input leaves no empty file. `inputSize` is in
	 * bytes, 0 if unknown.
	 */
	open(troubles: Troubles, inputSize: number): Promise<FlowSink>;
	/** Called with every flow of the inputs, which are read twice, before the first one is copied. */
	learn?: ((flow: Flow) => void) | null;
	/** Notes on the output, besides those of the inputs. */
	notes?: Metadata | undefined;
	/** The path of the tape that is written; stderr says how many flows it got, unless `quiet`. null: there is none. */
	output?: string | null;
	/** Whether to warn if a tape was never redacted and has credentials. Default: no. */
	warnsOfCredentials?: boolean;
	/** Whether temporary files hold nothing of the inputs unless it is encrypted. Default: with `learn`. */
	isConfidential?: boolean;
	/** Maximum number of flows to read; default: all. */
	limit?: number | undefined;
	/** Whether the output needs bodies, so that damaged ones must be found; default: yes. */
	bodies?: boolean;
	strict: boolean;
	quiet?: boolean;
	/** Whether to show a progress bar; only if nothing else is printed on the terminal. */
	progress?: boolean;
	/**
	 * Whether an input that the output replaces is replaced even if parts of it cannot be read. By default, it is left
	 * unchanged then.
	 */
	dropsUnread?: boolean;
	/** How to replace a file that cannot be read completely, for the message. */
	unreadHint?: string;
}

/**
 * Copies flows from the inputs to an output. Damage results in status 3, and the readable flows are kept; an
 * interrupted copy is discarded. `isWritten`: the output was completed.
 */
export async function copyFlows(job: CopyJob, io: Io): Promise<{ passed: number; status: number; isWritten: boolean }> {
	let progress: Progress | null = null;
	let sink = null as FlowSink | null;
	const clear = () => progress?.clear();
	const troubles = new Troubles(io, job, clear);
	const { output = null } = job;
	// by another name or not
	const isInPlace = output !== null && sameFile(output, job.inputs) !== null;
	// read twice: the temporary file is encrypted
	const stdin = job.learn && pathsOf(job.inputs).includes("-") ? await spoolStream(process.stdin) : null;
	const given = { ...job, stdin, isConfidential: job.isConfidential === true || Boolean(job.learn) };
	const opened = await openInputs(given, troubles);
	const limited = job.limit === undefined ? opened : limitFlows(opened, job.limit);
	const sources =
		job.warnsOfCredentials === true && job.quiet !== true ? warnOfCredentials(limited, io, clear) : limited;
	const copied = copy({
		sources,
		steps: job.steps,
		learn: job.learn,
		notes: job.notes,
		reopen: () => openTapes(pathsOf(job.inputs), { report: () => {}, stdin, isConfidential: true }),
		async open(size) {
			sink = await job.open(troubles, size);
			return sink;
		},
		report: troubles.report,
		reportInput: troubles.reportInput,
		signal: io.signal,
		onOpen() {
			if (job.progress === true && job.quiet !== true) progress = new Progress(io.stderr, sources);
		},
		onBatch: (read) => progress?.update(read),
		onRead: clear,
		isKept: () => !isInPlace || job.dropsUnread === true || (troubles.unread === 0 && troubles.status === 0),
	});
	const { passed, end } = await copied.finally(clear);
	if (end === "interrupted") return { passed, status: Number(io.signal.reason), isWritten: false };
	const written = passed - (sink?.leftOut ?? 0);
	// the user sees the flows on stdout
	if (end === "kept" && output !== null && output !== "-" && job.quiet !== true)
		io.stderr.write(`wrote ${counted(written, "flow")} to ${printableLine(output)}\n`);
	troubles.end(end === "kept" ? written : null);
	if (end === "kept") return { passed, status: troubles.status, isWritten: true };
	io.stderr.write(
		`flowtape: ${printableLine(output ?? "")} was left unchanged, because parts of it cannot be read; ${job.unreadHint ?? "name another output to keep the rest"}\n`,
	);
	return { passed, status: UNREAD_STATUS, isWritten: false };
}

/** Opens the inputs; stdin if there are none. @throws FlowtapeError if no input is a tape, or one cannot be read */
export function openInputs(
	{ inputs, ...options }: Pick<CopyJob, "inputs"> & Omit<OpenOptions, "report">,
	{ reportInput: report }: Troubles,
): Promise<FlowSource[]> {
	const { filter, bodies, stdin, isConfidential } = options;
	return openTapes(pathsOf(inputs), { report, filter, bodies, stdin, isConfidential });
}

function pathsOf(inputs: readonly string[]): string[] {
	return inputs.length === 0 ? ["-"] : inputs.map((path) => expandHome(path));
}

/** Creates the output for `-o`. @throws FlowtapeError FT_USAGE, FT_IO */
export async function createOutput(
	path: string,
	options: { format: string | null; dump_version: number | null },
	{ report }: Troubles,
	inputSize = 0,
): Promise<FlowSink> {
	const { format, dump_version: version } = options;
	return createSink(expandHome(path), {
		report,
		inputSize,
		format: format ?? undefined,
		dumpVersion: version ?? undefined,
		versionName: "--dump-version",
	});
}

/** A sink that prints a text for each flow, in pieces. */
export function printer(io: Io, pieces: (flow: Flow) => Iterable<string>): FlowSink {
	let pending = "";
	const flush = (): void => {
		if (pending !== "") io.stdout.write(pending);
		pending = "";
	};
	return FlowSink.of({
		append(flow) {
			for (const piece of pieces(flow)) {
				pending += piece;
				if (pending.length > 64 * 1024) flush();
			}
		},
		close: async () => flush(),
		discard: async () => flush(),
	});
}

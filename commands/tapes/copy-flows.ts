// What commands on stored flows have in common: inputs opened, flows brought to an output, trouble in the data told once.
import { copyFlows as copy, openAll } from "../../api/copy-flows.ts";
import { createSink } from "../../api/create-sink.ts";
import { formats } from "../../formats/index.ts";
import { type ErrorCode, type ErrorDetail, errorCodes, FlowtapeError, type Reporter } from "../../src/errors.ts";
import type { Filter } from "../../src/filter/filter.ts";
import type { Flow } from "../../src/flow/flow.ts";
import { FlowSink, type FlowSource, type Step } from "../../src/flow/pipe.ts";
import { compileFilterLazily, options as filterOptions } from "../../src/hooks/rule.ts";
import { expandHome, type OptionTable, type OptionValues } from "../../src/options.ts";
import { printableLine } from "../../src/views/printable.ts";
import type { Io } from "../cli/command.ts";
import { Progress } from "../print/progress.ts";

/** Options of every command that reads tapes. */
export const inputOptions = {
	strict: { type: "boolean", default: false, help: "End at the first damage instead of going on behind it." },
} as const satisfies OptionTable;

/** Options of commands that take some flows of a tape. */
export const selectionOptions = {
	filter: { type: "string", default: null, short: "f", metavar: "FILTER", help: "Take only flows that match." },
	...filterOptions,
} as const satisfies OptionTable;

/** The filter of `selectionOptions`; undefined: every flow. @throws FlowtapeError FT_BAD_FILTER */
export async function selection(options: OptionValues<typeof selectionOptions>): Promise<Filter | undefined> {
	if (options.filter === null) return;
	return compileFilterLazily(options.filter, { caseSensitiveFilters: options.case_sensitive_filters });
}

/** Options of every command that writes a tape. */
export const outputOptions = {
	format: {
		type: "string",
		default: null,
		choices: formats.map(({ name }) => name),
		metavar: "FORMAT",
		help: "Write in this format, whatever the extension says.",
	},
	dump_version: { type: "integer", default: null, metavar: "N", help: "Write mitmproxy dumps in this version of the format; default 21." },
} as const satisfies OptionTable;

/** How a command ends that left a file as it was because not all of it was read. */
const UNREAD_STATUS = errorCodes.FT_CORRUPT_FLOW.status;

/** Lines about one piece of data that are printed before the rest is only counted. */
const PRINTED_TROUBLES = 20;

/** Tells people of trouble in data, and remembers what exit status it means. */
export class Troubles {
	readonly #io: Io;
	readonly #strict: boolean;
	readonly #quiet: boolean;
	readonly #clear: () => void;
	#status = 0;
	#count = 0;
	#unread = 0;

	/**
	 * @param quiet say nothing of what is no damage
	 * @param clear takes away what stands on the terminal in place of a message
	 */
	constructor(io: Io, { strict, quiet = false }: { strict: boolean; quiet?: boolean | undefined }, clear = (): void => {}) {
		this.#io = io;
		this.#strict = strict;
		this.#quiet = quiet;
		this.#clear = clear;
	}

	/** 0 as long as nothing was damaged. */
	get status(): number {
		return this.#status;
	}

	/** What was told of the inputs: records that could not be read, and parts of them that no flow has. */
	get unread(): number {
		return this.#unread;
	}

	/** Trouble in an input. What is not read cannot be written again either, whether or not that is an error. */
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

	/** The last word: how much was wrong, and what was kept; null: nothing was written. */
	end(kept: number | null): void {
		if (this.#count > PRINTED_TROUBLES) this.#io.stderr.write(`flowtape: ${this.#count - PRINTED_TROUBLES} more of that kind\n`);
		if (this.#status > 0 && kept !== null)
			this.#io.stderr.write(`flowtape: kept ${kept} ${kept === 1 ? "flow" : "flows"}; --strict would have stopped at the first damage\n`);
	}
}

export interface CopyJob {
	inputs: readonly string[];
	filter?: Filter | undefined;
	ids?: readonly string[];
	steps?: readonly Step[];
	/** Opens the output once the inputs are open, so that a wrong input leaves no empty file behind; `inputSize` is in bytes, 0 where not known. */
	open(troubles: Troubles, inputSize: number): Promise<FlowSink>;
	/** Whether the output is made of bodies too, so that damaged ones have to be found; default: yes. */
	bodies?: boolean;
	strict: boolean;
	quiet?: boolean;
	/** Whether a bar may show how far it is: nothing else is printed on the terminal meanwhile. */
	progress?: boolean;
	/** The file that the output takes the place of, where the inputs are lost with it: it stays as it is unless all of them was read. */
	replaces?: string | undefined;
}

/** Brings flows from the inputs to an output. Damage ends in status 3, and what was read is kept; of an interrupted copy nothing is. */
export async function copyFlows(job: CopyJob, io: Io): Promise<{ passed: number; status: number }> {
	let progress: Progress | null = null;
	const clear = () => progress?.clear();
	const troubles = new Troubles(io, job, clear);
	const sources = await openInputs(job, troubles);
	const copied = copy({
		sources,
		steps: job.steps,
		open: (size) => job.open(troubles, size),
		report: troubles.report,
		reportInput: troubles.reportInput,
		signal: io.signal,
		onOpen() {
			if (job.progress === true && job.quiet !== true) progress = new Progress(io.stderr, sources);
		},
		onBatch: (read) => progress?.update(read),
		onRead: clear,
		isKept: () => job.replaces === undefined || (troubles.unread === 0 && troubles.status === 0),
	});
	const { passed, end } = await copied.finally(clear);
	if (end === "interrupted") return { passed, status: Number(io.signal.reason) };
	troubles.end(end === "kept" ? passed : null);
	if (end === "kept") return { passed, status: troubles.status };
	io.stderr.write(`flowtape: ${printableLine(job.replaces ?? "")} is left as it was, because not all of it was read; --drop-unread replaces it without that\n`);
	return { passed, status: UNREAD_STATUS };
}

/** Opens the inputs, stdin where there is none. @throws FlowtapeError when no input is a tape, or one cannot be read at all */
export function openInputs(
	{ inputs, filter, ids, bodies }: Pick<CopyJob, "inputs" | "filter" | "ids" | "bodies">,
	{ reportInput: report }: Troubles,
): Promise<FlowSource[]> {
	return openAll(inputs.length === 0 ? ["-"] : inputs.map((path) => expandHome(path)), { report, filter, ids, bodies });
}

/** The output that `-o` names. @throws FlowtapeError FT_USAGE, FT_IO */
export async function createOutput(
	path: string,
	options: { format: string | null; dump_version: number | null },
	{ report }: Troubles,
	inputSize = 0,
): Promise<FlowSink> {
	const { format, dump_version: version } = options;
	return createSink(expandHome(path), {
		...{ report, inputSize, format: format ?? undefined, dumpVersion: version ?? undefined },
		versionName: "--dump-version",
	});
}

/** A sink that prints, a piece of text for each flow. */
export function printer(io: Io, text: (flow: Flow) => string): FlowSink {
	let pending = "";
	const flush = (): void => {
		if (pending !== "") io.stdout.write(pending);
		pending = "";
	};
	return FlowSink.of({
		append(flow) {
			pending += text(flow);
			if (pending.length > 64 * 1024) flush();
		},
		close: async () => flush(),
		discard: async () => flush(),
	});
}

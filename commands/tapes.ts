// What commands on stored flows have in common: inputs opened, flows brought to an output, trouble in the data told once.
import { createTape, openTape } from "../formats/index.ts";
import { type ErrorCode, type ErrorDetail, FlowtapeError } from "../src/errors.ts";
import type { Filter } from "../src/filter/filter.ts";
import { type FlowSink, type FlowSource, pipe, type Step } from "../src/flow/pipe.ts";
import type { OptionTable } from "../src/options.ts";
import type { Io } from "./command.ts";
import { Progress } from "./print/progress.ts";

/** Options of every command that reads tapes. */
export const inputOptions = {
	strict: { type: "boolean", default: false, help: "End at the first damage instead of going on behind it." },
} as const satisfies OptionTable;

/** Options of every command that writes a tape. */
export const outputOptions = {
	format: { type: "string", default: null, metavar: "FORMAT", help: "Write in this format, whatever the extension says: tape, mitm, har, jsonl." },
	dump_version: { type: "integer", default: null, metavar: "N", help: "Write mitmproxy dumps in this version of the format; default 21." },
} as const satisfies OptionTable;

/** Lines about one piece of data that are printed before the rest is only counted. */
const PRINTED_TROUBLES = 20;

/** Tells people of trouble in data, and remembers what exit status it means. */
export class Troubles {
	readonly #io: Io;
	readonly #strict: boolean;
	readonly #clear: () => void;
	#status = 0;
	#count = 0;

	/** @param clear takes away what stands on the terminal in place of a message */
	constructor(io: Io, strict: boolean, clear = (): void => {}) {
		this.#io = io;
		this.#strict = strict;
		this.#clear = clear;
	}

	/** 0 as long as nothing was damaged. */
	get status(): number {
		return this.#status;
	}

	readonly report = (code: ErrorCode, message: string, detail: ErrorDetail = {}): void => {
		const error = new FlowtapeError(code, message, detail);
		if (this.#strict && error.status > 0) throw error;
		this.#status = Math.max(this.#status, error.status);
		if (++this.#count > PRINTED_TROUBLES) return;
		this.#clear();
		this.#io.stderr.write(`flowtape: ${message}\n`);
	};

	/** The last word: how much was wrong, and what was kept. */
	end(kept: number): void {
		if (this.#count > PRINTED_TROUBLES) this.#io.stderr.write(`flowtape: ${this.#count - PRINTED_TROUBLES} more of that kind\n`);
		if (this.#status > 0) this.#io.stderr.write(`flowtape: kept ${kept} ${kept === 1 ? "flow" : "flows"}; --strict would have stopped at the first damage\n`);
	}
}

/** As shells have it for a command that Ctrl-C ended. What stood at the output before stays. */
const INTERRUPTED = 130;

export interface CopyJob {
	inputs: readonly string[];
	filter?: Filter | undefined;
	ids?: readonly string[];
	steps?: readonly Step[];
	/** Opens the output once the inputs are open, so that a wrong input leaves no empty file behind. */
	open(troubles: Troubles): Promise<FlowSink>;
	strict: boolean;
	/** Whether a bar may show how far it is: nothing else is printed on the terminal meanwhile. */
	progress?: boolean;
}

/** Brings flows from the inputs to an output. Damage ends in status 3, and what was read is kept. */
export async function copyFlows(job: CopyJob, io: Io): Promise<{ passed: number; status: number }> {
	let progress: Progress | null = null;
	const troubles = new Troubles(io, job.strict, () => progress?.clear());
	const sources = await openAll(job, troubles);
	const sink = await job.open(troubles);
	if (job.progress === true) progress = new Progress(io.stderr, sources);
	try {
		const { passed } = await pipe(
			sources.map((source) => recovering(source, troubles)),
			job.steps ?? [],
			sink,
			{ signal: io.signal, onBatch: (read) => progress?.update(read) },
		);
		progress?.clear();
		if (io.signal.aborted) {
			await sink.discard?.();
			return { passed, status: INTERRUPTED };
		}
		await sink.close();
		troubles.end(passed);
		return { passed, status: troubles.status };
	} catch (error) {
		progress?.clear();
		await sink.discard?.();
		throw error;
	}
}

function openAll({ inputs, filter, ids }: CopyJob, { report }: Troubles): Promise<FlowSource[]> {
	return Promise.all((inputs.length === 0 ? ["-"] : inputs).map((path) => openTape(path, { report, filter, ids })));
}

/** A source whose damage ends it early instead of ending everything. */
function recovering(source: FlowSource, troubles: Troubles): FlowSource {
	return {
		async *[Symbol.asyncIterator]() {
			try {
				yield* source;
			} catch (error) {
				if (!(error instanceof FlowtapeError) || error.status !== 3) throw error;
				troubles.report(error.code, error.message, { file: error.file ?? "", cause: error });
			}
		},
	};
}

/** The output that `-o` names. */
export function createOutput(path: string, options: { format: string | null; dump_version: number | null }, { report }: Troubles): Promise<FlowSink> {
	return createTape(path, { report, format: options.format ?? undefined, version: options.dump_version ?? undefined });
}

/** A sink that prints, a piece of text for each flow. */
export function printer(io: Io, text: (flow: Parameters<FlowSink["append"]>[0]) => string): FlowSink {
	let pending = "";
	const flush = (): void => {
		if (pending !== "") io.stdout.write(pending);
		pending = "";
	};
	return {
		append(flow) {
			pending += text(flow);
			if (pending.length > 64 * 1024) flush();
		},
		close: async () => flush(),
		discard: async () => flush(),
	};
}

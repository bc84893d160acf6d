// Writes the report of a replay, and decides at its end whether it failed.
import { closeSync, openSync, writeSync } from "node:fs";
import type { LiveReport } from "../../api/live.ts";
import { Verdict, options as verdictOptions } from "../../api/verdict.ts";
import { jsonText } from "../../src/flow/json-text.ts";
import type { FlowSummary } from "../../src/flow/recorded.ts";
import { formatUrl } from "../../src/flow/url.ts";
import type { Miss, Served } from "../../src/hooks/context.ts";
import type { OptionTable, OptionValues } from "../../src/options.ts";
import { nearData } from "../../src/replay/explain/miss-text.ts";
import { printableLine } from "../../src/views/printable.ts";
import type { Io } from "../cli/command.ts";
import { annotations } from "../print/annotations.ts";
import { junitXml, missCases } from "../print/junit.ts";
import { prepareReport, reportFileError, writeReport } from "../print/report-file.ts";

export const options = {
	report: {
		type: "string",
		default: null,
		metavar: "FILE",
		help: "Write a report to this file: served requests, misses and unused recordings, one JSON object per line.",
	},
	...verdictOptions,
	junit: {
		type: "string",
		default: null,
		metavar: "FILE",
		help: "Write a JUnit report to this file, with a failed test case for each miss.",
	},
} as const satisfies OptionTable;

export type VerdictValues = OptionValues<typeof options>;

/** Maximum number of misses in reports; all are counted. */
const KEPT_MISSES = 1000;
/** Size of the text that is buffered before it is written. Characters. */
const BATCH_LENGTH = 64 * 1024;

/** Records used recordings, missed requests and unused recordings, and decides whether the run failed. */
export class ReplayVerdict {
	readonly #junit: string | null;
	readonly #verdict: Verdict;
	readonly #io: Io;
	readonly #report: ReportFile | null;
	readonly #misses: Miss[] = [];

	/**
	 * @param tapes the tapes of the run, which reports must not overwrite
	 * @throws FlowtapeError FT_BAD_OPTION, FT_IO, FT_USAGE
	 */
	constructor(values: VerdictValues, io: Io, tapes: readonly string[]) {
		const { report, junit } = values;
		this.#verdict = new Verdict(values);
		this.#io = io;
		this.#junit = junit === null ? null : prepareReport(junit, [...tapes, ...(report === null ? [] : [report])]);
		this.#report = report === null ? null : new ReportFile(prepareReport(report, tapes));
	}

	/** Whether each used and each unused recording has to be reported. */
	get isDetailed(): boolean {
		return this.#report !== null;
	}

	served(served: Served): void {
		this.#report?.write({ event: "served", ...served });
	}

	miss(miss: Miss): void {
		// the explanation already describes the nearest recordings
		if (this.#misses.length < KEPT_MISSES) this.#misses.push({ ...miss, nearest: null });
		const { explanation: _, nearest, ...entry } = miss;
		this.#report?.write({ event: "missed", ...entry, nearest: nearest?.map(nearData) ?? null });
	}

	unused({ id, method, scheme, host, port, path }: FlowSummary): void {
		this.#report?.write({ event: "unused", id, method, url: formatUrl(scheme, host, port, path) });
	}

	/**
	 * Completes the reports. Resolves to the exit status: 1 if the run failed, otherwise 0.
	 * @throws FlowtapeError FT_IO
	 */
	async end(report: LiveReport): Promise<number> {
		const { missed = 0, unused = 0 } = report.replay ?? {};
		const failures = this.#verdict.failuresOf({ missed, unused, egress: report.egress });
		for (const [destination, attempts] of report.egress)
			this.#report?.write({ event: "egress", destination, attempts });
		this.#report?.close();
		if (this.#io.env.GITHUB_ACTIONS) this.#io.stderr.write(annotations(this.#misses, failures));
		for (const { message } of failures) this.#io.stderr.write(`flowtape: ${printableLine(message)}\n`);
		if (this.#junit !== null)
			await writeReport(this.#junit, junitXml("replay", missCases(this.#misses, missed, failures)));
		return failures.length > 0 ? 1 : 0;
	}
}

/** A report file. Buffers entries; a miss is written immediately. */
class ReportFile {
	readonly #path: string;
	readonly #file: number;
	#pending = "";
	/** The first error. It is thrown by `close`, because it must not affect the traffic. */
	#failure: unknown = null;

	constructor(path: string) {
		this.#path = path;
		try {
			this.#file = openSync(path, "w");
		} catch (cause) {
			throw reportFileError(path, cause);
		}
	}

	write(entry: { readonly event: string; readonly [key: string]: unknown }): void {
		this.#pending += `${jsonText(entry)}\n`;
		if (this.#pending.length > BATCH_LENGTH || entry.event === "missed") this.#flush();
	}

	/** @throws FlowtapeError FT_IO if an entry could not be written */
	close(): void {
		this.#flush();
		closeSync(this.#file);
		if (this.#failure !== null) throw reportFileError(this.#path, this.#failure);
	}

	#flush(): void {
		const text = this.#pending;
		this.#pending = "";
		try {
			if (this.#failure === null) writeSync(this.#file, text);
		} catch (error) {
			this.#failure = error;
		}
	}
}

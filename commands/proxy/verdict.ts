// What a run of replaying proves: every event to a report file, and at its end whether it was what was asked for.

import { closeSync, openSync, writeSync } from "node:fs";
import type { LiveReport } from "../../api/live.ts";
import { FlowtapeError } from "../../src/errors.ts";
import { jsonText } from "../../src/flow/json-text.ts";
import { formatUrl } from "../../src/flow/url.ts";
import type { Miss, Served } from "../../src/hooks/context.ts";
import type { OptionTable, OptionValues } from "../../src/options.ts";
import { nearData } from "../../src/replay/explain/miss-text.ts";
import type { FlowSummary } from "../../src/replay/recordings/index-of-tapes.ts";
import { printableLine } from "../../src/views/printable.ts";
import type { Io } from "../cli/command.ts";
import { annotations } from "../print/annotations.ts";
import { junitXml, missCases } from "../print/junit.ts";
import { reportError, writeReport } from "../print/report-file.ts";

export const options = {
	report: { type: "string", default: null, metavar: "FILE", help: "Write what was served, missed and left unused to this file, one JSON object a line." },
	fail_on: {
		type: "sequence",
		default: [],
		metavar: "WHAT",
		help: "End with status 1 if there was one: miss, unused (a recording that never answered), egress (an attempt to reach a server). Several with commas.",
	},
	max_miss: { type: "integer", default: null, min: 0, metavar: "N", help: "End with status 1 if more than N requests were missed." },
	junit: { type: "string", default: null, metavar: "FILE", help: "Write a JUnit report to this file, with a failed test case for each miss." },
} as const satisfies OptionTable;

export type ProofValues = OptionValues<typeof options>;

const KINDS = ["miss", "unused", "egress"] as const;
type Kind = (typeof KINDS)[number];

/** Misses that are kept for reports; all are counted. */
const KEPT = 1000;
/** Text that is gathered before it is written. Characters. */
const BATCH = 64 * 1024;

/** Hears of everything that a run answers, and judges it at the end. */
export class ReplayProof {
	readonly #values: ProofValues;
	readonly #failOn: ReadonlySet<Kind>;
	readonly #io: Io;
	readonly #report: ReportFile | null;
	readonly #misses: Miss[] = [];

	/** @throws FlowtapeError FT_BAD_OPTION, FT_IO */
	constructor(values: ProofValues, io: Io) {
		this.#values = values;
		this.#failOn = kindsOf(values.fail_on);
		this.#io = io;
		this.#report = values.report === null ? null : new ReportFile(values.report);
	}

	/** Whether the parts that cost time are asked for. */
	get isDetailed(): boolean {
		return this.#report !== null;
	}

	served(served: Served): void {
		this.#report?.write({ event: "served", ...served });
	}

	miss(miss: Miss): void {
		// what is nearest stands in the explanation, too
		if (this.#misses.length < KEPT) this.#misses.push({ ...miss, nearest: null });
		const { explanation: _, nearest, ...facts } = miss;
		this.#report?.write({ event: "missed", ...facts, nearest: nearest?.map(nearData) ?? null });
	}

	unused({ id, method, scheme, host, port, path }: FlowSummary): void {
		this.#report?.write({ event: "unused", id, method, url: formatUrl(scheme, host, port, path) });
	}

	/** Writes what remains to be written; the exit status that the run deserves: 0 or 1. @throws FlowtapeError FT_IO */
	async end(report: LiveReport): Promise<number> {
		const failures = this.#failures(report);
		for (const [destination, attempts] of report.egress) this.#report?.write({ event: "egress", destination, attempts });
		this.#report?.close();
		if (this.#io.env.GITHUB_ACTIONS) this.#io.stderr.write(annotations(this.#misses, failures));
		for (const { message } of failures) this.#io.stderr.write(`flowtape: ${printableLine(message)}\n`);
		const { junit } = this.#values;
		if (junit !== null) await writeReport(junit, junitXml("replay", missCases(this.#misses, report.replay?.missed ?? 0, failures)));
		return failures.length > 0 ? 1 : 0;
	}

	#failures({ replay, egress }: LiveReport): Failure[] {
		const { max_miss: allowed } = this.#values;
		const missed = replay?.missed ?? 0;
		const unused = replay?.unused ?? 0;
		const attempts = [...egress.values()].reduce((sum, count) => sum + count, 0);
		const failures: Failure[] = [];
		if (allowed !== null ? missed > allowed : this.#failOn.has("miss") && missed > 0)
			failures.push({
				kind: "miss",
				message: `${missed} ${missed === 1 ? "request was" : "requests were"} missed${allowed === null ? "" : `, ${allowed} may be`}`,
			});
		if (this.#failOn.has("unused") && unused > 0)
			failures.push({ kind: "unused", message: `${unused} ${unused === 1 ? "recording was" : "recordings were"} never used` });
		if (this.#failOn.has("egress") && attempts > 0)
			failures.push({ kind: "egress", message: `servers were reached out to: ${[...egress].map(([where, count]) => `${where} (${count})`).join(", ")}` });
		return failures;
	}
}

/** Something that the run was not to do. */
export interface Failure {
	readonly kind: Kind;
	readonly message: string;
}

function kindsOf(words: readonly string[]): Set<Kind> {
	const kinds = words.flatMap((word) => word.split(",")).map((word) => word.trim());
	for (const kind of kinds)
		if (!KINDS.includes(kind as Kind)) throw new FlowtapeError("FT_BAD_OPTION", `"${kind}" is none of ${KINDS.join(", ")}`, { option: "fail_on" });
	return new Set(kinds as Kind[]);
}

/** Written a piece at a time, and at once where something was missed. */
class ReportFile {
	readonly #path: string;
	readonly #file: number;
	#pending = "";
	/** The first failure, which is told at the end: whoever is being answered has no part in it. */
	#failure: unknown = null;

	constructor(path: string) {
		this.#path = path;
		try {
			this.#file = openSync(path, "w");
		} catch (cause) {
			throw reportError(path, cause);
		}
	}

	write(entry: { readonly event: string; readonly [key: string]: unknown }): void {
		this.#pending += `${jsonText(entry)}\n`;
		if (this.#pending.length > BATCH || entry.event === "missed") this.#flush();
	}

	/** @throws FlowtapeError FT_IO when something could not be written */
	close(): void {
		this.#flush();
		closeSync(this.#file);
		if (this.#failure !== null) throw reportError(this.#path, this.#failure);
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

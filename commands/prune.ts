// `flowtape prune`: drops recordings that no replay used.
import { unusedInAll } from "../api/unused-recordings.ts";
import { FlowtapeError } from "../src/errors.ts";
import type { Flow } from "../src/flow/flow.ts";
import { printableLine } from "../src/views/printable.ts";
import { defineCommand } from "./cli/command.ts";
import { copyFlows, createOutput, inputOptions, outputOptions } from "./tapes/copy-flows.ts";
import { checkDistinct } from "./tapes/same-file.ts";

/** Maximum number of sessions whose dropped flows are counted. */
const COUNTED_SESSIONS = 10_000;
/** Number of sessions that are printed. */
const SHOWN_SESSIONS = 5;

export const command = defineCommand({
	name: "prune",
	summary: "remove recordings that no run used",
	args: "TAPE…",
	arity: { min: 1 },
	options: {
		unused: {
			type: "sequence",
			default: [],
			metavar: "REPORT",
			help: "A report written by replay-server --report. With several reports, only recordings that are unused in all of them are removed.",
		},
		output: {
			type: "string",
			default: null,
			short: "o",
			metavar: "TAPE",
			help: "The tape to write the remaining flows to.",
		},
		...outputOptions,
		...inputOptions,
	},
	examples: [
		["flowtape prune session.tape --unused report.jsonl -o smaller.tape", "keep the recordings that the run used"],
		[
			"flowtape prune session.tape --unused unit.jsonl --unused e2e.jsonl -o smaller.tape",
			"keep the recordings that at least one of two runs used",
		],
	],
	async run({ args: inputs, values }, io) {
		const { output, unused: reports, strict, quiet } = values;
		if (output === null) throw new FlowtapeError("FT_USAGE", "prune: expected an output tape: -o TAPE");
		if (reports.length === 0)
			throw new FlowtapeError("FT_USAGE", "prune: expected at least one report: --unused REPORT");
		checkDistinct(output, reports);
		const unused = await unusedInAll(reports);
		let dropped = 0;
		/** The number of dropped flows by session. */
		const sessions = new Map<string, number>();
		const keep = ({ id, session }: Flow) => {
			if (!unused.has(id)) return true;
			dropped++;
			if (session !== null && (sessions.has(session) || sessions.size < COUNTED_SESSIONS))
				sessions.set(session, (sessions.get(session) ?? 0) + 1);
			return false;
		};
		const { passed, status, isWritten } = await copyFlows(
			{
				inputs,
				output,
				steps: [(flow) => (keep(flow) ? flow : null)],
				strict,
				quiet,
				progress: true,
				open: (troubles, size) => createOutput(output, values, troubles, size),
			},
			io,
		);
		if (!isWritten) return status;
		if (!quiet) io.stderr.write(`dropped ${dropped} of ${dropped + passed} flows${sessionsText(sessions)}\n`);
		if (!quiet && unused.size > 0 && dropped === 0)
			io.stderr.write(
				"flowtape: these tapes have no recording that is unused in the reports: is each report of a replay of these tapes?\n",
			);
		return status;
	},
});

/** ` (session worker-3 2, worker-4 1)`, those with most dropped flows first. */
function sessionsText(sessions: ReadonlyMap<string, number>): string {
	if (sessions.size === 0) return "";
	const sorted = [...sessions].sort(([, a], [, b]) => b - a);
	const shown = sorted.slice(0, SHOWN_SESSIONS).map(([name, count]) => `${printableLine(name)} ${count}`);
	const more = sorted.length - shown.length;
	return ` (session ${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""})`;
}

// `flowtape stats`: prints a summary of a tape: counts, sizes, hosts, statuses, content types, slowest flows, errors,
// time range.

import { Summary } from "../api/summary.ts";
import { jsonText } from "../src/flow/json-text.ts";
import { FlowSink } from "../src/flow/pipe.ts";
import { defineCommand } from "./cli/command.ts";
import { statsText } from "./print/stats.ts";
import { paintFor } from "./print/text.ts";
import { copyFlows, inputOptions, selection, selectionOptions } from "./tapes/copy-flows.ts";

export const command = defineCommand({
	name: "stats",
	summary: "print statistics of a tape: counts, sizes, hosts, statuses, slowest",
	args: "TAPE…",
	arity: { min: 1 },
	options: {
		json: { type: "boolean", default: false, help: "Print one JSON object." },
		top: {
			type: "integer",
			default: 10,
			min: 0,
			metavar: "N",
			help: "How many hosts, content types and slow flows to list.",
		},
		...selectionOptions,
		...inputOptions,
	},
	examples: [
		["flowtape stats session.tape", "an overview"],
		["flowtape stats session.tape -f '~d api.example.com'", "of one host"],
		["flowtape stats session.tape --json | jq .statuses", "how often each status"],
	],
	async run({ args: inputs, values }, io) {
		const summary = new Summary(values.top);
		const sink = FlowSink.of({ append: summary.add });
		const { strict, quiet } = values;
		const filter = await selection(values);
		const job = {
			inputs,
			filter,
			bodies: false,
			strict,
			quiet,
			open: async () => sink,
			progress: true,
			warnsOfCredentials: true,
		};
		const { status } = await copyFlows(job, io);
		// the counts are incomplete
		if (io.signal.aborted) return status;
		const report = summary.report();
		io.stdout.write(
			values.json ? `${jsonText(report)}\n` : statsText(report, paintFor(io.stdout, io.env, values.color)),
		);
		return status;
	},
});

// `flowtape stats`: what a tape holds: counts, bytes, hosts, statuses, content types, the slowest, errors, span of time.

import { Summary } from "../api/summary.ts";
import { jsonText } from "../src/flow/json-text.ts";
import { FlowSink } from "../src/flow/pipe.ts";
import { defineCommand } from "./cli/command.ts";
import { statsText } from "./print/stats.ts";
import { paintFor } from "./print/text.ts";
import { copyFlows, inputOptions } from "./tapes/copy-flows.ts";

export const command = defineCommand({
	name: "stats",
	summary: "tell what a tape holds: counts, sizes, hosts, statuses, slowest",
	args: "TAPE…",
	arity: { min: 1 },
	options: {
		json: { type: "boolean", default: false, help: "Print one JSON object." },
		top: { type: "integer", default: 10, min: 0, metavar: "N", help: "How many hosts, content types and slow flows to name." },
		...inputOptions,
	},
	examples: [
		["flowtape stats session.tape", "an overview"],
		["flowtape stats session.tape --json | jq .statuses", "how often each status"],
	],
	async run({ args: inputs, options, values }, io) {
		const summary = new Summary(options.top);
		const sink = FlowSink.of({ append: summary.add });
		const { status } = await copyFlows({ inputs, bodies: false, strict: options.strict, open: async () => sink, progress: values.quiet !== true }, io);
		// what was counted so far is not what the tape holds
		if (io.signal.aborted) return status;
		const report = summary.report();
		io.stdout.write(options.json ? `${jsonText(report)}\n` : statsText(report, paintFor(io.stdout, io.env, values.color === true)));
		return status;
	},
});

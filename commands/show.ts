// `flowtape show`: prints flows in full, bodies decoded and laid out.
import { summaryLine } from "../formats/jsonl.ts";
import type { Flow } from "../src/flow/flow.ts";
import { chosen } from "./chosen.ts";
import { defineCommand } from "./command.ts";
import { flowFull } from "./print/flow-full.ts";
import { paintFor } from "./print/text.ts";
import { copyFlows, inputOptions, printer } from "./tapes.ts";

export const command = defineCommand({
	name: "show",
	summary: "print flows in full, bodies decoded and laid out",
	args: "TAPE [ID…]",
	arity: { min: 1 },
	options: {
		json: { type: "boolean", default: false, help: "Print one JSON object a line." },
		...inputOptions,
	},
	examples: [
		["flowtape show session.tape", "everything"],
		["flowtape show session.tape 3f2a", "the flow whose id begins with 3f2a"],
	],
	async run({ args: [tape = "-", ...ids], options, values }, io) {
		const paint = paintFor(io.stdout, io.env, values.color === true);
		const choice = chosen(tape, ids);
		let first = true;
		const text = (flow: Flow): string => {
			if (options.json) return `${summaryLine(flow)}\n`;
			const gap = first ? "" : "\n";
			first = false;
			return `${gap}${flowFull(flow, paint)}`;
		};
		const { passed, status } = await copyFlows({ inputs: [tape], steps: [choice.step], strict: options.strict, open: async () => printer(io, text) }, io);
		choice.check();
		return status !== 0 ? status : passed > 0 ? 0 : 1;
	},
});

// `flowtape convert`: writes a tape in another format.
import { defineCommand } from "./cli/command.ts";
import { copyFlows, createOutput, inputOptions, outputOptions, selection, selectionOptions, type Troubles } from "./tapes/copy-flows.ts";

export const command = defineCommand({
	name: "convert",
	summary: "write a tape in another format",
	args: "TAPE TAPE",
	arity: { min: 2, max: 2 },
	options: { ...selectionOptions, ...outputOptions, ...inputOptions },
	examples: [
		["flowtape convert session.tape session.mitm", "a dump that mitmproxy opens"],
		["flowtape convert saved-by-browser.har session.tape", "a tape of what a browser saved"],
		["flowtape convert session.mitm - --format jsonl | jq .id", "the ids of a dump"],
	],
	async run({ args: [from = "-", to = "-"], options, values }, io) {
		const filter = await selection(options);
		const open = (troubles: Troubles, size: number) => createOutput(to, options, troubles, size);
		const { passed, status } = await copyFlows({ inputs: [from], filter, strict: options.strict, quiet: values.quiet === true, open, progress: true }, io);
		if (values.verbose === true) io.stderr.write(`${passed} flows\n`);
		return status;
	},
});

// `flowtape convert`: writes a tape in another format.
import { defineCommand } from "./command.ts";
import { copyFlows, createOutput, inputOptions, outputOptions } from "./tapes.ts";

export const command = defineCommand({
	name: "convert",
	summary: "write a tape in another format",
	args: "TAPE TAPE",
	arity: { min: 2, max: 2 },
	options: { ...outputOptions, ...inputOptions },
	examples: [
		["flowtape convert session.tape session.mitm", "a dump that mitmproxy opens"],
		["flowtape convert session.mitm - --format jsonl | jq .id", "the ids of a dump"],
	],
	async run({ args: [from = "-", to = "-"], options, values }, io) {
		const { passed, status } = await copyFlows({ inputs: [from], strict: options.strict, open: (troubles) => createOutput(to, options, troubles) }, io);
		if (values.verbose === true) io.stderr.write(`${passed} flows\n`);
		return status;
	},
});

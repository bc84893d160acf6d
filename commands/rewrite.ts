// `flowtape rewrite`: changes stored flows with the options of the live proxy.
import { FlowtapeError } from "../src/errors.ts";
import type { Step } from "../src/flow/pipe.ts";
import type { HookValues } from "../src/hooks/builtin.ts";
import { refreshResponse } from "../src/replay/refresh.ts";
import { defineCommand } from "./command.ts";
import { copyFlows, createOutput, inputOptions, outputOptions } from "./tapes.ts";

export const command = defineCommand({
	name: "rewrite",
	summary: "change stored flows",
	args: "TAPE…",
	arity: { min: 1 },
	options: {
		output: { type: "string", default: null, short: "o", metavar: "TAPE", help: "Where the changed flows go." },
		refresh: {
			type: "string",
			default: null,
			implied: "now",
			metavar: "TIME",
			help: "Move the dates of responses as if they were replayed at TIME, seconds since 1970; now, if no time is given.",
		},
		...outputOptions,
		...inputOptions,
	},
	async groups() {
		const { hookOptions } = await import("../src/hooks/builtin.ts");
		return [{ title: "Features", table: hookOptions }];
	},
	examples: [
		["flowtape rewrite session.tape -o fresh.tape --refresh", "dates and cookies as if recorded now"],
		["flowtape rewrite session.tape -o safe.tape --modify-headers /authorization/", "take a header out of all requests and responses"],
	],
	async run({ args: inputs, options, values }, io) {
		const { output } = options;
		if (output === null) throw new FlowtapeError("FT_USAGE", "rewrite: where to? -o TAPE was expected");
		const { createHooks } = await import("../src/hooks/builtin.ts");
		const { Pipeline } = await import("../src/hooks/pipeline.ts");
		const steps: Step[] = [];
		const log = (_level: string, message: string) => io.stderr.write(`flowtape: ${message}\n`);
		const pipeline = new Pipeline(await createHooks(values as unknown as HookValues, { log }));
		if (pipeline.hooks.length > 0) steps.push((flow) => pipeline.whole(flow));
		if (options.refresh !== null) steps.push(refreshAt(timeOf(options.refresh)));
		const { passed, status } = await copyFlows({ inputs, steps, strict: options.strict, open: (troubles) => createOutput(output, options, troubles) }, io);
		await pipeline.close();
		if (values.verbose === true) io.stderr.write(`${passed} flows\n`);
		return status;
	},
});

function timeOf(text: string): number {
	if (text === "now") return Math.floor(Date.now() / 1000);
	if (!/^\d+$/.test(text)) throw new FlowtapeError("FT_BAD_OPTION", `--refresh: "${text}" is no time; whole seconds since 1970 are, or nothing for now`);
	return Number(text);
}

function refreshAt(now: number): Step {
	return (flow) => {
		if (flow.type === "http" && flow.response !== null) {
			refreshResponse(flow.response, now);
			flow.record = undefined;
		}
		return flow;
	};
}

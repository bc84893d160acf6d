// `flowtape filter`: selects flows by a filter expression, and prints or writes them.
import { summaryLine } from "../formats/jsonl.ts";
import { compileFilter } from "../src/filter/compile.ts";
import type { Filter } from "../src/filter/filter.ts";
import { defineCommand } from "./command.ts";
import { flowLine } from "./print/flow-line.ts";
import { paintFor } from "./print/text.ts";
import { copyFlows, createOutput, inputOptions, outputOptions, printer, type Troubles } from "./tapes.ts";

export const command = defineCommand({
	name: "filter",
	summary: "select flows by a filter expression",
	args: "EXPR [TAPE…]",
	arity: { min: 1 },
	options: {
		output: { type: "string", default: null, short: "o", metavar: "TAPE", help: "Write the flows to a tape instead of printing them." },
		json: { type: "boolean", default: false, help: "Print one JSON object a line." },
		count: { type: "boolean", default: false, help: "Print how many flows match, nothing else." },
		invert_match: { type: "boolean", default: false, help: "Select the flows that do not match." },
		explain: { type: "boolean", default: false, help: "Print the expression as it is understood, and read nothing." },
		case_sensitive_filters: { type: "boolean", default: false, help: "Tell upper from lower case in patterns." },
		...outputOptions,
		...inputOptions,
	},
	examples: [
		["flowtape filter '~c 500 & ~d example.com' session.tape", "the flows of example.com that ended in status 500"],
		["flowtape filter '~m POST' session.tape --json | jq .request.url", "where something was posted to"],
		["flowtape filter '~t image' session.tape --invert-match -o smaller.tape", "a tape without the images"],
	],
	async run({ args: [expression = "", ...inputs], options, values }, io) {
		const asked = compileFilter(expression, { caseSensitive: options.case_sensitive_filters });
		const filter = options.invert_match ? inverted(asked) : asked;
		if (options.explain) {
			io.stdout.write(`${filter}\n`);
			return 0;
		}
		const paint = paintFor(io.stdout, io.env, values.color === true);
		const { output } = options;
		const line = options.count
			? () => ""
			: options.json
				? (flow: Parameters<typeof summaryLine>[0]) => `${summaryLine(flow)}\n`
				: (flow: Parameters<typeof flowLine>[0]) => `${flowLine(flow, paint)}\n`;
		const open = async (troubles: Troubles) => (output === null ? printer(io, line) : createOutput(output, options, troubles));
		const progress = values.quiet !== true && (output !== null || options.count || io.stdout.isTTY !== true);
		const { passed, status } = await copyFlows({ inputs, filter, strict: options.strict, open, progress }, io);
		if (options.count) io.stdout.write(`${passed}\n`);
		return status !== 0 ? status : passed > 0 ? 0 : 1;
	},
});

function inverted(filter: Filter): Filter {
	return {
		pattern: filter.pattern,
		matches: (flow) => !filter.matches(flow),
		plan: { kind: "not", of: filter.plan },
		needs: filter.needs,
		toString: () => `not (${filter})`,
	};
}

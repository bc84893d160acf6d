// `flowtape filter`: selects flows by a filter expression, and prints or writes them.
import { summaryLine } from "../formats/index.ts";
import { FlowtapeError } from "../src/errors.ts";
import { compileFilter } from "../src/filter/compile.ts";
import type { Filter } from "../src/filter/filter.ts";
import { filterOperators } from "../src/filter/terms.ts";
import type { Flow } from "../src/flow/flow.ts";
import { options as filterOptions } from "../src/hooks/rule.ts";
import { defineCommand, type Io } from "./cli/command.ts";
import { flowLine } from "./print/flow-line.ts";
import { paintFor } from "./print/text.ts";
import { copyFlows, createOutput, inputOptions, outputOptions, printer, type Troubles } from "./tapes/copy-flows.ts";

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
		...filterOptions,
		...outputOptions,
		...inputOptions,
	},
	notes: operators,
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
		const { output, strict } = options;
		if (output !== null && options.json) throw new FlowtapeError("FT_USAGE", "filter: --json prints and -o writes; one of them was expected");
		if (output === null && (options.format ?? options.dump_version) !== null)
			throw new FlowtapeError("FT_USAGE", "filter: --format and --dump-version are for -o TAPE, which was expected too; -o - is stdout");
		const open = async (troubles: Troubles, size: number) =>
			output === null ? printer(io, lineOf(options, values, io)) : createOutput(output, options, troubles, size);
		const progress = output !== null || options.count || io.stdout.isTTY !== true;
		const bodies = output !== null || (options.json && !options.count);
		const { passed, status } = await copyFlows({ inputs, filter, bodies, strict, quiet: values.quiet === true, open, progress }, io);
		if (io.signal.aborted) return status;
		if (options.count) io.stdout.write(`${passed}\n`);
		else if (output !== null && values.verbose === true) io.stderr.write(`${passed} flows\n`);
		return status !== 0 ? status : passed > 0 ? 0 : 1;
	},
});

/** What is printed of a flow. */
function lineOf({ count, json }: { count: boolean; json: boolean }, { color }: Readonly<Record<string, unknown>>, io: Io): (flow: Flow) => string {
	if (count) return () => "";
	if (json) return (flow) => `${summaryLine(flow)}\n`;
	const paint = paintFor(io.stdout, io.env, color === true);
	return (flow) => `${flowLine(flow, paint)}\n`;
}

/** The operators, for --help. */
function operators(): string {
	const lines = filterOperators.map(({ code, argument, help }) => `  ${`~${code}${ARGUMENTS[argument]}`.padEnd(17)} ${help}`);
	return `Expressions:
${lines.join("\n")}
  ${"REGEX".padEnd(17)} the same as ~u REGEX
  ${"! & | ( )".padEnd(17)} not, and, or, grouping; terms side by side are joined by and

Patterns are Python's regular expressions, found anywhere, without regard to case. docs/filters.md has all of it.
`;
}

const ARGUMENTS = { none: "", number: " NUMBER", pattern: " REGEX" } as const;

function inverted(filter: Filter): Filter {
	return {
		pattern: filter.pattern,
		matches: (flow) => !filter.matches(flow),
		plan: { kind: "not", of: filter.plan },
		needs: filter.needs,
		toString: () => `not (${filter})`,
	};
}

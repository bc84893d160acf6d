// `flowtape filter`: selects flows by a filter expression and prints or writes them.
import { existsSync } from "node:fs";
import { summaryLine } from "../api/formats.ts";
import { sampleFlows, seededRandom } from "../api/sample-flows.ts";
import { FlowtapeError } from "../src/errors.ts";
import { quoteInLine } from "../src/export/shell.ts";
import { compileFilter } from "../src/filter/compile.ts";
import type { Filter } from "../src/filter/filter.ts";
import type { Flow } from "../src/flow/flow.ts";
import { options as filterOptions } from "../src/hooks/rule.ts";
import { expandHome } from "../src/options.ts";
import { defineCommand, type Io } from "./cli/command.ts";
import { csvTable, defaultColumns } from "./print/csv.ts";
import { operatorsText } from "./print/filter-operators.ts";
import { flowLine } from "./print/flow-line.ts";
import { paintFor } from "./print/text.ts";
import { copyFlows, createOutput, inputOptions, outputOptions, printer, type Troubles } from "./tapes/copy-flows.ts";
import { followTape } from "./tapes/follow.ts";

export const command = defineCommand({
	name: "filter",
	summary: "select flows by a filter expression",
	args: "EXPR [TAPE…]",
	arity: { min: 1 },
	options: {
		output: {
			type: "string",
			default: null,
			short: "o",
			metavar: "TAPE",
			help: "Write the flows to a tape instead of printing them.",
		},
		json: { type: "boolean", default: false, help: "Print one JSON object per line." },
		csv: { type: "boolean", default: false, help: "Print a table as CSV; the first line has the column names." },
		columns: {
			type: "string",
			default: null,
			metavar: "NAMES",
			help: `With --csv: the columns, separated by commas; default: ${defaultColumns.join(",")}.`,
		},
		count: { type: "boolean", default: false, help: "Print only the number of matching flows." },
		invert_match: { type: "boolean", default: false, help: "Select the flows that do not match." },
		limit: { type: "integer", default: null, min: 1, metavar: "N", help: "Select the first N matching flows." },
		sample: {
			type: "integer",
			default: null,
			min: 1,
			metavar: "N",
			help: "Select N matching flows at random, in the order of the tape.",
		},
		seed: {
			type: "integer",
			default: null,
			metavar: "S",
			help: "With --sample: the same seed selects the same flows. Default: a random seed.",
		},
		follow: {
			type: "boolean",
			default: false,
			help: "Print new flows too, as they are appended to the .tape, until Ctrl-C.",
		},
		explain: { type: "boolean", default: false, help: "Print how the expression is parsed, without reading a tape." },
		...filterOptions,
		...outputOptions,
		...inputOptions,
	},
	notes: operatorsText,
	examples: [
		["flowtape filter '~c 500 & ~d example.com' session.tape", "the flows of example.com that ended in status 500"],
		["flowtape filter '~m POST' session.tape --json | jq .request.url", "the URLs of all POST requests"],
		[
			"flowtape filter '~all' session.tape --csv --columns time,request.url,duration > flows.csv",
			"a table for a spreadsheet",
		],
		["flowtape filter '~c 5xx' session.tape --sample 20 --seed 1", "twenty of the failures, the same each time"],
		["flowtape filter '~e' session.tape --follow", "failed flows of a recording, while it is made"],
		["flowtape filter '~t image' session.tape --invert-match -o smaller.tape", "a tape without the images"],
	],
	async run({ args: [expression = "", ...inputs], values }, io) {
		if (inputs.length === 0 && io.isStdinTTY === true && !values.explain && existsSync(expandHome(expression))) {
			throw new FlowtapeError(
				"FT_USAGE",
				`give an expression first: flowtape filter '~all' ${quoteInLine(expression)}`,
			);
		}
		const compiled = compileFilter(expression, { caseSensitive: values.case_sensitive_filters });
		const filter = values.invert_match ? inverted(compiled) : compiled;
		if (values.explain) {
			io.stdout.write(`${filter}\n`);
			return 0;
		}
		const { output, strict, quiet, limit, sample } = values;
		for (const [isGiven, name] of [
			[output !== null, "-o"],
			[values.count, "--count"],
			[sample !== null, "--sample"],
		] as const)
			checkChoice([
				[values.follow, "--follow"],
				[isGiven, name],
			]);
		checkChoice([
			[output !== null, "-o"],
			[values.json, "--json"],
			[values.csv, "--csv"],
		]);
		checkChoice([
			[limit !== null, "--limit"],
			[sample !== null, "--sample"],
		]);
		if (values.columns !== null && !values.csv) throw new FlowtapeError("FT_USAGE", "filter: --columns needs --csv");
		if (values.seed !== null && sample === null) throw new FlowtapeError("FT_USAGE", "filter: --seed needs --sample");
		if (output === null && (values.format ?? values.dump_version) !== null)
			throw new FlowtapeError("FT_USAGE", "filter: --format and --dump-version need -o TAPE (-o - for stdout)");
		const named = values.csv ? csvTable(values.columns) : null;
		const table = values.count ? null : named;
		const print = table?.line ?? lineOf(values, io);
		if (values.follow) {
			io.stdout.write(table?.header ?? "");
			const job = { option: "filter: --follow", tapes: inputs, filter, strict, print, limit: limit ?? undefined };
			return followTape(job, io);
		}
		const open = async (troubles: Troubles, size: number) => {
			const sink = output === null ? printer(io, print) : await createOutput(output, values, troubles, size);
			if (table !== null) io.stdout.write(table.header);
			return sample === null
				? sink
				: sampleFlows(sink, sample, values.seed === null ? Math.random : seededRandom(values.seed));
		};
		const progress = output !== null || values.count || io.stdout.isTTY !== true;
		const bodies = output !== null || (values.json && !values.count);
		const job = { inputs, output, filter, bodies, strict, quiet, open, progress, limit: limit ?? undefined };
		const copied = await copyFlows(job, io);
		const { status } = copied;
		const passed = Math.min(copied.passed, sample ?? copied.passed);
		if (io.signal.aborted) return status;
		if (values.count) io.stdout.write(`${passed}\n`);
		return status !== 0 ? status : passed > 0 ? 0 : 1;
	},
});

/** @throws FlowtapeError FT_USAGE if more than one option is given */
function checkChoice(options: readonly (readonly [isGiven: boolean, name: string])[]): void {
	const given = options.flatMap(([isGiven, name]) => (isGiven ? [name] : []));
	const names = options.map(([, name]) => name).join(", ");
	if (given.length > 1)
		throw new FlowtapeError("FT_USAGE", `filter: expected at most one of ${names}, found ${given.join(" and ")}`);
}

/** Formats a flow for printing. */
function lineOf(
	{ count, json, color }: { count: boolean; json: boolean; color: boolean },
	io: Io,
): (flow: Flow) => Iterable<string> {
	if (count) return () => [];
	if (json) return summaryLine;
	const paint = paintFor(io.stdout, io.env, color);
	return (flow) => [`${flowLine(flow, paint)}\n`];
}

function inverted(filter: Filter): Filter {
	return {
		pattern: filter.pattern,
		matches: (flow) => !filter.matches(flow),
		plan: { kind: "not", of: filter.plan },
		needs: filter.needs,
		toString: () => `not (${filter})`,
	};
}

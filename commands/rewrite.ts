// `flowtape rewrite`: changes stored flows, with the options of the live proxy and some of its own.
import { orderOptions, prepareRewriting, type RewriteValues } from "../api/rewriting.ts";
import { formatOf } from "../formats/index.ts";
import { errorCodes, FlowtapeError } from "../src/errors.ts";
import type { Filter } from "../src/filter/filter.ts";
import type { FlowSink } from "../src/flow/pipe.ts";
import { storedHookOptions } from "../src/hooks/builtin.ts";
import type { OptionValues } from "../src/options.ts";
import { options as editOptions } from "../src/rewrite/edits.ts";
import { options as scriptOptions } from "../src/scripts/options.ts";
import type { ScriptHost } from "../src/scripts/script-host.ts";
import { printableLine } from "../src/views/printable.ts";
import { defineCommand, type Input, type Io, type OptionGroup } from "./cli/command.ts";
import { withRules } from "./rewrite/rules-file.ts";
import { Tally } from "./rewrite/tally.ts";
import { copyFlows, createOutput, inputOptions, outputOptions, selection, selectionOptions, type Troubles } from "./tapes/copy-flows.ts";

const ownOptions = {
	output: { type: "string", default: null, short: "o", metavar: "TAPE", help: "Where the changed flows go." },
	in_place: { type: "boolean", default: false, help: "Put the changed tape in the place of the old one, once it is whole." },
	drop_unread: {
		type: "boolean",
		default: false,
		help: "With --in-place: replace the tape even where records of it could not be read, which are lost then.",
	},
	...selectionOptions,
	...scriptOptions,
	rules: {
		type: "string",
		default: null,
		metavar: "FILE",
		help: "Read options of this command from a file too (YAML or JSON): names and values, lists add up.",
	},
	dry_run: { type: "boolean", default: false, help: "Print what would change, and how often each rule applies; write nothing." },
	...orderOptions,
	...outputOptions,
	...inputOptions,
} as const;

const groups: readonly OptionGroup[] = [
	{ title: "Edits", table: editOptions },
	{ title: "Features for stored flows", table: storedHookOptions },
];

/** Scripts are loaded, and a file of rules is known, before such a file is read. */
const { rules: _, scripts: __, ...ruled } = ownOptions;

export const command = defineCommand({
	name: "rewrite",
	summary: "change stored flows",
	args: "TAPE…",
	arity: { min: 1 },
	options: ownOptions,
	groups: async () => groups,
	examples: [
		["flowtape rewrite session.tape -o fresh.tape --refresh", "dates and cookies as if recorded now"],
		["flowtape rewrite session.tape --in-place --modify-headers /authorization/", "take a header out of all requests and responses"],
		["flowtape rewrite session.tape --dry-run --map-remote '|//example.com/|//localhost/'", "see what another host would change"],
		["flowtape rewrite session.tape -o small.tape --block-list '/~t image/444' --dedupe --sort", "without images and repetitions, oldest first"],
	],
	async run(input, io) {
		const { scripts } = input;
		const values = await withRules(input.options.rules, input.values, [{ title: "Options", table: ruled }, ...groups]);
		const options = Object.fromEntries(Object.keys(ownOptions).map((name) => [name, values[name]])) as unknown as OptionValues<typeof ownOptions>;
		const { output, in_place: inPlace, dry_run: dryRun } = options;
		if ([output !== null, inPlace, dryRun].filter(Boolean).length !== 1)
			throw new FlowtapeError("FT_USAGE", "rewrite: one of -o TAPE, --in-place and --dry-run was expected, to say where the changed flows go");
		if (options.drop_unread && !inPlace) throw new FlowtapeError("FT_USAGE", "rewrite: --drop-unread is for --in-place, which was expected too");
		const filter = await selection(options);
		const jobs = inPlace ? input.args.map((path) => ({ inputs: [path], output: path })) : [{ inputs: input.args, output }];
		let worst = 0;
		for (const job of jobs) {
			try {
				worst = Math.max(worst, await rewrite({ ...job, filter, values, options, scripts, inPlace }, io));
			} catch (error) {
				// of several tapes that are rewritten each by itself, one that is none keeps nothing from the others
				if (jobs.length === 1 || options.strict || !(error instanceof FlowtapeError) || error.status < errorCodes.FT_CORRUPT_FLOW.status) throw error;
				io.stderr.write(`flowtape: ${printableLine(error.message)}\n`);
				worst = Math.max(worst, error.status);
			}
			if (io.signal.aborted) break;
		}
		return worst;
	},
});

interface Job {
	inputs: readonly string[];
	/** null: nothing is written. */
	output: string | null;
	filter: Filter | undefined;
	values: Input<typeof ownOptions>["values"];
	options: OptionValues<typeof ownOptions>;
	scripts: ScriptHost | null;
	inPlace: boolean;
}

async function rewrite({ inputs, output, filter, values, options, scripts, inPlace }: Job, io: Io): Promise<number> {
	const tally = new Tally(io, { shows: output === null, quiet: values.quiet === true, color: values.color === true, hasScripts: scripts !== null });
	if (scripts !== null) {
		scripts.log = tally.script;
		await scripts.start(values);
	}
	const format = (inPlace && output !== null ? await formatOf(output).catch(() => null) : null) ?? options.format ?? undefined;
	const { onChange, log } = tally;
	const rewriting = await prepareRewriting(values as unknown as RewriteValues, { output, format, scripts: scripts?.hooks ?? [], onChange, log });
	const open = async (troubles: Troubles, size: number): Promise<FlowSink> => {
		const sink = output === null ? tally.nowhere : await createOutput(output, { ...options, format: format ?? null }, troubles, size);
		return rewriting.through(output === null ? sink : tally.checking(sink, rewriting.changes), troubles.report);
	};
	const { passed, status } = await copyFlows(
		{
			...{ inputs, filter, steps: [...tally.around(rewriting.changes), ...rewriting.dedupes], strict: options.strict, open },
			progress: output !== null && values.quiet !== true,
			replaces: inPlace && output !== null && !options.drop_unread ? output : undefined,
		},
		io,
	);
	await rewriting.close();
	tally.end(passed, values.verbose === true);
	return status || tally.status;
}

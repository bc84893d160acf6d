// `flowtape rewrite`: changes stored flows, with options of the live proxy and further options.

import { detectFormat } from "../api/formats.ts";
import { checkReplaceable, ReplacedFile } from "../api/replaced-file.ts";
import { orderOptions, prepareRewriting } from "../api/rewriting.ts";
import { RuleUse } from "../api/rule-use.ts";
import { errorCodes, FlowtapeError } from "../src/errors.ts";
import type { Filter } from "../src/filter/filter.ts";
import type { FlowSink } from "../src/flow/pipe.ts";
import { storedHookOptions } from "../src/hooks/builtin.ts";
import { expandHome } from "../src/options.ts";
import { options as redactionOptions } from "../src/redact/options.ts";
import { options as editOptions } from "../src/rewrite/edits.ts";
import { options as scriptOptions } from "../src/scripts/options.ts";
import type { ScriptHost } from "../src/scripts/script-host.ts";
import { printableLine } from "../src/views/printable.ts";
import { defineCommand, type Io, type OptionGroup, type Values } from "./cli/command.ts";
import { withRules } from "./rewrite/rules-file.ts";
import { Tally } from "./rewrite/tally.ts";
import {
	copyFlows,
	createOutput,
	inputOptions,
	outputOptions,
	selection,
	selectionOptions,
	type Troubles,
} from "./tapes/copy-flows.ts";
import { checkDistinct } from "./tapes/same-file.ts";

const ownOptions = {
	output: {
		type: "string",
		default: null,
		short: "o",
		metavar: "TAPE",
		help: "The tape to write the changed flows to.",
	},
	in_place: {
		type: "boolean",
		default: false,
		help: "Replace the old tape with the changed one, once that is complete.",
	},
	drop_unread: {
		type: "boolean",
		default: false,
		help: "Drop records that cannot be read. By default --in-place does not replace a tape with such records.",
	},
	wipe: {
		type: "boolean",
		default: false,
		help: "With --in-place: overwrite the old bytes. Snapshots, backups and flash storage may keep them.",
	},
	...selectionOptions,
	...scriptOptions,
	rules: {
		type: "string",
		default: null,
		metavar: "FILE",
		help: "Read options from a YAML or JSON file too. Lists from both are joined.",
	},
	dry_run: {
		type: "boolean",
		default: false,
		help: "Print how many flows each rule would change, and write nothing. With -v, print every change.",
	},
	...orderOptions,
	...outputOptions,
	...inputOptions,
} as const;

const groups = [
	{ title: "Edits", table: editOptions },
	{ title: "Features for stored flows", table: storedHookOptions },
	{ title: "Redaction", table: redactionOptions },
] as const satisfies readonly OptionGroup[];

/** The options that a rules file may hold: all but its own name and scripts, which are loaded earlier. */
const { rules: _, scripts: __, ...ruled } = ownOptions;

export const command = defineCommand({
	name: "rewrite",
	summary: "change stored flows",
	args: "TAPE…",
	arity: { min: 1 },
	options: ownOptions,
	groups: async () => groups,
	examples: [
		["flowtape rewrite session.tape -o safe.tape --redact", "replace secrets by placeholders"],
		["flowtape rewrite session.tape -o fresh.tape --refresh", "shift dates and cookies as if recorded now"],
		[
			"flowtape rewrite session.tape --in-place --modify-headers /authorization/",
			"remove a header from all requests and responses",
		],
		[
			"flowtape rewrite session.tape --dry-run -v --map-remote '|//example.com/|//localhost/'",
			"print what another host would change",
		],
		[
			"flowtape rewrite session.tape -o local.tape --rename-host api.example.com=localhost --json-set /user/name=Ann",
			"change a host, and a name in JSON bodies",
		],
		[
			"flowtape rewrite session.tape -o small.tape --block-list '/~t image/444' --dedupe --sort",
			"remove images and duplicates, and sort by time",
		],
	],
	async run(input, io) {
		const { scripts } = input;
		const values = await withRules(input.values.rules, input.values, [{ title: "Options", table: ruled }, ...groups]);
		const { output, in_place: inPlace, dry_run: dryRun } = values;
		if ([output !== null, inPlace, dryRun].filter(Boolean).length !== 1)
			throw new FlowtapeError("FT_USAGE", "rewrite: expected exactly one of -o TAPE, --in-place and --dry-run");
		if (values.drop_unread && !inPlace) throw new FlowtapeError("FT_USAGE", "rewrite: --drop-unread needs --in-place");
		if (values.wipe && !inPlace) throw new FlowtapeError("FT_USAGE", "rewrite: --wipe needs --in-place");
		if (output !== null && values.rules !== null) checkDistinct(output, [values.rules]);
		const filter = await selection(values);
		const jobs = inPlace
			? input.args.map((path) => ({ inputs: [path], output: path }))
			: [{ inputs: input.args, output }];
		let worst = 0;
		const use = RuleUse.ofRewrite(values);
		for (const job of jobs) {
			try {
				worst = Math.max(worst, await wiping({ ...job, filter, values, scripts, inPlace, use }, io));
			} catch (error) {
				// with several tapes, one that cannot be read does not stop the others
				if (
					jobs.length === 1 ||
					values.strict ||
					!(error instanceof FlowtapeError) ||
					error.status < errorCodes.FT_CORRUPT_FLOW.status
				)
					throw error;
				io.stderr.write(`flowtape: ${printableLine(error.message)}\n`);
				worst = Math.max(worst, error.status);
			}
			if (io.signal.aborted) return worst;
		}
		for (const text of use.unusedTexts) io.stderr.write(`flowtape: ${printableLine(text)}\n`);
		return worst;
	},
});

interface Job {
	inputs: readonly string[];
	/** null: nothing is written. */
	output: string | null;
	filter: Filter | undefined;
	values: Values<typeof ownOptions, (typeof groups)[number]>;
	scripts: ScriptHost | null;
	inPlace: boolean;
	/** Notes which rules apply. */
	use: RuleUse;
}

/** Rewrites a tape. With `--wipe`, the bytes of the replaced one are overwritten. */
async function wiping(job: Job, io: Io): Promise<number> {
	if (job.inPlace && job.output !== null) await checkReplaceable(expandHome(job.output));
	if (!job.values.wipe || job.output === null) return (await rewrite(job, io)).status;
	const old = await ReplacedFile.of(expandHome(job.output));
	try {
		const { status, isWritten } = await rewrite(job, io);
		if (!isWritten) return status;
		await old.wipe();
		if (!job.values.quiet)
			io.stderr.write(
				`flowtape: ${printableLine(job.output)}: the old bytes were overwritten; snapshots, backups and flash storage may keep them\n`,
			);
		return status;
	} finally {
		await old.close();
	}
}

async function rewrite(
	{ inputs, output, filter, values, scripts, inPlace, use }: Job,
	io: Io,
): Promise<{ status: number; isWritten: boolean }> {
	const tally = new Tally(io, {
		shows: output === null,
		details: values.verbose,
		quiet: values.quiet,
		color: values.color,
		hasScripts: scripts !== null,
	});
	if (scripts !== null) {
		scripts.log = tally.script;
		await scripts.start(values);
	}
	const format = (inPlace && output !== null ? await detectFormat(output) : undefined) ?? values.format ?? undefined;
	const rewriting = await prepareRewriting(values, {
		output,
		format,
		scripts: scripts?.hooks ?? [],
		env: io.env,
		onChange(rule, option) {
			tally.onChange(rule);
			use.applied(rule, option);
		},
		onApply: (rule, option) => use.applied(rule, option),
		log: tally.log,
	});
	const open = async (troubles: Troubles, size: number): Promise<FlowSink> => {
		const sink =
			output === null
				? tally.nullSink
				: await createOutput(output, { ...values, format: format ?? null }, troubles, size);
		return rewriting.through(output === null ? sink : tally.withRepeatCheck(sink, rewriting.changes), troubles.report);
	};
	const { passed, status, isWritten } = await copyFlows(
		{
			inputs,
			output,
			filter,
			steps: [...tally.observe(rewriting.changes), ...rewriting.dedupes],
			learn: rewriting.learn,
			notes: rewriting.notes,
			strict: values.strict,
			quiet: values.quiet,
			open,
			progress: output !== null,
			dropsUnread: values.drop_unread,
			...(inPlace && { unreadHint: "--drop-unread replaces it without them" }),
		},
		io,
	);
	await rewriting.close();
	tally.end(passed, values.verbose && isWritten);
	return { status: status || tally.status, isWritten };
}

// `rewrite`: changes stored flows by the options of the command and by hooks of the program.
import { FlowtapeError } from "../src/errors.ts";
import type { Filter } from "../src/filter/filter.ts";
import type { Hook } from "../src/hooks/hook.ts";
import { checkNames } from "./option-names.ts";
import type { PartialOptions } from "./options.ts";
import type { rewriteOptions } from "./rewriting.ts";
import { fileOf, filesOf, isWriter, type Source, type Target } from "./source.ts";
import { filterOf } from "./tape.ts";
import { type WriteOptions, type WriteReport, writeFlows, writeOptionNames } from "./write-flows.ts";

/** The changes of `rewrite`: options of `flowtape rewrite` in camelCase (docs/options.md), and the following. */
export interface RewriteOptions extends PartialOptions<typeof rewriteOptions> {
	/** Writes only flows that match: an expression (docs/filters.md) or a compiled filter. Default: all. */
	readonly filter?: string | Filter | undefined;
	/** Hooks, made by `defineHook`; they run where scripts of the command run. Default: none. */
	readonly hooks?: readonly Hook[] | undefined;
	/**
	 * Variables for redaction: FLOWTAPE_REDACT_KEY has the key of placeholders, FLOWTAPE_HOME the folder of the key file
	 * (default: `~/.config/flowtape`), and `redactEnv` names variables with secrets. Default: none.
	 */
	readonly env?: NodeJS.ProcessEnv | undefined;
	/** Called with the rule or option for each flow that it changed. */
	readonly onChange?: ((rule: string) => void) | undefined;
	/** Called with a message about each part that could not be changed. */
	readonly onWarning?: ((message: string) => void) | undefined;
}

const OWN: readonly (keyof RewriteOptions)[] = ["filter", "hooks", "env", "onChange", "onWarning"];

/** Options of `rewrite` for writing. */
export interface RewriteWriteOptions extends WriteOptions {
	/** With `in-place`: replace the file even if parts of it could not be read; they are lost. Default: false. */
	dropUnread?: boolean | undefined;
	/**
	 * With `in-place`: overwrite the bytes of the replaced file. Snapshots, backups and flash storage may keep them.
	 * Default: false.
	 */
	wipe?: boolean | undefined;
}

/**
 * Changes the flows of a source and writes them to a target. If it fails, the target is unchanged.
 * @param to `in-place` replaces the source, which must be one file, when all flows are written; its format stays the
 * same
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, FT_USAGE for a source that cannot be changed in
 * place, and as `convert`
 */
export async function rewrite(
	source: Source,
	changes: RewriteOptions,
	to: Target | "in-place",
	options: RewriteWriteOptions = {},
): Promise<WriteReport> {
	const { optionValues } = await import("./options.ts");
	const { prepareRewriting, rewriteOptions } = await import("./rewriting.ts");
	const { filter, hooks = [], env, onChange = () => {}, onWarning = () => {} } = changes;
	checkNames("rewrite", options, [...writeOptionNames, "dropUnread", "wipe"]);
	const values = optionValues(rewriteOptions, changes, { verb: "rewrite", others: OWN });
	const replaced = to === "in-place" ? onlyFile(source) : null;
	if (replaced !== null) await (await import("./replaced-file.ts")).checkReplaceable(replaced);
	const target = replaced ?? to;
	const { formats } = options;
	const { detectFormat } = await import("./formats.ts");
	const format = options.format ?? (replaced === null ? undefined : await detectFormat(replaced, formats));
	const rewriting = await prepareRewriting(values, {
		formats,
		format,
		scripts: hooks,
		env,
		onChange: (rule) => onChange(rule),
		log: (_level, message) => onWarning(message),
		output: isWriter(target) ? null : fileOf(target),
	});
	const old = options.wipe === true && replaced !== null ? await openReplaced(replaced) : null;
	try {
		const report = await writeFlows(
			{
				source,
				to: target,
				filter: await filterOf(filter),
				steps: [...rewriting.changes, ...rewriting.dedupes],
				learn: rewriting.learn,
				notes: rewriting.notes,
				through: (sink, report) => rewriting.through(sink, report),
				replaces: options.dropUnread === true ? undefined : (replaced ?? undefined),
			},
			{ ...options, format },
		);
		await old?.wipe();
		return report;
	} finally {
		await old?.close();
		await rewriting.close();
	}
}

async function openReplaced(file: string) {
	const { ReplacedFile } = await import("./replaced-file.ts");
	return ReplacedFile.of(file);
}

function onlyFile(source: Source): string {
	const files = filesOf(source);
	const [file] = files ?? [];
	if (file === undefined || files?.length !== 1)
		throw new FlowtapeError("FT_USAGE", "rewrite: expected a source of one file for `in-place`");
	return file;
}

// `rewrite`: stored flows changed, by the options of the command and by functions of the program.
import { FlowtapeError } from "../src/errors.ts";
import type { Filter } from "../src/filter/filter.ts";
import type { Hook } from "../src/hooks/hook.ts";
import type { GivenOptions } from "./options.ts";
import type { rewriteOptions } from "./rewriting.ts";
import { fileOf, filesOf, isWriter, type Source, type Target } from "./source.ts";
import { filterOf } from "./tape.ts";
import { type WriteOptions, type WriteReport, writeFlows } from "./write-flows.ts";

/** What is changed: the options of `flowtape rewrite` in camelCase (docs/options.md), and: */
export interface RewriteOptions extends GivenOptions<typeof rewriteOptions> {
	/** Take only flows that match. */
	readonly filter?: string | Filter | undefined;
	/** Functions on the flows (`defineHook`), which run behind the features for requests that are made of options. */
	readonly hooks?: readonly Hook[] | undefined;
	/** Told of every rule or option that changed a flow, once for each. */
	readonly onChange?: ((rule: string) => void) | undefined;
	/** Told of what is left as it is, and why. */
	readonly onWarning?: ((message: string) => void) | undefined;
}

/** Besides those of all verbs that write: */
export interface RewriteWriteOptions extends WriteOptions {
	/** In place: the file is replaced even where not all of it could be read; what could not is lost then. Default false. */
	dropUnread?: boolean | undefined;
}

/**
 * Writes the flows of a source, changed, to a target.
 * @param to `in-place`: the file that the source is is replaced once all of it is written, in the format that it has
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, and as `convert`
 */
export async function rewrite(source: Source, changes: RewriteOptions, to: Target | "in-place", options: RewriteWriteOptions = {}): Promise<WriteReport> {
	const { optionValues } = await import("./options.ts");
	const { prepareRewriting, rewriteOptions } = await import("./rewriting.ts");
	const { filter, hooks = [], onChange = () => {}, onWarning = () => {}, ...given } = changes;
	const values = optionValues(rewriteOptions, given, { verb: "rewrite", others: ["filter", "hooks", "onChange", "onWarning"] });
	const replaced = to === "in-place" ? onlyFile(source) : null;
	const target = replaced ?? to;
	const { formats } = options;
	const format = options.format ?? (replaced === null ? undefined : await formatOfFile(replaced, formats));
	const rewriting = await prepareRewriting(values, {
		...{ formats, format, scripts: hooks, onChange, log: (_level, message) => onWarning(message) },
		output: isWriter(target) ? null : fileOf(target),
	});
	try {
		return await writeFlows(
			{
				...{ source, to: target, filter: await filterOf(filter), steps: [...rewriting.changes, ...rewriting.dedupes] },
				through: (sink, report) => rewriting.through(sink, report),
				replaces: options.dropUnread === true ? undefined : (replaced ?? undefined),
			},
			{ ...options, format },
		);
	} finally {
		await rewriting.close();
	}
}

function onlyFile(source: Source): string {
	const files = filesOf(source);
	const [file] = files ?? [];
	if (file === undefined || files?.length !== 1) throw new FlowtapeError("FT_USAGE", "rewrite: only a source that is one file can be changed in place");
	return file;
}

async function formatOfFile(file: string, formats: WriteOptions["formats"]): Promise<string | undefined> {
	const { formatOf } = await import("../formats/index.ts");
	return (await formatOf(file, { formats }).catch(() => null)) ?? undefined;
}

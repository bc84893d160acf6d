// `filter`: writes the matching flows of a source to another file.
import type { Filter } from "../src/filter/filter.ts";
import { checkNames } from "./option-names.ts";
import type { Source, Target } from "./source.ts";
import { filterOf } from "./tape.ts";
import { type WriteOptions, type WriteReport, writeFlows, writeOptionNames } from "./write-flows.ts";

/**
 * Writes the flows that match to a target. If it fails, the target is unchanged.
 * @param filter an expression such as `~u /api/ & !~c 404` (docs/filters.md), or a filter compiled by `compileFilter`
 * @throws FlowtapeError FT_BAD_FILTER with the column, and as `convert`
 */
export async function filter(
	source: Source,
	filter: string | Filter,
	to: Target,
	options: WriteOptions = {},
): Promise<WriteReport> {
	checkNames("filter", options, writeOptionNames);
	return writeFlows({ source, to, filter: await filterOf(filter) }, options);
}

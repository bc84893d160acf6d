// `convert`: writes the flows of a source to another file, in any format.
import { checkNames } from "./option-names.ts";
import type { Source, Target } from "./source.ts";
import { type WriteOptions, type WriteReport, writeFlows, writeOptionNames } from "./write-flows.ts";

/**
 * Writes all flows of a source to a target. The format follows the target's extension unless `options.format` names it.
 * If it fails, the target is unchanged.
 * @throws FlowtapeError FT_NOT_FOUND, FT_UNKNOWN_FORMAT, FT_CORRUPT_FLOW, FT_USAGE, FT_BAD_OPTION, FT_IO; the signal's
 * reason if it is aborted
 */
export async function convert(source: Source, to: Target, options: WriteOptions = {}): Promise<WriteReport> {
	checkNames("convert", options, writeOptionNames);
	return writeFlows({ source, to }, options);
}

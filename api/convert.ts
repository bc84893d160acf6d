// `convert`: the flows of a source in another file, and another format.
import type { Source, Target } from "./source.ts";
import { type WriteOptions, type WriteReport, writeFlows } from "./write-flows.ts";

/**
 * Writes all flows of a source to a target, in the format that its extension tells.
 * @throws FlowtapeError FT_NOT_FOUND, FT_UNKNOWN_FORMAT, FT_CORRUPT_FLOW, FT_USAGE, FT_IO; the reason of `signal`. The target is then as it was
 */
export function convert(source: Source, to: Target, options: WriteOptions = {}): Promise<WriteReport> {
	return writeFlows({ source, to }, options);
}

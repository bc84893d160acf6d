// A file of rewriting rules: the options of `rewrite`, by name, to be reviewed and used again.

import { checkValue } from "../../api/option-value.ts";
import { didYouMean } from "../../api/suggest.ts";
import { FlowtapeError } from "../../src/errors.ts";
import type { OptionGroup } from "../cli/command.ts";
import { readConfiguration } from "../cli/configuration.ts";

type Values = Readonly<Record<string, unknown>>;

/**
 * The values with those of a rules file: lists add up, the file's first; of others the command line's counts where it is not the default.
 * @throws FlowtapeError FT_NOT_FOUND, FT_BAD_OPTION
 */
export async function withRules(file: string | null, values: Values, groups: readonly OptionGroup[]): Promise<Values> {
	if (file === null) return values;
	const specs = new Map(groups.flatMap(({ table }) => Object.entries(table)));
	const merged: Record<string, unknown> = { ...values };
	for (const [key, value] of Object.entries((await readConfiguration(file)).values)) {
		const name = key.replaceAll("-", "_");
		const spec = specs.get(name);
		if (spec === undefined) throw new FlowtapeError("FT_BAD_OPTION", `${file}: ${key}: not an option of rewrite.${didYouMean(name, specs.keys())}`, { file });
		const read = checkValue(spec, value, `${file}: ${key}`);
		const given = values[name];
		if (Array.isArray(read) && Array.isArray(given)) merged[name] = [...read, ...given];
		else if (given === spec.default) merged[name] = read;
	}
	return merged;
}

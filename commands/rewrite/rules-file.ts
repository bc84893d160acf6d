// Reads a file of rewrite rules: options of `rewrite` by name.

import { readConfiguration } from "../../api/configuration.ts";
import { checkValue, type OptionValue } from "../../api/option-value.ts";
import { FlowtapeError } from "../../src/errors.ts";
import { didYouMean } from "../../src/suggest.ts";
import type { OptionGroup } from "../cli/command.ts";

/**
 * Merges the values of a rules file into those of the command line. Lists are concatenated, the file's first; otherwise
 * a value of the command line counts unless it is the default.
 * @throws FlowtapeError FT_NOT_FOUND, FT_BAD_OPTION
 */
export async function withRules<V extends Readonly<Record<string, unknown>>>(
	file: string | null,
	values: V,
	groups: readonly OptionGroup[],
): Promise<V> {
	if (file === null) return values;
	const specs = new Map(groups.flatMap(({ table }) => Object.entries(table)));
	const merged: Record<string, OptionValue> = {};
	for (const [key, value] of Object.entries((await readConfiguration(file)).values)) {
		const name = key.replaceAll("-", "_");
		const spec = specs.get(name);
		if (spec === undefined)
			throw new FlowtapeError(
				"FT_BAD_OPTION",
				`${file}: ${key}: no such option of rewrite.${didYouMean(name, specs.keys())}`,
				{ file },
			);
		const read = checkValue(spec, value, `${file}: ${key}`);
		const given = values[name];
		if (Array.isArray(read) && Array.isArray(given)) merged[name] = [...read, ...given];
		else if (given === spec.default) merged[name] = read;
	}
	return { ...values, ...merged };
}

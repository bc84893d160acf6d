// `compileFilter`: compiles a filter expression, for repeated use.
import type { FilterOptions } from "../src/filter/compile.ts";
import type { Filter } from "../src/filter/filter.ts";
import { filterCompiler } from "./late-modules.ts";
import { checkNames } from "./option-names.ts";

/**
 * Compiles a filter expression such as `~u /api/ & !~c 404` (docs/filters.md).
 * @throws FlowtapeError FT_BAD_FILTER with the column, if the expression is not valid; FT_BAD_OPTION
 */
export function compileFilter(expression: string, options: FilterOptions = {}): Filter {
	checkNames("compileFilter", options, ["caseSensitive"]);
	return filterCompiler().compileFilter(expression, options);
}

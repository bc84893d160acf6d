// Rejects unknown options of the library's functions.
import { FlowtapeError } from "../src/errors.ts";
import { didYouMean } from "../src/suggest.ts";

/**
 * Checks the names of a function's options.
 * @param known the names of all its options
 * @throws FlowtapeError FT_BAD_OPTION for another name, with the nearest known one
 */
export function checkNames(verb: string, given: object, known: readonly string[]): void {
	for (const [key, value] of Object.entries(given))
		if (value !== undefined && !known.includes(key)) throw unknownOption(verb, key, didYouMean(key, known));
}

/** The error for an unknown option. */
export function unknownOption(verb: string, key: string, hint: string): FlowtapeError {
	return new FlowtapeError("FT_BAD_OPTION", `${verb}: "${key}" is not an option.${hint}`);
}

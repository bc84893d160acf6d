// Compares paths by the files that they name.
import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { FlowtapeError } from "../../src/errors.ts";
import { expandHome } from "../../src/options.ts";

/** The first of these paths that names the same file as `path`; null: none does. `-` is not a file. */
export function sameFile(path: string, others: readonly string[]): string | null {
	if (path === "-") return null;
	const real = realPath(path);
	return others.find((other) => other !== "-" && realPath(other) === real) ?? null;
}

/** Links are followed as far as the file exists. */
function realPath(path: string): string {
	const full = resolve(expandHome(path));
	try {
		return realpathSync(full);
	} catch {
		return full;
	}
}

/** @throws FlowtapeError FT_USAGE if an output would overwrite another file of the same command */
export function checkDistinct(output: string, others: readonly string[]): void {
	if (sameFile(output, others) !== null)
		throw new FlowtapeError(
			"FT_USAGE",
			`${output} would be overwritten, but the command also uses it for something else; name another file`,
		);
}

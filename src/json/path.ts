// Which values of a JSON text an option means: a JSON pointer (RFC 6901) such as /items/*/id, or a path such as $.items[*].id or $..id.
import { FlowtapeError } from "../errors.ts";
import { compileName, type NamePattern } from "./name-pattern.ts";

/** Any keys, any number of them. */
const DEEP = Symbol("any depth");

export type JsonPath = readonly (NamePattern | typeof DEEP)[];

/**
 * In both notations `*` stands for any characters of one key, `**` in a pointer and `..` in a path for any keys in between.
 * @param option whose value it is
 * @throws FlowtapeError FT_BAD_OPTION
 */
export function parseJsonPath(text: string, option: string): JsonPath {
	if (text === "" || text.startsWith("/")) return text.split("/").slice(1).map(pointerStep);
	if (text.startsWith("$")) return pathSteps(text, option);
	throw new FlowtapeError("FT_BAD_OPTION", `"${text}" is neither a JSON pointer such as /user/id nor a path such as $.user.id`, { option });
}

/**
 * Whether a value lies at a path, or inside of what lies there. Of the places where the steps between two "any depth" fit, the first leaves
 * most room for the rest, so that no other is tried.
 */
export function covers(pattern: JsonPath, path: readonly string[]): boolean {
	let [depth, step, retryStep, retryDepth] = [0, 0, -1, 0];
	while (step < pattern.length) {
		const expected = pattern[step] as JsonPath[number];
		if (expected === DEEP) [retryStep, retryDepth] = [++step, depth];
		else if (depth < path.length && expected(path[depth] as string)) {
			step++;
			depth++;
		} else if (depth < path.length && retryStep >= 0) [step, depth] = [retryStep, ++retryDepth];
		else return false;
	}
	return true;
}

function pointerStep(step: string): NamePattern | typeof DEEP {
	return step === "**" ? DEEP : compileName(step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** `.name`, `..name`, `['name']`, `[0]`, `[*]`. */
const STEP = /(\.\.)?(?:\.?([^.[\]]+)|\[(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(\d+|\*))\])/y;

function pathSteps(text: string, option: string): JsonPath {
	const steps: (NamePattern | typeof DEEP)[] = [];
	STEP.lastIndex = 1;
	while (STEP.lastIndex < text.length) {
		const at = STEP.lastIndex;
		const match = STEP.exec(text);
		if (match === null || (text[at] !== "." && text[at] !== "["))
			throw new FlowtapeError("FT_BAD_OPTION", `"${text}": column ${at + 1}: .name, ..name, [0], [*] or ['name'] was expected`, { option });
		const [, deep, name, single, double, index] = match;
		if (deep !== undefined) steps.push(DEEP);
		steps.push(compileName(name ?? (single ?? double)?.replace(/\\(.)/g, "$1") ?? index ?? ""));
	}
	return steps;
}

// Selects values of a JSON text by a JSON pointer (RFC 6901) such as /items/*/id, or a path such as $.items[*].id or
// $..id.
import { FlowtapeError } from "../errors.ts";
import { keysOf } from "./leaves.ts";
import { compileName, isPattern, type NamePattern } from "./name-pattern.ts";

/** A step that matches any number of keys. */
const DEEP = Symbol("any depth");

export type JsonPath = readonly (NamePattern | typeof DEEP)[];

/**
 * Parses a pointer or path. `*` matches any characters of one key; `**` in a pointer and `..` in a path match any
 * number of keys.
 * @param option the option's name, for errors
 * @throws FlowtapeError FT_BAD_OPTION
 */
export function parseJsonPath(text: string, option: string): JsonPath {
	return stepsOf(text, option).map((step) => (step === DEEP ? DEEP : compileName(step)));
}

/**
 * The keys of a pointer or path that selects one place; null: it has a `*` or selects at any depth.
 * @throws FlowtapeError FT_BAD_OPTION
 */
export function exactKeys(text: string, option: string): string[] | null {
	const keys: string[] = [];
	for (const step of stepsOf(text, option)) {
		if (step === DEEP || isPattern(step)) return null;
		keys.push(step);
	}
	return keys;
}

function stepsOf(text: string, option: string): (string | typeof DEEP)[] {
	if (text === "" || text.startsWith("/")) return keysOf(text).map((key) => (key === "**" ? DEEP : key));
	if (text.startsWith("$")) return pathSteps(text, option);
	throw new FlowtapeError(
		"FT_BAD_OPTION",
		`"${text}" is neither a JSON pointer such as /user/id nor a path such as $.user.id`,
		{ option },
	);
}

/**
 * Whether a pattern selects the value at `path`, or a value that contains it. After a failure it is enough to backtrack
 * to the last DEEP step: the first match of the steps before it is always sufficient.
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

/** `.name`, `..name`, `['name']`, `[0]`, `[*]`. */
const STEP = /(?:(\.\.)|\.(?!\[))?(?:([^.[\]]+)|\[(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(\d+|\*))\])/y;

function pathSteps(text: string, option: string): (string | typeof DEEP)[] {
	const steps: (string | typeof DEEP)[] = [];
	STEP.lastIndex = 1;
	while (STEP.lastIndex < text.length) {
		const at = STEP.lastIndex;
		const match = STEP.exec(text);
		if (match === null || (text[at] !== "." && text[at] !== "["))
			throw new FlowtapeError(
				"FT_BAD_OPTION",
				`"${text}": column ${at + 1}: expected .name, ..name, [0], [*] or ['name']`,
				{ option },
			);
		const [, deep, name, single, double, index] = match;
		if (deep !== undefined) steps.push(DEEP);
		steps.push(name ?? (single ?? double)?.replace(/\\(.)/g, "$1") ?? index ?? "");
	}
	return steps;
}

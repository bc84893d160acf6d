// The filter operators as text, for `flowtape filter --help` and `flowtape help filters`.
import { filterOperators } from "../../src/filter/terms.ts";

const ARGUMENTS = { none: "", number: " NUMBER", pattern: " REGEX" } as const;

/** The operators, one per line, and how to combine them. */
export function operatorsText(): string {
	const rows: readonly (readonly [string, string])[] = [
		...filterOperators.map(({ code, argument, help }) => [`~${code}${ARGUMENTS[argument]}`, help] as const),
		["REGEX", "the same as ~u REGEX"],
		["! & | ( )", "not, and, or, grouping; terms side by side are joined by and"],
	];
	return `Expressions:
${rows.map(([left, help]) => `  ${left.padEnd(17)} ${help}\n`).join("")}
Patterns are Python's regular expressions. They match anywhere, in upper and lower case. Details: docs/filters.md
`;
}

// Parses replacement templates like Python's `re.sub`: `\1`, `\g<name>`, escapes.
import { FlowtapeError } from "../errors.ts";

/** A replacement: literal texts and group numbers (0: the whole match). */
export type Template = readonly (string | number)[];

const ESCAPES: Readonly<Record<string, string>> = {
	a: "\x07",
	b: "\b",
	f: "\f",
	n: "\n",
	r: "\r",
	t: "\t",
	v: "\v",
	"\\": "\\",
};
const TOKEN = /\\(?:g<([^>]*)>|(0[0-7]{0,2}|[1-3][0-7]{2})|([1-9]\d?)|(.|$))/gsu;

/**
 * Parses a template.
 * @param groups number of groups of the pattern
 * @throws FlowtapeError FT_BAD_PATTERN with the column, for an unknown escape or group
 */
export function parseTemplate(text: string, groups: number, names: ReadonlyMap<string, number>): Template {
	const parts: (string | number)[] = [];
	let at = 0;
	for (const match of text.matchAll(TOKEN)) {
		if (match.index > at) parts.push(text.slice(at, match.index));
		parts.push(readToken(match, groups, names));
		at = match.index + match[0].length;
	}
	if (at < text.length) parts.push(text.slice(at));
	return parts;
}

function readToken(match: RegExpExecArray, groups: number, names: ReadonlyMap<string, number>): string | number {
	const [whole, name, octal, digits, char = ""] = match;
	const bad = (why: string) =>
		new FlowtapeError("FT_BAD_PATTERN", `"${whole}" in the replacement: ${why}`, { column: match.index + 1 });
	if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
	if (name !== undefined || digits !== undefined) {
		const group = digits !== undefined || /^\d+$/.test(name ?? "") ? Number(digits ?? name) : names.get(name ?? "");
		if (group === undefined || group > groups) throw bad("there is no such group");
		return group;
	}
	if (char === "") throw bad('there is nothing after the "\\" at the end');
	const escaped = ESCAPES[char];
	if (escaped === undefined && /[a-zA-Z]/.test(char)) throw bad("unknown escape");
	return escaped ?? whole;
}

// Replacement templates as Python's `re.sub` reads them: `\1`, `\g<name>`, escapes.
import { FlowtapeError } from "../errors.ts";

/** What goes in place of a match: text as it is, and numbers of groups (0: the whole match). */
export type Template = readonly (string | number)[];

const ESCAPES: Readonly<Record<string, string>> = { a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v", "\\": "\\" };
const TOKEN = /\\(?:g<([^>]*)>|(0[0-7]{0,2}|[1-3][0-7]{2})|([1-9]\d?)|(.|$))/gsu;

/**
 * Reads a template.
 * @throws FlowtapeError FT_BAD_PATTERN with the column, for an escape that Python does not know or a group that is not there
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
	const bad = (why: string) => new FlowtapeError("FT_BAD_PATTERN", `"${whole}" in the replacement: ${why}`, { column: match.index + 1 });
	if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
	if (name !== undefined || digits !== undefined) {
		const group = digits !== undefined || /^\d+$/.test(name ?? "") ? Number(digits ?? name) : names.get(name ?? "");
		if (group === undefined || group > groups) throw bad("there is no such group");
		return group;
	}
	if (char === "") throw bad('a "\\" at the end escapes nothing');
	const escaped = ESCAPES[char];
	if (escaped === undefined && /[a-zA-Z]/.test(char)) throw bad("this is no escape that Python knows");
	return escaped ?? whole;
}

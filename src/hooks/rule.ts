// Rules as mitmproxy writes them: `/filter/subject/value`, where the first character is the separator, whichever it is, and the filter may
// be left out; and values, which are literal or come from a file.
import { readFileSync } from "node:fs";
import { FlowtapeError } from "../errors.ts";
import type { Filter } from "../filter/filter.ts";
import { type ByteString, toByteString } from "../flow/bytes.ts";
import type { Flow } from "../flow/flow.ts";
import { expandHome, type OptionTable } from "../options.ts";
import type { HookContext } from "./context.ts";

/** How all filters of features are read. */
export const options = {
	case_sensitive_filters: { type: "boolean", default: false, help: "Tell upper from lower case in the patterns of filters." },
} as const satisfies OptionTable;

/** The parts of a rule. Errors about a rule call it by its `text`. */
export interface Rule {
	readonly text: string;
	readonly subject: string;
	readonly value: string;
	/** Whether the rule applies to a flow, as it is at the moment. */
	readonly matches: (flow: Flow) => boolean;
	/** Whether that can only be told when the request's body is there. */
	readonly needsRequestBody: boolean;
}

/**
 * Cuts a text at its separator, which is its first character, into at most `most` parts. The last holds further separators as they are.
 * @throws FlowtapeError FT_BAD_OPTION unless there are as many parts as allowed
 */
export function splitRule(text: string, least: number, most: number): string[] {
	const separator = String.fromCodePoint(text.codePointAt(0) ?? 0);
	const [, ...parts] = text.split(separator);
	const kept = parts.length <= most ? parts : [...parts.slice(0, most - 1), parts.slice(most - 1).join(separator)];
	if (text === "" || kept.length < least)
		throw new FlowtapeError(
			"FT_BAD_OPTION",
			`"${text}": ${least === most ? least : `${least} or ${most}`} parts were expected, set off by the first character`,
		);
	return kept;
}

/**
 * Reads rules of two or three parts.
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER with the column in the rule
 */
export async function parseRules(texts: readonly string[], context: HookContext): Promise<Rule[]> {
	const rules: Rule[] = [];
	for (const text of texts) {
		const parts = splitRule(text, 2, 3);
		const [subject, value] = parts.slice(-2) as [string, string];
		const filter = parts.length === 2 ? null : await compileRuleFilter(text, parts[0] as string, context);
		rules.push({
			...{ text, subject, value },
			matches: filter === null ? () => true : (flow) => filter.matches(flow),
			needsRequestBody: filter?.needs.has("requestBody") ?? false,
		});
	}
	return rules;
}

/** The filter that a rule begins with, behind its separator. @throws FlowtapeError FT_BAD_FILTER */
export async function compileRuleFilter(text: string, pattern: string, context: HookContext): Promise<Filter> {
	try {
		return await compileFilterLazily(pattern, context);
	} catch (error) {
		if (!(error instanceof FlowtapeError) || error.column === undefined) throw error;
		const column = error.column + String.fromCodePoint(text.codePointAt(0) ?? 0).length;
		throw new FlowtapeError(error.code, `"${text}": ${error.message}`, { column, cause: error });
	}
}

/** Compiles a filter; what that takes is loaded only now. @throws FlowtapeError FT_BAD_FILTER */
export async function compileFilterLazily(pattern: string, { caseSensitiveFilters = false }: HookContext): Promise<Filter> {
	const { compileFilter } = await import("../filter/compile.ts");
	return compileFilter(pattern, { caseSensitive: caseSensitiveFilters });
}

const ESCAPE = /\\(?:([nrt\\])|x([0-9a-fA-F]{2})|x)/g;
const CONTROLS: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", "\\": "\\" };

/**
 * The bytes of a literal, with `\n \r \t \\ \xHH` undone; other backslashes stay.
 * @param encode gives the bytes of text; default: UTF-8
 * @throws FlowtapeError FT_BAD_OPTION for `\x` without two digits
 */
export function unescapeLiteral(text: string, encode: (text: string) => ByteString = toByteString): ByteString {
	let [bytes, at] = ["", 0];
	for (const match of text.matchAll(ESCAPE)) {
		const [whole, letter, digits] = match;
		if (letter === undefined && digits === undefined) throw new FlowtapeError("FT_BAD_OPTION", `"${text}": two hexadecimal digits were expected behind \\x`);
		bytes += encode(text.slice(at, match.index)) + (digits === undefined ? CONTROLS[letter ?? ""] : String.fromCharCode(Number.parseInt(digits, 16)));
		at = match.index + whole.length;
	}
	return bytes + encode(text.slice(at));
}

/** Groups in a replacement: `\1` to `\99`, `\g<1>`, `\g<name>`; `\\` escapes a backslash, as in a literal. */
const GROUP = /\\(?:g<([^>]*)>|([1-9]\d?)|\\)/g;

/**
 * What a rule puts in place of a match: literals, and numbers of groups (0: the whole match). Where a pattern has no groups, `\1` is what it
 * says.
 * @param encode as of `unescapeLiteral`
 * @throws FlowtapeError FT_BAD_OPTION for a wrong escape, FT_BAD_PATTERN for a group that is not there
 */
export function compileReplacement(
	value: string,
	{ groups, names }: { readonly groups: number; readonly names: ReadonlyMap<string, number> },
	encode: (text: string) => ByteString = toByteString,
): (ByteString | number)[] {
	const parts: (ByteString | number)[] = [];
	let at = 0;
	for (const match of groups === 0 ? [] : value.matchAll(GROUP)) {
		const [whole, name, digits] = match;
		if (name === undefined && digits === undefined) continue;
		// of two digits the second may be text
		const number = digits === undefined ? numberOf(name ?? "", names) : Number(Number(digits) > groups ? digits.charAt(0) : digits);
		if (number === undefined || number > groups)
			throw new FlowtapeError("FT_BAD_PATTERN", `"${whole}" in the replacement "${value}": the pattern has no such group`);
		parts.push(unescapeLiteral(value.slice(at, match.index), encode), number);
		at = match.index + whole.length - (digits === undefined ? 0 : digits.length - String(number).length);
	}
	return [...parts, unescapeLiteral(value.slice(at), encode)].filter((part) => part !== "");
}

function numberOf(name: string, names: ReadonlyMap<string, number>): number | undefined {
	return /^\d+$/.test(name) ? Number(name) : names.get(name);
}

/** A value's bytes at the moment of use; null when its file cannot be read any more, which is logged. */
export type ReadValue = () => Buffer | null;

/**
 * A value: a literal, or `@path` for what a file holds whenever it is used.
 * @throws FlowtapeError FT_BAD_OPTION when the literal has a wrong escape or the file cannot be read
 */
export function compileValue(value: string, { log }: HookContext): ReadValue {
	if (!value.startsWith("@")) {
		const literal = Buffer.from(unescapeLiteral(value), "latin1");
		return () => literal;
	}
	const path = expandHome(value.slice(1));
	try {
		readFileSync(path);
	} catch (cause) {
		throw new FlowtapeError("FT_BAD_OPTION", `${path}: a file to read the value from was expected: ${(cause as Error).message}`, { file: path, cause });
	}
	return () => {
		try {
			return readFileSync(path);
		} catch (error) {
			log?.("warning", `the replacement file cannot be read: ${(error as Error).message}`);
			return null;
		}
	};
}

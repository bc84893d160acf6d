// Parses rules in mitmproxy's syntax, `/filter/subject/value`: the first character is the separator, and the filter is
// optional. Values are literals or come from a file.
import { readFileSync } from "node:fs";
import { FlowtapeError } from "../errors.ts";
import type { Filter } from "../filter/filter.ts";
import { type ByteString, toByteString } from "../flow/bytes.ts";
import type { Flow } from "../flow/flow.ts";
import { expandHome, type OptionTable } from "../options.ts";
import type { HookContext } from "./context.ts";

/** Options for the filters of all features. */
export const options = {
	case_sensitive_filters: {
		type: "boolean",
		default: false,
		help: "Match the patterns of filters case-sensitively.",
	},
} as const satisfies OptionTable;

/** A parsed rule. Errors quote its `text`. */
export interface Rule {
	readonly text: string;
	readonly subject: string;
	readonly value: string;
	/** Whether the rule applies to the flow in its current state. */
	readonly matches: (flow: Flow) => boolean;
	/** Whether `matches` needs the request body. */
	readonly needsRequestBody: boolean;
}

/**
 * Splits a text at its first character into at most `max` parts. The last part may contain the separator.
 * @throws FlowtapeError FT_BAD_OPTION if there are fewer than `min` parts, or if the separator is a letter, a digit
 * or white space
 */
export function splitRule(text: string, min: number, max: number): string[] {
	const separator = String.fromCodePoint(text.codePointAt(0) ?? 0);
	if (/[\p{L}\p{N}\s]/u.test(separator)) {
		const said = `"${text}": expected a separator such as "/" first, found ${JSON.stringify(separator)}`;
		throw new FlowtapeError("FT_BAD_OPTION", `${said}; write "/${text.trim()}/"`);
	}
	const [, ...parts] = text.split(separator);
	const kept = parts.length <= max ? parts : [...parts.slice(0, max - 1), parts.slice(max - 1).join(separator)];
	if (text === "" || kept.length < min)
		throw new FlowtapeError(
			"FT_BAD_OPTION",
			`"${text}": expected ${min === max ? min : `${min} or ${max}`} parts, separated by the first character`,
		);
	return kept;
}

/**
 * Parses rules with two or three parts.
 * @throws FlowtapeError FT_BAD_OPTION, or FT_BAD_FILTER with the column in the rule
 */
export async function parseRules(texts: readonly string[], context: HookContext): Promise<Rule[]> {
	const rules: Rule[] = [];
	for (const text of texts) {
		const parts = splitRule(text, 2, 3);
		const [subject, value] = parts.slice(-2) as [string, string];
		const filter = parts.length === 2 ? null : await compileRuleFilter(text, parts[0] as string, context);
		rules.push({
			text,
			subject,
			value,
			matches: filter === null ? () => true : (flow) => filter.matches(flow),
			needsRequestBody: filter?.needs.has("requestBody") ?? false,
		});
	}
	return rules;
}

/** Compiles the filter at the start of a rule. @throws FlowtapeError FT_BAD_FILTER */
export async function compileRuleFilter(text: string, pattern: string, context: HookContext): Promise<Filter> {
	try {
		return await compileFilterLazily(pattern, context);
	} catch (error) {
		if (!(error instanceof FlowtapeError) || error.column === undefined) throw error;
		const column = error.column + String.fromCodePoint(text.codePointAt(0) ?? 0).length;
		throw error.withDetail({ column }, `"${text}": ${error.message}`);
	}
}

/** Compiles a filter, and loads the compiler only now. @throws FlowtapeError FT_BAD_FILTER */
export async function compileFilterLazily(
	pattern: string,
	{ caseSensitiveFilters = false }: HookContext,
): Promise<Filter> {
	const { compileFilter } = await import("../filter/compile.ts");
	return compileFilter(pattern, { caseSensitive: caseSensitiveFilters });
}

const ESCAPE = /\\(?:([nrt\\])|x([0-9a-fA-F]{2})|x)/g;
const CONTROLS: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", "\\": "\\" };

/**
 * The bytes of a literal, with `\n \r \t \\ \xHH` unescaped; other backslashes are kept.
 * @param encode encodes text as bytes. Default: UTF-8
 * @throws FlowtapeError FT_BAD_OPTION for `\x` without two digits
 */
export function unescapeLiteral(text: string, encode: (text: string) => ByteString = toByteString): ByteString {
	let [bytes, at] = ["", 0];
	for (const match of text.matchAll(ESCAPE)) {
		const [whole, letter, digits] = match;
		if (letter === undefined && digits === undefined)
			throw new FlowtapeError("FT_BAD_OPTION", `"${text}": expected two hexadecimal digits after \\x`);
		bytes +=
			encode(text.slice(at, match.index)) +
			(digits === undefined ? CONTROLS[letter ?? ""] : String.fromCharCode(Number.parseInt(digits, 16)));
		at = match.index + whole.length;
	}
	return bytes + encode(text.slice(at));
}

/** Groups in a replacement: `\1` to `\99`, `\g<1>`, `\g<name>`; `\\` escapes a backslash, as in a literal. */
const GROUP = /\\(?:g<([^>]*)>|([1-9]\d?)|\\)/g;

/**
 * Compiles the replacement of a rule into literals and group numbers (0: the whole match). If the pattern has no
 * groups, `\1` is literal text.
 * @param encode as for `unescapeLiteral`
 * @throws FlowtapeError FT_BAD_OPTION for an invalid escape, FT_BAD_PATTERN for a group that does not exist
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
		// if there are too few groups for two digits, the second digit is text
		const number =
			digits === undefined ? numberOf(name ?? "", names) : Number(Number(digits) > groups ? digits.charAt(0) : digits);
		if (number === undefined || number > groups)
			throw new FlowtapeError(
				"FT_BAD_PATTERN",
				`"${whole}" in the replacement "${value}": the pattern has no such group`,
			);
		parts.push(unescapeLiteral(value.slice(at, match.index), encode), number);
		at = match.index + whole.length - (digits === undefined ? 0 : digits.length - String(number).length);
	}
	return [...parts, unescapeLiteral(value.slice(at), encode)].filter((part) => part !== "");
}

function numberOf(name: string, names: ReadonlyMap<string, number>): number | undefined {
	return /^\d+$/.test(name) ? Number(name) : names.get(name);
}

/** Returns the current bytes of a value; null if its file cannot be read any more, which is logged. */
export type ReadValue = () => Buffer | null;

/**
 * Compiles a value: a literal, or `@path` for the content of a file, which is read at each use.
 * @throws FlowtapeError FT_BAD_OPTION if the literal has an invalid escape or the file cannot be read
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
		throw new FlowtapeError(
			"FT_BAD_OPTION",
			`${path}: cannot read the value from this file: ${(cause as Error).message}`,
			{ file: path, cause },
		);
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

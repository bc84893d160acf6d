// The parts that a comparison ignores: `header:date`, `query:ts`, `cookie:sid`, `form:nonce`, `json:/user/id`.
import { FlowtapeError } from "../errors.ts";
import { keysOf } from "../json/leaves.ts";
import { compileNames, type NamePattern } from "../json/name-pattern.ts";
import { covers, parseJsonPath } from "../json/path.ts";
import type { OptionTable } from "../options.ts";

/** Named parts of a message. */
const namedParts = ["header", "query", "cookie", "form", "json"] as const;
export type NamedPart = (typeof namedParts)[number];

export const options = {
	ignore: {
		type: "sequence",
		default: [],
		metavar: "PART:NAME",
		help: "Differences to ignore: header:NAME, query:NAME, cookie:NAME, form:NAME, and json:PATH such as /items/*/id or $.items[*].id. * matches anything.",
	},
} as const satisfies OptionTable;

/** Headers that depend on when or how a message was sent; always ignored. */
const ALWAYS_IGNORED = ["date", "age", "content-length", "transfer-encoding", "connection", "keep-alive"];

/** Whether a part is ignored. */
export type IsIgnored = (part: NamedPart, name: string) => boolean;

/**
 * Compiles patterns such as `header:etag`, and adds the headers that are always ignored.
 * @throws FlowtapeError FT_BAD_OPTION if a pattern is not valid
 */
export function compileIgnore(patterns: readonly string[]): IsIgnored {
	const names = new Map<string, string[]>(
		namedParts.map((part) => [part, part === "header" ? [...ALWAYS_IGNORED] : []]),
	);
	for (const pattern of patterns) {
		const [part = "", name = ""] = pattern.split(/:(.*)/s);
		const list = names.get(part);
		if (list === undefined || name === "") {
			const expected = `expected one of ${namedParts.join(", ")}, a colon and a name, such as header:etag or json:/id`;
			throw new FlowtapeError("FT_BAD_OPTION", `"${pattern}": ${expected}`, { option: "ignore" });
		}
		list.push(name);
	}
	const rules = new Map(Array.from(names, ([part, list]) => [part, patternOf(part, list)]));
	return (part, name) => rules.get(part)?.(name) ?? false;
}

/**
 * One pattern for all ignored names of a part; null: there are none. Header names are case-insensitive (RFC 9110 section
 * 5.1). The name of a JSON value is its pointer.
 */
function patternOf(part: string, names: readonly string[]): NamePattern | null {
	if (part !== "json" || names.length === 0) return compileNames(names, { ignoreCase: part === "header" });
	const paths = names.map((name) => parseJsonPath(name, "ignore"));
	return (pointer) => {
		const keys = keysOf(pointer);
		return paths.some((path) => covers(path, keys));
	};
}

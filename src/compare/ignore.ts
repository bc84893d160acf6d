// The parts that a comparison ignores: `header:date`, `query:ts`, `cookie:sid`, `form:nonce`, `json:/user/id`.
import { FlowtapeError } from "../errors.ts";
import { keysOf } from "../json/leaves.ts";
import { compileName, type NamePattern } from "../json/name-pattern.ts";
import { covers, parseJsonPath } from "../json/path.ts";
import type { OptionTable } from "../options.ts";

/** Named parts of a message. */
export const namedParts = ["header", "query", "cookie", "form", "json"] as const;
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
	const rules = new Map<string, NamePattern[]>(namedParts.map((part) => [part, []]));
	for (const name of ALWAYS_IGNORED) rules.get("header")?.push(patternOf("header", name));
	for (const pattern of patterns) {
		const [part = "", name = ""] = pattern.split(/:(.*)/s);
		const list = rules.get(part);
		if (list === undefined || name === "") {
			const expected = `expected one of ${namedParts.join(", ")}, a colon and a name, such as header:etag or json:/id`;
			throw new FlowtapeError("FT_BAD_OPTION", `"${pattern}": ${expected}`, { option: "ignore" });
		}
		list.push(patternOf(part as NamedPart, name));
	}
	return (part, name) => rules.get(part)?.some((matches) => matches(name)) ?? false;
}

/** Header names are case-insensitive (RFC 9110 section 5.1). The name of a JSON value is its pointer. */
function patternOf(part: NamedPart, name: string): NamePattern {
	if (part === "json") {
		const path = parseJsonPath(name, "ignore");
		return (pointer) => covers(path, keysOf(pointer));
	}
	if (part !== "header") return compileName(name);
	const matches = compileName(name.toLowerCase());
	return (header) => matches(header.toLowerCase());
}

// What is meant to vary between two recordings, as people name it: `header:date`, `query:ts`, `cookie:sid`, `form:nonce`, `json:/user/id`.
import { FlowtapeError } from "../errors.ts";
import type { OptionTable } from "../options.ts";

/** Named parts of a message. */
export const namedParts = ["header", "query", "cookie", "form", "json"] as const;
export type NamedPart = (typeof namedParts)[number];

export const options = {
	ignore: {
		type: "sequence",
		default: [],
		metavar: "PART:NAME",
		help: "What is meant to vary: header:NAME, query:NAME, cookie:NAME, form:NAME, json:/POINTER; * stands for anything, and ** in a pointer for any depth.",
	},
} as const satisfies OptionTable;

/** Headers that say when or how a message was sent, not what. */
const PASSING = ["date", "age", "content-length", "transfer-encoding", "connection", "keep-alive"];

/** Whether a part is left out of the comparison. */
export type IsIgnored = (part: NamedPart, name: string) => boolean;

/** @throws FlowtapeError FT_BAD_OPTION */
export function compileIgnore(patterns: readonly string[]): IsIgnored {
	const rules = new Map<string, RegExp[]>(namedParts.map((part) => [part, []]));
	for (const name of PASSING) rules.get("header")?.push(patternOf("header", name));
	for (const pattern of patterns) {
		const [part = "", name = ""] = pattern.split(/:(.*)/s);
		const list = rules.get(part);
		if (list === undefined || name === "" || (part === "json" && !name.startsWith("/")))
			throw new FlowtapeError(
				"FT_BAD_OPTION",
				`"${pattern}": one of ${namedParts.join(", ")}, a colon and a name were expected, such as header:etag or json:/id`,
				{
					option: "ignore",
				},
			);
		list.push(patternOf(part as NamedPart, name));
	}
	return (part, name) => rules.get(part)?.some((rule) => rule.test(name)) ?? false;
}

/** Header names are the same in any case (RFC 9110 section 5.1). A pointer covers what lies below it. */
function patternOf(part: NamedPart, name: string): RegExp {
	const one = part === "json" ? "[^/]*" : ".*";
	const source = name
		.split(/(\*\*|\*)/)
		.map((piece) => (piece === "**" ? ".*" : piece === "*" ? one : piece.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&")))
		.join("");
	return new RegExp(`^${source}${part === "json" ? "(?:/.*)?" : ""}$`, part === "header" ? "is" : "s");
}

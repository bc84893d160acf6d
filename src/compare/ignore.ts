// What is meant to vary between two recordings, as people name it: `header:date`, `query:ts`, `cookie:sid`, `form:nonce`, `json:/user/id`.
import { FlowtapeError } from "../errors.ts";
import { compileName, type NamePattern } from "../json/name-pattern.ts";
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
	const rules = new Map<string, NamePattern[]>(namedParts.map((part) => [part, []]));
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
	return (part, name) => rules.get(part)?.some((matches) => matches(name)) ?? false;
}

/** Header names are the same in any case (RFC 9110 section 5.1). A pointer covers what lies below it. */
function patternOf(part: NamedPart, name: string): NamePattern {
	if (part === "json") return compilePointer(name);
	if (part !== "header") return compileName(name);
	const matches = compileName(name.toLowerCase());
	return (header) => matches(header.toLowerCase());
}

/** What a piece of a pattern stands for, besides a text as it is: anything in one key, or anything. */
type Piece = string | typeof ONE_KEY | typeof ANY_DEPTH;
const ONE_KEY = Symbol("*");
const ANY_DEPTH = Symbol("**");

/** Takes time in proportion to the lengths of pointer and pattern, unlike a regular expression: all places in the pattern are tried at once. */
function compilePointer(pattern: string): NamePattern {
	const pieces = pattern.split(/(\*\*|\*)/).flatMap((piece): readonly Piece[] => (piece === "**" ? [ANY_DEPTH] : piece === "*" ? [ONE_KEY] : piece.split("")));
	/** Adds a place, and those that stand behind stars that match nothing. */
	const reach = (places: Set<number>, place: number): void => {
		for (let at = place; !places.has(at); at++) {
			places.add(at);
			if (typeof pieces[at] !== "symbol") return;
		}
	};
	return (pointer) => {
		let places = new Set<number>();
		reach(places, 0);
		for (let i = 0; i < pointer.length && places.size > 0; i++) {
			const char = pointer.charAt(i);
			if (char === "/" && places.has(pieces.length)) return true;
			const next = new Set<number>();
			for (const at of places) {
				const piece = pieces[at];
				if (piece === char) reach(next, at + 1);
				else if (piece === ANY_DEPTH || (piece === ONE_KEY && char !== "/")) reach(next, at);
			}
			places = next;
		}
		return places.has(pieces.length);
	};
}

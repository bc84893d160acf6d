// Views of JSON, indented; GraphQL queries in JSON are printed as text before the rest.
import { isJsonType } from "../flow/content-type.ts";
import type { View } from "./view.ts";

export const json: View = ({ type, text }) => {
	if (!isJsonType(type) && !/^\s*[[{]/.test(text())) return null;
	try {
		const value: unknown = JSON.parse(text());
		return graphql(value) ?? layOut(text());
	} catch {
		const lines = nonEmpty(text().split("\n"));
		return lines.length < 2 ? null : layOutAll(lines);
	}
};

/** JSON text sequences (RFC 7464): a record separator comes before each text. */
export const jsonSequence: View = ({ type, text }) =>
	/[/+]json-seq$/.test(type) ? layOutAll(nonEmpty(text().split("\x1e"))) : null;

/** Strings, brackets, separators, numbers and literals. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
/** In deeper JSON, the indentation would be longer than the content. */
const MAX_DEPTH = 100;

/**
 * Indents valid JSON. It is not parsed, so that numbers keep all their digits and duplicate keys are kept.
 * @throws RangeError if it is nested too deeply
 */
function layOut(source: string): string {
	let out = "";
	let depth = 0;
	let isOpen = false;
	const newLine = (): void => {
		if (depth > MAX_DEPTH) throw new RangeError("too deep");
		out += `\n${"  ".repeat(depth)}`;
	};
	for (const [token] of source.matchAll(TOKENS)) {
		const isEnd = token === "}" || token === "]";
		if (isEnd) depth--;
		if (isOpen !== isEnd) newLine();
		isOpen = token === "{" || token === "[";
		if (isOpen) depth++;
		out += token.startsWith('"') ? JSON.stringify(JSON.parse(token)) : token === ":" ? ": " : token;
		if (token === ",") newLine();
	}
	return out;
}

/** https://graphql.github.io/graphql-over-http/draft/#sec-Request-Parameters */
function graphql(value: unknown): string | null {
	if (Array.isArray(value) && value.length > 0) {
		const parts = value.map(graphql);
		return parts.every((part) => part !== null) ? parts.join("\n\n") : null;
	}
	if (typeof value !== "object" || value === null || !("query" in value) || typeof value.query !== "string")
		return null;
	const { query, ...rest } = value;
	if (!/^\s*(?:#|\{|query\b|mutation\b|subscription\b|fragment\b)/.test(query)) return null;
	return `${query.trim()}${Object.keys(rest).length === 0 ? "" : `\n\n${JSON.stringify(rest, null, 2)}`}`;
}

function nonEmpty(parts: readonly string[]): string[] {
	return parts.filter((part) => part.trim() !== "");
}

/** Indents several JSON texts; null: one is not valid. */
function layOutAll(texts: readonly string[]): string | null {
	try {
		for (const text of texts) JSON.parse(text);
		return texts.map(layOut).join("\n");
	} catch {
		return null;
	}
}

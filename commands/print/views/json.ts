// JSON, indented; and GraphQL in JSON with the query on lines of its own.
import type { View } from "./view.ts";

const JSON_TYPE = /[/+]json(?:-seq)?$/;

export const json: View = ({ type, text }) => {
	if (!JSON_TYPE.test(type) && !/^\s*[[{]/.test(text())) return null;
	try {
		const value: unknown = JSON.parse(text());
		return graphql(value) ?? JSON.stringify(value, null, 2);
	} catch {
		return jsonLines(text());
	}
};

/** https://graphql.github.io/graphql-over-http/draft/#sec-Request-Parameters */
function graphql(value: unknown): string | null {
	if (Array.isArray(value) && value.length > 0) {
		const parts = value.map(graphql);
		return parts.every((part) => part !== null) ? parts.join("\n\n") : null;
	}
	if (typeof value !== "object" || value === null || !("query" in value) || typeof value.query !== "string") return null;
	const { query, ...rest } = value;
	if (!/^\s*(?:#|\{|query\b|mutation\b|subscription\b|fragment\b)/.test(query)) return null;
	return `${query.trim()}${Object.keys(rest).length === 0 ? "" : `\n\n${JSON.stringify(rest, null, 2)}`}`;
}

/** One value a line. */
function jsonLines(text: string): string | null {
	try {
		const lines = text.split("\n").filter((line) => line.trim() !== "");
		return lines.length > 1 ? lines.map((line) => JSON.stringify(JSON.parse(line), null, 2)).join("\n") : null;
	} catch {
		return null;
	}
}

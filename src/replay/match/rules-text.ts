// Describes the matching rules in words.
import type { MatchRules, MatchValues, profileOf } from "./rules.ts";

/** `method, scheme, host, port, path, query in order, body by bytes`. */
export function rulesText(rules: MatchRules, values: MatchValues): string {
	const without = (names: readonly string[] = []) => (names.length === 0 ? "" : ` (without ${names.join(", ")})`);
	const parts = ["method", "scheme"];
	if (rules.host) parts.push("host");
	if (rules.port) parts.push("port");
	parts.push(rules.normal ? "path (escapes normalized)" : "path");
	if (rules.query)
		parts.push(`query${rules.paramOrder ? " in order" : ""}${without(values.server_replay_ignore_params)}`);
	if (rules.headers.length > 0)
		parts.push(
			`headers ${rules.headers.join(", ")}${without([...(values.server_replay_ignore_headers ?? []), ...cookieNames(values)])}`,
		);
	const body = bodyText(rules, values);
	if (body !== null) parts.push(body);
	const choice = {
		first: "",
		headers: "; of several, the one with the most equal headers",
		query: "; of several, the one with the nearest query",
	}[rules.choice];
	return parts.join(", ") + choice;
}

function cookieNames({ server_replay_ignore_cookies: names = [] }: MatchValues): string[] {
	return names.map((name) => `cookie ${name}`);
}

function bodyText(rules: MatchRules, values: MatchValues): string | null {
	if (!rules.content("POST")) return null;
	const whose = rules.content("PUT") ? "body" : "body of POST requests";
	const ignored = [
		...(values.server_replay_ignore_json ?? []).map((path) => `JSON ${path}`),
		...(values.server_replay_ignore_payload_params ?? []).map((name) => `form field ${name}`),
		...(values.server_replay_ignore_body ?? []).map((pattern) => `matches of ${pattern}`),
	];
	const by = rules.meaning
		? "meaning"
		: rules.ignoredJson.length > 0
			? "meaning if it is JSON, otherwise by bytes"
			: "bytes";
	return `${whose} by ${by}${ignored.length === 0 ? "" : ` (without ${ignored.join(", ")})`}`;
}

/**
 * Describes in which order the recordings of equal requests are used.
 * @param sessions whose recordings are used; null: no recording has a session
 */
export function orderText(
	order: ReturnType<typeof profileOf>["order"],
	sessions: "own-first" | "own-only" | "any" | null,
): string {
	const first = { "own-first": ", those of the session first", "own-only": ", only those of the session", any: "" };
	return ORDERS[order] + (sessions === null ? "" : first[sessions]);
}

const ORDERS = {
	once: "each recording answers once",
	sequence: "each recording answers once, then the last one again and again",
	first: "the first recording always answers",
	cycle: "each recording answers in turn, then from the start again",
};

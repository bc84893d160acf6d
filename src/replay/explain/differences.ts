// Lists the differences between a request and a recorded one under the matching rules, each with the option that would
// ignore it.
import { bodyBytes, bodySize } from "../../flow/body.ts";
import { toText } from "../../flow/bytes.ts";
import { cookiePairs } from "../../flow/cookies.ts";
import { formFields } from "../../flow/form.ts";
import type { Message, Request } from "../../flow/message.ts";
import { type Pairs, valuesByName } from "../../flow/pairs.ts";
import { conditionsOf, NO_CONDITIONS } from "../match/conditions.ts";
import {
	type Content,
	contentOf,
	headersInUse,
	hostOf,
	jsonValues,
	pathEnd,
	pathOf,
	queryPairs,
	rawQuery,
} from "../match/parts.ts";
import type { MatchRules, MatchValues } from "../match/rules.ts";

/** A part of a request. Query and form fields, headers, cookies and JSON values have a name too. */
export type Part =
	| "method"
	| "scheme"
	| "host"
	| "port"
	| "path"
	| "query"
	| "query order"
	| "header"
	| "cookie"
	| "json"
	| "form"
	| "body"
	/** Bodies that have the same meaning but different bytes. */
	| "notation"
	/** The match function rejected the recording. */
	| "match"
	/** The requested range. */
	| "range"
	/** Conditional request headers, and those of CORS preflights. */
	| "condition"
	/** The session, if only a session's own recordings answer. */
	| "session";

/** An option with a value; for a list option, one item. */
export interface ReplayOption {
	readonly name: keyof MatchValues | "server_replay_order" | "server_replay_session_order";
	readonly value: string | true;
}

/** A part in which a request differs from a recorded one. */
export interface RequestDifference {
	readonly part: Part;
	readonly name?: string;
	/** null: not present. */
	readonly recorded: string | null;
	readonly sent: string | null;
	/** The option that would ignore this difference; null: there is none. */
	readonly option: ReplayOption | null;
}

/** Largest body that is compared by its parts, in bytes. */
const MAX_PARSED_BYTES = 256 * 1024;

const NORMAL = { normal: true };
const NORMALIZE = { name: "server_replay_normalize_url", value: true } as const;

/** Differences in method, URL and headers. */
export function headDifferences(sent: Request, recorded: Request, rules: MatchRules): RequestDifference[] {
	const differences: RequestDifference[] = [];
	const add = (part: Part, was: string, is: string, option: ReplayOption | null = null) => {
		if (was !== is) differences.push({ part, recorded: joinedText([was]), sent: joinedText([is]), option });
	};
	add("method", toText(recorded.method.toUpperCase()), toText(sent.method.toUpperCase()));
	add("scheme", toText(recorded.scheme), toText(sent.scheme));
	const isSameHost = hostOf(recorded, NORMAL) === hostOf(sent, NORMAL);
	const hostOption = isSameHost ? NORMALIZE : ({ name: "server_replay_ignore_host", value: true } as const);
	if (rules.host) add("host", toText(hostOf(recorded, rules)), toText(hostOf(sent, rules)), hostOption);
	if (rules.port)
		add("port", String(recorded.port), String(sent.port), { name: "server_replay_ignore_port", value: true });
	const path = (request: Request, normal = rules.normal) =>
		toText(pathOf(request.path, pathEnd(request.path), { ...rules, normal }));
	add("path", path(recorded), path(sent), path(recorded, true) === path(sent, true) ? NORMALIZE : null);
	if (rules.query) differences.push(...queryDifferences(sent, recorded, rules));
	return [...differences, ...headerDifferences(sent, recorded, rules)];
}

/** Differences in ranges and conditions, for recordings that depend on them. No option ignores these. */
export function conditionDifferences(sent: Request, recorded: Request): RequestDifference[] {
	const [is, was] = [conditionsOf(sent) ?? NO_CONDITIONS, conditionsOf(recorded) ?? NO_CONDITIONS];
	const differences: RequestDifference[] = [];
	for (const [name, key] of CONDITION_HEADERS) {
		const [before, now] = [was[key], is[key]];
		if (before === now) continue;
		const part = key === "range" || key === "ifRange" ? "range" : "condition";
		differences.push({ part, name, recorded: headerText(name, before), sent: headerText(name, now), option: null });
	}
	return differences;
}

const CONDITION_HEADERS = [
	["Range", "range"],
	["If-Range", "ifRange"],
	["If-Match", "ifMatch"],
	["If-None-Match", "ifNoneMatch"],
	["If-Modified-Since", "ifModifiedSince"],
	["If-Unmodified-Since", "ifUnmodifiedSince"],
	["Access-Control-Request-Method", "requestMethod"],
	["Access-Control-Request-Headers", "requestHeaders"],
] as const;

/** Differences in the bodies. */
export function bodyDifferences(sent: Request, recorded: Request, rules: MatchRules): RequestDifference[] {
	const [is, was] = [contentOf(sent, rules), contentOf(recorded, rules)];
	if (isSameContent(is, was)) return [];
	if (is.kind === "json" && was.kind === "json") return jsonDifferences(was.values, is.values);
	if (is.kind === "form" && was.kind === "form" && is.isMultipart === was.isMultipart)
		return formDifferences(was.fields, is.fields);
	const inside = parsedDifferences(sent, recorded, rules) ?? [];
	return inside.length > 0
		? inside
		: [isSameByMeaning(sent, recorded, rules) ? notation(sent, recorded) : wholeBody(sent, recorded)];
}

function queryDifferences(sent: Request, recorded: Request, rules: MatchRules): RequestDifference[] {
	const pairs = (request: Request) => queryPairs(rawQuery(request.path, pathEnd(request.path)), rules);
	const order = { part: "query order", option: { name: "server_replay_ignore_param_order", value: true } } as const;
	return listDifferences(pairs(recorded), pairs(sent), { part: "query", option: "server_replay_ignore_params", order });
}

/** The differences by name, and one difference if the equal pairs have another order. */
function listDifferences(
	was: Pairs,
	is: Pairs,
	{
		part,
		option,
		order,
	}: { part: Part; option: keyof MatchValues; order: Pick<RequestDifference, "part" | "name" | "option"> },
): RequestDifference[] {
	const differing = pairDifferences(part, was, is, option);
	const names = new Set(differing.map(({ name }) => name));
	const rest = (pairs: Pairs) => pairs.filter(([name]) => !names.has(name));
	const [before, now] = [rest(was), rest(is)];
	return isSamePairs(before, now)
		? differing
		: [...differing, { ...order, recorded: namesOf(before), sent: namesOf(now) }];
}

function namesOf(pairs: Pairs): string {
	return pairs.map(([name]) => name).join(", ");
}

function headerDifferences(sent: Request, recorded: Request, rules: MatchRules): RequestDifference[] {
	if (rules.headers.length === 0) return [];
	const was = new Map(headersInUse(recorded, rules));
	const is = new Map(headersInUse(sent, rules));
	return [...new Set([...was.keys(), ...is.keys()])].flatMap((name) => {
		const [before, now] = [was.get(name) ?? null, is.get(name) ?? null];
		if (before === now) return [];
		const option = { name: "server_replay_ignore_headers", value: name } as const;
		if (name === "cookie") return cookieDifferences(before ?? "", now ?? "", option);
		return [{ part: "header" as const, name, recorded: headerText(name, before), sent: headerText(name, now), option }];
	});
}

function cookieDifferences(was: string, is: string, whole: ReplayOption): RequestDifference[] {
	const order = { part: "header", name: "cookie", option: whole } as const;
	const found = listDifferences(cookiePairs(was), cookiePairs(is), {
		part: "cookie",
		option: "server_replay_ignore_cookies",
		order,
	});
	// only white space differs
	if (found.length === 0) return [{ ...order, recorded: lengthText(was), sent: lengthText(is) }];
	return found.map((each) =>
		each.part === "cookie"
			? { ...each, recorded: each.recorded && lengthText(each.recorded), sent: each.sent && lengthText(each.sent) }
			: each,
	);
}

/** Headers whose values must not appear in logs. */
const secret = new Set(["authorization", "proxy-authorization", "cookie"]);

function headerText(name: string, value: string | null): string | null {
	if (value === null) return null;
	return secret.has(name) ? lengthText(value) : joinedText([toText(value)]);
}

function lengthText(value: string): string {
	return `(${value.length} characters)`;
}

/** The differences by name: other values, or the same values in another order. */
function pairDifferences(part: Part, was: Pairs, is: Pairs, option: keyof MatchValues): RequestDifference[] {
	const [before, now] = [valuesByName(was), valuesByName(is)];
	return [...new Set([...before.keys(), ...now.keys()])].flatMap((name) => {
		const [recorded, sent] = [before.get(name) ?? null, now.get(name) ?? null];
		if (
			recorded !== null &&
			sent !== null &&
			recorded.length === sent.length &&
			recorded.every((value, i) => value === sent[i])
		)
			return [];
		return [
			{ part, name, recorded: joinedText(recorded), sent: joinedText(sent), option: { name: option, value: name } },
		];
	});
}

/** Longest value that is returned in full, in characters. */
const SHOWN = 1000;

function joinedText(values: readonly string[] | null): string | null {
	const text = values?.join(", ") ?? null;
	return text !== null && text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

function isSamePairs(a: Pairs, b: Pairs): boolean {
	return a.length === b.length && a.every(([name, value], i) => name === b[i]?.[0] && value === b[i]?.[1]);
}

function isSameContent(a: Content, b: Content): boolean {
	if (a.kind === "json" && b.kind === "json") return isSamePairs(a.values, b.values);
	if (a.kind === "form" && b.kind === "form") return a.isMultipart === b.isMultipart && isSamePairs(a.fields, b.fields);
	if (a.kind !== "bytes" || b.kind !== "bytes") return a.kind === b.kind;
	return bodySize(a.body) === bodySize(b.body) && (bodyBytes(a.body) as Buffer).equals(bodyBytes(b.body) as Buffer);
}

function jsonDifferences(was: Pairs, is: Pairs): RequestDifference[] {
	return pairDifferences("json", was, is, "server_replay_ignore_json");
}

function formDifferences(was: Pairs, is: Pairs): RequestDifference[] {
	return listDifferences(was, is, {
		part: "form",
		option: "server_replay_ignore_payload_params",
		order: { part: "body", option: IGNORE_CONTENT },
	});
}

const IGNORE_CONTENT: ReplayOption = { name: "server_replay_ignore_content", value: true };

/** Compares bodies as JSON or forms although the rules compare their bytes; null: not possible. */
function parsedDifferences(sent: Request, recorded: Request, rules: MatchRules): RequestDifference[] | null {
	const [was, is] = [smallBody(recorded), smallBody(sent)];
	if (was === null || is === null) return null;
	const [before, now] = [jsonValues(was, rules), jsonValues(is, rules)];
	if (before !== null && now !== null) return jsonDifferences(before, now);
	const [fields, others] = [fieldsOf(recorded), fieldsOf(sent)];
	if (fields === null || others === null) return null;
	return formDifferences(fields, others);
}

/** Whether two bodies have the same meaning, including the headers of multipart parts, which are not form fields. */
function isSameByMeaning(sent: Request, recorded: Request, rules: MatchRules): boolean {
	const byMeaning = { ...rules, meaning: true };
	return isSameContent(contentOf(sent, byMeaning), contentOf(recorded, byMeaning));
}

function notation(sent: Request, recorded: Request): RequestDifference {
	const option = { name: "server_replay_match_content", value: "meaning" } as const;
	return { part: "notation", recorded: sizeText(recorded), sent: sizeText(sent), option };
}

function smallBody(request: Request): Buffer | null {
	if ((bodySize(request.body) ?? 0) > MAX_PARSED_BYTES) return null;
	const bytes = request.decodedOrRaw;
	return bytes === null || bytes.length > MAX_PARSED_BYTES ? null : bytes;
}

function fieldsOf(message: Message): Pairs | null {
	return formFields(message)?.map(({ name, value }) => [name, toText(value)] as const) ?? null;
}

function wholeBody(sent: Request, recorded: Request): RequestDifference {
	return { part: "body", recorded: sizeText(recorded), sent: sizeText(sent), option: IGNORE_CONTENT };
}

function sizeText({ body }: Message): string | null {
	return body === null ? null : `${bodySize(body)} bytes`;
}

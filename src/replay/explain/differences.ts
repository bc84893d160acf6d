// What tells one request from a recorded one by the rules, part by part, and the option that would leave each part out of account.
import { bodyBytes, bodySize } from "../../flow/body.ts";
import { toText } from "../../flow/bytes.ts";
import { formFields } from "../../flow/form.ts";
import type { Message, Request } from "../../flow/message.ts";
import { type Content, contentOf, cookiePairs, headersInUse, hostOf, jsonValues, type Pairs, pathEnd, pathOf, queryPairs, rawQuery } from "../match/parts.ts";
import type { MatchRules, MatchValues } from "../match/rules.ts";
import { NO_WISH, wishOf } from "../match/wish.ts";

/** A part of a request. Those with a name are told apart by it: a query field, a form field, a header, a cookie, a JSON pointer. */
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
	/** Bodies that mean the same and are written differently. */
	| "notation"
	/** The match function says no. */
	| "match"
	/** Which part is asked for. */
	| "range"
	/** What the client has already. */
	| "condition";

/** An option with a value: of a list, an item. */
export interface ReplayOption {
	readonly name: keyof MatchValues | "server_replay_order";
	readonly value: string | true;
}

export interface Difference {
	readonly part: Part;
	readonly name?: string;
	/** null: the request does not have it. */
	readonly recorded: string | null;
	readonly sent: string | null;
	/** What would make this difference none; null: nothing. */
	readonly option: ReplayOption | null;
}

/** Bodies beyond this many bytes are not taken apart. */
const TAKEN_APART = 256 * 1024;

const NORMAL = { normal: true };
const NORMALIZE = { name: "server_replay_normalize_url", value: true } as const;

/** What differs in the heads. */
export function headDifferences(sent: Request, recorded: Request, rules: MatchRules): Difference[] {
	const differences: Difference[] = [];
	const add = (part: Part, was: string, is: string, option: ReplayOption | null = null) => {
		if (was !== is) differences.push({ part, recorded: shown([was]), sent: shown([is]), option });
	};
	add("method", toText(recorded.method.toUpperCase()), toText(sent.method.toUpperCase()));
	add("scheme", toText(recorded.scheme), toText(sent.scheme));
	const isSameHost = hostOf(recorded, NORMAL) === hostOf(sent, NORMAL);
	const hostOption = isSameHost ? NORMALIZE : ({ name: "server_replay_ignore_host", value: true } as const);
	if (rules.host) add("host", toText(hostOf(recorded, rules)), toText(hostOf(sent, rules)), hostOption);
	if (rules.port) add("port", String(recorded.port), String(sent.port), { name: "server_replay_ignore_port", value: true });
	const path = (request: Request, normal = rules.normal) => toText(pathOf(request.path, pathEnd(request.path), { ...rules, normal }));
	add("path", path(recorded), path(sent), path(recorded, true) === path(sent, true) ? NORMALIZE : null);
	if (rules.query) differences.push(...queryDifferences(sent, recorded, rules));
	return [...differences, ...headerDifferences(sent, recorded, rules)];
}

/** What differs in what is asked for besides, where the recorded answer is only for some who ask. No option makes it answer others. */
export function wishDifferences(sent: Request, recorded: Request): Difference[] {
	const [is, was] = [wishOf(sent) ?? NO_WISH, wishOf(recorded) ?? NO_WISH];
	const differences: Difference[] = [];
	for (const [name, key] of WISHES) {
		const [before, now] = [was[key], is[key]];
		if (before === now) continue;
		const part = key === "range" || key === "ifRange" ? "range" : "condition";
		differences.push({ part, name, recorded: headerText(name, before), sent: headerText(name, now), option: null });
	}
	return differences;
}

const WISHES = [
	["Range", "range"],
	["If-Range", "ifRange"],
	["If-Match", "ifMatch"],
	["If-None-Match", "ifNoneMatch"],
	["If-Modified-Since", "ifModifiedSince"],
	["If-Unmodified-Since", "ifUnmodifiedSince"],
	["Access-Control-Request-Method", "requestMethod"],
	["Access-Control-Request-Headers", "requestHeaders"],
] as const;

/** What differs in the bodies. */
export function bodyDifferences(sent: Request, recorded: Request, rules: MatchRules): Difference[] {
	const [is, was] = [contentOf(sent, rules), contentOf(recorded, rules)];
	if (isSameContent(is, was)) return [];
	if (is.kind === "json" && was.kind === "json") return jsonDifferences(was.values, is.values);
	if (is.kind === "form" && was.kind === "form" && is.isMultipart === was.isMultipart) return formDifferences(was.fields, is.fields);
	const inside = takenApart(sent, recorded, rules) ?? [];
	return inside.length > 0 ? inside : [isSameByMeaning(sent, recorded, rules) ? notation(sent, recorded) : wholeBody(sent, recorded)];
}

function queryDifferences(sent: Request, recorded: Request, rules: MatchRules): Difference[] {
	const pairs = (request: Request) => queryPairs(rawQuery(request.path, pathEnd(request.path)), rules);
	const order = { part: "query order", option: { name: "server_replay_ignore_param_order", value: true } } as const;
	return listDifferences(pairs(recorded), pairs(sent), { part: "query", option: "server_replay_ignore_params", order });
}

/** By name; and that those with equal values come in another order. */
function listDifferences(
	was: Pairs,
	is: Pairs,
	{ part, option, order }: { part: Part; option: keyof MatchValues; order: Pick<Difference, "part" | "name" | "option"> },
): Difference[] {
	const differing = pairDifferences(part, was, is, option);
	const names = new Set(differing.map(({ name }) => name));
	const rest = (pairs: Pairs) => pairs.filter(([name]) => !names.has(name));
	const [before, now] = [rest(was), rest(is)];
	return isSamePairs(before, now) ? differing : [...differing, { ...order, recorded: namesOf(before), sent: namesOf(now) }];
}

function namesOf(pairs: Pairs): string {
	return pairs.map(([name]) => name).join(", ");
}

function headerDifferences(sent: Request, recorded: Request, rules: MatchRules): Difference[] {
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

function cookieDifferences(was: string, is: string, whole: ReplayOption): Difference[] {
	const order = { part: "header", name: "cookie", option: whole } as const;
	const found = listDifferences(cookiePairs(was), cookiePairs(is), { part: "cookie", option: "server_replay_ignore_cookies", order });
	// written differently
	if (found.length === 0) return [{ ...order, recorded: lengthText(was), sent: lengthText(is) }];
	return found.map((each) =>
		each.part === "cookie" ? { ...each, recorded: each.recorded && lengthText(each.recorded), sent: each.sent && lengthText(each.sent) } : each,
	);
}

/** What nobody should find in a log. */
const secret = new Set(["authorization", "proxy-authorization", "cookie"]);

function headerText(name: string, value: string | null): string | null {
	if (value === null) return null;
	return secret.has(name) ? lengthText(value) : shown([toText(value)]);
}

function lengthText(value: string): string {
	return `(${value.length} characters)`;
}

/** By name: the values of those that do not have the same ones in the same order. */
function pairDifferences(part: Part, was: Pairs, is: Pairs, option: keyof MatchValues): Difference[] {
	const [before, now] = [grouped(was), grouped(is)];
	return [...new Set([...before.keys(), ...now.keys()])].flatMap((name) => {
		const [recorded, sent] = [before.get(name) ?? null, now.get(name) ?? null];
		if (recorded !== null && sent !== null && recorded.length === sent.length && recorded.every((value, i) => value === sent[i])) return [];
		return [{ part, name, recorded: shown(recorded), sent: shown(sent), option: { name: option, value: name } }];
	});
}

/** Characters of a value that are told. */
const SHOWN = 1000;

function shown(values: readonly string[] | null): string | null {
	const text = values?.join(", ") ?? null;
	return text !== null && text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

function grouped(pairs: Pairs): Map<string, string[]> {
	const groups = new Map<string, string[]>();
	for (const [name, value] of pairs) {
		const group = groups.get(name);
		if (group === undefined) groups.set(name, [value]);
		else group.push(value);
	}
	return groups;
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

function jsonDifferences(was: Pairs, is: Pairs): Difference[] {
	return pairDifferences("json", was, is, "server_replay_ignore_json");
}

function formDifferences(was: Pairs, is: Pairs): Difference[] {
	return listDifferences(was, is, { part: "form", option: "server_replay_ignore_payload_params", order: { part: "body", option: IGNORE_CONTENT } });
}

const IGNORE_CONTENT: ReplayOption = { name: "server_replay_ignore_content", value: true };

/** What differs in what bodies mean that are compared by their bytes; null where that cannot be told. */
function takenApart(sent: Request, recorded: Request, rules: MatchRules): Difference[] | null {
	const [was, is] = [smallBody(recorded), smallBody(sent)];
	if (was === null || is === null) return null;
	const [before, now] = [jsonValues(was, rules), jsonValues(is, rules)];
	if (before !== null && now !== null) return jsonDifferences(before, now);
	const [fields, others] = [fieldsOf(recorded), fieldsOf(sent)];
	if (fields === null || others === null) return null;
	return formDifferences(fields, others);
}

/** Parts of a form have headers too, which no field shows. */
function isSameByMeaning(sent: Request, recorded: Request, rules: MatchRules): boolean {
	const byMeaning = { ...rules, meaning: true };
	return isSameContent(contentOf(sent, byMeaning), contentOf(recorded, byMeaning));
}

function notation(sent: Request, recorded: Request): Difference {
	const option = { name: "server_replay_match_content", value: "meaning" } as const;
	return { part: "notation", recorded: sizeText(recorded), sent: sizeText(sent), option };
}

function smallBody(request: Request): Buffer | null {
	if ((bodySize(request.body) ?? 0) > TAKEN_APART) return null;
	const bytes = request.decodedOrRaw;
	return bytes === null || bytes.length > TAKEN_APART ? null : bytes;
}

function fieldsOf(message: Message): Pairs | null {
	return formFields(message)?.map(({ name, value }) => [name, toText(value)] as const) ?? null;
}

function wholeBody(sent: Request, recorded: Request): Difference {
	return { part: "body", recorded: sizeText(recorded), sent: sizeText(sent), option: IGNORE_CONTENT };
}

function sizeText({ body }: Message): string | null {
	return body === null ? null : `${bodySize(body)} bytes`;
}

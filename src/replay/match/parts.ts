// The parts of a request that count by the rules, brought into one form, so that recorded and live requests are compared alike.
import { type Body, bodySize } from "../../flow/body.ts";
import { type ByteString, decodeText, toByteString, toText } from "../../flow/bytes.ts";
import { formFields, hasTooManyFields } from "../../flow/form.ts";
import type { Request } from "../../flow/message.ts";
import { boundaryOf } from "../../flow/multipart.ts";
import { parseQuery } from "../../flow/url.ts";
import { pointerOf } from "../../json/leaves.ts";
import { compileName, isPattern } from "../../json/name-pattern.ts";
import { covers } from "../../json/path.ts";
import { stringOf, walkJson } from "../../json/walk.ts";
import type { MatchRules } from "./rules.ts";

/** Names with values, in order. */
export type Pairs = readonly (readonly [name: string, value: string])[];

/** What counts of a body. */
export type Content =
	| { readonly kind: "ignored" }
	/** Not recorded. */
	| { readonly kind: "missing" }
	| { readonly kind: "form"; readonly fields: Pairs; readonly isMultipart: boolean }
	/** By pointer, in the order of the pointers: the token of each value, or the bracket that opens it. */
	| { readonly kind: "json"; readonly values: Pairs }
	| { readonly kind: "bytes"; readonly body: NonNullable<Body> };

/** Hosts are the same whatever their case (RFC 9110 section 4.2.3). */
export function hostOf(request: Request, { normal }: Pick<MatchRules, "normal"> = { normal: false }): ByteString {
	const host = toByteString(request.prettyHost.toLowerCase());
	// the dot of the root (RFC 1034 section 3.1)
	return normal && host.length > 1 && host.endsWith(".") ? host.slice(0, -1) : host;
}

/** Where the query or the fragment begins. */
export function pathEnd(path: ByteString): number {
	const mark = path.indexOf("?");
	const hash = path.indexOf("#");
	return mark < 0 ? (hash < 0 ? path.length : hash) : hash < 0 ? mark : Math.min(mark, hash);
}

/** The path up to `end`; without the parameters after `;` of its last segment, unless they count. */
export function pathOf(path: ByteString, end: number, { pathParams, normal }: Pick<MatchRules, "pathParams" | "normal">): ByteString {
	if (path === "*") return "";
	const semicolon = pathParams ? -1 : path.indexOf(";", path.lastIndexOf("/", end - 1) + 1);
	const cut = semicolon < 0 || semicolon > end ? end : semicolon;
	const whole = cut === path.length ? path : path.slice(0, cut);
	return normal ? whole.replace(/%([0-9a-f]{2})|[\x80-\xff]/gi, inOneNotation) : whole;
}

/** RFC 3986 section 6.2.2: what need not be escaped is the same unescaped, what has to be is the same escaped, digits are the same in either case. */
function inOneNotation(part: string, digits: string | undefined): string {
	if (digits === undefined) return `%${part.charCodeAt(0).toString(16).toUpperCase()}`;
	const character = String.fromCharCode(Number.parseInt(digits, 16));
	return /[\w.~-]/.test(character) ? character : part.toUpperCase();
}

/** The query as it stands, from the end of the path. */
export function rawQuery(path: ByteString, end: number): ByteString {
	if (path.charCodeAt(end) !== 0x3f) return "";
	const hash = path.indexOf("#", end);
	return path.slice(end + 1, hash < 0 ? path.length : hash);
}

/** The query's pairs that count, escapes undone. */
export function queryPairs(query: ByteString, { ignoredParams, paramOrder }: MatchRules): Pairs {
	const all = parseQuery(toText(query));
	const pairs = ignoredParams === null ? all : all.filter(([name]) => !ignoredParams(name));
	return paramOrder ? pairs : pairs.sort(([a, x], [b, y]) => compare(a, b) || compare(x, y));
}

function compare(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0;
}

/** Fields that say nothing about what is asked for, or say again what counts anyway: a pattern does not take them in. */
const unpatterned = new Set(["host", "content-length", "transfer-encoding", "connection", "proxy-connection", "keep-alive"]);

/** The headers in use with their values, null where the request has none. */
export function headersInUse(request: Request, rules: MatchRules): [name: string, value: ByteString | null][] {
	const names = rules.headers.flatMap((name) => (isPattern(name) ? namesLike(name, request) : name)).filter((name) => !rules.ignoredHeaders?.(name));
	return names.map((name) => [name, name === "cookie" ? cookiesOf(request, rules) : request.headers.raw(name)]);
}

function namesLike(pattern: string, { headers }: Request): string[] {
	const isMeant = compileName(pattern);
	const names = new Set<string>();
	for (let i = 0; i < headers.fields.length; i += 2) names.add((headers.fields[i] as ByteString).toLowerCase());
	return [...names].filter((name) => isMeant(name) && !unpatterned.has(name)).sort();
}

function cookiesOf(request: Request, { ignoredCookies }: MatchRules): ByteString | null {
	// HTTP/2 has a field for each of them where a client likes (RFC 9113 section 8.2.3)
	const fields = request.headers.getAll("cookie");
	const header = fields.length === 0 ? null : toByteString(fields.join("; "));
	if (header === null || ignoredCookies === null) return header;
	const kept = cookiePairs(header).filter(([name]) => !ignoredCookies(toText(name)));
	return kept.length === 0 ? null : kept.map(([name, value]) => `${name}=${value}`).join("; ");
}

/** The cookies of a Cookie header; one without a name has an empty one. */
export function cookiePairs(header: ByteString): Pairs {
	return header
		.split(";")
		.map((part) => part.trim())
		.filter((part) => part !== "")
		.map((part) => {
			const equals = part.indexOf("=");
			return equals < 0 ? ["", part] : [part.slice(0, equals), part.slice(equals + 1)];
		});
}

/** Larger bodies are compared by their bytes, whatever the rules. */
export const MEANING_LIMIT = 16 * 1024 * 1024;
/** Bodies that inflate to more are compared as they were sent. Bytes. */
export const CODED_LIMIT = 16 * 1024 * 1024;
/** What may be compared of a JSON body: bytes of the pointers to its values. */
const POINTER_BYTES = 32 * 1024 * 1024;
/** Up to this size a body is decoded; a larger one without a coding need not be in memory as a whole. Bytes. */
export const WHOLE_LIMIT = 1024;

export function contentOf(request: Request, rules: MatchRules): Content {
	const { body } = request;
	if (!rules.content(request.method)) return { kind: "ignored" };
	if (body === null) return { kind: "missing" };
	const size = bodySize(body) ?? 0;
	const isSmall = size <= MEANING_LIMIT;
	if (rules.ignoredFields !== null && isSmall) {
		const fields = formOf(request, rules);
		if (fields !== null) return { kind: "form", fields, isMultipart: /multipart\/form-data/i.test(request.headers.get("content-type") ?? "") };
	}
	if (isSmall && (rules.meaning || rules.ignoredJson.length > 0 || rules.cuts.length > 0)) return meaningOf(request, rules);
	const isDecoded = size <= WHOLE_LIMIT || request.headers.has("content-encoding");
	return { kind: "bytes", body: (isDecoded ? request.decodedWithin(CODED_LIMIT) : body) ?? body };
}

function formOf(request: Request, { ignoredFields }: MatchRules): Pairs | null {
	const fields = formFields(request);
	return fields === null ? null : fields.filter(({ name }) => !ignoredFields?.(name)).map(({ name, value }) => [name, toText(value)]);
}

function meaningOf(request: Request, rules: MatchRules): Content {
	const whole = request.decodedWithin(CODED_LIMIT) ?? Buffer.alloc(0);
	const cut = rules.cuts.reduce((text, take) => take(text), rules.cuts.length === 0 ? "" : whole.latin1Slice());
	const bytes = rules.cuts.length === 0 ? whole : Buffer.from(cut, "latin1");
	const type = request.headers.get("content-type") ?? "";
	const valuesOf = JSON_LINES.test(type) ? lineValues : jsonValues;
	const values = rules.meaning || rules.ignoredJson.length > 0 ? valuesOf(bytes, rules) : null;
	if (values !== null) return { kind: "json", values };
	if (rules.meaning && /application\/x-www-form-urlencoded/i.test(type)) {
		const text = toText(bytes.latin1Slice());
		if (!hasTooManyFields(text, "&")) return { kind: "form", fields: parseQuery(text), isMultipart: false };
	}
	return { kind: "bytes", body: rules.meaning ? withoutBoundary(bytes, type) : bytes };
}

/** Media types of JSON texts one behind the other, a line each; RFC 7464 puts a mark before each. */
const JSON_LINES = /^\s*application\/(?:x-)?(?:ndjson|jsonl|jsonlines|json-lines|json-seq)\s*(?:;|$)/i;

const RECORD_SEPARATOR = "\u001e";

/** The values of JSON texts that stand one a line, by the number of the line and their pointers; null when one of them is no JSON. */
function lineValues(bytes: Buffer, rules: Pick<MatchRules, "ignoredJson">): Pairs | null {
	const found: [pointer: string, value: string][] = [];
	const lines = bytes
		.latin1Slice()
		.replaceAll(RECORD_SEPARATOR, "\n")
		.split("\n")
		.filter((line) => line.trim() !== "");
	for (const [n, line] of lines.entries()) {
		const values = jsonValues(Buffer.from(line, "latin1"), rules);
		if (values === null) return null;
		for (const [pointer, value] of values) found.push([`/${n}${pointer}`, value]);
	}
	return found;
}

/** The values of a JSON body by their pointers; null when it is no JSON, or more than anybody compares. */
export function jsonValues(bytes: Buffer, { ignoredJson }: Pick<MatchRules, "ignoredJson">): Pairs | null {
	// what begins like none of JSON's values is not tried
	if (!/^[\s]*["[{\-\dtfn]/.test(bytes.subarray(0, 64).latin1Slice())) return null;
	const text = decodeText(bytes);
	const values: [pointer: string, value: string][] = [];
	let pointers = 0;
	const isJson = walkJson(text, (path, from, to) => {
		for (const key of path) pointers += key.length;
		if (pointers > POINTER_BYTES) return;
		if (!ignoredJson.some((ignored) => covers(ignored, path))) values.push([pointerOf(path), canonicalToken(text.slice(from, to))]);
	});
	return isJson && pointers <= POINTER_BYTES ? values.sort(([a], [b]) => compare(a, b)) : null;
}

/** From here on a double may not hold all digits of a number. */
const EXACT_DIGITS = 15;

function canonicalToken(token: string): string {
	const first = token.charCodeAt(0);
	if (first === 0x22) return token.includes("\\") ? JSON.stringify(stringOf(token)) : token;
	const isNumber = first === 0x2d || (first >= 0x30 && first <= 0x39);
	const number = isNumber && token.length <= EXACT_DIGITS ? Number(token) : Number.NaN;
	// beyond what a double holds all numbers are one
	return Number.isFinite(number) && (number !== 0 || !/[1-9].*e/i.test(token)) ? String(number) : token;
}

/** The boundary of a multipart body is made up anew for each request. */
function withoutBoundary(bytes: Buffer, type: string): Buffer {
	const boundary = boundaryOf(type);
	return boundary === null ? bytes : Buffer.from(bytes.latin1Slice().replaceAll(boundary, "boundary"), "latin1");
}

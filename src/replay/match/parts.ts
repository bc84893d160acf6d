// Extracts and normalizes the parts of a request that the matching rules compare.
import { type Body, bodySize } from "../../flow/body.ts";
import { type ByteString, decodeText, toByteString, toText } from "../../flow/bytes.ts";
import { parseMediaType } from "../../flow/content-type.ts";
import { cookiePairs } from "../../flow/cookies.ts";
import { formFields, hasTooManyFields, URL_ENCODED } from "../../flow/form.ts";
import type { Request } from "../../flow/message.ts";
import { boundaryOf } from "../../flow/multipart.ts";
import type { Pairs } from "../../flow/pairs.ts";
import { parseQuery } from "../../flow/url.ts";
import { pointerOf } from "../../json/leaves.ts";
import { compileName, isPattern } from "../../json/name-pattern.ts";
import { covers } from "../../json/path.ts";
import { stringOf, walkJson } from "../../json/walk.ts";
import type { MatchRules } from "./rules.ts";

/** The compared content of a body. */
export type Content =
	| { readonly kind: "ignored" }
	/** Not recorded. */
	| { readonly kind: "missing" }
	| { readonly kind: "form"; readonly fields: Pairs; readonly isMultipart: boolean }
	/** Pointer and token of each value, sorted by pointer. The token of an object or array is its opening bracket. */
	| { readonly kind: "json"; readonly values: Pairs }
	| { readonly kind: "bytes"; readonly body: NonNullable<Body> };

/** The host in lower case (RFC 9110 section 4.2.3). */
export function hostOf(request: Request, { normal }: Pick<MatchRules, "normal"> = { normal: false }): ByteString {
	const host = toByteString(request.prettyHost.toLowerCase());
	// the trailing dot of a fully qualified name (RFC 1034 section 3.1)
	return normal && host.length > 1 && host.endsWith(".") ? host.slice(0, -1) : host;
}

/** Index at which the query or the fragment begins. */
export function pathEnd(path: ByteString): number {
	const mark = path.indexOf("?");
	const hash = path.indexOf("#");
	return mark < 0 ? (hash < 0 ? path.length : hash) : hash < 0 ? mark : Math.min(mark, hash);
}

/** The path up to `end`, without the `;` parameters of its last segment unless these are compared. */
export function pathOf(
	path: ByteString,
	end: number,
	{ pathParams, normal }: Pick<MatchRules, "pathParams" | "normal">,
): ByteString {
	if (path === "*") return "";
	const semicolon = pathParams ? -1 : path.indexOf(";", path.lastIndexOf("/", end - 1) + 1);
	const cut = semicolon < 0 || semicolon > end ? end : semicolon;
	const whole = cut === path.length ? path : path.slice(0, cut);
	return normal ? whole.replace(/%([0-9a-f]{2})|[\x80-\xff]/gi, normalizeEscape) : whole;
}

/**
 * Normalizes percent-encoding (RFC 3986 section 6.2.2): decodes unreserved characters, encodes non-ASCII characters,
 * and writes hexadecimal digits in upper case.
 */
function normalizeEscape(part: string, digits: string | undefined): string {
	if (digits === undefined) return `%${part.charCodeAt(0).toString(16).toUpperCase()}`;
	const character = String.fromCharCode(Number.parseInt(digits, 16));
	return /[\w.~-]/.test(character) ? character : part.toUpperCase();
}

/**
 * The query without `?`, not decoded.
 * @param end as returned by `pathEnd`
 */
export function rawQuery(path: ByteString, end: number): ByteString {
	if (path.charCodeAt(end) !== 0x3f) return "";
	const hash = path.indexOf("#", end);
	return path.slice(end + 1, hash < 0 ? path.length : hash);
}

/** The compared query parameters, decoded. */
export function queryPairs(query: ByteString, { ignoredParams, paramOrder }: MatchRules): Pairs {
	const all = parseQuery(toText(query));
	const pairs = ignoredParams === null ? all : all.filter(([name]) => !ignoredParams(name));
	return paramOrder ? pairs : pairs.sort(([a, x], [b, y]) => compare(a, b) || compare(x, y));
}

function compare(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Headers that a pattern with `*` does not include: they do not identify the request, or repeat parts that are compared
 * anyway.
 */
const EXCLUDED_FROM_PATTERNS = new Set([
	"host",
	"content-length",
	"transfer-encoding",
	"connection",
	"proxy-connection",
	"keep-alive",
]);

/** The compared headers with their values; null: not present. */
export function headersInUse(request: Request, rules: MatchRules): [name: string, value: ByteString | null][] {
	const names = rules.headers
		.flatMap((name) => (isPattern(name) ? namesLike(name, request) : name))
		.filter((name) => !rules.ignoredHeaders?.(name));
	return names.map((name) => [name, name === "cookie" ? cookiesOf(request, rules) : request.headers.raw(name)]);
}

function namesLike(pattern: string, { headers }: Request): string[] {
	const matches = compileName(pattern);
	const names = new Set<string>();
	for (let i = 0; i < headers.fields.length; i += 2) names.add((headers.fields[i] as ByteString).toLowerCase());
	return [...names].filter((name) => matches(name) && !EXCLUDED_FROM_PATTERNS.has(name)).sort();
}

function cookiesOf(request: Request, { ignoredCookies }: MatchRules): ByteString | null {
	// HTTP/2 clients may send each cookie in a separate header (RFC 9113 section 8.2.3)
	const fields = request.headers.getAll("cookie");
	const header = fields.length === 0 ? null : toByteString(fields.join("; "));
	if (header === null || ignoredCookies === null) return header;
	const kept = cookiePairs(header).filter(([name]) => !ignoredCookies(toText(name)));
	return kept.length === 0 ? null : kept.map(([name, value]) => `${name}=${value}`).join("; ");
}

/** Size in bytes up to which bodies are compared by their meaning; larger ones are compared byte by byte. */
const MEANING_LIMIT = 16 * 1024 * 1024;
/** Bodies that decode to more bytes are compared as sent. */
export const CODED_LIMIT = 16 * 1024 * 1024;
/** JSON bodies whose pointers take more bytes in total are compared as bytes. */
const POINTER_BYTES = 32 * 1024 * 1024;
/**
 * Size in bytes up to which bodies are hashed as part of the key's text. Larger ones are hashed in chunks, so that they
 * need not be in memory.
 */
export const WHOLE_LIMIT = 1024;

export function contentOf(request: Request, rules: MatchRules): Content {
	const { body } = request;
	if (!rules.content(request.method)) return { kind: "ignored" };
	if (body === null) return { kind: "missing" };
	const size = bodySize(body) ?? 0;
	const isSmall = size <= MEANING_LIMIT;
	if (rules.ignoredFields !== null && isSmall) {
		const fields = formOf(request, rules);
		if (fields !== null)
			return {
				kind: "form",
				fields,
				isMultipart: parseMediaType(request.headers.get("content-type")).essence === "multipart/form-data",
			};
	}
	if (isSmall && (rules.meaning || rules.ignoredJson.length > 0 || rules.cuts.length > 0))
		return meaningOf(request, rules);
	const isDecoded = size <= WHOLE_LIMIT || request.headers.has("content-encoding");
	return { kind: "bytes", body: (isDecoded ? request.decodedWithin(CODED_LIMIT) : body) ?? body };
}

function formOf(request: Request, { ignoredFields }: MatchRules): Pairs | null {
	const fields = formFields(request);
	return fields === null
		? null
		: fields.filter(({ name }) => !ignoredFields?.(name)).map(({ name, value }) => [name, toText(value)]);
}

function meaningOf(request: Request, rules: MatchRules): Content {
	const whole = request.decodedWithin(CODED_LIMIT) ?? Buffer.alloc(0);
	const cut = rules.cuts.reduce((text, take) => take(text), rules.cuts.length === 0 ? "" : whole.latin1Slice());
	const bytes = rules.cuts.length === 0 ? whole : Buffer.from(cut, "latin1");
	const type = request.headers.get("content-type");
	const { essence } = parseMediaType(type);
	const valuesOf = JSON_LINES.test(essence) ? lineValues : jsonValues;
	const values = rules.meaning || rules.ignoredJson.length > 0 ? valuesOf(bytes, rules) : null;
	if (values !== null) return { kind: "json", values };
	if (rules.meaning && essence === URL_ENCODED) {
		const text = toText(bytes.latin1Slice());
		if (!hasTooManyFields(text, "&")) return { kind: "form", fields: parseQuery(text), isMultipart: false };
	}
	return { kind: "bytes", body: rules.meaning ? withoutBoundary(bytes, type) : bytes };
}

/** Media types of newline-delimited JSON and JSON text sequences (RFC 7464). */
const JSON_LINES = /^application\/(?:x-)?(?:ndjson|jsonl|jsonlines|json-lines|json-seq)$/;

const RECORD_SEPARATOR = "\u001e";

/** The values of newline-delimited JSON, by line number and pointer; null: a line is not JSON. */
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

/** The values of a JSON body by pointer; null: not JSON, or beyond the limits. */
export function jsonValues(bytes: Buffer, { ignoredJson }: Pick<MatchRules, "ignoredJson">): Pairs | null {
	// quick check of the first character
	if (!/^[\s]*["[{\-\dtfn]/.test(bytes.subarray(0, 64).latin1Slice())) return null;
	const text = decodeText(bytes);
	const values: [pointer: string, value: string][] = [];
	let pointers = 0;
	const isJson = walkJson(text, (path, from, to) => {
		for (const key of path) pointers += key.length;
		if (pointers > POINTER_BYTES) return;
		if (!ignoredJson.some((ignored) => covers(ignored, path)))
			values.push([pointerOf(path), canonicalToken(text.slice(from, to))]);
	});
	return isJson && pointers <= POINTER_BYTES ? values.sort(([a], [b]) => compare(a, b)) : null;
}

/** Numbers with up to this many characters are represented exactly by a double. */
const EXACT_DIGITS = 15;

function canonicalToken(token: string): string {
	const first = token.charCodeAt(0);
	if (first === 0x22) return token.includes("\\") ? JSON.stringify(stringOf(token)) : token;
	const isNumber = first === 0x2d || (first >= 0x30 && first <= 0x39);
	const number = isNumber && token.length <= EXACT_DIGITS ? Number(token) : Number.NaN;
	// numbers that overflow or underflow are compared as text
	return Number.isFinite(number) && (number !== 0 || !/[1-9].*e/i.test(token)) ? String(number) : token;
}

/** Replaces the boundary of a multipart body, which is random. */
function withoutBoundary(bytes: Buffer, type: string | null): Buffer {
	const boundary = boundaryOf(type);
	return boundary === null ? bytes : Buffer.from(bytes.latin1Slice().replaceAll(boundary, "boundary"), "latin1");
}

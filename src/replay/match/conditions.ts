// The request headers that are not in the key but decide which recording can answer: ranges and conditions (RFC 9110
// sections 13 and 14), and those of CORS preflights.
import type { ByteString } from "../../flow/bytes.ts";
import { parseHttpDate } from "../../flow/date.ts";
import type { Request } from "../../flow/message.ts";

/** The header values; null: not present. */
export interface RequestConditions {
	readonly range: ByteString | null;
	readonly ifRange: ByteString | null;
	readonly ifMatch: ByteString | null;
	readonly ifNoneMatch: ByteString | null;
	readonly ifModifiedSince: ByteString | null;
	readonly ifUnmodifiedSince: ByteString | null;
	/** The headers of a CORS preflight. */
	readonly requestMethod: ByteString | null;
	readonly requestHeaders: ByteString | null;
	readonly origin: ByteString | null;
}

/** A request without any of them. */
export const NO_CONDITIONS: RequestConditions = {
	range: null,
	ifRange: null,
	ifMatch: null,
	ifNoneMatch: null,
	ifModifiedSince: null,
	ifUnmodifiedSince: null,
	requestMethod: null,
	requestHeaders: null,
	origin: null,
};

const REQUEST_METHOD = "access-control-request-method";

/** The conditions of a request; null: it has none, as most requests. */
export function conditionsOf({ headers }: Pick<Request, "headers">): RequestConditions | null {
	if (!hasAny(headers.fields)) return null;
	return {
		range: headers.raw("range"),
		ifRange: headers.raw("if-range"),
		ifMatch: headers.raw("if-match"),
		ifNoneMatch: headers.raw("if-none-match"),
		ifModifiedSince: headers.raw("if-modified-since"),
		ifUnmodifiedSince: headers.raw("if-unmodified-since"),
		requestMethod: headers.raw(REQUEST_METHOD),
		requestHeaders: headers.raw("access-control-request-headers"),
		origin: headers.raw("origin"),
	};
}

/** Whether any of these headers is present. It runs for every request, so it checks lengths and letters first. */
function hasAny(fields: readonly ByteString[]): boolean {
	for (let i = 0; i < fields.length; i += 2) {
		const name = fields[i] as ByteString;
		if (name.length < 5) continue;
		const letter = name.charCodeAt(0) | 0x20;
		if (letter === 0x69 && name.charCodeAt(2) === 0x2d && /^if-/i.test(name)) return true;
		if (letter === 0x72 && name.length === 5 && name.toLowerCase() === "range") return true;
		if (letter === 0x61 && name.length === REQUEST_METHOD.length && name.toLowerCase() === REQUEST_METHOD) return true;
	}
	return false;
}

/** Whether two Range headers are equal, except for case and white space. */
export function isSameRange(a: ByteString | null, b: ByteString | null): boolean {
	return a === b || (a !== null && b !== null && unspaced(a) === unspaced(b));
}

function unspaced(field: ByteString): string {
	return field.replace(/\s+/g, "").toLowerCase();
}

/** Whether two requests have equivalent conditions, so that a recorded 412 or 428 answers both. */
export function hasSameConditions(sent: RequestConditions, recorded: RequestConditions): boolean {
	return (
		isSameList(sent.ifMatch, recorded.ifMatch) &&
		isSameList(sent.ifNoneMatch, recorded.ifNoneMatch) &&
		isSameDate(sent.ifUnmodifiedSince, recorded.ifUnmodifiedSince) &&
		isSameDate(sent.ifModifiedSince, recorded.ifModifiedSince)
	);
}

function isSameList(a: ByteString | null, b: ByteString | null): boolean {
	if (a === null || b === null) return a === b;
	const [left, right] = [tagsOf(a), tagsOf(b)];
	return left.length === right.length && left.every((tag) => right.includes(tag));
}

/** A later date counts as equal, because refreshing moves dates forward. */
function isSameDate(sent: ByteString | null, recorded: ByteString | null): boolean {
	return sent === recorded || (sent !== null && recorded !== null && isNotBefore(sent, recorded));
}

/** The entity tags of a field, or `*`, without `W/`, for weak comparison (RFC 9110 section 8.8.3.2). */
export function tagsOf(field: ByteString): string[] {
	return (field.match(/"[^"]*"|[^\s,"]+/g) ?? []).filter((tag) => !/^W\/$/i.test(tag));
}

/** Whether a date equals another or is later; false if one of them is not valid. */
export function isNotBefore(date: ByteString, other: ByteString): boolean {
	const [seconds, least] = [parseHttpDate(date), parseHttpDate(other)];
	return seconds !== null && least !== null && seconds >= least;
}

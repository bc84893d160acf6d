// What a request asks for besides what its key holds: a range, an answer under conditions only (RFC 9110 sections 13 and 14), or, as a CORS
// preflight, whether another request may be sent.
import type { ByteString } from "../../flow/bytes.ts";
import { parseHttpDate } from "../../flow/date.ts";
import type { Request } from "../../flow/message.ts";

/** The fields as they stand; null where there is none. */
export interface Wish {
	readonly range: ByteString | null;
	readonly ifRange: ByteString | null;
	readonly ifMatch: ByteString | null;
	readonly ifNoneMatch: ByteString | null;
	readonly ifModifiedSince: ByteString | null;
	readonly ifUnmodifiedSince: ByteString | null;
	/** What a CORS preflight asks for, and for whom. */
	readonly requestMethod: ByteString | null;
	readonly requestHeaders: ByteString | null;
	readonly origin: ByteString | null;
}

/** Nothing of that. */
export const NO_WISH: Wish = {
	...{ range: null, ifRange: null },
	...{ ifMatch: null, ifNoneMatch: null, ifModifiedSince: null, ifUnmodifiedSince: null },
	...{ requestMethod: null, requestHeaders: null, origin: null },
};

const REQUEST_METHOD = "access-control-request-method";

/** null: it asks for nothing of that kind, as most do. */
export function wishOf({ headers }: Pick<Request, "headers">): Wish | null {
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

/** Asked for every request, so it looks at as little as possible. */
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

/** Whether two Range fields ask for the same, however they are written. */
export function isSameRange(a: ByteString | null, b: ByteString | null): boolean {
	return a === b || (a !== null && b !== null && unspaced(a) === unspaced(b));
}

function unspaced(field: ByteString): string {
	return field.replace(/\s+/g, "").toLowerCase();
}

/** Whether the conditions of a request that was answered 412 hold for another. */
export function hasSameConditions(sent: Wish, recorded: Wish): boolean {
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

/** A date that was moved when it was replayed counts as the recorded one. */
function isSameDate(sent: ByteString | null, recorded: ByteString | null): boolean {
	return sent === recorded || (sent !== null && recorded !== null && isNotBefore(sent, recorded));
}

/** Entity tags, or `*`, compared weakly (RFC 9110 section 8.8.3.2). */
export function tagsOf(field: ByteString): string[] {
	return (field.match(/"[^"]*"|[^\s,"]+/g) ?? []).filter((tag) => !/^W\/$/i.test(tag));
}

/** Whether a date is another one or later than it. */
export function isNotBefore(date: ByteString, other: ByteString): boolean {
	const [seconds, least] = [parseHttpDate(date), parseHttpDate(other)];
	return seconds !== null && least !== null && seconds >= least;
}

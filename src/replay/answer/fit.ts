// Whether a recorded answer is one to what a request asks for besides its key: a part of a representation answers who asks for that part,
// "not modified" who has a copy, and of a whole one parts can be cut (RFC 9110 sections 13 to 15).
import { bodySize } from "../../flow/body.ts";
import type { ByteString } from "../../flow/bytes.ts";
import type { FlowEnd } from "../../flow/flow.ts";
import type { Response } from "../../flow/message.ts";
import { isSamePreflight, letsPass } from "../match/preflight.ts";
import { hasSameConditions, isNotBefore, isSameRange, NO_WISH, tagsOf, type Wish } from "../match/wish.ts";
import { acceptsCoding } from "./accept.ts";
import { parseContentRange, parseRanges, type RangeSpec, resolveRange, type Span } from "./byte-range.ts";
import { cut, unsatisfiable, whole } from "./made-answer.ts";

/** What is asked. */
export interface Ask {
	readonly method: ByteString;
	readonly wish: Wish;
	/** Accept-Encoding. */
	readonly accept: ByteString | null;
}

/** A recorded answer, and what was asked for it. */
export interface Answered {
	readonly wish: Wish | null;
	readonly response: Response;
	readonly end: FlowEnd;
}

/**
 * How good an answer is: less is better. 0: to the very same question. 1: as good as to it. 2: made of a recording. 3: only where there is
 * nothing else. 4 and more: it is not whole.
 */
export interface Fit {
	readonly rank: number;
	/** null: as recorded. */
	readonly make: (() => Response) | null;
	/** It is a part of what was recorded, which is not used up by that. */
	readonly isPart?: true;
	/** It is given once more where all are used up: who has a part, as a media element, may ask for it again. */
	readonly isRepeated?: true;
	/** How what is made of it ends, where that is not as the recording did: of one that is not whole a part may be. */
	readonly ended?: FlowEnd;
}

/** Rank of what is made of a recording. */
export const MADE = 2;
/** Added to the rank of an answer that broke off. */
export const BROKEN = 4;

/** Statuses that answer not all who send the same request. */
export function isConditional(status: number): boolean {
	return status === 206 || status === 304 || status === 412 || status === 416 || status === 428;
}

/** null: it is no answer to that. */
export function fitOf(ask: Ask, answered: Answered): Fit | null {
	const fit = fitOfRecorded(ask, answered);
	return fit === null || fit.ended === "server" || !isBroken(answered) ? fit : { ...fit, rank: fit.rank + BROKEN };
}

/** Whether less came than was meant to. A stream that its client left has no length, and is as good as another. */
export function isBroken({ response, end }: Pick<Answered, "response" | "end">): boolean {
	if (end !== "client") return end === "cut";
	const length = lengthOf(response);
	return length !== null && length !== (response.bodySize ?? 0);
}

function fitOfRecorded({ method, wish, accept }: Ask, answered: Answered): Fit | null {
	const { wish: recorded, response } = answered;
	const asked = recorded ?? NO_WISH;
	if (method === "OPTIONS" && wish.requestMethod !== null) return ofPreflight(wish, asked, response);
	switch (response.statusCode) {
		case 200:
			return ofWhole(method, wish, accept, asked, answered);
		case 206:
			return ofPart(method, wish, asked, response, isBroken(answered));
		case 304:
			return ofNotModified(wish, asked, response);
		case 412:
		case 428:
			return hasSameConditions(wish, asked) ? SAME : null;
		case 416:
			return ofUnsatisfiable(wish, asked, response);
		default:
			return GOOD;
	}
}

const SAME: Fit = { rank: 0, make: null };
const SAME_PART: Fit = { ...SAME, isRepeated: true };
const GOOD: Fit = { rank: 1, make: null };

/** The answer to a preflight for another request is one only where it lets this one pass. */
function ofPreflight(wish: Wish, asked: Wish, response: Response): Fit | null {
	if (isSamePreflight(wish, asked)) return SAME;
	return asked.requestMethod === null || letsPass(response, wish) ? GOOD : null;
}

function ofWhole(method: ByteString, wish: Wish, accept: ByteString | null, asked: Wish, answered: Answered): Fit | null {
	const { response, end } = answered;
	if (method !== "GET" || wish.range === null) return GOOD;
	// the server had no mind for ranges
	if (asked.range !== null) return isSameRange(wish.range, asked.range) ? SAME : GOOD;
	const held = bodySize(response.body);
	const ranges = parseRanges(wish.range);
	if (ranges === null || held === null || /^\s*none\s*$/i.test(response.headers.raw("accept-ranges") ?? "")) return GOOD;
	const size = end === "server" ? held : lengthOf(response);
	const broken = isBroken(answered);
	// a stream that its client left, or a body that is no longer the one that was announced
	if (size === null ? !broken : held > size) return GOOD;
	const all: Fit = broken ? GOOD : { rank: MADE, make: () => response, isPart: true };
	if (!isCurrent(wish.ifRange, response)) return all;
	const coding = response.headers.raw("content-encoding");
	// a part of it cannot be decoded
	if (coding !== null && accept !== null && !acceptsCoding(accept, coding)) return all;
	return ofHeld(response, ranges, { from: 0, to: held }, size, broken) ?? all;
}

function ofPart(method: ByteString, wish: Wish, asked: Wish, response: Response, broken: boolean): Fit | null {
	const isAsRecorded = wish.ifRange === null || wish.ifRange === asked.ifRange || isCurrent(wish.ifRange, response);
	if (isSameRange(wish.range, asked.range)) return isAsRecorded ? (wish.range === null ? SAME : SAME_PART) : null;
	const { held = null, size = null } = heldPart(response, broken) ?? {};
	if (method !== "GET" || held === null) return null;
	if (wish.range === null) return held.from === 0 && held.to === size ? { rank: MADE, make: () => whole(response), isPart: true } : null;
	const ranges = parseRanges(wish.range);
	if (!isAsRecorded || ranges === null || ranges.length !== 1) return null;
	return ofHeld(response, ranges, held, size, broken);
}

/** Which bytes a 206 holds, and of how many; null: it does not hold what it says. */
export function heldPart(response: Response, broken: boolean): { held: Span; size: number | null } | null {
	const { span = null, size = null } = parseContentRange(response.headers.raw("content-range")) ?? {};
	const length = bodySize(response.body);
	if (span === null || length === null) return null;
	const whole = span.to - span.from;
	return (broken ? length > whole : length !== whole) ? null : { held: { from: span.from, to: span.from + length }, size };
}

/**
 * What is made of recorded bytes.
 * @param held where in the representation they are; `size`: of all of it, null: not known
 * @param broken more of them were to come: a range that begins in them is answered, and breaks off as they do
 */
function ofHeld(response: Response, ranges: readonly RangeSpec[], held: Span, size: number | null, broken: boolean): Fit | null {
	const spans = ranges.map((range) => resolveRange(range, size));
	const [span = null] = spans;
	if (size !== null && spans.every((each) => each === null)) return { rank: MADE, make: () => unsatisfiable(response, size), isPart: true, ended: "server" };
	// of several a server may send all (RFC 9110 section 14.2)
	if (spans.length > 1 || span === null || span.from < held.from || span.from >= held.to) return null;
	if (span.to <= held.to) return { rank: MADE, make: () => cut(response, span, span.to, size, held.from), isPart: true, ended: "server" };
	if (!broken) return null;
	// the more of it there is, the better
	const missing = (span.to - held.to) / (span.to - span.from);
	return { rank: MADE + missing, make: () => cut(response, span, held.to, size, held.from), isPart: true };
}

/** How many bytes were to come; null: not said. */
export function lengthOf({ headers, statusCode }: Response): number | null {
	const length = headers.raw("content-length")?.trim() ?? "";
	if (/^\d{1,15}$/.test(length)) return Number(length);
	const span = statusCode === 206 ? parseContentRange(headers.raw("content-range"))?.span : null;
	return span ? span.to - span.from : null;
}

function ofNotModified(wish: Wish, asked: Wish, response: Response): Fit | null {
	if (hasCopy(wish, asked, response)) return SAME;
	// what the browser had kept of it stands beside it
	if ((bodySize(response.body) ?? 0) > 0) return { rank: 1, make: () => whole(response) };
	const isPlain = (some: Wish) => some.ifNoneMatch === null && some.ifModifiedSince === null;
	return isPlain(wish) && isPlain(asked) ? { rank: 3, make: null } : null;
}

/** Whether who asks so has what was not modified. */
function hasCopy(wish: Wish, asked: Wish, { headers }: Response): boolean {
	if (wish.ifNoneMatch !== null) {
		const tags = tagsOf(wish.ifNoneMatch);
		if (tags.includes("*")) return true;
		const current = headers.raw("etag") ?? asked.ifNoneMatch;
		const known = current === null ? [] : tagsOf(current);
		return known.length > 0 && (headers.has("etag") ? known.some((tag) => tags.includes(tag)) : known.every((tag) => tags.includes(tag)));
	}
	if (wish.ifModifiedSince === null) return false;
	const modified = headers.raw("last-modified") ?? asked.ifModifiedSince;
	return modified !== null && isNotBefore(wish.ifModifiedSince, modified);
}

function ofUnsatisfiable(wish: Wish, asked: Wish, response: Response): Fit | null {
	if (isSameRange(wish.range, asked.range)) return SAME;
	const size = parseContentRange(response.headers.raw("content-range"))?.size ?? null;
	const ranges = wish.range === null ? null : parseRanges(wish.range);
	if (ranges === null || size === null) return null;
	return ranges.every((range) => resolveRange(range, size) === null) ? { rank: MADE, make: null, isPart: true } : null;
}

/** Whether a representation is the one that If-Range names (RFC 9110 section 13.1.5). Dates may have been moved when they were replayed. */
export function isCurrent(ifRange: ByteString | null, { headers }: Response): boolean {
	if (ifRange === null) return true;
	const validator = ifRange.trim();
	if (validator.startsWith('"')) return headers.raw("etag")?.trim() === validator;
	if (/^W\//i.test(validator)) return false;
	const modified = headers.raw("last-modified");
	return modified !== null && isNotBefore(validator, modified);
}

// Whether a recorded answer is one to what a request asks for besides its key: a part of a representation answers who asks for that part,
// "not modified" who has a copy, and of a whole one parts can be cut (RFC 9110 sections 13 to 15).
import { bodySize } from "../flow/body.ts";
import type { ByteString } from "../flow/bytes.ts";
import type { FlowEnd } from "../flow/flow.ts";
import { Headers } from "../flow/headers.ts";
import { Response } from "../flow/message.ts";
import { standardReason } from "../flow/reason.ts";
import { acceptsCoding } from "./accept.ts";
import { parseContentRange, parseRanges, partOf, resolveRange, type Span } from "./byte-range.ts";
import { hasSameConditions, isNotBefore, isSameRange, NO_WISH, tagsOf, type Wish } from "./wish.ts";

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
 * How good an answer is: less is better. 0: to the very same question. 1: as good as to it. 2: made of a recording, which is not used up by
 * that. 3: only where there is nothing else. 4 and more: it is not whole.
 */
export interface Fit {
	readonly rank: number;
	/** null: as recorded. */
	readonly make: (() => Response) | null;
}

/** Rank of what is made of a recording. */
export const MADE = 2;
/** Added to the rank of an answer that broke off. */
export const BROKEN = 4;

/** Statuses that answer not all who send the same request. */
export function isConditional(status: number): boolean {
	return status === 206 || status === 304 || status === 412 || status === 416;
}

/** null: it is no answer to that. */
export function fitOf(ask: Ask, answered: Answered): Fit | null {
	const fit = fitOfWhole(ask, answered);
	return fit === null || !isBroken(answered) ? fit : fit.make === null ? { ...fit, rank: fit.rank + BROKEN } : null;
}

/** Whether less came than was meant to. A stream that its client left has no length, and is as good as another. */
export function isBroken({ response, end }: Pick<Answered, "response" | "end">): boolean {
	if (end !== "client") return end === "cut";
	const length = response.headers.raw("content-length");
	return length !== null && Number(length) !== (response.bodySize ?? 0);
}

function fitOfWhole({ method, wish, accept }: Ask, { wish: recorded, response, end }: Answered): Fit | null {
	const asked = recorded ?? NO_WISH;
	switch (response.statusCode) {
		case 200:
			return ofWhole(method, wish, accept, asked, response, end);
		case 206:
			return ofPart(method, wish, asked, response);
		case 304:
			return ofNotModified(wish, asked, response);
		case 412:
			return hasSameConditions(wish, asked) ? SAME : null;
		case 416:
			return ofUnsatisfiable(wish, asked, response);
		default:
			return GOOD;
	}
}

const SAME: Fit = { rank: 0, make: null };
const GOOD: Fit = { rank: 1, make: null };

function ofWhole(method: ByteString, wish: Wish, accept: ByteString | null, asked: Wish, response: Response, end: FlowEnd): Fit {
	if (method !== "GET" || wish.range === null) return GOOD;
	// the server had no mind for ranges
	if (asked.range !== null) return isSameRange(wish.range, asked.range) ? SAME : GOOD;
	const size = bodySize(response.body);
	const ranges = parseRanges(wish.range);
	if (ranges === null || size === null || end !== "server" || /^\s*none\s*$/i.test(response.headers.raw("accept-ranges") ?? "")) return GOOD;
	const all: Fit = { rank: MADE, make: () => response };
	if (!isCurrent(wish.ifRange, response)) return all;
	const coding = response.headers.raw("content-encoding");
	// a part of it cannot be decoded
	if (coding !== null && accept !== null && !acceptsCoding(accept, coding)) return all;
	const spans = ranges.map((range) => resolveRange(range, size));
	const [span = null] = spans;
	if (spans.every((each) => each === null)) return { rank: MADE, make: () => unsatisfiable(response, size) };
	// of several a server may send all (RFC 9110 section 14.2)
	if (spans.length > 1 || span === null) return all;
	return { rank: MADE, make: () => cut(response, span, size, 0) };
}

function ofPart(method: ByteString, wish: Wish, asked: Wish, response: Response): Fit | null {
	const isAsRecorded = wish.ifRange === null || wish.ifRange === asked.ifRange || isCurrent(wish.ifRange, response);
	if (isSameRange(wish.range, asked.range)) return isAsRecorded ? SAME : null;
	const held = parseContentRange(response.headers.raw("content-range"));
	if (method !== "GET" || held === null || held.span === null || bodySize(response.body) !== held.span.to - held.span.from) return null;
	const { span: there, size } = held;
	if (wish.range === null) return there.from === 0 && there.to === size ? { rank: MADE, make: () => whole(response) } : null;
	const ranges = parseRanges(wish.range);
	if (!isAsRecorded || ranges === null || ranges.length !== 1) return null;
	const span = resolveRange(ranges[0] as (typeof ranges)[number], size);
	if (span === null) return size === null ? null : { rank: MADE, make: () => unsatisfiable(response, size) };
	return span.from >= there.from && span.to <= there.to ? { rank: MADE, make: () => cut(response, span, size, there.from) } : null;
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
	return ranges.every((range) => resolveRange(range, size) === null) ? { rank: MADE, make: null } : null;
}

/** Whether a representation is the one that If-Range names (RFC 9110 section 13.1.5). Dates may have been moved when they were replayed. */
function isCurrent(ifRange: ByteString | null, { headers }: Response): boolean {
	if (ifRange === null) return true;
	const validator = ifRange.trim();
	if (validator.startsWith('"')) return headers.raw("etag")?.trim() === validator;
	if (/^W\//i.test(validator)) return false;
	const modified = headers.raw("last-modified");
	return modified !== null && isNotBefore(validator, modified);
}

/** @param offset where the recorded bytes begin */
function cut(response: Response, span: Span, size: number | null, offset: number): Response {
	const body = partOf(response.body ?? Buffer.alloc(0), { from: span.from - offset, to: span.to - offset });
	return made(response, 206, body, `bytes ${span.from}-${span.to - 1}/${size ?? "*"}`);
}

function unsatisfiable(response: Response, size: number): Response {
	const answer = made(response, 416, Buffer.alloc(0), `bytes */${size}`);
	for (const name of ["content-type", "content-encoding"]) answer.headers.delete(name);
	return answer;
}

/** All of the representation. */
function whole(response: Response): Response {
	return made(response, 200, response.body, null);
}

function made(response: Response, statusCode: number, body: Response["body"], contentRange: ByteString | null): Response {
	const headers = new Headers(response.headers.fields.slice());
	headers.delete("transfer-encoding");
	headers.set("content-length", String(bodySize(body) ?? 0));
	if (contentRange === null) headers.delete("content-range");
	else headers.set("content-range", contentRange);
	const { httpVersion, timestampStart, timestampEnd, extra } = response;
	return new Response({ statusCode, reason: standardReason(statusCode), httpVersion, headers, body, timestampStart, timestampEnd, extra });
}

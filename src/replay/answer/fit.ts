// Decides whether a recorded response can answer a request with ranges or conditions (RFC 9110 sections 13 to 15). A
// partial response answers requests for the same part. A 304 answers requests with the same copy. Parts can be cut from
// a complete response.
import { bodySize } from "../../flow/body.ts";
import type { ByteString } from "../../flow/bytes.ts";
import type { FlowEnd } from "../../flow/flow.ts";
import type { Request, Response } from "../../flow/message.ts";
import type { RecordedAnswer } from "../../flow/recorded.ts";
import {
	hasSameConditions,
	isNotBefore,
	isSameRange,
	NO_CONDITIONS,
	type RequestConditions,
	tagsOf,
} from "../match/conditions.ts";
import { allowsRequest, isSamePreflight } from "../match/preflight.ts";
import { acceptsCoding } from "./accept.ts";
import { parseContentRange, parseRanges, type RangeSpec, resolveRange, type Span } from "./byte-range.ts";
import { completeResponse, partFrom, unsatisfiableResponse } from "./derive-response.ts";

/** The request to be answered. */
export interface RequestSpec {
	readonly method: ByteString;
	readonly conditions: RequestConditions;
	/** Accept-Encoding. */
	readonly accept: ByteString | null;
}

/** @param conditions those of the request; null: it has none */
export function requestSpecOf({ method, headers }: Request, conditions: RequestConditions | null): RequestSpec {
	return {
		method: method.toUpperCase(),
		conditions: conditions ?? NO_CONDITIONS,
		accept: headers.raw("accept-encoding"),
	};
}

/** A recorded response and the request headers to which it was sent. */
export interface RecordedExchange {
	readonly conditions: RequestConditions | null;
	readonly response: Response;
	readonly end: FlowEnd;
}

/** @param conditions those of the recorded request; null: it has none */
export function exchangeOf(answer: RecordedAnswer, conditions: RequestConditions | null): RecordedExchange {
	return { conditions, response: answer.response, end: endOfAnswer(answer) };
}

/** How a response ended. The end of a WebSocket is part of its own data, so its 101 counts as complete. */
export function endOfAnswer({
	response,
	ended = null,
}: Pick<RecordedAnswer, "response"> & Partial<RecordedAnswer>): FlowEnd {
	return response.statusCode === 101 ? "server" : (ended ?? "server");
}

/**
 * How well a recording answers a request. Lower ranks are better. 0: recorded for the same conditions; 1: valid for all
 * conditions; 2: derived from one recording; 2.5: combined from several; 3: last resort; 4 and more: incomplete. Missing
 * bytes add a fraction.
 */
export interface Fit {
	readonly rank: number;
	/** Derives the response; null: it is sent as recorded. */
	readonly derive: (() => Response) | null;
	/**
	 * The response uses only a part of the recording, which can therefore answer again. Reports do not list the recording
	 * as unused.
	 */
	readonly isPart?: true;
	/**
	 * The recording may answer again when all recordings are used: clients such as media elements request the same part
	 * repeatedly.
	 */
	readonly isRepeated?: true;
	/** How the derived response ends, if it differs from the recording: a part of an incomplete response can be complete. */
	readonly ended?: FlowEnd;
}

/** Rank of responses derived from a recording. */
export const DERIVED = 2;
/** Added to the rank of an incomplete response. */
export const INCOMPLETE = 4;

/** Statuses that depend on ranges or conditions, so that they do not answer all requests with the same key. */
export function isConditional(status: number): boolean {
	return status === 206 || status === 304 || status === 412 || status === 416 || status === 428;
}

/** How well a recording answers a request; null: it cannot answer. */
export function fitOf(request: RequestSpec, answered: RecordedExchange): Fit | null {
	const fit = fitOfRecorded(request, answered);
	return fit === null || fit.ended === "server" || !isIncomplete(answered)
		? fit
		: { ...fit, rank: fit.rank + INCOMPLETE };
}

/** Whether a response is incomplete. A stream of unknown length that the client closed counts as complete. */
export function isIncomplete({ response, end }: Pick<RecordedExchange, "response" | "end">): boolean {
	if (end !== "client") return end === "cut";
	const length = lengthOf(response);
	return length !== null && length !== (response.bodySize ?? 0);
}

function fitOfRecorded({ method, conditions, accept }: RequestSpec, answered: RecordedExchange): Fit | null {
	const { conditions: recorded, response } = answered;
	const recordedConditions = recorded ?? NO_CONDITIONS;
	if (method === "OPTIONS" && conditions.requestMethod !== null)
		return fitOfPreflight(conditions, recordedConditions, response);
	switch (response.statusCode) {
		case 200:
			return fitOfComplete(method, conditions, accept, recordedConditions, answered);
		case 206:
			return fitOfPartial(method, conditions, recordedConditions, response, isIncomplete(answered));
		case 304:
			return fitOfNotModified(conditions, recordedConditions, response);
		case 412:
		case 428:
			return hasSameConditions(conditions, recordedConditions) ? SAME_CONDITIONS : null;
		case 416:
			return fitOfUnsatisfiable(conditions, recordedConditions, response);
		default:
			return ALL_CONDITIONS;
	}
}

const SAME_CONDITIONS: Fit = { rank: 0, derive: null };
const SAME_PART: Fit = { ...SAME_CONDITIONS, isRepeated: true };
const ALL_CONDITIONS: Fit = { rank: 1, derive: null };

/**
 * A response recorded for a different preflight can answer this one only if it allows the method and headers that this
 * one requests.
 */
function fitOfPreflight(
	conditions: RequestConditions,
	recordedConditions: RequestConditions,
	response: Response,
): Fit | null {
	if (isSamePreflight(conditions, recordedConditions)) return SAME_CONDITIONS;
	return recordedConditions.requestMethod === null || allowsRequest(response, conditions) ? ALL_CONDITIONS : null;
}

function fitOfComplete(
	method: ByteString,
	conditions: RequestConditions,
	accept: ByteString | null,
	recordedConditions: RequestConditions,
	answered: RecordedExchange,
): Fit | null {
	const { response, end } = answered;
	if (method !== "GET" || conditions.range === null) return ALL_CONDITIONS;
	// the server ignored ranges
	if (recordedConditions.range !== null)
		return isSameRange(conditions.range, recordedConditions.range) ? SAME_CONDITIONS : ALL_CONDITIONS;
	const stored = bodySize(response.body);
	const ranges = parseRanges(conditions.range);
	if (ranges === null || stored === null || /^\s*none\s*$/i.test(response.headers.raw("accept-ranges") ?? ""))
		return ALL_CONDITIONS;
	const size = end === "server" ? stored : lengthOf(response);
	const isCut = isIncomplete(answered);
	// a stream of unknown length, or a body that was modified after recording
	if (size === null ? !isCut : stored > size) return ALL_CONDITIONS;
	const all: Fit = isCut ? ALL_CONDITIONS : { rank: DERIVED, derive: () => response, isPart: true };
	if (!matchesIfRange(conditions.ifRange, response)) return all;
	const coding = response.headers.raw("content-encoding");
	// the client cannot decode this coding, and a part of it cannot be decoded here
	if (coding !== null && accept !== null && !acceptsCoding(accept, coding)) return all;
	return fitOfRanges(response, ranges, { from: 0, to: stored }, size, isCut) ?? all;
}

function fitOfPartial(
	method: ByteString,
	conditions: RequestConditions,
	recordedConditions: RequestConditions,
	response: Response,
	isCut: boolean,
): Fit | null {
	const isAsRecorded =
		conditions.ifRange === null ||
		conditions.ifRange === recordedConditions.ifRange ||
		matchesIfRange(conditions.ifRange, response);
	if (isSameRange(conditions.range, recordedConditions.range))
		return isAsRecorded ? (conditions.range === null ? SAME_CONDITIONS : SAME_PART) : null;
	const { stored = null, size = null } = storedPart(response, isCut) ?? {};
	if (method !== "GET" || stored === null) return null;
	if (conditions.range === null)
		return stored.from === 0 && stored.to === size
			? { rank: DERIVED, derive: () => completeResponse(response), isPart: true }
			: null;
	const ranges = parseRanges(conditions.range);
	if (!isAsRecorded || ranges === null || ranges.length !== 1) return null;
	return fitOfRanges(response, ranges, stored, size, isCut);
}

/**
 * The bytes that a 206 contains, and the size of the representation. Returns null if Content-Range is missing or not
 * valid, or does not match the body.
 */
export function storedPart(response: Response, isCut: boolean): { stored: Span; size: number | null } | null {
	const { span = null, size = null } = parseContentRange(response.headers.raw("content-range")) ?? {};
	const length = bodySize(response.body);
	if (span === null || length === null) return null;
	const whole = span.to - span.from;
	return (isCut ? length > whole : length !== whole)
		? null
		: { stored: { from: span.from, to: span.from + length }, size };
}

/**
 * Answers ranges from recorded bytes.
 * @param stored the position of these bytes in the representation
 * @param size of the representation in bytes; null: unknown
 * @param isCut whether the recorded response is incomplete; then a range that begins in it is answered, and ends where
 * the recorded bytes end
 */
function fitOfRanges(
	response: Response,
	ranges: readonly RangeSpec[],
	stored: Span,
	size: number | null,
	isCut: boolean,
): Fit | null {
	const spans = ranges.map((range) => resolveRange(range, size));
	const [span = null] = spans;
	if (size !== null && spans.every((each) => each === null))
		return { rank: DERIVED, derive: () => unsatisfiableResponse(response, size), isPart: true, ended: "server" };
	// for several ranges, a server may send the whole representation (RFC 9110 section 14.2)
	if (spans.length > 1 || span === null || span.from < stored.from || span.from >= stored.to) return null;
	if (span.to <= stored.to)
		return {
			rank: DERIVED,
			derive: () => partFrom(response, span, span.to, size, stored.from),
			isPart: true,
			ended: "server",
		};
	if (!isCut) return null;
	// the fewer bytes are missing, the better the rank
	const missing = (span.to - stored.to) / (span.to - span.from);
	return {
		rank: DERIVED + missing,
		derive: () => partFrom(response, span, stored.to, size, stored.from),
		isPart: true,
	};
}

/** The announced length of the body; null: unknown. */
export function lengthOf({ headers, statusCode }: Response): number | null {
	const length = headers.raw("content-length")?.trim() ?? "";
	if (/^\d{1,15}$/.test(length)) return Number(length);
	const span = statusCode === 206 ? parseContentRange(headers.raw("content-range"))?.span : null;
	return span ? span.to - span.from : null;
}

function fitOfNotModified(
	conditions: RequestConditions,
	recordedConditions: RequestConditions,
	response: Response,
): Fit | null {
	if (confirmsCopy(conditions, recordedConditions, response)) return SAME_CONDITIONS;
	// browsers record a 304 together with the body from their cache
	if ((bodySize(response.body) ?? 0) > 0) return { rank: 1, derive: () => completeResponse(response) };
	const isPlain = (some: RequestConditions) => some.ifNoneMatch === null && some.ifModifiedSince === null;
	return isPlain(conditions) && isPlain(recordedConditions) ? { rank: 3, derive: null } : null;
}

/** Whether the client has the copy that the 304 confirms. */
function confirmsCopy(
	conditions: RequestConditions,
	recordedConditions: RequestConditions,
	{ headers }: Response,
): boolean {
	if (conditions.ifNoneMatch !== null) {
		const tags = tagsOf(conditions.ifNoneMatch);
		if (tags.includes("*")) return true;
		const current = headers.raw("etag") ?? recordedConditions.ifNoneMatch;
		const known = current === null ? [] : tagsOf(current);
		return (
			known.length > 0 &&
			(headers.has("etag") ? known.some((tag) => tags.includes(tag)) : known.every((tag) => tags.includes(tag)))
		);
	}
	if (conditions.ifModifiedSince === null) return false;
	const modified = headers.raw("last-modified") ?? recordedConditions.ifModifiedSince;
	return modified !== null && isNotBefore(conditions.ifModifiedSince, modified);
}

function fitOfUnsatisfiable(
	conditions: RequestConditions,
	recordedConditions: RequestConditions,
	response: Response,
): Fit | null {
	if (isSameRange(conditions.range, recordedConditions.range)) return SAME_CONDITIONS;
	const size = parseContentRange(response.headers.raw("content-range"))?.size ?? null;
	const ranges = conditions.range === null ? null : parseRanges(conditions.range);
	if (ranges === null || size === null) return null;
	return ranges.every((range) => resolveRange(range, size) === null)
		? { rank: DERIVED, derive: null, isPart: true }
		: null;
}

/**
 * Whether a response matches If-Range (RFC 9110 section 13.1.5). Later dates match too, because refreshing moves dates.
 */
export function matchesIfRange(ifRange: ByteString | null, { headers }: Response): boolean {
	if (ifRange === null) return true;
	const validator = ifRange.trim();
	if (validator.startsWith('"')) return headers.raw("etag")?.trim() === validator;
	if (/^W\//i.test(validator)) return false;
	const modified = headers.raw("last-modified");
	return modified !== null && isNotBefore(validator, modified);
}

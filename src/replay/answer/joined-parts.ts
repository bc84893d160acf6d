// Combines recorded parts of one representation to answer a range (RFC 9110 section 15.3.7.3): media elements, for
// example, request parts out of order.
import { bodySize } from "../../flow/body.ts";
import type { FlowEnd } from "../../flow/flow.ts";
import type { Response } from "../../flow/message.ts";
import { joinBodies, parseRanges, partOf, type RangeSpec, resolveRange, type Span } from "./byte-range.ts";
import { completeResponse, partialResponse } from "./derive-response.ts";
import {
	DERIVED,
	type Fit,
	INCOMPLETE,
	isIncomplete,
	lengthOf,
	matchesIfRange,
	type RecordedExchange,
	type RequestSpec,
	storedPart,
} from "./fit.ts";

/** The bytes of a representation that a recording contains. */
export interface StoredPart {
	/** Identifies the version of the representation: parts with the same value can be combined. */
	readonly representation: string;
	readonly stored: Span;
	/** Size of the whole representation in bytes. */
	readonly size: number;
	readonly response: Response;
	/** How the recorded response ended. */
	readonly end: FlowEnd;
}

export interface JoinedFit {
	readonly fit: Fit;
	/** Indexes of the parts used. */
	readonly of: readonly number[];
}

/** Worse than a response made from one recording. */
const RANK = DERIVED + 0.5;

/** The part that a recording contains; null: it contains none, or its representation cannot be identified. */
export function storedPartOf(answered: RecordedExchange): StoredPart | null {
	const { response, end } = answered;
	const isCut = isIncomplete(answered);
	const { stored = null, size = null } =
		(response.statusCode === 206 ? storedPart(response, isCut) : isCut ? storedBeginning(response) : null) ?? {};
	const version = versionOf(response);
	if (stored === null || size === null || version === null) return null;
	return {
		representation: `${size} ${response.headers.raw("content-encoding") ?? ""} ${version}`,
		stored,
		size,
		response,
		end,
	};
}

/** The bytes of a complete representation that arrived before the response was cut off. */
function storedBeginning(response: Response): { stored: Span; size: number } | null {
	const [length, size] = [bodySize(response.body), lengthOf(response)];
	return response.statusCode !== 200 || length === null || size === null || length > size
		? null
		: { stored: { from: 0, to: length }, size };
}

/**
 * Identifies the version of the representation by its strong entity tag, or else by Last-Modified; null: it has
 * neither. A weak entity tag alone is not sufficient.
 */
function versionOf({ headers }: Response): string | null {
	const [tag, modified] = [headers.raw("etag"), headers.raw("last-modified")];
	if (tag !== null && !/^W\//i.test(tag)) return tag;
	return modified === null ? null : `${modified} ${tag ?? ""}`;
}

/** Answers a request from parts of one representation; null: not possible. */
export function joinedFit({ method, conditions }: RequestSpec, parts: readonly StoredPart[]): JoinedFit | null {
	const [first] = parts;
	if (method !== "GET" || first === undefined) return null;
	const { size, response } = first;
	const ranges =
		conditions.range !== null && matchesIfRange(conditions.ifRange, response) ? parseRanges(conditions.range) : null;
	const span =
		ranges === null ? { from: 0, to: size } : ranges.length === 1 ? resolveRange(ranges[0] as RangeSpec, size) : null;
	if (span === null) return null;
	const of = cover(parts, span);
	const last = parts[of.at(-1) ?? -1];
	if (last === undefined) return null;
	const to = Math.min(span.to, last.stored.to);
	if (ranges === null && to < size) return null;
	const derive = () => {
		const body = joinBodies(
			piecesOf(
				of.map((at) => parts[at] as StoredPart),
				{ from: span.from, to },
			),
		);
		return ranges === null ? completeResponse(response, body) : partialResponse(response, body, span, size);
	};
	if (to === span.to) return { fit: { rank: RANK, derive, isPart: true, ended: "server" }, of };
	const missing = (span.to - to) / (span.to - span.from);
	return {
		fit: {
			rank: DERIVED + INCOMPLETE + missing,
			derive,
			isPart: true,
			ended: last.end === "client" ? "client" : "cut",
		},
		of,
	};
}

/** The indexes of the fewest parts that cover a span from its beginning without a gap, as far as possible. */
function cover(parts: readonly StoredPart[], { from, to }: Span): number[] {
	const found: number[] = [];
	const waiting = [...parts.entries()].sort(([, a], [, b]) => b.stored.from - a.stored.from);
	for (let reached = from; reached < to; ) {
		let best: [at: number, to: number] = [-1, reached];
		for (let next = waiting.at(-1); next !== undefined && next[1].stored.from <= reached; next = waiting.at(-1)) {
			const [at, { stored }] = next;
			if (stored.to > best[1]) best = [at, stored.to];
			waiting.pop();
		}
		if (best[0] < 0) break;
		found.push(best[0]);
		reached = best[1];
	}
	return found;
}

/** The bytes that each part adds to the previous ones. */
function piecesOf(parts: readonly StoredPart[], { from, to }: Span) {
	let reached = from;
	return parts.map(({ stored, response }) => {
		const until = Math.min(stored.to, to);
		const piece = partOf(response.body ?? Buffer.alloc(0), { from: reached - stored.from, to: until - stored.from });
		reached = until;
		return piece;
	});
}

// Parts of one representation that were recorded one by one, put together (RFC 9110 section 15.3.7.3): what a request asks for may lie in several, as a
// media element reads now here and now there.
import { bodySize } from "../../flow/body.ts";
import type { FlowEnd } from "../../flow/flow.ts";
import type { Response } from "../../flow/message.ts";
import { joined, parseRanges, partOf, type RangeSpec, resolveRange, type Span } from "./byte-range.ts";
import { type Answered, type Ask, BROKEN, type Fit, heldPart, isBroken, isCurrent, lengthOf, MADE } from "./fit.ts";
import { partial, whole } from "./made-answer.ts";

/** Bytes of a representation that a recording holds. */
export interface HeldPart {
	/** Those with the same are of one version of one representation. */
	readonly representation: string;
	readonly held: Span;
	/** Of the whole representation. */
	readonly size: number;
	readonly response: Response;
	/** How it ended. */
	readonly end: FlowEnd;
}

export interface Joined {
	readonly fit: Fit;
	/** The places of the parts that it is made of. */
	readonly of: readonly number[];
}

/** Behind what is made of one recording alone. */
const RANK = MADE + 0.5;

/** null: it holds none or all of the bytes, or it cannot be told of what. */
export function heldPartOf(answered: Answered): HeldPart | null {
	const { response, end } = answered;
	const broken = isBroken(answered);
	const { held = null, size = null } = (response.statusCode === 206 ? heldPart(response, broken) : broken ? heldBeginning(response) : null) ?? {};
	const version = versionOf(response);
	if (held === null || size === null || version === null) return null;
	return { representation: `${size} ${response.headers.raw("content-encoding") ?? ""} ${version}`, held, size, response, end };
}

/** Which bytes came of a whole representation before it broke off. */
function heldBeginning(response: Response): { held: Span; size: number } | null {
	const [length, size] = [bodySize(response.body), lengthOf(response)];
	return response.statusCode !== 200 || length === null || size === null || length > size ? null : { held: { from: 0, to: length }, size };
}

/** What tells the version of a representation; null: nothing does for certain. A weak tag alone does not. */
function versionOf({ headers }: Response): string | null {
	const [tag, modified] = [headers.raw("etag"), headers.raw("last-modified")];
	if (tag !== null && !/^W\//i.test(tag)) return tag;
	return modified === null ? null : `${modified} ${tag ?? ""}`;
}

/** What parts of one representation answer together; null: nothing. */
export function joinedFit({ method, wish }: Ask, parts: readonly HeldPart[]): Joined | null {
	const [first] = parts;
	if (method !== "GET" || first === undefined) return null;
	const { size, response } = first;
	const ranges = wish.range !== null && isCurrent(wish.ifRange, response) ? parseRanges(wish.range) : null;
	const span = ranges === null ? { from: 0, to: size } : ranges.length === 1 ? resolveRange(ranges[0] as RangeSpec, size) : null;
	if (span === null) return null;
	const of = cover(parts, span);
	const last = parts[of.at(-1) ?? -1];
	if (last === undefined) return null;
	const to = Math.min(span.to, last.held.to);
	if (ranges === null && to < size) return null;
	const make = () => {
		const body = joined(
			piecesOf(
				of.map((at) => parts[at] as HeldPart),
				{ from: span.from, to },
			),
		);
		return ranges === null ? whole(response, body) : partial(response, body, span, size);
	};
	if (to === span.to) return { fit: { rank: RANK, make, isPart: true, ended: "server" }, of };
	const missing = (span.to - to) / (span.to - span.from);
	return { fit: { rank: MADE + BROKEN + missing, make, isPart: true, ended: last.end === "client" ? "client" : "cut" }, of };
}

/** The places of the fewest parts that hold a span from its beginning on, as far as it is held. */
function cover(parts: readonly HeldPart[], { from, to }: Span): number[] {
	const found: number[] = [];
	const waiting = [...parts.entries()].sort(([, a], [, b]) => b.held.from - a.held.from);
	for (let reached = from; reached < to; ) {
		let best: [at: number, to: number] = [-1, reached];
		for (let next = waiting.at(-1); next !== undefined && next[1].held.from <= reached; next = waiting.at(-1)) {
			const [at, { held }] = next;
			if (held.to > best[1]) best = [at, held.to];
			waiting.pop();
		}
		if (best[0] < 0) break;
		found.push(best[0]);
		reached = best[1];
	}
	return found;
}

/** What each adds, behind those before it. */
function piecesOf(parts: readonly HeldPart[], { from, to }: Span) {
	let reached = from;
	return parts.map(({ held, response }) => {
		const until = Math.min(held.to, to);
		const piece = partOf(response.body ?? Buffer.alloc(0), { from: reached - held.from, to: until - held.from });
		reached = until;
		return piece;
	});
}

// Where secrets stand in bytes.
import type { SecretKind } from "./names.ts";

/** The kinds of personal data. */
export type PiiKind = "address" | "birthdate" | "card" | "email" | "iban" | "ip" | "person" | "phone";

/**
 * How sure a finding is. high: by its place, a known format or a name. medium: by a name in text, or a cookie. low: it
 * only looks random.
 */
export type Confidence = "high" | "medium" | "low";

/** A secret: `bytes[from, to)`, without its name, quotes or scheme. */
export interface Span {
	from: number;
	to: number;
	/** "opaque": unknown, it only looks random. */
	kind: SecretKind | PiiKind | "opaque";
	/** Name of the rule that found it. */
	rule: string;
	confidence: Confidence;
}

/**
 * Findings are limited to this number for each call, for bounded memory. If there are more, the last span goes from
 * the first of the others to the end of the bytes, so that no secret is overlooked.
 */
export const SPAN_LIMIT = 100_000;

/** Rule of a span that stands for all findings beyond the limit. */
export const LIMIT_RULE = "too-many-findings";

const rank: Readonly<Record<Confidence, number>> = { high: 0, medium: 1, low: 2 };

/** Sorts spans. Of those that overlap, keeps the surest; of equally sure ones the longest, then the last of the list. */
export function disjoint(spans: readonly Span[]): Span[] {
	const sorted = spans.toSorted((a, b) => a.from - b.from || b.to - a.to);
	const kept: Span[] = [];
	for (const span of sorted) {
		const last = kept.at(-1);
		if (last === undefined || last.to <= span.from) kept.push(span);
		else if (isBetter(span, last)) kept[kept.length - 1] = span;
	}
	return kept;
}

function isBetter(a: Span, b: Span): boolean {
	return (
		rank[a.confidence] - rank[b.confidence] < 0 || (a.confidence === b.confidence && a.to - a.from >= b.to - b.from)
	);
}

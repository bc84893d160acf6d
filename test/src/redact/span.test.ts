// Spans that overlap.
import t from "tap";
import { type Confidence, disjoint, type Span } from "../../../src/redact/span.ts";

function span(from: number, to: number, confidence: Confidence = "medium"): Span {
	return { from, to, kind: "token", rule: "x", confidence };
}

t.test("sorted, and the surest of those that overlap", (t) => {
	t.same(disjoint([span(10, 20), span(0, 5)]), [span(0, 5), span(10, 20)]);
	t.same(disjoint([span(0, 20), span(5, 10, "high"), span(12, 15, "high"), span(13, 40, "low")]), [
		span(5, 10, "high"),
		span(12, 15, "high"),
	]);
	t.end();
});

t.test("the longest of equally sure ones; spans that touch are both kept", (t) => {
	t.same(disjoint([span(0, 3), span(2, 9)]), [span(2, 9)]);
	t.same(disjoint([span(0, 9), span(0, 3)]), [span(0, 9)]);
	t.same(disjoint([span(0, 3), span(3, 9)]), [span(0, 3), span(3, 9)]);
	t.same(
		disjoint([
			{ ...span(0, 3), rule: "a" },
			{ ...span(0, 3), rule: "b" },
		]),
		[{ ...span(0, 3), rule: "b" }],
	);
	t.same(disjoint([]), []);
	t.end();
});

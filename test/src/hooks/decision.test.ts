// A decision is made once.
import t from "tap";
import { httpResponse } from "../../../fixtures/build-flow.ts";
import { Decision } from "../../../src/hooks/decision.ts";

t.test("pending, then answered, aborted or dropped", async (t) => {
	const response = httpResponse();
	const decision = new Decision(true);
	t.equal(decision.verdict, null);
	decision.answer(response, "map-local");
	t.same(decision.verdict, { kind: "answer", response, by: "map-local", delivery: null, cached: null });
	const other = new Decision(false);
	other.abort("why", "block-list");
	t.same(other.verdict, { kind: "abort", reason: "why", by: "block-list" });
	const third = new Decision(false);
	third.drop("block-list");
	t.same(third.verdict, { kind: "drop", by: "block-list" });
});

t.test("a second decision is a defect, and the error names both", async (t) => {
	const decision = new Decision(true);
	decision.abort("why", "block-list");
	t.throws(
		() => decision.answer(httpResponse(), "map-local"),
		/^map-local cannot decide: block-list has already decided on this exchange$/,
	);
	t.match(decision.verdict, { kind: "abort" });
});

t.test("an answer can be aborted, once", async (t) => {
	const decision = new Decision(true);
	decision.answer(httpResponse(), "map-local");
	decision.abort("why", "script");
	t.same(decision.verdict, { kind: "abort", reason: "why", by: "script" });
	t.throws(
		() => decision.abort("again", "other"),
		/^other cannot decide: script has already decided on this exchange$/,
	);
});

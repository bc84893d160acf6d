// A turn is decided once.
import t from "tap";
import { httpResponse } from "../../../fixtures/build-flow.ts";
import { Turn } from "../../../src/hooks/turn.ts";

t.test("pending, then answered, aborted or dropped", async (t) => {
	const response = httpResponse();
	const turn = new Turn(true);
	t.equal(turn.verdict, null);
	turn.answer(response, "map-local");
	t.same(turn.verdict, { kind: "answer", response, by: "map-local", delivery: null, standing: null });
	const other = new Turn(false);
	other.abort("why", "block-list");
	t.same(other.verdict, { kind: "abort", reason: "why", by: "block-list" });
	const third = new Turn(false);
	third.drop("block-list");
	t.same(third.verdict, { kind: "drop", by: "block-list" });
});

t.test("a second verdict is a defect that names both", async (t) => {
	const turn = new Turn(true);
	turn.abort("why", "block-list");
	t.throws(() => turn.answer(httpResponse(), "map-local"), /^map-local decided on an exchange that block-list had decided on$/);
	t.match(turn.verdict, { kind: "abort" });
});

t.test("but an answer can be stopped, once", async (t) => {
	const turn = new Turn(true);
	turn.answer(httpResponse(), "map-local");
	turn.abort("why", "script");
	t.same(turn.verdict, { kind: "abort", reason: "why", by: "script" });
	t.throws(() => turn.abort("again", "other"), /^other decided on an exchange that script had decided on$/);
});

// Each session has all recordings to itself, in their order.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { recorded, sourceOf } from "../../../fixtures/recordings.ts";
import { type IndexValues, ReplayIndex } from "../../../src/replay/replay-index.ts";

async function ask(sessions: string, values: IndexValues = {}) {
	const index = await ReplayIndex.open([sourceOf([recorded("1"), recorded("2")])], values);
	const answers = [...sessions].map((session) => index.take(httpFlow(), session)?.answer(0, null, null).text ?? null);
	return { index, answers };
}

t.test("sessions do not step on each other, whatever the order", async (t) => {
	for (const [order, expected] of [
		["once", ["1", "1", "2", "2", null, null]],
		["sequence", ["1", "1", "2", "2", "2", "2"]],
		["cycle", ["1", "1", "2", "2", "1", "1"]],
		["first", ["1", "1", "1", "1", "1", "1"]],
	] as const)
		t.strictSame((await ask("ababab", { server_replay_order: order })).answers, expected, order);
});

t.test("nor where likeness decides", async (t) => {
	const { answers } = await ask("aabb", { server_replay_match_profile: "wpr" });
	t.strictSame(answers.slice(2), answers.slice(0, 2));
});

t.test("a recording is unused as long as no session has used it", async (t) => {
	const { index } = await ask("aba");
	t.equal(index.countUnused(), 0);
	t.equal((await ask("ab")).index.countUnused(), 1);
	t.strictSame(
		index.equals(httpFlow().request).map(({ uses }) => uses),
		[2, 1],
	);
});

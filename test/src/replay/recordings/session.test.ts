// Each session has its own order of all recordings.
import t from "tap";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import { indexOf, recorded, sourceOf } from "../../../../fixtures/recordings.ts";
import { type IndexValues, ReplayIndex } from "../../../../src/replay/recordings/index-of-tapes.ts";

async function ask(sessions: string, values: IndexValues = {}) {
	const index = await ReplayIndex.open([sourceOf([recorded("1"), recorded("2")])], values);
	const answers = [...sessions].map(
		(session) => index.takeRecording(httpFlow(), session)?.answer(0, null, null).text ?? null,
	);
	return { index, answers };
}

t.test("sessions are independent, with every order", async (t) => {
	for (const [order, expected] of [
		["once", ["1", "1", "2", "2", null, null]],
		["sequence", ["1", "1", "2", "2", "2", "2"]],
		["cycle", ["1", "1", "2", "2", "1", "1"]],
		["first", ["1", "1", "1", "1", "1", "1"]],
	] as const)
		t.strictSame((await ask("ababab", { server_replay_order: order })).answers, expected, order);
});

t.test("sessions are independent if similarity decides", async (t) => {
	const { answers } = await ask("aabb", { server_replay_match_profile: "wpr" });
	t.strictSame(answers.slice(2), answers.slice(0, 2));
});

t.test("a recording is unused if no session has used it", async (t) => {
	const { index } = await ask("aba");
	t.equal(index.countUnused(), 0);
	t.equal((await ask("ab")).index.countUnused(), 1);
	t.strictSame(
		index.equalRecordings(httpFlow().request).map(({ uses }) => uses),
		[2, 1],
	);
});

t.test("parts are used in order, again when all are used, and combined if none suffices", async (t) => {
	const text = "0123456789";
	const part = (range: string, from: number, last: number, body = text.slice(from, last + 1), tag = '"e1"') =>
		recorded(
			body,
			{ headers: [["Range", range]] },
			{
				statusCode: 206,
				headers: [
					["Content-Range", `bytes ${from}-${last}/10`],
					["ETag", tag],
				],
			},
		);
	const index = await indexOf([
		part("bytes=0-3", 0, 3),
		part("bytes=4-9", 4, 9),
		part("bytes=0-3", 0, 3, "ABCD", '"e2"'),
		part("bytes=8-9", 8, 9, "IJ", '"e2"'),
	]);
	const take = (range: string | null, session = "") =>
		index
			.takeRecording(httpFlow({ request: { headers: range === null ? [] : [["Range", range]] } }), session)
			?.answer(0, null, null).text ?? null;
	t.strictSame(
		[take("bytes=0-3"), take("bytes=0-3"), take("bytes=0-3"), take("bytes=4-9"), take("bytes=4-9")],
		["0123", "ABCD", "ABCD", "456789", "456789"],
	);
	t.equal(take("bytes=2-6"), "23456", "from one version, never from two");
	t.equal(take("bytes=3-9", "other"), "3456789");
	t.equal(take(null, "third"), text, "a request without a range gets everything");
	t.equal(index.countUnused(), 1);
});

t.test("a complete recording is used once", async (t) => {
	const index = await indexOf([recorded("all", {}, { headers: [["ETag", '"e1"']] })]);
	const take = (range: string | null) =>
		index
			.takeRecording(httpFlow({ request: { headers: range === null ? [] : [["Range", range]] } }))
			?.answer(0, null, null).text ?? null;
	t.strictSame(
		[take("bytes=0-1"), take("bytes=0-1"), take(null), take(null), take("bytes=1-2")],
		["al", "al", "all", null, "ll"],
	);
});

// Each session has its own order of all recordings.
import { join } from "node:path";
import t from "tap";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import { indexOf, recorded, sourceOf, tapeOf } from "../../../../fixtures/recordings.ts";
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

/** A tape of recordings, each of the session that its first letter names; "-": none. */
function tapeOfSessions(names: string) {
	return names
		.split(" ")
		.map((text) => httpFlow({ session: text.startsWith("-") ? null : text.charAt(0), response: { body: text } }));
}

/** The answers for sessions that ask one after the other; "-": none, "?": a miss. */
async function askMixed(tape: string, sessions: string, values: IndexValues = {}) {
	const index = await indexOf(tapeOfSessions(tape), values);
	return [...sessions]
		.map(
			(session) => index.takeRecording(httpFlow(), session === "-" ? "" : session)?.answer(0, null, null).text ?? "?",
		)
		.join(" ");
}

t.test("a session gets its own recordings first, then the others in order", async (t) => {
	const tape = "a1 b1 -1 a2 b2 -2";
	for (const [order, asked, expected] of [
		["once", "bbbbbbb", "b1 b2 a1 -1 a2 -2 ?"],
		["once", "abababab", "a1 b1 a2 b2 b1 a1 -1 -1"],
		["once", "-------", "-1 -2 a1 b1 a2 b2 ?"],
		["once", "cc", "a1 b1"],
		["sequence", "bbbbbbbb", "b1 b2 a1 -1 a2 -2 b2 b2"],
		["sequence", "ccccccc", "a1 b1 -1 a2 b2 -2 -2"],
		["cycle", "bbbbbbbbb", "b1 b2 a1 -1 a2 -2 b1 b2 a1"],
		["cycle", "aaaaaaaaa", "a1 a2 b1 -1 b2 -2 a1 a2 b1"],
		["first", "bbaac-b", "b1 b1 a1 a1 a1 -1 b1"],
	] as const)
		t.equal(await askMixed(tape, asked, { server_replay_order: order }), expected, `${order} ${asked}`);
});

t.test("own-only: a session gets nothing else; any: all sessions get all in order", async (t) => {
	const tape = "a1 b1 -1 a2";
	for (const [session, order, asked, expected] of [
		["own-only", "once", "aaabbc--", "a1 a2 ? b1 ? ? -1 ?"],
		["own-only", "sequence", "aaaabbc--", "a1 a2 a2 a2 b1 b1 ? -1 -1"],
		["own-only", "cycle", "aaabb", "a1 a2 a1 b1 b1"],
		["own-only", "first", "aabbc-", "a1 a1 b1 b1 ? -1"],
		["any", "once", "bbbbba", "a1 b1 -1 a2 ? a1"],
		["any", "sequence", "bbbbb", "a1 b1 -1 a2 a2"],
		["any", "first", "abc-", "a1 a1 a1 a1"],
	] as const) {
		const values = { server_replay_session_order: session, server_replay_order: order };
		t.equal(await askMixed(tape, asked, values), expected, `${session} ${order} ${asked}`);
	}
});

t.test("a tape without names answers all sessions", async (t) => {
	for (const session of ["own-first", "own-only", "any"] as const)
		t.equal(await askMixed("-1 -2", "aaabb-", { server_replay_session_order: session }), "-1 -2 ? -1 -2 -1");
});

t.test("sessions of tapes on disk", async (t) => {
	const folder = t.testdir();
	const two = [tapeOfSessions("a1 -1 b1"), tapeOfSessions("b2 a2 -2")];
	for (const values of [{}, { server_replay_match_content: "meaning" }] as const)
		for (const extension of ["tape", "jsonl", "mitm"]) {
			const tapes = await Promise.all(
				two.map((flows, n) => tapeOf(join(folder, `${Object.keys(values).length}-${n}.${extension}`), flows)),
			);
			const index = await ReplayIndex.open(tapes, values);
			const take = (session: string) => index.takeRecording(httpFlow(), session)?.answer(0, null, null).text;
			t.strictSame([..."bbb"].map(take), ["b1", "b2", "a1"], extension);
			t.strictSame(["", "", ""].map(take), ["-1", "-2", "a1"], extension);
			for (const tape of tapes) if ("close" in tape) await tape.close?.();
		}
});

t.test("recordings that more than their order decides: a session's own come first", async (t) => {
	const body = (session: string, text: string, headers: [string, string][] = []) =>
		httpFlow({ session, response: { body: text, headers: [["ETag", `"${text}"`], ...headers] } });
	const ranged = () => httpFlow({ request: { headers: [["Range", "bytes=0-1"]] } });
	for (const [order, expected] of [
		["once", ["b1", "b2", "a1", "?"]],
		["sequence", ["b1", "b2", "a1", "b2"]],
		["cycle", ["b1", "b2", "a1", "b1"]],
		["first", ["b1", "b1", "b1", "b1"]],
	] as const) {
		const flows = [body("a", "a1"), body("b", "b1"), body("b", "b2")];
		const index = await indexOf(flows, { server_replay_order: order }, { match: () => true });
		const taken = [1, 2, 3, 4].map(() => index.takeRecording(httpFlow(), "b")?.answer(0, null, null).text ?? "?");
		t.strictSame(taken, expected, order);
		const own = await indexOf(flows, { server_replay_order: order, server_replay_session_order: "own-only" });
		t.equal(own.takeRecording(ranged(), "b")?.answer(0, null, null).text, "b1", "a range");
		t.equal(own.takeRecording(ranged(), "c"), null);
	}
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

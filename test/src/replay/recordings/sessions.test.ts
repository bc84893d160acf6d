// Clients choose the names of sessions, so long and numerous names must not take much memory.
import t from "tap";
import { SESSIONS_LIMIT, Sessions } from "../../../../src/replay/recordings/sessions.ts";

function counted() {
	let count = 0;
	const forgotten: number[] = [];
	return {
		sessions: new Sessions(
			() => ++count,
			(session) => forgotten.push(session),
		),
		forgotten,
	};
}

t.test("each name has one session, however long the name is", (t) => {
	const { sessions } = counted();
	const [long, other] = [`${"x".repeat(50_000)}1`, `${"x".repeat(50_000)}2`];
	t.strictSame(
		["", "a", "", long, other, "a", long].map((name) => sessions.get(name)),
		[1, 2, 1, 3, 4, 2, 3],
	);
	t.end();
});

t.test("beyond the limit, the session that was not used for the longest time is forgotten", (t) => {
	const { sessions, forgotten } = counted();
	for (let i = 0; i < SESSIONS_LIMIT; i++) sessions.get(`worker-${i}`);
	t.equal(sessions.get("worker-0"), 1);
	sessions.get("one more");
	t.strictSame(forgotten, [2]);
	t.equal(sessions.get("worker-0"), 1);
	t.equal([...sessions.values()].length, SESSIONS_LIMIT);
	sessions.forgetAll();
	t.equal(forgotten.length, SESSIONS_LIMIT + 1);
	t.equal([...sessions.values()].length, 0);
	t.equal(sessions.get("worker-0"), SESSIONS_LIMIT + 2);
	t.end();
});

// Clients choose the names of sessions, so there is a limit to their number.
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

t.test("each name has one session", (t) => {
	const { sessions } = counted();
	t.strictSame(
		["", "a", "", "b", "c", "a", "b"].map((name) => sessions.get(name)),
		[1, 2, 1, 3, 4, 2, 3],
	);
	t.end();
});

t.test("beyond the limit, names share the session without a name", (t) => {
	const { sessions, forgotten } = counted();
	for (let i = 0; i < SESSIONS_LIMIT; i++) sessions.get(`worker-${i}`);
	t.equal(sessions.get("one more"), SESSIONS_LIMIT + 1);
	t.equal(sessions.get("another"), SESSIONS_LIMIT + 1);
	t.equal(sessions.get(""), SESSIONS_LIMIT + 1);
	t.equal(sessions.get("worker-0"), 1);
	t.strictSame(forgotten, []);
	sessions.forget("worker-0");
	sessions.forget("unknown");
	t.strictSame(forgotten, [1]);
	t.end();
});

t.test("a session that was forgotten begins anew", (t) => {
	const { sessions, forgotten } = counted();
	sessions.get("a");
	sessions.get("b");
	sessions.forget("b");
	t.strictSame([sessions.get("b"), sessions.get("a")], [3, 1]);
	sessions.forgetAll();
	t.strictSame(forgotten, [2, 1, 3]);
	t.equal([...sessions.values()].length, 0);
	t.equal(sessions.get("a"), 4);
	t.end();
});

// The names of sessions.
import t from "tap";
import { isSession, SESSION_LIMIT, sessionNameOf } from "../../../src/flow/session.ts";

t.test("a name has at most 128 bytes, and is not empty", (t) => {
	t.ok(["a", "x".repeat(SESSION_LIMIT), "é".repeat(SESSION_LIMIT / 2), null].every(isSession));
	t.notOk(["", "x".repeat(SESSION_LIMIT + 1), "é".repeat(SESSION_LIMIT / 2 + 1)].some(isSession));
	t.end();
});

t.test("every text has a valid name, and different texts have different names", (t) => {
	t.equal(sessionNameOf(""), null);
	t.equal(sessionNameOf("worker-3"), "worker-3");
	for (const letter of ["x", "é", "€", "😀"]) {
		const names = [400, 401, 402].map((length) => sessionNameOf(letter.repeat(length)));
		t.equal(new Set(names).size, 3);
		t.ok(names.every((name) => isSession(name) && name?.startsWith(letter.repeat(20)) && !name.includes("\ufffd")));
	}
	t.equal(sessionNameOf("x".repeat(400)), sessionNameOf("x".repeat(400)));
	t.end();
});

// Going through the recordings of a key.
import t from "tap";
import { Cursor } from "../../../../src/replay/recordings/cursor.ts";
import type { RecordingIndex } from "../../../../src/replay/recordings/keyed-tape.ts";

/** A tape that has places of one key, which may become more. */
function shelfOf(places: number[]): RecordingIndex {
	return {
		findByKey: (key, after, limit) => (key === "k" ? places.filter((place) => place > after).slice(0, limit) : []),
		...{ at: () => null, answerAt: () => null, outlines: () => [], codedRequests: () => [], countAnswers: () => 0 },
	};
}

t.test("all places of all indexes, in order", (t) => {
	const many = Array.from({ length: 40 }, (_, i) => i * 2);
	const cursor = new Cursor("k", [shelfOf(many), shelfOf([]), shelfOf([7])]);
	const found = [];
	for (let spot = cursor.next(); spot !== null; spot = cursor.next()) found.push(spot);
	t.same(found, [...many.map((place) => ({ tape: 0, place })), { tape: 2, place: 7 }]);
	t.equal(cursor.next(), null);
	t.end();
});

t.test("what a tape gets meanwhile comes too", (t) => {
	const places = [1];
	const cursor = new Cursor("k", [shelfOf(places)]);
	t.same(cursor.next(), { tape: 0, place: 1 });
	t.equal(cursor.next(), null);
	places.push(5);
	t.same(cursor.next(), { tape: 0, place: 5 });
	t.end();
});

t.test("knows whether it has found more", (t) => {
	const cursor = new Cursor("k", [shelfOf([1, 2])]);
	cursor.next();
	t.ok(cursor.hasMore);
	cursor.next();
	t.notOk(cursor.hasMore);
	t.equal(new Cursor("k", []).next(), null);
	t.end();
});

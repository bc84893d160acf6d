// Iterates over the recordings of a key.
import t from "tap";
import { Cursor } from "../../../../src/replay/recordings/cursor.ts";
import type { RecordingIndex } from "../../../../src/replay/recordings/keyed-tape.ts";

/** A tape with sequence numbers of one key, to which more can be added. */
function shelfOf(seqs: number[]): RecordingIndex {
	return {
		findByKey: (key, after, limit) => (key === "k" ? seqs.filter((seq) => seq > after).slice(0, limit) : []),
		at: () => null,
		answerAt: () => null,
		sessionAt: () => null,
		summaries: () => [],
		codedRequests: () => [],
		countAnswers: () => 0,
	};
}

t.test("all recordings of all indexes, in order", (t) => {
	const many = Array.from({ length: 40 }, (_, i) => i * 2);
	const cursor = new Cursor("k", [shelfOf(many), shelfOf([]), shelfOf([7])]);
	const found = [];
	for (let ref = cursor.next(); ref !== null; ref = cursor.next()) found.push(ref);
	t.same(found, [...many.map((seq) => ({ tape: 0, seq })), { tape: 2, seq: 7 }]);
	t.equal(cursor.next(), null);
	t.end();
});

t.test("flows that are added later are found", (t) => {
	const seqs = [1];
	const cursor = new Cursor("k", [shelfOf(seqs)]);
	t.same(cursor.next(), { tape: 0, seq: 1 });
	t.equal(cursor.next(), null);
	seqs.push(5);
	t.same(cursor.next(), { tape: 0, seq: 5 });
	t.end();
});

t.test("whether more recordings were found", (t) => {
	const cursor = new Cursor("k", [shelfOf([1, 2])]);
	cursor.next();
	t.ok(cursor.hasMore);
	cursor.next();
	t.notOk(cursor.hasMore);
	t.equal(new Cursor("k", []).next(), null);
	t.end();
});

t.test("some recordings before the others, from where the cursor is", (t) => {
	const many = Array.from({ length: 40 }, (_, i) => i);
	const cursor = new Cursor("k", [shelfOf(many), shelfOf([7, 8])]);
	const own = [1, 2, 30].map((seq) => ({ tape: 0, seq })).concat({ tape: 1, seq: 7 });
	t.notOk(cursor.isSorted);
	t.same(
		[cursor.next(), cursor.next(), cursor.next()],
		[0, 1, 2].map((seq) => ({ tape: 0, seq })),
	);
	// 2 counts as not returned
	cursor.putFirst(own);
	t.ok(cursor.isSorted);
	const found = [];
	for (let ref = cursor.next(); ref !== null; ref = cursor.next()) found.push(ref.seq + 100 * ref.tape);
	const others = many.filter((seq) => ![1, 2, 30].includes(seq));
	t.same(found, [2, 30, 107, ...others, 108]);
	t.ok(cursor.hasMore, "more may come");
	own.push({ tape: 1, seq: 9 });
	t.same(cursor.next(), { tape: 1, seq: 9 });
	t.end();
});

// Sequence numbers by key.
import fc from "fast-check";
import t from "tap";
import { hash64 } from "../../../../src/replay/match/hash.ts";
import { KeyTable } from "../../../../src/replay/recordings/key-table.ts";

t.test("finds the same as a map of lists", (t) => {
	fc.assert(
		fc.property(
			fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 60 }),
			fc.integer({ min: -1, max: 200 }),
			fc.integer({ min: 1, max: 8 }),
			(words, after, limit) => {
				const table = new KeyTable();
				const lists = new Map<string, number[]>();
				for (const [i, word] of words.entries()) {
					const key = hash64(`k${word}`);
					table.add(key, i * 3);
					lists.set(key, [...(lists.get(key) ?? []), i * 3]);
				}
				for (let word = 0; word < 11; word++) {
					const key = hash64(`k${word}`);
					t.same(table.find(key, after, limit), (lists.get(key) ?? []).filter((seq) => seq > after).slice(0, limit));
				}
			},
		),
		{ seed: 3, numRuns: 100 },
	);
	t.end();
});

t.test("keys with an equal half are distinct", (t) => {
	const table = new KeyTable();
	table.add("0123456789abcdef", 1);
	table.add("01234567ffffffff", 2);
	table.add("ffffffff89abcdef", 3);
	t.same(table.find("0123456789abcdef", -1, 9), [1]);
	t.same(table.find("01234567ffffffff", -1, 9), [2]);
	t.same(table.find("ffffffff89abcdef", -1, 9), [3]);
	t.end();
});

t.test("grows, also after a search", (t) => {
	const table = new KeyTable();
	for (let i = 0; i < 5000; i++) table.add(hash64(String(i % 100)), i);
	t.same(table.find(hash64("7"), 4000, 3), [4007, 4107, 4207]);
	table.add(hash64("7"), 5000);
	t.same(table.find(hash64("7"), 4800, 9), [4807, 4907, 5000]);
	t.end();
});

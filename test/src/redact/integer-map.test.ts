import t from "tap";
import { IntegerMap } from "../../../src/redact/integer-map.ts";

t.test("as a Map, for integers", async (t) => {
	const map = new IntegerMap();
	const expected = new Map<number, number>();
	for (let i = 0; i < 20_000; i++) {
		const key = Math.imul(i % 15_000, 0x85ebca6b) ^ (i % 7);
		map.set(key, i);
		expected.set(key, i);
	}
	for (const key of [0, -1, 1, 2 ** 31 - 1, -(2 ** 31)]) {
		map.set(key, 5);
		expected.set(key, 5);
	}
	t.equal(map.size, expected.size);
	t.ok([...expected].every(([key, value]) => map.get(key) === value));
	t.same(
		[...map.keys()].sort((a, b) => a - b),
		[...expected.keys()].sort((a, b) => a - b),
	);
	t.equal(map.get(123), -1);
});

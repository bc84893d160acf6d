// Recently used entries are kept; older ones are evicted.
import t from "tap";
import { RecentMap } from "../../../src/flow/recent-map.ts";

t.test("keeps the latest entries, at most twice the limit", async (t) => {
	const map = new RecentMap<number, string>(100);
	for (let i = 0; i < 1000; i++) map.set(i, `${i}`);
	const kept = Array.from({ length: 1000 }, (_, i) => map.get(i)).filter((value) => value !== undefined);
	t.ok(kept.length >= 100 && kept.length <= 200, `${kept.length} are kept`);
	t.equal(kept.at(-1), "999");
});

t.test("entries in use are kept", async (t) => {
	const map = new RecentMap<string, number>(10);
	map.set("used", 1);
	for (let i = 0; i < 100; i++) {
		map.set(`${i}`, i);
		t.equal(map.get("used"), 1);
	}
	map.set("used", 2);
	t.equal(map.get("used"), 2);
});

t.test("entries with weights", async (t) => {
	const map = new RecentMap<number, string>(10, ({ length }) => length);
	map.set(1, "x".repeat(8));
	map.set(2, "y".repeat(8));
	t.equal(map.get(1)?.length, 8);
	map.set(3, "z".repeat(8));
	map.set(4, "z".repeat(8));
	t.equal(map.get(2), undefined);
});

t.test("deleted entries are gone, also old ones", async (t) => {
	const map = new RecentMap<string, number>(2);
	for (const [n, key] of ["a", "b", "c"].entries()) map.set(key, n);
	map.delete("a");
	map.delete("c");
	t.same([map.get("a"), map.get("b"), map.get("c")], [undefined, 1, undefined]);
});

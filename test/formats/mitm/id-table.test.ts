// Stores ids with their offsets, and grows.
import t from "tap";
import { IdTable } from "../../../formats/mitm/id-table.ts";

t.test("an id has its last offset", async (t) => {
	const ids = new IdTable();
	t.equal(ids.get("a"), null);
	t.equal(ids.set("a", 0), null);
	t.equal(ids.set("b", 17), null);
	t.equal(ids.set("a", 2 ** 40), 0);
	t.same([ids.get("a"), ids.get("b"), ids.get(""), ids.size], [2 ** 40, 17, null, 2]);
});

t.test("many ids", async (t) => {
	const ids = new IdTable();
	for (let n = 0; n < 50_000; n++) ids.set(`flow ${n}`, n);
	t.equal(ids.size, 50_000);
	t.ok(Array.from({ length: 50_000 }, (_, n) => ids.get(`flow ${n}`) === n).every(Boolean));
	t.equal(ids.get("flow 50000"), null);
});

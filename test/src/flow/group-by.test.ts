// Items by key.
import t from "tap";
import { groupBy } from "../../../src/flow/group-by.ts";

t.test("keys and items keep their order", async (t) => {
	t.same(
		[...groupBy([3, 4, 1, 2], (n) => (n % 2 === 0 ? "even" : "odd"))],
		[
			["odd", [3, 1]],
			["even", [4, 2]],
		],
	);
	t.equal(groupBy([], String).size, 0);
});

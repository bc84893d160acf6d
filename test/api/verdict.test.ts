// Decides whether a run failed.
import t from "tap";
import { Verdict } from "../../api/verdict.ts";

t.test("misses, unused recordings and attempts to reach servers, if options name them", async (t) => {
	const counts = { missed: 2, unused: 1, egress: new Map([["a.test:443", 2]]) };
	const kinds = (fail_on: string[], max_miss: number | null = null) =>
		new Verdict({ fail_on, max_miss }).failuresOf(counts).map(({ kind }) => kind);
	t.same(kinds([]), []);
	t.same(kinds(["miss, unused", "egress"]), ["miss", "unused", "egress"]);
	t.same(kinds(["miss"], 2), [], "so many may be missed");
	t.same(kinds([], 1), ["miss"]);
	t.same(
		new Verdict({ fail_on: ["miss", "unused", "egress"], max_miss: null }).failuresOf({
			missed: 0,
			unused: 0,
			egress: new Map(),
		}),
		[],
	);
	t.throws(() => new Verdict({ fail_on: ["mist"], max_miss: null }), { code: "FT_BAD_OPTION", option: "fail_on" });
});

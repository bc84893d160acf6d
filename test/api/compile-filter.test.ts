// Filters of programs.
import t from "tap";
import { compileFilter } from "../../api/compile-filter.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";

t.test("compiles an expression with its options, and rejects others", async (t) => {
	const flow = httpFlow({ request: { path: "/API" } });
	t.equal(compileFilter("~u api").matches(flow), true);
	t.equal(compileFilter("~u api", { caseSensitive: true }).matches(flow), false);
	t.throws(() => compileFilter("~c ("), { code: "FT_BAD_FILTER" });
	t.throws(() => compileFilter("~all", { casesensitive: true } as object), { message: /Did you mean "caseSensitive"/ });
});

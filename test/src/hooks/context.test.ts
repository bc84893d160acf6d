// The clock of hooks counts seconds.
import t from "tap";
import { clock } from "../../../src/hooks/context.ts";

t.test("seconds since 1970, with fractions", async (t) => {
	const before = Date.now();
	const now = clock() * 1000;
	t.ok(now >= before && now <= Date.now() + 1);
});

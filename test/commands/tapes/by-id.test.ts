import t from "tap";
import { chosen } from "../../../commands/tapes/by-id.ts";
import { httpFlow } from "../../../fixtures/build-flow.ts";

t.test("flows by the beginnings of their ids", async (t) => {
	const { step, check } = chosen("a.tape", ["ab", "x"]);
	t.ok(step(httpFlow({ id: "abcd" })));
	t.notOk(step(httpFlow({ id: "bcda" })));
	t.throws(check, { code: "FT_NO_FLOW", message: /a\.tape: no flow whose id begins with x/ });
	t.ok(step(httpFlow({ id: "x" })));
	check();
	t.ok(chosen("a.tape", []).step(httpFlow()), "all, where none is named");
});

// Returns a hook unchanged.
import t from "tap";
import { defineHook, phases } from "../../api/hooks.ts";

t.test("the same hook, with its types", async (t) => {
	const hook = defineHook({ name: "mine", request: (flow, decision) => decision.abort(flow.id, "mine") });
	t.equal(hook.name, "mine");
	t.same(phases.slice(0, 2), ["requestheaders", "request"]);
});

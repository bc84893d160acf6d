// A hook of a program's own is what it is.
import t from "tap";
import { defineHook, phases } from "../../api/hooks.ts";

t.test("a hook, its types kept", async (t) => {
	const hook = defineHook({ name: "mine", request: (flow, decision) => decision.abort(flow.id, "mine") });
	t.equal(hook.name, "mine");
	t.same(phases.slice(0, 2), ["requestheaders", "request"]);
});

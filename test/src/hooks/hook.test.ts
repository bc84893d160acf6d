// The phases are listed in their order.
import t from "tap";
import { httpFlow, websocketFlow } from "../../../fixtures/build-flow.ts";
import { type Phase, phases } from "../../../src/hooks/hook.ts";
import { Pipeline } from "../../../src/hooks/pipeline.ts";

t.test("stored flows pass all phases in this order", async (t) => {
	const passed: Phase[] = [];
	const hook = {
		name: "witness",
		...Object.fromEntries(phases.map((phase) => [phase, () => void passed.push(phase)])),
	};
	await new Pipeline([hook]).runStored(websocketFlow({ messages: [{}] }));
	t.strictSame(
		passed,
		phases.filter((phase) => phase !== "error"),
	);
	passed.length = 0;
	await new Pipeline([hook]).runStored(httpFlow({ response: null, error: { message: "gone", timestamp: 1 } }));
	t.strictSame(passed, ["requestheaders", "request", "error"]);
});

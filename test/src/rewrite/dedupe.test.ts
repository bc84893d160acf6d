import t from "tap";
import { httpFlow, tcpFlow } from "../../../fixtures/build-flow.ts";
import { defaultRequestKey } from "../../../src/replay/match/key.ts";
import { dedupe } from "../../../src/rewrite/dedupe.ts";

t.test("the first of equal flows stays", async (t) => {
	let dropped = 0;
	const step = dedupe(defaultRequestKey, () => dropped++);
	const kept = [
		httpFlow({ response: { headers: [["Date", "x"]] } }),
		httpFlow({ response: { headers: [["Date", "y"]] } }),
		httpFlow({ request: { path: "/other" } }),
		httpFlow({ response: { body: "another answer" } }),
		httpFlow({ response: { statusCode: 500 } }),
		httpFlow({ response: null, error: { message: "gone", timestamp: 1 } }),
		tcpFlow(),
		tcpFlow(),
	].map((flow) => step(flow) !== null);
	t.same(kept, [true, false, true, true, true, true, true, true]);
	t.equal(dropped, 1);
});

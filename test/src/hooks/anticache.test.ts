// Conditional request headers are removed, in live and stored flows.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { hookLog, runLive, runStored } from "../../../fixtures/run-hooks.ts";
import { createAnticache } from "../../../src/hooks/anticache.ts";

const conditional = () =>
	httpFlow({
		request: {
			headers: [
				["Host", "a"],
				["If-None-Match", '"1"'],
				["IF-MODIFIED-SINCE", "Tue, 01 Nov 2022 00:00:00 GMT"],
				["if-none-match", '"2"'],
				["If-Match", '"3"'],
			],
		},
	});

t.test("each of them is removed in any case, and no other header", async (t) => {
	for (const run of [runLive, runStored]) {
		const { changed, onChange } = hookLog();
		const flow = conditional();
		await run(createAnticache({ anticache: true }, { onChange }), flow);
		t.same(flow.request.headers.fields, ["Host", "a", "If-Match", '"3"']);
		t.same(changed, ["anticache"]);
	}
});

t.test("other requests are unchanged; without the option there is no hook", async (t) => {
	const { changed, onChange } = hookLog();
	await runLive(createAnticache({ anticache: true }, { onChange }), httpFlow());
	t.same(changed, []);
	t.equal(createAnticache({ anticache: false }, {}), null);
});

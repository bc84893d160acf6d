// Servers are asked for uncompressed bodies.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { hookLog, runLive, runStored } from "../../../fixtures/run-hooks.ts";
import { createAnticomp } from "../../../src/hooks/anticomp.ts";

t.test("requests accept only identity, for any Accept-Encoding", async (t) => {
	for (const run of [runLive, runStored])
		for (const fields of [
			[],
			[["Accept-Encoding", "gzip"]],
			[
				["accept-encoding", "br"],
				["Accept-Encoding", "gzip"],
			],
		] as [string, string][][]) {
			const { changed, onChange } = hookLog();
			const flow = httpFlow({ request: { headers: fields } });
			await run(createAnticomp({ anticomp: true }, { onChange }), flow);
			t.same(flow.request.headers.getAll("accept-encoding"), ["identity"]);
			t.same(changed, ["anticomp"]);
		}
});

t.test("a request that accepts only identity is unchanged; without the option there is no hook", async (t) => {
	const { changed, onChange } = hookLog();
	await runLive(
		createAnticomp({ anticomp: true }, { onChange }),
		httpFlow({ request: { headers: [["Accept-Encoding", "identity"]] } }),
	);
	t.same(changed, []);
	t.equal(createAnticomp({ anticomp: false }, {}), null);
});

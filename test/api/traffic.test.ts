// Writes finished flows if the recording filter and the program accept them.
import { join } from "node:path";
import t from "tap";
import { prepareTraffic } from "../../api/traffic.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { openTape } from "../../formats/index.ts";
import { hookOptions } from "../../src/hooks/builtin.ts";
import { defaults } from "../../src/options.ts";

t.test("only accepted flows are written and counted", async (t) => {
	const output = join(t.testdir(), "kept.tape");
	const seen: string[] = [];
	const traffic = await prepareTraffic({
		values: { ...defaults(hookOptions), save_stream_filter: "~u kept" },
		output,
		recordings: [],
		keeps: (flow) => flow.id !== "00000000-0000-4000-8000-000000000002",
		report: (code) => seen.push(code),
	});
	const flow = (n: number, path: string) =>
		httpFlow({ id: `00000000-0000-4000-8000-00000000000${n}`, request: { path } });
	for (const one of [flow(1, "/kept"), flow(2, "/kept"), flow(3, "/other")]) await traffic.sink.append(one);
	t.match(await traffic.close(), { recorded: 1, lost: 0, replay: null, egress: new Map() });
	t.strictSame(seen, []);
	const tape = await openTape(output, { report: (code, message) => t.fail(`${code} ${message}`) });
	const ids: string[] = [];
	for await (const batch of tape) ids.push(...batch.map(({ id }) => id));
	await tape.close?.();
	t.strictSame(ids, ["00000000-0000-4000-8000-000000000001"]);
});

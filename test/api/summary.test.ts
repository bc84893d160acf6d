// Statistics of flows.
import t from "tap";
import { Summary } from "../../api/summary.ts";
import { dnsFlow, httpFlow, STARTED } from "../../fixtures/build-flow.ts";

t.test("the slowest flows in order, at most the given number", async (t) => {
	const summary = new Summary(2);
	for (const seconds of [1, 3, 2]) summary.add(httpFlow({ response: { timestampEnd: STARTED + 0.1 + seconds } }));
	t.same(
		summary.report().slowest.map(({ seconds }) => Math.round(seconds)),
		[3, 2],
	);
});

t.test("the time range of flows of any type and order", async (t) => {
	const summary = new Summary(0);
	t.match(summary.report(), { from: null, to: null });
	summary.add(httpFlow({ request: { timestampStart: STARTED + 50 }, response: null }));
	summary.add(dnsFlow({ timestampCreated: STARTED - 7 }));
	summary.add(httpFlow({ request: { timestampStart: 0, timestampEnd: null }, response: null }));
	t.match(summary.report(), { from: STARTED - 7, slowest: [] });
});

t.test("names beyond the limit are counted together", async (t) => {
	const summary = new Summary(1);
	for (let i = 0; i < 100_002; i++)
		summary.add(httpFlow({ request: { host: `h${i}.test`, headers: [] }, response: null }));
	t.match(summary.report(), { flows: 100_002, hosts: [{ name: "(others)", flows: 2 }] });
});

t.test("a clock that was set back gives no negative duration", async (t) => {
	const summary = new Summary(3);
	summary.add(httpFlow({ request: { timestampStart: 10 }, response: { timestampStart: 9.5, timestampEnd: 9.8 } }));
	t.match(summary.report(), { from: 10, to: 10, slowest: [{ seconds: 0 }] });
});

// Prints statistics as text.
import t from "tap";
import { Summary } from "../../../api/summary.ts";
import { statsText } from "../../../commands/print/stats.ts";
import { plain } from "../../../commands/print/text.ts";
import { httpFlow } from "../../../fixtures/build-flow.ts";

t.test("control characters of recorded names are escaped", async (t) => {
	const summary = new Summary(5);
	summary.add(httpFlow({ request: { host: "a\u001b[2J.test", headers: [] } }));
	const text = statsText(summary.report(), plain);
	t.notMatch(text, "\u001b");
	t.match(text, "␛[2J");
});

t.test("an invalid time", async (t) => {
	const summary = new Summary(0);
	summary.add(httpFlow({ request: { timestampStart: 1e300, timestampEnd: 1e300 }, response: null }));
	t.match(statsText(summary.report(), plain), "1e+300");
});

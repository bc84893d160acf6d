// Dates in every form that servers write, with the same results as in Python and mitmproxy.
import fc from "fast-check";
import t from "tap";
import { formatHttpDate, parseHttpDate } from "../../../src/flow/date.ts";

t.test("all forms", async (t) => {
	const noon = 1299543638;
	const dates: Record<string, number> = {
		"Tue, 08 Mar 2011 00:20:38 GMT": noon,
		"tuesday, 08-Mar-11 00:20:38 GMT": noon,
		"Tue Mar  8 00:20:38 2011": noon,
		"08 Mar 2011 00:20:38": noon,
		" Tue,08 Mar 2011 00:20:38 GMT ": noon,
		"Tue, 08 March 2011 00.20.38 GMT": noon,
		"Tue, 8 Mar 2011 0:20 +0200": 1299536400,
		"Tue, 08 Mar 2011 00:20:38+0200": noon - 7200,
		"Tue,08 Mar 2011 00:20:38 -0530": 1299563438,
		"08-Mar-2011 00:20:38 EST": 1299561638,
		"Tue Mar 8 00:20:38 PST 2011": 1299572438,
		"Tue Mar 8 00:20:38 +0100 2011": noon - 3600,
		"Tue, 08 Mar 2011 00:20:38 XYZ": noon,
		"Tue, 08 Mar 69 00:20:38 GMT": -25832362,
		"Tue, 08 Mar 68 00:20:38 GMT": 3098391638,
		"Fri, 32 Mar 2023 25:61:00 GMT": Date.UTC(2023, 3, 2, 2, 1) / 1000,
		"Sat, 01 Jan 0050 00:00:00 GMT": -60589296000,
	};
	for (const [text, seconds] of Object.entries(dates)) t.equal(parseHttpDate(text), seconds, text);
});

t.test("invalid dates", async (t) => {
	for (const text of [
		"",
		"0",
		"-1",
		"Tue",
		"08 Mar 2011",
		"Tue, 08 Foo 2011 00:20:38 GMT",
		"Tue, 08 Marchy 2011 00:20:38",
		"2011-03-08T00:20:38Z",
		"08 Mar 2011 GMT",
		"08/Mar/2011 00:20",
	])
		t.equal(parseHttpDate(text), null, text);
	const started = process.cpuUsage();
	parseHttpDate(`Tue,${" ".repeat(200_000)}x`);
	parseHttpDate(`${"a".repeat(200_000)},`);
	t.ok(process.cpuUsage(started).user < 20_000_000, "and a long one takes no longer than it is long");
});

t.test("formats as RFC 9110 requires", async (t) => {
	t.equal(formatHttpDate(1299543638.9), "Tue, 08 Mar 2011 00:20:38 GMT");
	t.equal(formatHttpDate(-0.1), "Wed, 31 Dec 1969 23:59:59 GMT");
	t.equal(formatHttpDate(Date.UTC(9999, 11, 31) / 1000), "Fri, 31 Dec 9999 00:00:00 GMT");
	for (const beyond of [Date.UTC(10_000, 0, 1) / 1000, -62_200_000_000, 1e20, Number.NaN])
		t.equal(formatHttpDate(beyond), null);
	fc.assert(
		fc.property(
			fc.integer({ min: -30_610_224_000, max: 253_402_300_799 }),
			(seconds) => parseHttpDate(formatHttpDate(seconds) ?? "") === seconds,
		),
		{ seed: 1, numRuns: 1000 },
	);
});

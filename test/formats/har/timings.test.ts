// Converts phases to timestamps and back, to the microsecond.
import fc from "fast-check";
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import type { JsonObject } from "../../../formats/fields.ts";
import { EntryFields } from "../../../formats/har/entry-fields.ts";
import { formatStarted, parseStarted, readMoments, writeTimings } from "../../../formats/har/timings.ts";

t.test("dates as programs write them", async (t) => {
	const at = Date.UTC(2024, 4, 2, 8, 15, 30) * 1000;
	for (const [text, micros] of [
		["2024-05-02T08:15:30.123Z", 123_000],
		["2024-05-02T10:15:30.123+02:00", 123_000],
		["2024-05-02T08:15:30+0000", 0],
		["2024-05-02T11:15:30.7857747+03:00", 785_774],
		["2024-05-02T08:15:30.000001Z", 1],
		["Thu, 02 May 2024 08:15:30 GMT", 0],
	] as const)
		t.equal(parseStarted(text), at + micros, text);
	t.equal(
		parseStarted("2024-05-02T08:15:30"),
		new Date(2024, 4, 2, 8, 15, 30).getTime() * 1000,
		"local without a zone",
	);
	t.equal(parseStarted("yesterday"), null);
	t.equal(formatStarted(1_714_637_730.123), "2024-05-02T08:15:30.123Z");
	t.equal(formatStarted(1_714_637_730.123456), "2024-05-02T08:15:30.123456Z");
	for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, 1e300, -1e300])
		t.equal(formatStarted(odd), "1970-01-01T00:00:00.000Z");
});

/** The timestamps of an entry with these phases, and the phases of the timestamps. */
function roundTrip(
	timings: JsonObject,
	time = 0,
): { moments: ReturnType<typeof readMoments>; written: ReturnType<typeof writeTimings> } {
	const started = 1_700_000_000_000_000;
	const moments = readMoments(new EntryFields({ time, timings }, ""), started, true);
	const flow = httpFlow({
		request: { timestampStart: started / 1e6, timestampEnd: moments.requestEnd },
		response: { timestampStart: moments.responseStart, timestampEnd: moments.responseEnd },
		...(moments.connection === null ? {} : { serverConn: moments.connection }),
	});
	return { moments, written: writeTimings(flow, timings) };
}

t.test("every phase is restored", async (t) => {
	const timings = { blocked: 3.5, dns: 12, connect: 40.25, ssl: 25, send: 0.5, wait: 80.125, receive: 5 };
	const { written, moments } = roundTrip(timings);
	t.same(written, { time: 141.375, timings });
	t.equal(moments.requestEnd, 1_700_000_000.05625);
	t.match(moments.connection, {
		timestampStart: 1_700_000_000.0155,
		timestampTcpSetup: 1_700_000_000.03075,
		timestampTlsSetup: 1_700_000_000.05575,
	});
	t.same(roundTrip({ send: 1, wait: 2, receive: 3 }).written.timings, {
		blocked: -1,
		dns: -1,
		connect: -1,
		ssl: -1,
		send: 1,
		wait: 2,
		receive: 3,
	});
	fc.assert(
		fc.property(fc.array(fc.nat(10_000_000), { minLength: 7, maxLength: 7 }), (micros) => {
			const [blocked = 0, dns = 0, connect = 0, ssl = 0, send = 0, wait = 0, receive = 0] = micros.map((n) => n / 1000);
			const given = { blocked, dns, connect: connect + ssl, ssl, send, wait, receive };
			const { timings: back } = roundTrip(given).written;
			return Object.entries(given).every(([name, value]) => Math.abs(Number(back[name]) - value) < 1e-6);
		}),
		{ seed: 2, numRuns: 300 },
	);
});

t.test("other conventions", async (t) => {
	t.match(
		roundTrip({ connect: 5, ssl: 20, send: 0, wait: 10, receive: 0 }, 35).written.timings,
		{ connect: 25, ssl: 20 },
		"TLS that is longer than connecting is separate",
	);
	t.match(
		roundTrip({ connect: 20, ssl: 5, send: 0, wait: 10, receive: 0 }, 35).written.timings,
		{ connect: 25, ssl: 5 },
		"the sum shows it as well",
	);
	t.match(roundTrip({ connect: 20, ssl: 5, send: 0, wait: 10, receive: 0 }, 30).written.timings, {
		connect: 20,
		ssl: 5,
	});
	t.match(
		roundTrip({}, 12.5).written,
		{ time: 12.5, timings: { wait: 12.5 } },
		"without phases, all of the time is waiting",
	);
	t.match(
		roundTrip({ send: "1", wait: "2 ms", receive: "soon" }).written.timings,
		{ send: 1, wait: 2, receive: 0 },
		"as texts",
	);
});

t.test("timestamps out of order give no negative phase", async (t) => {
	const { time, timings } = writeTimings(
		httpFlow({
			request: { timestampStart: 100, timestampEnd: 90 },
			response: { timestampStart: 80, timestampEnd: Number.NaN },
			serverConn: { timestampStart: 100, timestampTcpSetup: 99 },
		}),
		{},
	);
	t.equal(time, 0);
	t.same(timings, { blocked: -1, dns: -1, connect: -1, ssl: -1, send: 0, wait: 0, receive: 0 });
	const lazy = httpFlow({
		request: { timestampStart: 100, timestampEnd: 101 },
		response: { timestampStart: 104, timestampEnd: 105 },
		serverConn: { timestampStart: 101, timestampTcpSetup: 102 },
	});
	t.match(
		writeTimings(lazy, {}),
		{ time: 5000, timings: { connect: 1000, ssl: -1, send: 1000, wait: 2000, receive: 1000 } },
		"a connection after the request",
	);
	t.match(
		writeTimings(
			httpFlow({
				response: null,
				request: { timestampStart: 1, timestampEnd: 2 },
				error: { message: "x", timestamp: 4 },
			}),
			{},
		),
		{
			time: 3000,
		},
	);
});

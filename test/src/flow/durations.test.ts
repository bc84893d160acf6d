// Durations of exchanges.
import t from "tap";
import { dnsFlow, httpFlow, tcpFlow, websocketFlow } from "../../../fixtures/build-flow.ts";
import { durationOf, firstByteOf } from "../../../src/flow/durations.ts";

t.test("durations follow from the timestamps of the messages", async (t) => {
	const flow = httpFlow({ request: { timestampStart: 10 }, response: { timestampStart: 10.5, timestampEnd: 12 } });
	t.equal(durationOf(flow), 2);
	t.equal(firstByteOf(flow), 0.5);
	const conversation = websocketFlow();
	t.equal(
		durationOf(conversation),
		(conversation.websocket?.timestampEnd ?? Number.NaN) - conversation.request.timestampStart,
	);
});

t.test("durations are 0 if the clock was set back meanwhile", async (t) => {
	const flow = httpFlow({ request: { timestampStart: 10 }, response: { timestampStart: 9.5, timestampEnd: 9.8 } });
	t.equal(durationOf(flow), 0);
	t.equal(firstByteOf(flow), 0);
});

t.test("unknown durations are null", async (t) => {
	for (const flow of [
		httpFlow({ response: null }),
		httpFlow({ request: { timestampStart: 0 } }),
		httpFlow({ response: { timestampStart: 0, timestampEnd: null } }),
		httpFlow({ response: { timestampStart: Number.POSITIVE_INFINITY, timestampEnd: Number.NaN } }),
		tcpFlow(),
		dnsFlow(),
	]) {
		t.equal(durationOf(flow), null);
		t.equal(firstByteOf(flow), null);
	}
});

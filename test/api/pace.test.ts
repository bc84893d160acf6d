// Sends requests one by one, several at a time, at a rate, or with the recorded gaps.
import t from "tap";
import { parseSpeed, sendAtPace } from "../../api/pace.ts";
import { httpFlow, STARTED } from "../../fixtures/build-flow.ts";
import type { HttpFlow } from "../../src/flow/flow.ts";

async function* flows(...offsets: number[]): AsyncGenerator<HttpFlow> {
	for (const offset of offsets) yield httpFlow({ request: { timestampStart: STARTED + offset } });
}
const never = new AbortController().signal;

t.test("speeds", async (t) => {
	t.same([parseSpeed(null), parseSpeed("2x"), parseSpeed("0.5x"), parseSpeed("3")], [null, 2, 0.5, 3]);
	for (const text of ["fast", "0x", "-1x", "x"])
		t.throws(() => parseSpeed(text), { code: "FT_BAD_OPTION", option: "speed" });
});

t.test("at most the given number of requests at a time, in order", async (t) => {
	for (const concurrency of [1, 3]) {
		let underWay = 0;
		let most = 0;
		const order: number[] = [];
		await sendAtPace(
			flows(0, 1, 2, 3, 4, 5),
			{ concurrency, rate: null, speed: null },
			async (flow) => {
				order.push(flow.request.timestampStart - STARTED);
				most = Math.max(most, ++underWay);
				await new Promise(setImmediate);
				underWay--;
			},
			never,
		);
		t.same(order, [0, 1, 2, 3, 4, 5]);
		t.equal(most, concurrency);
	}
});

t.test("at a rate, or with the recorded gaps, no request is sent early", async (t) => {
	for (const [pace, gapMs] of [
		[{ rate: 20, speed: null }, 50],
		[{ rate: null, speed: 2 }, 100],
	] as const) {
		const at: number[] = [];
		const started = performance.now();
		await sendAtPace(
			flows(0, 0.2),
			{ concurrency: 9, ...pace },
			async () => void at.push(performance.now() - started),
			never,
		);
		t.ok((at[1] ?? 0) >= gapMs - 2, `${at}`);
	}
});

t.test("after an abort, it sends no more and waits for the requests in progress", async (t) => {
	const controller = new AbortController();
	let sent = 0;
	let answered = 0;
	await sendAtPace(
		flows(0, 1000, 2000),
		{ concurrency: 1, rate: null, speed: 1 },
		async () => {
			sent++;
			controller.abort();
			await new Promise(setImmediate);
			answered++;
		},
		controller.signal,
	);
	t.same([sent, answered], [1, 1]);
});

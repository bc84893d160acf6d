// Arrival times of the parts of an event stream.
import t from "tap";
import { ChunkTimes } from "../../../../src/proxy/body/chunk-times.ts";

t.test("milliseconds since the head, and sizes", async (t) => {
	const times = new ChunkTimes(1000);
	times.record(10, 1000.0004);
	times.record(20, 1001.2346);
	t.strictSame(times.list, [
		[0, 10],
		[1235, 20],
	]);
});

t.test("the list has a limit", async (t) => {
	const times = new ChunkTimes(0);
	for (let i = 0; i < 100_001; i++) times.record(i, i / 1000);
	t.equal(times.list.length, 100_000);
	t.strictSame(times.list.at(-1), [99_999, 99_999]);
});

t.test("parts of the same millisecond are joined", async (t) => {
	const times = new ChunkTimes(0);
	for (let i = 0; i < 10_000; i++) times.record(1, 0.5);
	times.record(1, 0.501);
	t.strictSame(times.list, [
		[500, 4096],
		[500, 4096],
		[500, 1808],
		[501, 1],
	]);
});

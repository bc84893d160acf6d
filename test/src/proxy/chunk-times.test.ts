// When the parts of an event stream came.
import t from "tap";
import { ChunkTimes } from "../../../src/proxy/chunk-times.ts";

t.test("whole milliseconds since the head, and bytes", async (t) => {
	const times = new ChunkTimes(1000);
	times.add(10, 1000.0004);
	times.add(20, 1001.2346);
	t.strictSame(times.list, [
		[0, 10],
		[1235, 20],
	]);
});

t.test("a stream without an end keeps the times of its beginning", async (t) => {
	const times = new ChunkTimes(0);
	for (let i = 0; i < 100_001; i++) times.add(i, 0);
	t.equal(times.list.length, 100_000);
	t.strictSame(times.list.at(-1), [0, 99_999]);
});

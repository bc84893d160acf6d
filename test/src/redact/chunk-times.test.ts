// Times of chunks add up to the body that was changed.
import t from "tap";
import { fitChunkTimes } from "../../../src/redact/chunk-times.ts";

t.test("the last chunks lose or gain the difference", async (t) => {
	const times = [
		[0, 10],
		[50, 20],
		[90, 5],
	];
	t.same(fitChunkTimes(times, 35), times);
	t.same(fitChunkTimes(times, 40), [
		[0, 10],
		[50, 20],
		[90, 10],
	]);
	t.same(fitChunkTimes(times, 28), [
		[0, 10],
		[50, 18],
	]);
	t.same(fitChunkTimes(times, 0), []);
});

t.test("values of another form stay", async (t) => {
	for (const value of [null, "x", [1, 2], [[1]], [["a", "b"]]]) t.same(fitChunkTimes(value, 3), value);
});

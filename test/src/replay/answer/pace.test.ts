// The timed chunks of a body.
import t from "tap";
import { piecesOf, type Recorded } from "../../../../src/replay/answer/pace.ts";

const recorded = (parts: Partial<Recorded>): Recorded => ({
	body: Buffer.from("abcdefgh"),
	seconds: 1,
	factor: 1,
	isEventStream: false,
	chunkTimes: undefined,
	...parts,
});
const shown = (parts: Partial<Recorded>) =>
	piecesOf(recorded(parts))?.map(({ afterMs, bytes }) => [Math.round(afterMs), bytes.toString()]) ?? null;

t.test("recorded chunk times are used", (t) => {
	const chunkTimes = [
		[0, 3],
		[500, 1],
		[2000, 4],
	];
	t.same(shown({ chunkTimes }), [
		[0, "abc"],
		[500, "d"],
		[1500, "efgh"],
	]);
	t.same(shown({ chunkTimes, factor: 2, seconds: 0 }), [
		[0, "abc"],
		[1000, "d"],
		[3000, "efgh"],
	]);
	t.end();
});

t.test("chunk times that do not match the body are ignored", (t) => {
	for (const chunkTimes of [
		[[0, 3]],
		[[0, 9]],
		[[-1, 8]],
		[[8]],
		[["0", 8]],
		[0, 8],
		"x",
		[],
		[
			[1, 4],
			[0, 4],
		],
	])
		t.equal(shown({ chunkTimes: chunkTimes as Recorded["chunkTimes"] })?.length, 8, JSON.stringify(chunkTimes));
	t.end();
});

t.test("without chunk times, chunks are spread evenly over the recorded time", (t) => {
	t.same(shown({ seconds: 0.02 }), [
		[0, "abcd"],
		[20, "efgh"],
	]);
	t.equal(shown({ seconds: 0.005 }), null);
	t.equal(shown({ body: Buffer.alloc(0) }), null);
	const many = piecesOf(recorded({ body: Buffer.alloc(100_000), seconds: 10 })) ?? [];
	t.equal(many.length, 50);
	t.equal(Math.round(many.reduce((sum, { afterMs }) => sum + afterMs, 0)), 10_000);
	t.equal(Buffer.concat(many.map(({ bytes }) => bytes)).length, 100_000);
	t.end();
});

t.test("event streams are split into events", (t) => {
	t.same(
		shown({ isEventStream: true, body: Buffer.from("data: 1\n\ndata: 2\r\n\r\nid: 3\ndata: 3\n\ndata: unfinished") }),
		[
			[0, "data: 1\n\n"],
			[333, "data: 2\r\n\r\n"],
			[333, "id: 3\ndata: 3\n\n"],
			[333, "data: unfinished"],
		],
	);
	t.same(shown({ isEventStream: true, body: Buffer.from("data: 1\n\n") }), [[0, "data: 1\n\n"]]);
	t.end();
});

// Parses and resolves byte ranges, and cuts and joins bodies.
import t from "tap";
import {
	joinBodies,
	parseContentRange,
	parseRanges,
	partOf,
	resolveRange,
} from "../../../../src/replay/answer/byte-range.ts";

t.test("the Range header", (t) => {
	t.same(parseRanges("bytes=0-99"), [{ first: 0, last: 99 }]);
	t.same(parseRanges("Bytes = 5-, -7,, 1 - 2"), [
		{ first: 5, last: null },
		{ first: null, last: 7 },
		{ first: 1, last: 2 },
	]);
	for (const none of ["items=0-9", "bytes=", "bytes=-", "bytes=9-1", "bytes=a-b", "0-9", "bytes=0-9;x"])
		t.equal(parseRanges(none), null, none);
	t.end();
});

t.test("ranges of a representation", (t) => {
	const bytes = (field: string, size: number | null) => {
		const span = resolveRange(parseRanges(field)?.[0] ?? { first: null, last: null }, size);
		return span === null ? null : [span.from, span.to];
	};
	t.same(bytes("bytes=0-9", 100), [0, 10]);
	t.same(bytes("bytes=90-999", 100), [90, 100]);
	t.same(bytes("bytes=90-", 100), [90, 100]);
	t.same(bytes("bytes=-5", 100), [95, 100]);
	t.same(bytes("bytes=-500", 100), [0, 100]);
	for (const none of ["bytes=100-", "bytes=-0"]) t.equal(bytes(none, 100), null, none);
	t.equal(bytes("bytes=-5", 0), null);
	t.same(bytes("bytes=5-9", null), [5, 10]);
	t.equal(bytes("bytes=5-", null), null);
	t.end();
});

t.test("the Content-Range header", (t) => {
	t.same(parseContentRange("bytes 0-99/1000"), { span: { from: 0, to: 100 }, size: 1000 });
	t.same(parseContentRange("bytes 0-99/*"), { span: { from: 0, to: 100 }, size: null });
	t.same(parseContentRange("bytes */1000"), { span: null, size: 1000 });
	for (const none of [null, "", "items 0-9/10", "bytes 9-0/10", "bytes 0-9"])
		t.equal(parseContentRange(none), null, String(none));
	t.end();
});

t.test("a part of a body, also of a body on disk", (t) => {
	const whole = Buffer.from("0123456789");
	const source = {
		size: 10,
		read: () => whole,
		*chunks() {
			yield whole.subarray(0, 4);
			yield whole.subarray(4, 8);
			yield whole.subarray(8);
		},
	};
	t.equal(String(partOf(whole, { from: 2, to: 5 })), "234");
	for (const [from, to] of [
		[0, 10],
		[3, 9],
		[4, 8],
		[9, 10],
	] as const) {
		const part = partOf(source, { from, to });
		if (Buffer.isBuffer(part)) return t.fail("it stays on disk");
		t.equal(part.size, to - from);
		t.equal(String(part.read()), "0123456789".slice(from, to));
	}
	t.end();
});

t.test("concatenated bodies", async (t) => {
	const bodies = [Buffer.from("01"), partOf(Buffer.from("x234x"), { from: 1, to: 4 }), Buffer.from("")];
	const body = joinBodies(bodies);
	if (Buffer.isBuffer(body)) return t.fail("they are not copied");
	t.equal(body.size, 5);
	t.equal(String(body.read()), "01234");
	t.equal([...body.chunks()].join(), "01,234,");
	t.equal(joinBodies(bodies.slice(0, 1)), bodies[0]);
});

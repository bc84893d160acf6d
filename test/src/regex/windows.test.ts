// Windows of a subject: each has the context of its matches, and together they have every byte.
import t from "tap";
import { Windows } from "../../../src/regex/windows.ts";

const SIZE = 200_000;
const subject = Buffer.alloc(SIZE, "0123456789");

t.test("windows overlap by the reach, before the first index and after the last one", async (t) => {
	const reach = 100;
	const windows = new Windows(subject, reach);
	let from = 0;
	let count = 0;
	for (; from < SIZE; count++) {
		const { text, start, end } = windows.at(from);
		t.equal(start, Math.max(from - reach, 0));
		t.equal(text, subject.latin1Slice(start, start + text.length));
		if (end === Infinity) t.equal(start + text.length, SIZE, "the last one goes to the end");
		else t.equal(start + text.length, end + reach);
		t.ok(end > from);
		from = end;
	}
	t.ok(count > 2);
});

t.test("a string, and a pattern that may look anywhere, have one window", async (t) => {
	const whole = { text: subject.latin1Slice(), start: 0, end: Infinity };
	t.same(new Windows(whole.text, 1).at(0), whole);
	t.same(new Windows(subject, Infinity).at(0), whole);
	t.equal(new Windows(subject, Infinity, 50_000).at(0).text.length, 50_000);
});
